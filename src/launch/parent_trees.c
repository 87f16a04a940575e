/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts that the child cannot make: what its user namespace or its mount namespace does not reach, and what is id-mapped.  Each is
 * made detached, configured and sent by its handle. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sys/eventfd.h>

#include "base/own.h"
#include "kernel/idmap.h"
#include "kernel/mount.h"
#include "kernel/ns.h"
#include "kernel/sys.h"
#include "launch/parent.h"
#include "launch/sync.h"
#include "plan/plan.h"

/* A tree that only we can reach.  It must neither stay shared with its origin nor wait for its attributes: later, from
 * inside the container's user namespace, they cannot be changed.  */
static int
open_root (const struct plan_root *r, uint64_t propagation, struct err *err)
{
  own_fd int fd = mount_clone_detached (AT_FDCWD, r->path, true, err);
  int ret = fd < 0 ? fd : mount_set (fd, 0, 0, propagation, true, err);

  return ret < 0 ? ret : take_fd (&fd);
}

static int
make_mount (const struct plan_mount *m, struct err *err)
{
  if (m->kind == PLAN_MOUNT_NEW)
    return mount_make (m->fstype, m->source, m->opts, m->n_opts, m->attr_set, err);
  return m->source_link ? mount_clone_link_detached (m->source, m->recursive, err) : mount_clone_detached (AT_FDCWD, m->source, m->recursive, err);
}

static int
set_idmap (const struct plan_mount *m, int fd, struct err *err)
{
  const struct plan_idmap *map = m->idmap;
  own_fd int userns = map->userns ? ns_open (map->userns, CLONE_NEWUSER, err)
                                  : idmap_userns (map->uid, map->n_uid, map->gid, map->n_gid, err);
  int ret = userns < 0 ? userns : mount_idmap (fd, userns, map->recursive, err);

  if (userns >= 0 && ret == -EINVAL)
    return err_doing (err, ret, "the file system at \"%s\"%s cannot be id-mapped by this kernel", m->source,
                      map->recursive ? ", or one below it," : "");
  return ret;
}

static int
open_mount (const struct plan_mount *m, uint64_t fallback, struct err *err)
{
  uint64_t propagation = m->propagation ? m->propagation : fallback;
  bool all = m->propagation ? m->propagation_recursive : true;
  own_fd int fd = make_mount (m, err);
  int ret = fd < 0 ? fd : 0;

  if (ret == 0 && m->kind == PLAN_MOUNT_BIND)
    ret = mount_set (fd, 0, 0, propagation, all && m->recursive, err);
  if (ret == 0 && m->kind == PLAN_MOUNT_BIND)
    ret = mount_set (fd, m->attr_set, m->attr_clear, 0, false, err);
  if (ret == 0)
    ret = mount_set (fd, m->rattr_set, m->rattr_clear, 0, true, err);
  if (ret == 0 && m->close_cgroups)
    ret = mount_close_cgroups (fd, err);
  if (ret == 0 && m->idmap)
    ret = set_idmap (m, fd, err);
  return ret < 0 ? ret : take_fd (&fd);
}

/* An optional mount whose source is not there is sent as something that is no directory: the child counts them.  Only cgroups are optional.  */
static int
open_if_there (const struct plan_mount *m, uint64_t fallback, struct err *err)
{
  int fd = open_mount (m, fallback, err);

  if (fd != -ENOENT || ! m->optional)
    return fd;
  err_clear (err);
  fd = eventfd (0, EFD_CLOEXEC);
  return fd < 0 ? err_sys (err, errno, "eventfd", "%s", m->source) : fd;
}

static int
send_tree (struct launch *l, int tree, struct err *err)
{
  int ret;
  own_fd int fd = tree;

  if (fd < 0)
    return fd;
  ret = sync_send (l->sync, SYNC_FDS, NULL, 0, &fd, 1, err);
  return ret;
}

int
parent_send_trees (struct launch *l, struct err *err)
{
  const struct plan *p = l->plan;
  uint64_t fallback = p->root.tree_propagation ? p->root.tree_propagation : (uint64_t) MS_SLAVE;
  int ret = 0;

  if (p->root.from_parent)
    ret = err_in (err, send_tree (l, open_root (&p->root, fallback, err), err), "root.path");
  for (size_t i = 0; ret == 0 && i < p->n_mounts; i++)
    if (p->mounts[i].from_parent)
      {
        const struct plan_mount *m = &p->mounts[i];
        ret = err_in (err, send_tree (l, open_if_there (m, fallback, err), err), "%s", m->where);
      }
  return ret;
}
