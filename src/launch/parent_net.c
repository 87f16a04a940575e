/* SPDX-License-Identifier: Apache-2.0 */
/* The network interfaces of the container: moved into its network namespace once that
 * stands, and back if the create fails.  What becomes of them inside is not ours
 * (config-linux.md, "Network Devices"). */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/own.h"
#include "kernel/netdev.h"
#include "kernel/netif.h"
#include "launch/parent.h"
#include "launch/sync.h"
#include "plan/plan.h"

/* The host's own namespace is nothing to move into.  */
static int
check_other (int inside, struct err *err)
{
  struct stat ours, theirs;
  own_fd int netns = netdev_namespace (inside, err);

  if (netns < 0)
    return netns;
  if (fstat (netns, &theirs) < 0 || stat ("/proc/self/ns/net", &ours) < 0)
    return err_sys (err, errno, "stat", "network namespace");
  if (ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino)
    return err_spec (err, "linux.netDevices", "the container's network namespace is the runtime's own");
  return 0;
}

/* All that can be known to fail is found before the first interface moves.  */
static int
check (int outside, int inside, const struct plan_net_device *d, struct netdev *ret_dev, struct err *err)
{
  struct netdev there;
  int ret = netdev_find (outside, d->host, ret_dev, err);

  if (ret == -ENODEV)
    return err_doing (err, ret, "there is no network device of this name");
  if (ret < 0)
    return ret;
  if (ret_dev->loopback)
    return err_host (err, EINVAL, "the loopback device %s cannot be moved", d->host);
  if (netdev_is_template (d->name))
    return 0;
  ret = netdev_find (inside, d->name, &there, NULL);
  if (ret == 0)
    return err_host (err, EEXIST, "the container has a network device %s already", d->name);
  return ret == -ENODEV ? 0 : err_sys (err, -ret, "RTM_GETLINK", "%s", d->name);
}

static int
check_all (const struct launch *l, struct err *err)
{
  const struct plan *p = l->plan;
  int ret = check_other (l->net_inside, err);

  for (size_t i = 0; ret == 0 && i < p->n_net_devices; i++)
    {
      struct netdev d;
      ret = err_in (err, check (l->net_outside, l->net_inside, &p->net_devices[i], &d, err), "%s", p->net_devices[i].where);
    }
  return ret;
}

/* Moves all; what was moved is remembered for parent_net_undo.  */
static int
move_all (struct launch *l, struct err *err)
{
  const struct plan *p = l->plan;

  l->moved = calloc (p->n_net_devices, sizeof *l->moved);
  if (l->moved == NULL)
    return err_sys (err, ENOMEM, "calloc", "network devices");
  for (; l->n_moved < p->n_net_devices; l->n_moved++)
    {
      const struct plan_net_device *d = &p->net_devices[l->n_moved];
      struct parent_moved *m = &l->moved[l->n_moved];
      struct netdev now;
      int ret = netdev_find (l->net_outside, d->host, &now, err);

      if (ret == 0)
        ret = netdev_move (l->net_outside, l->net_inside, &now, d->host, d->name, true, &m->device, err);
      if (ret < 0)
        return err_in (err, ret, "%s", d->where);
      m->was_up = now.up;
    }
  return 0;
}

int
parent_net_devices (void *self, struct err *err)
{
  struct launch *l = self;
  size_t n = 1;
  int ret = parent_explain (l, sync_expect (l->sync, SYNC_NET, NULL, &l->net_inside, &n, err), err);

  if (ret < 0)
    return ret;
  if (n != 1)
    return err_bug (err, EPROTO, "NET brought no socket");
  l->net_outside = netif_socket (err);
  if (l->net_outside < 0)
    return l->net_outside;
  ret = check_all (l, err);
  if (ret == 0)
    ret = move_all (l, err);
  return ret < 0 ? ret : sync_send (l->sync, SYNC_NET, NULL, 0, NULL, 0, err);
}

void
parent_net_undo (struct launch *l)
{
  /* the socket keeps the namespace, so that the interfaces in it do not go with the child */
  for (size_t i = l->n_moved; i-- > 0;)
    (void) netdev_move (l->net_inside, l->net_outside, &l->moved[i].device, l->plan->net_devices[i].name, l->plan->net_devices[i].host,
                        l->moved[i].was_up, NULL, NULL); /* one that is gone cannot come back */
  l->n_moved = 0;
  parent_net_close (l);
}

void
parent_net_close (struct launch *l)
{
  /* really: as long as the socket lives, so does the namespace, when the container has long ended */
  if (l->net_inside >= 0)
    (void) close (l->net_inside);
  if (l->net_outside >= 0)
    (void) close (l->net_outside);
  l->net_inside = l->net_outside = -1;
  free (l->moved);
  l->moved = NULL;
  l->n_moved = 0;
}
