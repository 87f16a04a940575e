/* SPDX-License-Identifier: Apache-2.0 */
/* The network interfaces that the container is given (config-linux.md, "Network Devices"). */
#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "ocispec/config.h"
#include "plan/arena.h"
#include "plan/part.h"

static bool
is_template (const struct oci_net_device *d)
{
  return d->name && strchr (d->name, '%');
}

static int
add (const struct part *p, const struct oci_net_device *from, struct err *err)
{
  struct plan_net_device *to = &p->plan->net_devices[p->plan->n_net_devices++];

  to->where = plan_printf (p->arena, "linux.netDevices[\"%s\"]", from->host_name);
  to->host = plan_strdup (p->arena, from->host_name);
  to->name = plan_strdup (p->arena, from->name && from->name[0] ? from->name : from->host_name);
  return to->where && to->host && to->name ? 0 : part_nomem (err);
}

/* Templates last, though the members of an object have no order: eth%d might take the eth0 that another device is to have.  */
int
plan_net (const struct part *p, struct err *err)
{
  const struct oci_linux *l = p->config->linux_;
  int ret = 0;

  if (l == NULL || l->n_net_devices == 0)
    return 0;
  p->plan->net_devices = plan_alloc (p->arena, l->n_net_devices * sizeof *p->plan->net_devices);
  if (p->plan->net_devices == NULL)
    return part_nomem (err);
  for (size_t i = 0; ret == 0 && i < 2 * l->n_net_devices; i++)
    {
      const struct oci_net_device *d = &l->net_devices[i % l->n_net_devices];

      if (is_template (d) == (i >= l->n_net_devices))
        ret = add (p, d, err);
    }
  return ret;
}
