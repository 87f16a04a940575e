/* SPDX-License-Identifier: Apache-2.0 */
/* Stage 2 of the child, the rest of the root file system: attach it, fill /dev, mask,
 * make read-only, enter.  Everything inside the root is reached through its handle.
 * Never follows a name twice.  child-safe */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/own.h"
#include "kernel/device.h"
#include "kernel/mount.h"
#include "kernel/mount_old.h"
#include "kernel/path.h"
#include "kernel/sys.h"
#include "kernel/sysctl.h"
#include "launch/child.h"

int
child_root_propagation (void *self, struct err *err)
{
  struct child *c = self;
  const struct plan_root *r = &c->plan->root;

  return mount_propagate_root (r->propagation, r->propagation_recursive, err);
}

/* Where a root can stand whose own path its user namespace may not search: every procfs has it, nobody mounts or needs what lies in it.  */
#define ASIDE "/proc/driver"

static int
attach_root (const struct child *c, const char *path, struct err *err)
{
  char dir[PATH_MAX + 1]; /* with a slash, so that it must be a directory */
  int ret, target;

  if (snprintf (dir, sizeof dir, "%s/", path) >= (int) sizeof dir)
    return err_sys (err, ENAMETOOLONG, "move_mount", "%s", path);
  if (c->plan->root.propagation_recursive)
    return mount_attach_over (c->root, dir, err);
  /* nothing is attached where the host would see it, and pivot_root wants that, too: where the plan leaves mounts shared, this one is not yet private */
  target = open (dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (target < 0)
    return err_sys (err, errno, "open", "%s", path);
  ret = mount_make_private (target, err);
  if (ret == 0)
    ret = mount_attach (c->root, target, err);
  (void) close (target); /* at once: it is the host's */
  return ret;
}

/* On its own path, where hooks look for it.  Over "/" it would lie on the way of every path of the host that comes back there by "..", as from a
 * link: a hook or its interpreter would be the image's choice.  The path may be found anew: all that follows goes by the handle.  */
static int
place_root (const struct child *c, struct err *err)
{
  const struct plan_root *r = &c->plan->root;
  const char *const places[] = { r->path, ASIDE, "/" };
  int ret = -EACCES;

  if (c->plan->ns.join_mnt) /* whose paths are not the host's; sources and root are the parent's */
    return mount_attach_over (c->root, "/", err);
  for (size_t i = 0; i < (r->from_parent ? sizeof places / sizeof *places : 1) && (i == 0 || ret == -EACCES || ret == -ENOENT); i++)
    {
      err_clear (err);
      ret = attach_root (c, places[i], err);
    }
  return ret;
}

int
child_root_attach (void *self, struct err *err)
{
  struct child *c = self;
  const struct plan_root *r = &c->plan->root;
  int ret = 0;

  if (! r->enter)
    {
      c->root = open (r->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
      return c->root < 0 ? err_in (err, err_sys (err, errno, "open", "%s", r->path), "root.path") : 0;
    }
  if (r->from_parent && c->n_taken == c->n_received)
    return err_bug (err, EPROTO, "the parent sent no root");
  c->root = r->from_parent ? c->received[c->n_taken++] : mount_clone (AT_FDCWD, r->path, true, err);
  if (c->root < 0)
    return err_in (err, c->root, "root.path");
  if (r->tree_propagation && ! r->from_parent)
    ret = mount_set (c->root, 0, 0, r->tree_propagation, r->tree_propagation_recursive, err);
  return err_in (err, ret < 0 ? ret : place_root (c, err), "root.path");
}

/* The directory that holds PATH, kept from one entry to the next: most of them lie in /dev.  */
struct parent_dir
{
  int fd;
  const char *path;
  size_t len;
};

/* Returns the descriptor, which is LAST's or a mount's.  */
static int
open_parent (struct child *c, struct parent_dir *last, const struct plan_place *place, const char *path,
             const char **ret_name, struct err *err)
{
  const char *slash = strrchr (path, '/');
  size_t len = slash ? (size_t) (slash - path) : 0;
  int holder = child_holder (c, place);

  *ret_name = place->name;
  if (holder >= 0)
    return holder;
  if (last->fd >= 0 && last->len == len && memcmp (last->path, path, len) == 0)
    {
      *ret_name = slash ? slash + 1 : path;
      return last->fd;
    }
  own_close (&last->fd);
  last->path = path;
  last->len = len;
  last->fd = path_parent (c->root, path, true, ret_name, err);
  return last->fd;
}

int
child_root_devices (void *self, struct err *err)
{
  struct child *c = self;
  struct parent_dir dir = { .fd = -1 };
  mode_t old = umask (0); /* a node's mode is taken as written */
  int ret = 0;

  for (size_t i = 0; ret >= 0 && i < c->plan->n_devices; i++)
    {
      const struct plan_device *d = &c->plan->devices[i];
      const char *name;

      ret = open_parent (c, &dir, &d->place, d->device.path, &name, err);
      if (ret >= 0)
        ret = c->plan->devices_by_bind ? device_bind (ret, name, &d->device, err)
                                       : device_make (ret, name, &d->device, err);
      if (ret < 0)
        (void) err_in (err, ret, "%s", d->where);
    }
  own_close (&dir.fd);
  umask (old);
  return ret;
}

static int
make_link (int dir, const char *name, const struct plan_link *l, struct err *err)
{
  if (symlinkat (l->to, dir, name) == 0)
    return 0;
  if (errno != EEXIST)
    return err_sys (err, errno, "symlinkat", "/%s", l->path);
  if (! l->replace)
    return 0;
  if (unlinkat (dir, name, 0) < 0 || symlinkat (l->to, dir, name) < 0)
    return err_sys (err, errno, "symlinkat", "/%s", l->path);
  return 0;
}

int
child_root_links (void *self, struct err *err)
{
  struct child *c = self;
  struct parent_dir dir = { .fd = -1 };
  int ret = 0;

  for (size_t i = 0; ret >= 0 && i < c->plan->n_links; i++)
    {
      const struct plan_link *l = &c->plan->links[i];
      const char *name;

      ret = open_parent (c, &dir, &l->place, l->path, &name, err);
      if (ret >= 0)
        ret = make_link (ret, name, l, err);
    }
  own_close (&dir.fd);
  return ret;
}

int
child_root_cwd (void *self, struct err *err)
{
  struct child *c = self;
  const char *cwd = c->plan->process.cwd;

  if (cwd == NULL || cwd[strspn (cwd, "/")] == '\0')
    return 0;
  own_fd int fd = path_make_dir (c->root, cwd, 0755, err);
  return fd < 0 ? err_in (err, fd, "process.cwd") : 0;
}

/* What covers masked files and directories: the host's null device and an empty read-only tmpfs, each made when first
 * needed.  The last one made is what the next one is cloned from, unless it is free still.  */
struct cover
{
  int fd;
  bool free; /* not attached yet */
  const char *label; /* of a tmpfs, or NULL */
};

/* The host's /dev/null, opened before the root is entered; never the container's (CVE-2025-31133).  */
static int
open_null (struct err *err)
{
  struct stat st;
  own_fd int fd = mount_clone (AT_FDCWD, "/dev/null", false, err);

  if (fd < 0)
    return fd;
  if (fstat (fd, &st) < 0)
    return err_sys (err, errno, "fstat", "/dev/null");
  if (! S_ISCHR (st.st_mode) || st.st_rdev != makedev (1, 3))
    return err_host (err, ENOTSUP, "/dev/null of the host is not the null device");
  return take_fd (&fd);
}

static int
make_empty (const char *label, struct err *err)
{
  const struct mount_opt context = { "context", label };
  char data[4096];
  int ret = mount_make ("tmpfs", NULL, &context, label != NULL, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, err);

  if (ret != -ENOSYS)
    return ret;
  err_clear (err);
  if (label && snprintf (data, sizeof data, "context=\"%s\"", label) >= (int) sizeof data)
    return err_sys (err, ENAMETOOLONG, "mount", "%.100s", label);
  return mount_old_make ("tmpfs", NULL, MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, label ? data : NULL, err);
}

/* A detached mount to cover a file, or with IS_DIR a directory.  COVERS is indexed by IS_DIR.  */
static int
make_cover (struct cover *covers, bool is_dir, struct err *err)
{
  struct cover *c = &covers[is_dir];
  int fd;

  if (c->free)
    return c->fd;
  if (c->fd >= 0)
    fd = mount_clone (c->fd, "", false, err);
  else
    fd = is_dir ? make_empty (c->label, err) : open_null (err);
  if (fd >= 0)
    *c = (struct cover){ fd, true, c->label };
  return fd;
}

/* Masks NAME, in proc or sysfs, which is a directory or not as IS_DIR says; wrongly, and the kernel refuses it (-EINVAL, -ENOTDIR).  */
static int
mask_kind (struct cover *covers, bool is_dir, int holder, const char *name, struct err *err)
{
  int cover = make_cover (covers, is_dir, err), ret;

  if (cover < 0)
    return cover;
  ret = mount_attach_at (cover, holder, name, err);
  covers[is_dir].free = ret < 0;
  return ret;
}

/* Masks NAME in proc or sysfs: the kernel's own names need no handle, and most are known to the plan.  Returns 1 for what must be
 * resolved: a link.  */
static int
mask_in (struct cover *covers, int holder, const struct plan_path *p, struct err *err)
{
  struct stat st;
  int ret = p->known ? mask_kind (covers, p->known == PLAN_PATH_DIR, holder, p->place.name, err) : -EINVAL;

  if (ret != -EINVAL && ret != -ENOTDIR)
    return ret;
  err_clear (err);
  if (fstatat (holder, p->place.name, &st, AT_SYMLINK_NOFOLLOW) < 0)
    return err_sys (err, errno, "fstatat", "/%s", p->path);
  return S_ISLNK (st.st_mode) ? 1 : mask_kind (covers, S_ISDIR (st.st_mode), holder, p->place.name, err);
}

static int
mask (struct child *c, struct cover *covers, const struct plan_path *p, struct err *err)
{
  struct stat st;
  int holder = child_holder (c, &p->place), ret = holder < 0 ? 1 : mask_in (covers, holder, p, err), cover;

  if (ret <= 0)
    return ret;
  own_fd int target = path_open (c->root, p->path, O_PATH, err);
  if (target < 0)
    return target;
  if (fstat (target, &st) < 0)
    return err_sys (err, errno, "fstat", "/%s", p->path);
  cover = make_cover (covers, S_ISDIR (st.st_mode), err);
  ret = cover < 0 ? cover : mount_attach (cover, target, err);
  covers[S_ISDIR (st.st_mode)].free = ret < 0;
  return ret;
}

int
child_root_masked (void *self, struct err *err)
{
  struct child *c = self;
  struct cover covers[2] = { { .fd = -1 }, { .fd = -1, .label = c->plan->mount_label } };
  int ret = 0;

  for (size_t i = 0; ret >= 0 && i < c->plan->n_masked; i++)
    {
      ret = mask (c, covers, &c->plan->masked[i], err);
      if (ret == -ENOENT) /* absent: nothing to hide; any other failure would leave it open */
        {
          err_clear (err);
          ret = 0;
        }
      if (ret < 0)
        (void) err_in (err, ret, "%s", c->plan->masked[i].where);
    }
  return ret; /* the covers stay open until execve: they are few */
}

/* Covers what is there by a read-only clone of itself.  */
static int
make_readonly (struct child *c, const struct plan_path *p, bool *two_calls, struct err *err)
{
  int holder = child_holder (c, &p->place);
  own_fd int target = holder < 0 ? path_open (c->root, p->path, O_PATH, err) : -1;

  if (holder < 0 && target < 0)
    return target;
  own_fd int mnt = mount_clone_readonly (holder < 0 ? target : holder, holder < 0 ? "" : p->place.name, two_calls, err);
  if (mnt < 0)
    return mnt;
  return holder < 0 ? mount_attach (mnt, target, err) : mount_attach_at (mnt, holder, p->place.name, err);
}

int
child_root_readonly_paths (void *self, struct err *err)
{
  struct child *c = self;
  bool two_calls = false;

  for (size_t i = 0; i < c->plan->n_readonly; i++)
    {
      int ret = make_readonly (c, &c->plan->readonly[i], &two_calls, err);

      if (ret == -ENOENT)
        err_clear (err);
      else if (ret < 0)
        return err_in (err, ret, "%s", c->plan->readonly[i].where);
    }
  return 0;
}

int
child_sysctl (void *self, struct err *err)
{
  struct child *c = self;
  int proc = child_proc (c, err), ret = 0;

  if (proc < 0)
    return proc;
  own_fd int sys = openat (proc, "sys", O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (sys < 0)
    return err_sys (err, errno, "openat", "/proc/sys");
  for (size_t i = 0; ret == 0 && i < c->plan->n_sysctls; i++)
    {
      const struct plan_sysctl *s = &c->plan->sysctls[i];

      ret = err_in (err, sysctl_set (sys, s->path, s->value, err), "%s", s->where);
    }
  return ret;
}

/* chroot alone: nothing was mounted and the mount namespace is the runtime's.  */
static int
change_root (int root, struct err *err)
{
  if (fchdir (root) < 0)
    return err_sys (err, errno, "fchdir", "root");
  if (chroot (".") < 0)
    return err_sys (err, errno, "chroot", "root");
  return chdir ("/") < 0 ? err_sys (err, errno, "chdir", "/") : 0;
}

int
child_root_enter (void *self, struct err *err)
{
  struct child *c = self;
  const struct plan_root *r = &c->plan->root;
  int ret;

  if (! r->enter)
    return change_root (c->root, err);
  if (! r->no_pivot)
    return mount_pivot (c->root, ! r->propagation_recursive, err);
  /* over "/", where whoever joins the mount namespace comes to; and what has a procfs at its path is the host by then */
  ret = mount_attach_over (c->root, "/", err);
  if (ret == -ELOOP) /* it is there already */
    {
      err_clear (err);
      ret = 0;
    }
  if (ret == 0)
    ret = child_hide_host (c, err);
  return ret < 0 ? ret : mount_change_root (c->root, err);
}

int
child_exec_root (void *self, struct err *err)
{
  struct child *c = self;
  const char *path = c->plan->root.path;

  c->root = open (path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  return c->root < 0 ? err_sys (err, errno, "open", "%s", path) : 0;
}

int
child_root_attributes (void *self, struct err *err)
{
  struct child *c = self;
  const struct plan_root *r = &c->plan->root;
  int ret;

  if (! r->enter)
    return 0;
  if (! r->final_propagation_recursive)
    return mount_set_root (c->root, r->readonly ? MOUNT_ATTR_RDONLY : 0, r->final_propagation, false, err);
  ret = mount_set_root (c->root, r->readonly ? MOUNT_ATTR_RDONLY : 0, 0, false, err);
  return ret < 0 ? ret : mount_set_root (c->root, 0, r->final_propagation, true, err);
}
