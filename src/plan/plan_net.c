/* SPDX-License-Identifier: Apache-2.0 */
/* The network interfaces that the container is given (config-linux.md, "Network Devices"). */
#include "base/err.h"
#include "ocispec/config.h"
#include "plan/arena.h"
#include "plan/part.h"

int
plan_net (const struct part *p, struct err *err)
{
  const struct oci_linux *l = p->config->linux_;
  struct plan *plan = p->plan;

  if (l == NULL || l->n_net_devices == 0)
    return 0;
  plan->net_devices = plan_alloc (p->arena, l->n_net_devices * sizeof *plan->net_devices);
  if (plan->net_devices == NULL)
    return part_nomem (err);
  for (size_t i = 0; i < l->n_net_devices; i++)
    {
      const struct oci_net_device *from = &l->net_devices[i];
      struct plan_net_device *to = &plan->net_devices[plan->n_net_devices++];

      to->where = plan_printf (p->arena, "linux.netDevices[\"%s\"]", from->host_name);
      to->host = plan_strdup (p->arena, from->host_name);
      to->name = plan_strdup (p->arena, from->name && from->name[0] ? from->name : from->host_name);
      if (to->where == NULL || to->host == NULL || to->name == NULL)
        return part_nomem (err);
    }
  return 0;
}
