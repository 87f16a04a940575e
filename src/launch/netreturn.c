/* SPDX-License-Identifier: Apache-2.0 */
/* Network devices of a create that was killed; see netreturn.h. */
#include "launch/netreturn.h"

#include <errno.h>
#include <linux/sched.h>
#include <string.h>

#include "base/own.h"
#include "kernel/netdev.h"
#include "kernel/netif.h"
#include "kernel/ns.h"
#include "launch/record.h"

static void
return_one (int inside, int outside, const struct record_net_device *d)
{
  struct netdev found;

  if (netdev_is_template (d->name) || netdev_find (outside, d->host, &found, NULL) != -ENODEV)
    return; /* it never left, or nobody can say which of them it is */
  if (netdev_find (inside, d->name, &found, NULL) == 0)
    (void) netdev_move (inside, outside, &found, d->name, d->host, found.up, NULL, NULL);
}

void
netreturn (const struct record *rec)
{
  if (rec->n_net_devices == 0 || rec->net_path == NULL || strcmp (rec->status, "creating") != 0)
    return;
  own_fd int netns = ns_open (rec->net_path, CLONE_NEWNET, NULL);
  own_fd int inside = netns < 0 ? netns : netdev_socket_at (netns, NULL);
  own_fd int outside = inside < 0 ? inside : netif_socket (NULL);

  for (size_t i = 0; outside >= 0 && i < rec->n_net_devices; i++)
    return_one (inside, outside, &rec->net_devices[i]);
}
