/* SPDX-License-Identifier: Apache-2.0 */
/* Device nodes; see device.h.  child-safe */
#include "kernel/device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/err.h"
#include "base/own.h"
#include "kernel/mount.h"
#include "kernel/sys.h"

const struct device device_defaults[] = {
  { "dev/null", S_IFCHR | 0666, 1, 3, 0, 0 },   { "dev/zero", S_IFCHR | 0666, 1, 5, 0, 0 },
  { "dev/full", S_IFCHR | 0666, 1, 7, 0, 0 },   { "dev/random", S_IFCHR | 0666, 1, 8, 0, 0 },
  { "dev/urandom", S_IFCHR | 0666, 1, 9, 0, 0 }, { "dev/tty", S_IFCHR | 0666, 5, 0, 0, 0 },
};

const size_t device_n_defaults = sizeof device_defaults / sizeof *device_defaults;

/* True if ST is the device D: the inode counts, not the name.  */
static int
is_device (const struct stat *st, const struct device *d)
{
  if ((st->st_mode & S_IFMT) != (d->mode & S_IFMT))
    return 0;
  return S_ISFIFO (d->mode) || st->st_rdev == makedev (d->major, d->minor);
}

/* Changes the mode of the very inode behind the handle FD.  */
static int
set_mode (int fd, mode_t mode)
{
  char path[32];
  int ret = sys_fchmodat2 (fd, "", mode, AT_EMPTY_PATH);

  if (ret != -ENOSYS)
    return ret;
  (void) snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  return chmod (path, mode) < 0 ? -errno : 0;
}

/* Gives what lies at NAME the mode and owner of D, if it is the device itself.  By a handle: the name may lead elsewhere from one call to the
 * next, and a change of mode would follow a link that a sibling puts there, out of the root.  */
static int
settle (int dir, const char *name, const struct device *d, struct err *err)
{
  struct stat st;
  int ret = 0;
  own_fd int fd = openat (dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

  if (fd < 0 || fstat (fd, &st) < 0)
    return err_sys (err, errno, "openat", "/%s", d->path);
  if (! is_device (&st, d))
    return err_doing (err, err_sys (err, EEXIST, "mknodat", "/%s", d->path), "something else than this device is there already");
  if ((st.st_mode & 07777) != (d->mode & 07777))
    ret = set_mode (fd, d->mode & 07777);
  if (ret < 0)
    return err_sys (err, -ret, "fchmodat", "/%s", d->path);
  if ((st.st_uid != d->uid || st.st_gid != d->gid) && fchownat (fd, "", d->uid, d->gid, AT_EMPTY_PATH) < 0)
    return err_sys (err, errno, "fchownat", "/%s", d->path);
  return 0;
}

int
device_make (int dir, const char *name, const struct device *d, struct err *err)
{
  dev_t number = S_ISFIFO (d->mode) ? 0 : makedev (d->major, d->minor);

  if (mknodat (dir, name, d->mode, number) < 0)
    return errno == EEXIST ? settle (dir, name, d, err) : err_sys (err, errno, "mknodat", "/%s", d->path);
  return d->uid != 0 || d->gid != 0 ? settle (dir, name, d, err) : 0;
}

/* What is there already must be the device, or an empty file: a mount point such as earlier containers left in this root.  */
static int
accept_mount_point (int dir, const char *name, const struct device *d, struct err *err)
{
  struct stat st;

  if (fstatat (dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
    return err_sys (err, errno, "fstatat", "/%s", d->path);
  if (is_device (&st, d) || (S_ISREG (st.st_mode) && st.st_size == 0))
    return 0;
  return err_doing (err, err_sys (err, EEXIST, "openat", "/%s", d->path), "something else than this device is there already");
}

int
device_attach (int dir, const char *name, const struct device *d, int mnt, struct err *err)
{
  /* read-only: as long as it is open to be written, the mount cannot become read-only */
  own_fd int file = openat (dir, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);

  if (file < 0 && errno != EEXIST)
    return err_sys (err, errno, "openat", "/%s", d->path);
  if (file < 0)
    {
      int ret = accept_mount_point (dir, name, d, err);
      if (ret < 0)
        return ret;
    }
  return mount_attach_at (mnt, dir, name, err);
}

int
device_there (int dir, const char *name, const struct device *d)
{
  struct stat st;

  if (fstatat (dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
    return -errno;
  return is_device (&st, d);
}

int
device_check (int mnt, const char *path, const struct device *d, struct err *err)
{
  struct stat st;

  if (fstat (mnt, &st) < 0)
    return err_sys (err, errno, "fstat", "%s", path);
  return is_device (&st, d) ? 0 : err_host (err, ENODEV, "%s of the host is not the device %u:%u", path, d->major, d->minor);
}

int
device_bind (int dir, const char *name, const struct device *d, struct err *err)
{
  char path[4096];
  int n = snprintf (path, sizeof path, "/%s", d->path);

  if (S_ISFIFO (d->mode)) /* no device: anybody may make one */
    return device_make (dir, name, d, err);
  if (n < 0 || (size_t) n >= sizeof path)
    return err_sys (err, ENAMETOOLONG, "open_tree", "/%s", d->path);
  own_fd int mnt = mount_clone (AT_FDCWD, path, false, err);
  if (mnt < 0)
    return mnt;
  if ((n = device_check (mnt, path, d, err)) < 0)
    return n;
  return device_attach (dir, name, d, mnt, err);
}
