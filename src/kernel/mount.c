/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts by the new interface; see mount.h.  child-safe */
#include "kernel/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/err.h"
#include "base/own.h"
#include "kernel/mount_old.h"
#include "kernel/sys.h"

/* The kernel explains refused options in messages "e text" that are read from the context (fsopen(2)).  The last error
 * becomes the sentence.  */
static int
explain (int fs, int ret, struct err *err)
{
  char message[512];
  ssize_t n;

  if (err == NULL)
    return ret;
  while ((n = read (fs, message, sizeof message - 1)) > 0)
    {
      message[n] = '\0';
      if (n > 2 && message[0] == 'e')
        {
          message[strcspn (message, "\n")] = '\0';
          (void) err_doing (err, ret, "%s", message + 2);
        }
    }
  return ret;
}

static int
configure (int fs, const char *source, const struct mount_opt *opts, size_t n, struct err *err)
{
  int ret;

  if (source)
    {
      ret = sys_fsconfig (fs, FSCONFIG_SET_STRING, "source", source, 0);
      if (ret < 0)
        return explain (fs, err_sys (err, -ret, "fsconfig", "source=%s", source), err);
    }
  for (size_t i = 0; i < n; i++)
    {
      const struct mount_opt *o = &opts[i];

      ret = sys_fsconfig (fs, o->value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, o->key, o->value, 0);
      if (ret < 0)
        return explain (fs, err_sys (err, -ret, "fsconfig", o->value ? "%s=%s" : "%s%s", o->key, o->value ? o->value : ""), err);
    }
  return 0;
}

int
mount_make (const char *fstype, const char *source, const struct mount_opt *opts, size_t n, uint64_t attr,
            struct err *err)
{
  int ret;
  own_fd int fs = sys_fsopen (fstype, FSOPEN_CLOEXEC);

  if (fs < 0)
    return err_sys (err, -fs, "fsopen", "%s", fstype);
  ret = configure (fs, source, opts, n, err);
  if (ret < 0)
    return ret;
  ret = sys_fsconfig (fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
  if (ret < 0)
    return explain (fs, err_sys (err, -ret, "fsconfig", "create %s", fstype), err);
  ret = sys_fsmount (fs, FSMOUNT_CLOEXEC, (unsigned) attr);
  return ret < 0 ? explain (fs, err_sys (err, -ret, "fsmount", "%s", fstype), err) : ret;
}

int
mount_clone_detached (int dirfd, const char *path, bool recursive, struct err *err)
{
  unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0) | (path[0] ? 0 : AT_EMPTY_PATH);
  int ret = sys_open_tree (dirfd, path, flags);

  return ret < 0 ? err_sys (err, -ret, "open_tree", "%s", path) : ret;
}

int
mount_clone (int dirfd, const char *path, bool recursive, struct err *err)
{
  int ret = mount_clone_detached (dirfd, path, recursive, err);

  if (ret != -ENOSYS)
    return ret;
  err_clear (err);
  return mount_old_clone (dirfd, path, true, recursive, err);
}

int
mount_clone_readonly (int dirfd, const char *path, bool *two_calls, struct err *err)
{
  struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
  unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | (path[0] ? 0 : AT_EMPTY_PATH);
  int ret = *two_calls ? -ENOSYS : sys_open_tree_attr (dirfd, path, flags, &attr, sizeof attr);

  if (ret != -ENOSYS)
    return ret < 0 ? err_sys (err, -ret, "open_tree_attr", "%s", path) : ret;
  *two_calls = true;
  own_fd int mnt = mount_clone (dirfd, path, true, err);
  if (mnt < 0)
    return mnt;
  ret = mount_set (mnt, MOUNT_ATTR_RDONLY, 0, 0, true, err);
  return ret < 0 ? ret : take_fd (&mnt);
}

int
mount_clone_link_detached (const char *path, bool recursive, struct err *err)
{
  unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW | (recursive ? AT_RECURSIVE : 0);
  int ret = sys_open_tree (AT_FDCWD, path, flags);

  return ret < 0 ? err_sys (err, -ret, "open_tree", "%s", path) : ret;
}

int
mount_clone_link (const char *path, bool recursive, struct err *err)
{
  int ret = mount_clone_link_detached (path, recursive, err);

  if (ret != -ENOSYS)
    return ret;
  err_clear (err);
  return mount_old_clone (AT_FDCWD, path, false, recursive, err);
}

static int
set_attr (int fd, struct mount_attr *attr, bool recursive)
{
  return sys_mount_setattr (fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), attr, sizeof *attr);
}

int
mount_idmap (int fd, int userns, bool recursive, struct err *err)
{
  struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t) userns };
  int ret = set_attr (fd, &attr, recursive);

  return ret < 0 ? err_sys (err, -ret, "mount_setattr", "idmap") : 0;
}

int
mount_attach (int mnt, int target, struct err *err)
{
  int ret = sys_move_mount (mnt, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);

  if (ret == -ENOSYS)
    return mount_old_attach (mnt, target, err);
  return ret < 0 ? err_sys (err, -ret, "move_mount", "%s", "target") : 0;
}

int
mount_attach_at (int mnt, int dirfd, const char *name, struct err *err)
{
  int ret = sys_move_mount (mnt, "", dirfd, name, MOVE_MOUNT_F_EMPTY_PATH);

  if (ret == -ENOSYS)
    return mount_old_attach_at (mnt, dirfd, name, err);
  return ret < 0 ? err_sys (err, -ret, "move_mount", "%s", name) : 0;
}

int
mount_attach_over (int mnt, const char *path, struct err *err)
{
  int ret = sys_move_mount (mnt, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS), target;

  if (ret != -ENOSYS)
    return ret < 0 ? err_sys (err, -ret, "move_mount", "%s", path) : 0;
  target = open (path, O_PATH | O_CLOEXEC);
  if (target < 0)
    return err_sys (err, errno, "open", "%s", path);
  ret = mount_old_attach (mnt, target, err);
  (void) close (target); /* at once: it is the host's (CVE-2024-21626), and the child's other descriptors stay open until execve */
  return ret;
}

/* Goes from the directory *FD, which is closed, to the one above.  Returns 0 or negative errno: -EINVAL if there is none.  */
static int
climb (int *fd, struct err *err)
{
  int up = openat (*fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC), below = *fd;
  struct stat there, here;
  int ret = up < 0 ? -errno : 0;

  if (ret == 0 && (fstat (up, &there) < 0 || fstat (below, &here) < 0))
    ret = -errno;
  else if (ret == 0 && there.st_ino == here.st_ino && there.st_dev == here.st_dev)
    ret = -EINVAL;
  (void) close (below); /* see above */
  *fd = up;
  return ret < 0 ? err_sys (err, -ret, "openat", "..") : 0;
}

int
mount_make_private (int dir, struct err *err)
{
  int fd = openat (dir, ".", O_PATH | O_DIRECTORY | O_CLOEXEC), ret;

  if (fd < 0)
    return err_sys (err, errno, "openat", ".");
  /* EINVAL: not the root of a mount, which is further up, or there is none, as "/" of a chroot */
  while ((ret = mount_set (fd, 0, 0, MS_PRIVATE, false, err)) == -EINVAL)
    {
      err_clear (err);
      ret = climb (&fd, err);
      if (ret < 0)
        break;
    }
  if (fd >= 0)
    (void) close (fd);
  return ret;
}

/* The access time mode is a number in the attribute word, not a set of bits: mount_setattr(2) wants the old one cleared.  */
static uint64_t
clear_with_atime (uint64_t set, uint64_t clear)
{
  /* MOUNT_ATTR_RELATIME is 0: wanting it is said by clearing the field */
  return set & (MOUNT_ATTR_NOATIME | MOUNT_ATTR_STRICTATIME) ? clear | MOUNT_ATTR__ATIME : clear;
}

int
mount_set (int fd, uint64_t set, uint64_t clear, uint64_t propagation, bool recursive, struct err *err)
{
  struct mount_attr attr = { .attr_set = set, .attr_clr = clear_with_atime (set, clear), .propagation = propagation };
  int ret;

  if (attr.attr_set == 0 && attr.attr_clr == 0 && propagation == 0)
    return 0;
  ret = set_attr (fd, &attr, recursive);
  if (ret == -ENOSYS)
    return mount_old_set (fd, attr.attr_set, attr.attr_clr, propagation, recursive, err);
  return ret < 0 ? err_sys (err, -ret, "mount_setattr", "set %#llx clear %#llx propagation %#llx", (unsigned long long) attr.attr_set,
                            (unsigned long long) attr.attr_clr, (unsigned long long) propagation)
                 : 0;
}

int
mount_set_root (int root, uint64_t set, uint64_t propagation, bool recursive, struct err *err)
{
  struct mount_attr attr = { .attr_set = set, .propagation = propagation };
  int ret = set || propagation ? set_attr (root, &attr, recursive) : 0;

  if (ret == -ENOSYS)
    return mount_old_set_root (root, set, propagation, recursive, err);
  return ret < 0 ? err_sys (err, -ret, "mount_setattr", "root: set %#llx propagation %#llx", (unsigned long long) set, (unsigned long long) propagation) : 0;
}

/* True if cgroups may be mounted below FD.  Whatever its path was: links and slashes lead to the same.  */
static bool
may_bring_cgroups (int fd)
{
  struct stat st, host;
  struct statfs fs;

  if (fstatfs (fd, &fs) < 0) /* these four always answer */
    return false;
  if (fs.f_type == TMPFS_MAGIC)
    return fstat (fd, &st) == 0 && stat ("/sys/fs/cgroup", &host) == 0 && st.st_dev == host.st_dev;
  return fs.f_type == SYSFS_MAGIC || fs.f_type == CGROUP_SUPER_MAGIC || fs.f_type == CGROUP2_SUPER_MAGIC;
}

int
mount_close_cgroups (int fd, struct err *err)
{
  struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
  int ret;

  if (! may_bring_cgroups (fd))
    return 0;
  ret = set_attr (fd, &attr, true);
  if (ret == -ENOSYS)
    return mount_old_close_cgroups (fd, err);
  return ret < 0 ? err_sys (err, -ret, "mount_setattr", "cgroups below: read-only") : 0;
}

int
mount_number (int fd, uint32_t *ret_id, struct err *err)
{
  uint64_t id = 0;
  int ret = sys_mount_id (fd, &id);

  *ret_id = (uint32_t) id;
  return ret < 0 ? err_sys (err, -ret, "statx", "number of a mount") : 0;
}

int
mount_detach (int proc, int fd, struct err *err)
{
  char name[32];
  int ret;

  (void) snprintf (name, sizeof name, "self/fd/%d", fd);
  if (fchdir (proc) < 0)
    return err_sys (err, errno, "fchdir", "/proc");
  ret = sys_umount2 (name, MNT_DETACH);
  return ret < 0 ? err_sys (err, -ret, "umount2", "%s", name) : 0;
}

int
mount_propagate_root (uint64_t propagation, bool recursive, struct err *err)
{
  int ret = sys_mount (NULL, "/", NULL, (unsigned long) propagation | (recursive ? MS_REC : 0), NULL);

  return ret < 0 ? err_sys (err, -ret, "mount", "propagation of /") : 0;
}

/* Goes back to the old root OLD, and makes of the mounts in it slaves: what is unmounted here is then not unmounted with their peers, too
 * (mount_namespaces(7)).  */
static int
enslave (int old, struct err *err)
{
  int ret = fchdir (old) < 0 ? -errno : sys_mount (NULL, ".", NULL, MS_SLAVE | MS_REC, NULL);

  return ret < 0 ? err_sys (err, -ret, "mount", "propagation of the old root") : 0;
}

int
mount_pivot (int root, bool shared, struct err *err)
{
  int old = shared ? open ("/", O_PATH | O_DIRECTORY | O_CLOEXEC) : -1, ret;

  if (shared && old < 0)
    return err_sys (err, errno, "open", "old root");
  if (fchdir (root) < 0)
    return err_sys (err, errno, "fchdir", "new root");
  /* "." for both: the old root is stacked onto the new one, no directory is needed for it, and we are in the new one already, so that no
   * chdir is needed either (pivot_root(2), NOTES) */
  ret = sys_pivot_root (".", ".");
  if (ret < 0)
    return err_sys (err, -ret, "pivot_root", ".");
  if (shared)
    {
      ret = enslave (old, err);
      (void) close (old); /* at once: by its number the program, or a link in the image, would lead out (CVE-2024-21626) */
      if (ret < 0)
        return ret;
    }
  ret = sys_umount2 (".", MNT_DETACH);
  if (ret < 0)
    return err_sys (err, -ret, "umount2", "old root");
  /* enslave() has left us in the old root, which our working directory would hold and which relative paths would lead to */
  return shared && chdir ("/") < 0 ? err_sys (err, errno, "chdir", "/") : 0;
}

int
mount_change_root (int root, struct err *err)
{
  if (fchdir (root) < 0)
    return err_sys (err, errno, "fchdir", "new root");
  if (chroot (".") < 0)
    return err_sys (err, errno, "chroot", "new root");
  return chdir ("/") < 0 ? err_sys (err, errno, "chdir", "/") : 0;
}
