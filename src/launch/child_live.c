/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts of a container that exists: enters its mount namespace, attaches or removes what the plan says, and ends.  The processes of the container run
 * meanwhile, and what they own changes under our hands: targets are found once, by handle, and a mount is removed by its number.  All of the plan or
 * nothing: who fails, or whose parent is gone before it said READY, detaches what it attached.  child-safe */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "kernel/lsm.h"
#include "kernel/mount.h"
#include "kernel/ns.h"
#include "kernel/path.h"
#include "kernel/sys.h"
#include "launch/child.h"

/* Opens the sources that the parent could not: of an unprivileged user, whose user namespace may clone them in a copy of the mount namespace that
 * he is in.  */
static int
open_sources (struct child *c, struct err *err)
{
  int ret = ns_unshare (CLONE_NEWNS, err);

  for (size_t i = 0; ret == 0 && i < c->plan->n_mounts; i++)
    {
      const struct plan_mount *m = &c->plan->mounts[i];

      if (m->kind != PLAN_MOUNT_BIND || m->from_parent)
        continue;
      c->mounts[i] = m->source_link ? mount_clone_link_detached (m->source, m->recursive, err)
                                    : mount_clone_detached (AT_FDCWD, m->source, m->recursive, err);
      ret = err_in (err, c->mounts[i] < 0 ? c->mounts[i] : child_set_bind (m, c->mounts[i], err), "%s", m->where);
    }
  return ret;
}

int
child_live_join (void *self, struct err *err)
{
  struct child *c = self;
  int flags = c->plan->ns.pidfd_flags, ret = child_proc (c, err); /* while it is the runtime's: mounts are detached through it */

  for (size_t i = 0; i < c->plan->n_mounts; i++)
    c->mounts[i] = c->targets[i] = -1;
  if (ret >= 0 && c->plan->own_sources && (flags & CLONE_NEWUSER))
    {
      ret = child_join_first (c, CLONE_NEWUSER, err);
      flags &= ~CLONE_NEWUSER;
    }
  if (ret >= 0 && c->plan->own_sources)
    ret = open_sources (c, err);
  if (ret >= 0)
    ret = child_join_first (c, flags, err);
  if (ret < 0)
    return ret;
  c->root = open ("/", O_PATH | O_DIRECTORY | O_CLOEXEC); /* of the mount namespace: setns took us there */
  return c->root < 0 ? err_sys (err, errno, "open", "/") : 0;
}

/* Makes the I-th mount of the plan, or takes it.  */
static int
make_one (struct child *c, size_t i, struct err *err)
{
  const struct plan_mount *m = &c->plan->mounts[i];
  int ret = 0;

  if (m->from_parent)
    c->mounts[i] = child_take_mount (c, err);
  else if (m->kind == PLAN_MOUNT_NEW)
    c->mounts[i] = mount_make (m->fstype, m->source, m->opts, m->n_opts, m->attr_set, err);
  if (c->mounts[i] < 0)
    return c->mounts[i];
  if (m->label)
    ret = lsm_label_root (c->mounts[i], m->label, err);
  return ret == 0 && m->copy_up ? child_copy_up (c, m, c->mounts[i], err) : ret;
}

/* Makes what is missing of the target of the I-th mount and opens it: the place itself, or the directory of a name that is not to be followed.  */
static int
find_target (struct child *c, size_t i, struct err *err)
{
  const struct plan_mount *m = &c->plan->mounts[i];
  const char *name;
  struct stat st;
  bool is_dir;

  if (fstat (c->mounts[i], &st) < 0)
    return err_sys (err, errno, "fstat", "%s", m->source);
  is_dir = S_ISDIR (st.st_mode);
  if (! m->target_link && ! m->no_symlinks)
    return c->targets[i] = child_make_target (c, m, is_dir, err);
  c->targets[i] = path_parent (c->root, m->target, true, &name, err);
  if (c->targets[i] >= 0) /* what keeps us from it shows when the mount is attached */
    (void) (is_dir ? mkdirat (c->targets[i], name, 0755) : mknodat (c->targets[i], name, S_IFREG | 0644, 0));
  return c->targets[i];
}

int
child_live_make (void *self, struct err *err)
{
  struct child *c = self;

  /* what belongs to the container may let us wait for ever (FUSE): then the parent, or its end, ends us */
  (void) prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  for (size_t i = 0; i < c->plan->n_mounts; i++)
    {
      const struct plan_mount *m = &c->plan->mounts[i];
      int ret = m->kind == PLAN_MOUNT_REMOUNT ? 0 : make_one (c, i, err);

      if (ret >= 0 && m->kind != PLAN_MOUNT_REMOUNT && ! m->nested)
        ret = find_target (c, i, err);
      if (ret < 0)
        return err_in (err, ret, "%s", m->where);
    }
  return 0;
}

/* Detaches the first N mounts of the plan, the last first.  */
static void
undo (const struct child *c, size_t n)
{
  while (n-- > 0)
    if (c->plan->mounts[n].kind != PLAN_MOUNT_REMOUNT && c->mounts[n] >= 0)
      (void) mount_detach (c->proc, c->mounts[n], NULL); /* there is nothing else to be done about it */
}

static int
attach_one (struct child *c, size_t i, struct err *err)
{
  const struct plan_mount *m = &c->plan->mounts[i];
  const char *slash = strrchr (m->target, '/');
  int ret = m->nested ? find_target (c, i, err) : 0;

  if (ret < 0)
    return ret;
  if (m->target_link || m->no_symlinks)
    ret = mount_attach_at (c->mounts[i], c->targets[i], slash ? slash + 1 : m->target, err);
  else
    ret = mount_attach (c->mounts[i], c->targets[i], err);
  if (m->no_symlinks && (ret == -EINVAL || ret == -ENOTDIR || ret == -ELOOP))
    return err_doing (err, ret, "\"/%s\" must be an ordinary directory to mount %s on", m->target, m->fstype);
  return ret;
}

/* What is still to be said of the I-th mount once it is attached.  */
static int
settle (struct child *c, size_t i, struct err *err)
{
  const struct plan_mount *m = &c->plan->mounts[i];

  if (m->kind == PLAN_MOUNT_REMOUNT)
    return m->of >= 0 ? child_set_bind (m, c->mounts[m->of], err) : err_bug (err, EINVAL, "a remount of what was not made here");
  return m->kind == PLAN_MOUNT_NEW && m->propagation ? mount_set (c->mounts[i], 0, 0, m->propagation, m->propagation_recursive, err) : 0;
}

static int
attach_all (struct child *c, size_t *ret_attached, struct sync_mounted *mounted, struct err *err)
{
  for (size_t i = 0; i < c->plan->n_mounts; i++)
    {
      const struct plan_mount *m = &c->plan->mounts[i];
      bool remount = m->kind == PLAN_MOUNT_REMOUNT;
      int ret = remount ? 0 : attach_one (c, i, err);

      if (ret >= 0)
        {
          *ret_attached = i + 1;
          ret = settle (c, i, err);
        }
      if (ret >= 0 && ! remount)
        ret = mount_number (c->mounts[i], &mounted->id[mounted->n++], err);
      if (ret < 0)
        return err_in (err, ret, "%s", m->where);
    }
  return 0;
}

int
child_live_attach (void *self, struct err *err)
{
  struct child *c = self;
  struct sync_mounted mounted = { .n = 0 };
  size_t attached = 0;
  int ret;

  (void) prctl (PR_SET_PDEATHSIG, 0, 0, 0, 0); /* from here on we clear up ourselves */
  ret = attach_all (c, &attached, &mounted, err);
  if (ret == 0)
    ret = sync_send (c->sync, SYNC_MOUNTED, &mounted, sizeof mounted, NULL, 0, err);
  if (ret < 0)
    undo (c, attached);
  return ret;
}

/* Opens the root of the mount that U means.  Another may be in its place by now.  */
static int
open_mounted (const struct child *c, const struct plan_unmount *u, struct err *err)
{
  uint32_t id;
  own_fd int fd = path_open (c->root, u->path, O_PATH | O_NOFOLLOW, err);
  int ret = fd < 0 ? fd : mount_number (fd, &id, err);

  if (ret < 0)
    return ret;
  return id == u->id ? take_fd (&fd) : err_state (err, EBUSY, "the mount at \"/%s\" is covered by another, or is gone by now", u->path);
}

int
child_live_remove (void *self, struct err *err)
{
  struct child *c = self;
  const struct plan *p = c->plan;
  int ret = 0;

  (void) prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  for (size_t i = 0; ret >= 0 && i < p->n_unmounts; i++)
    ret = c->mounts[i] = err_in (err, open_mounted (c, &p->unmounts[i], err), "%s", p->unmounts[i].where);
  (void) prctl (PR_SET_PDEATHSIG, 0, 0, 0, 0); /* all are found: none is removed unless all are */
  for (size_t i = 0; ret >= 0 && i < p->n_unmounts; i++)
    {
      ret = mount_detach (c->proc, c->mounts[i], err);
      if (ret == -EINVAL)
        ret = err_doing (err, ret, "the mount at \"/%s\" is locked: it came with others from another user namespace", p->unmounts[i].path);
      ret = err_in (err, ret, "%s", p->unmounts[i].where);
    }
  return ret < 0 ? ret : 0;
}

int
child_live_end (void *self, struct err *err)
{
  struct child *c = self;
  const struct sync_ready ready = { 0 };
  int ret = sync_send (c->sync, SYNC_READY, &ready, sizeof ready, NULL, 0, err);

  if (ret == 0)
    ret = sync_expect (c->sync, SYNC_READY, NULL, NULL, NULL, err);
  if (ret == 0)
    _exit (0);
  undo (c, c->plan->n_mounts);
  return ret;
}
