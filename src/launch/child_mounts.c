/* SPDX-License-Identifier: Apache-2.0 */
/* Stage 2 of the child, mounts: every mount of the plan is made detached and attached
 * once, beneath the root's handle.  No name inside the root is resolved twice.
 * Never decides what is mounted where.  child-safe */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "kernel/lsm.h"
#include "kernel/mount.h"
#include "kernel/mount_old.h"
#include "kernel/path.h"
#include "kernel/sys.h"
#include "kernel/tree.h"
#include "launch/child.h"

/* Makes NAME below DIR.  Whatever keeps us from it shows when the mount is attached; returns it as negative errno, or 0.  */
static int
make_name (int dir, const char *name, bool is_dir)
{
  return (is_dir ? mkdirat (dir, name, 0755) : mknodat (dir, name, S_IFREG | 0644, 0)) < 0 && errno != EEXIST ? -errno : 0;
}

int
child_holder (const struct child *c, const struct plan_place *place)
{
  return place->parent >= 0 ? c->mounts[place->parent] : -1;
}

static int
say_ordinary (const struct plan_mount *m, int ret, struct err *err)
{
  if (m->no_symlinks && (ret == -EINVAL || ret == -ENOTDIR || ret == -ELOOP))
    return err_doing (err, ret, "\"/%s\" must be an ordinary directory to mount %s on", m->target, m->fstype);
  return ret;
}

/* Attaches MNT onto the name itself, whatever it is.  */
static int
attach_unfollowed (struct child *c, const struct plan_mount *m, int mnt, bool is_dir, struct err *err)
{
  const char *name;
  own_fd int dir = path_parent (c->root, m->target, true, &name, err);

  if (dir < 0)
    return dir;
  (void) make_name (dir, name, is_dir);
  return mount_attach_at (mnt, dir, name, err);
}

/* Attaches MNT onto NAME right in the root, which is made if it is missing.  */
static int
attach_in_root (struct child *c, const char *name, int mnt, struct err *err)
{
  int ret = mount_attach_at (mnt, c->root, name, err), made;

  if (ret != -ENOENT)
    return ret;
  made = make_name (c->root, name, true);
  ret = mount_attach_at (mnt, c->root, name, err);
  return ret == -ENOENT && made < 0 ? err_sys (err, -made, "mkdirat", "%s", name) : ret;
}

/* Attaches MNT at the target of M, making what is missing.  The cheap ways first: a name in a mount of our own, and a
 * single name below the root, need no handle, since move_mount follows no link at the end of a path.  */
static int
attach (struct child *c, const struct plan_mount *m, int mnt, bool is_dir, struct err *err)
{
  int dir = child_holder (c, &m->place);

  if (m->target_link)
    return attach_unfollowed (c, m, mnt, is_dir, err);
  if (dir >= 0)
    {
      if (! c->plan->mounts[m->place.parent].no_symlinks)
        (void) make_name (dir, m->place.name, is_dir);
      return say_ordinary (m, mount_attach_at (mnt, dir, m->place.name, err), err);
    }
  if (is_dir && m->target[0] != '\0' && strchr (m->target, '/') == NULL)
    {
      int ret = attach_in_root (c, m->target, mnt, err);

      if (ret >= 0 || m->no_symlinks)
        return say_ordinary (m, ret, err);
      err_clear (err); /* a link: resolved inside the root below */
    }
  own_fd int target = child_make_target (c, m, is_dir, err);
  if (target < 0)
    return say_ordinary (m, target, err);
  return say_ordinary (m, mount_attach (mnt, target, err), err);
}

int
child_make_target (const struct child *c, const struct plan_mount *m, bool is_dir, struct err *err)
{
  int ret = is_dir ? path_make_dir (c->root, m->target, 0755, err) : path_make_file (c->root, m->target, 0644, err);

  if (ret == (is_dir ? -ENOTDIR : -EISDIR)) /* Docker looks for "not a directory", and then says what that mostly comes from */
    return err_doing (err, ret, is_dir ? "a directory is to be mounted on what is not a directory" : "what is not a directory is to be mounted on one");
  return ret;
}

int
child_take_mount (struct child *c, struct err *err)
{
  if (c->n_taken == c->n_received)
    return err_bug (err, EPROTO, "the parent sent too few mounts");
  return c->received[c->n_taken++];
}

/* A clone of what the host has in place of M, which may be made already: EARLY, or -1.  */
static int
make_fallback (const struct plan_mount *m, int early, struct err *err)
{
  int mnt = early >= 0 ? early : mount_clone (AT_FDCWD, m->fallback, true, err);
  int ret = mnt < 0 ? mnt : mount_set (mnt, m->attr_set, 0, 0, true, err);

  return ret < 0 ? ret : mnt;
}

static int
make_new (struct child *c, const struct plan_mount *m, int early, struct err *err)
{
  int mnt = -ENOSYS;

  if (m->from_parent)
    return child_take_mount (c, err);
  if (m->kind == PLAN_MOUNT_NEW)
    mnt = mount_make (m->fstype, m->source, m->opts, m->n_opts, m->attr_set, err);
  if (mnt == -ENOSYS)
    {
      err_clear (err);
      mnt = mount_old_make (m->fstype, m->source, m->legacy_flags, m->legacy_data, err);
    }
  if (mnt == -EPERM && m->fallback)
    {
      err_clear (err);
      return make_fallback (m, early, err);
    }
  if (early >= 0)
    (void) close (early); /* at once: it is the host's, and by its number the program, or a link in the image, would lead out (CVE-2024-21626) */
  return mnt;
}

int
child_copy_up (const struct child *c, const struct plan_mount *m, int mnt, struct err *err)
{
  const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  own_fd int dir = path_open (c->root, m->target, flags | (m->target_link ? O_NOFOLLOW : 0), err);

  if (dir == -ENOENT)
    {
      err_clear (err);
      return 0;
    }
  if (dir < 0)
    return dir;
  return tree_copy (dir, mnt, m->copy_up & PLAN_COPY_MODE, m->copy_up & PLAN_COPY_OWNER, err);
}

static int
mount_new (struct child *c, size_t i, struct err *err)
{
  const struct plan_mount *m = &c->plan->mounts[i];
  int mnt = make_new (c, m, c->mounts[i], err), ret;

  if (mnt < 0)
    return mnt;
  c->mounts[i] = mnt; /* stays open: later mounts may lie in it; execve closes it */
  ret = m->label ? lsm_label_root (mnt, m->label, err) : 0;
  if (ret == 0 && m->copy_up)
    ret = child_copy_up (c, m, mnt, err);
  if (ret == 0)
    ret = attach (c, m, mnt, true, err);
  if (ret == 0 && m->propagation)
    ret = mount_set (mnt, 0, 0, m->propagation, m->propagation_recursive, err);
  return ret;
}

int
child_set_bind (const struct plan_mount *m, int mnt, struct err *err)
{
  /* attributes concern the mount itself, propagation perhaps all below it; and it is the last, as old kernels may have to clone the mount once more,
   * which they cannot when it is unbindable */
  bool apart = m->propagation_recursive || m->rattr_set || m->rattr_clear;
  int ret = mount_set (mnt, m->attr_set, m->attr_clear, apart ? 0 : m->propagation, false, err);

  if (ret == 0)
    ret = mount_set (mnt, m->rattr_set, m->rattr_clear, 0, true, err);
  if (ret == 0 && m->close_cgroups)
    ret = mount_close_cgroups (mnt, err);
  return ret == 0 && apart ? mount_set (mnt, 0, 0, m->propagation, m->propagation_recursive, err) : ret;
}

/* Makes the link that the clone MNT is at the target of M; one with the same text may be there.  */
static int
copy_link (struct child *c, const struct plan_mount *m, int mnt, struct err *err)
{
  const char *name;
  char text[4096], there[4096];
  ssize_t n = readlinkat (mnt, "", text, sizeof text - 1);
  own_fd int dir = n < 0 ? -1 : path_parent (c->root, m->target, true, &name, err);

  if (n < 0)
    return err_sys (err, errno, "readlinkat", "%s", m->source);
  if (dir < 0)
    return dir;
  text[n] = '\0';
  if (symlinkat (text, dir, name) == 0)
    return 0;
  if (errno == EEXIST && readlinkat (dir, name, there, sizeof there) == n && memcmp (text, there, (size_t) n) == 0)
    return 0;
  return err_sys (err, EEXIST, "symlinkat", "/%s", m->target);
}

enum
{
  NOT_THERE = -2 /* in place of a clone */
};

static int
clone_source (const struct plan_mount *m, const char *source, struct err *err)
{
  return m->source_link ? mount_clone_link (source, m->recursive, err) : mount_clone (AT_FDCWD, source, m->recursive || m->kind != PLAN_MOUNT_BIND, err);
}

/* What the I-th mount is, or may be, a clone of, by the child's own hand; NULL: nothing.  A fallback is cloned so early only where the root may come
 * to stand aside, below it.  */
static const char *
source_of (const struct child *c, size_t i)
{
  const struct plan_mount *m = &c->plan->mounts[i];

  if (m->from_parent)
    return NULL;
  return m->kind == PLAN_MOUNT_BIND ? m->source : c->plan->root.from_parent ? m->fallback : NULL;
}

/* Before there is anything of the container in this mount namespace: a source that is a directory above the root, bound with all below it, would show
 * the root once more, without its masks; and one through the root would be the image's choice.  */
int
child_root_sources (void *self, struct err *err)
{
  struct child *c = self;

  for (size_t i = 0; i < CHILD_MAX_MOUNTS; i++)
    c->mounts[i] = -1;
  for (size_t i = 0; i < c->plan->n_mounts; i++)
    {
      const struct plan_mount *m = &c->plan->mounts[i];
      const char *source = source_of (c, i);

      if (source == NULL)
        continue;
      c->mounts[i] = clone_source (m, source, err);
      if (c->mounts[i] >= 0)
        continue;
      if (m->kind == PLAN_MOUNT_BIND && ! (c->mounts[i] == -ENOENT && m->optional))
        return err_in (err, c->mounts[i], "%s", m->where);
      err_clear (err);
      c->mounts[i] = m->kind == PLAN_MOUNT_BIND ? NOT_THERE : -1; /* a fallback may not be needed */
    }
  return 0;
}

/* The clone of the I-th mount's source, which is the caller's.  */
static int
take_source (struct child *c, size_t i, struct err *err)
{
  const struct plan_mount *m = &c->plan->mounts[i];
  int mnt = c->mounts[i];

  if (m->from_parent)
    return child_take_mount (c, err);
  c->mounts[i] = -1;
  return mnt == NOT_THERE ? err_sys (err, ENOENT, "open_tree", "%s", m->source) : mnt;
}

static int
mount_bind (struct child *c, size_t i, struct err *err)
{
  const struct plan_mount *m = &c->plan->mounts[i];
  struct stat st;
  int mnt = take_source (c, i, err), ret;

  if (mnt < 0)
    return mnt;
  if (fstat (mnt, &st) < 0)
    return err_sys (err, errno, "fstat", "%s", m->source);
  if (m->optional && m->from_parent && ! S_ISDIR (st.st_mode)) /* the parent's word for what is not there */
    return err_sys (err, ENOENT, "open_tree", "%s", m->source);
  if (m->copy_link && S_ISLNK (st.st_mode))
    return copy_link (c, m, mnt, err);
  ret = m->from_parent ? 0 : child_set_bind (m, mnt, err);
  return ret < 0 ? ret : attach (c, m, mnt, S_ISDIR (st.st_mode), err);
}

static int
mount_change (struct child *c, size_t i, struct err *err)
{
  const struct plan_mount *m = &c->plan->mounts[i];

  if (m->of >= 0 && c->mounts[m->of] >= 0)
    return child_set_bind (m, c->mounts[m->of], err);
  own_fd int target = path_open (c->root, m->target, O_PATH, err);
  return target < 0 ? target : child_set_bind (m, target, err);
}

static int
make_mounts (struct child *c, bool late, struct err *err)
{
  static int (*const makers[]) (struct child *, size_t, struct err *) = {
    [PLAN_MOUNT_NEW] = mount_new,
    [PLAN_MOUNT_BIND] = mount_bind,
    [PLAN_MOUNT_REMOUNT] = mount_change,
    [PLAN_MOUNT_LEGACY] = mount_new,
  };

  for (size_t i = 0; i < c->plan->n_mounts; i++)
    {
      const struct plan_mount *m = &c->plan->mounts[i];
      int ret = m->late == late ? makers[m->kind] (c, i, err) : 0;

      if (ret == -ENOENT && m->optional)
        err_clear (err);
      else if (ret < 0)
        return err_in (err, ret, "%s", m->where);
    }
  return 0;
}

int
child_root_mounts (void *self, struct err *err)
{
  return make_mounts (self, false, err);
}

int
child_root_late_mounts (void *self, struct err *err)
{
  return make_mounts (self, true, err);
}
