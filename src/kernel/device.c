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

/* What is there already must be the device itself.  */
static int
accept_existing (int dir, const char *name, const struct device *d, struct err *err)
{
  struct stat st;

  if (fstatat (dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
    return err_sys (err, errno, "fstatat", "/%s", d->path);
  if (! is_device (&st, d))
    return err_doing (err, err_sys (err, EEXIST, "mknodat", "/%s", d->path), "something else than this device is there already");
  if ((st.st_mode & 07777) != (d->mode & 07777) && fchmodat (dir, name, d->mode & 07777, 0) < 0)
    return err_sys (err, errno, "fchmodat", "/%s", d->path);
  if ((st.st_uid != d->uid || st.st_gid != d->gid) && fchownat (dir, name, d->uid, d->gid, AT_SYMLINK_NOFOLLOW) < 0)
    return err_sys (err, errno, "fchownat", "/%s", d->path);
  return 0;
}

int
device_make (int dir, const char *name, const struct device *d, struct err *err)
{
  dev_t number = S_ISFIFO (d->mode) ? 0 : makedev (d->major, d->minor);

  if (mknodat (dir, name, d->mode, number) < 0)
    return errno == EEXIST ? accept_existing (dir, name, d, err) : err_sys (err, errno, "mknodat", "/%s", d->path);
  if ((d->uid != 0 || d->gid != 0) && fchownat (dir, name, d->uid, d->gid, AT_SYMLINK_NOFOLLOW) < 0)
    return err_sys (err, errno, "fchownat", "/%s", d->path);
  return 0;
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
device_bind (int dir, const char *name, const struct device *d, struct err *err)
{
  char path[4096];
  struct stat st;
  int n = snprintf (path, sizeof path, "/%s", d->path);

  if (S_ISFIFO (d->mode)) /* no device: anybody may make one */
    return device_make (dir, name, d, err);
  if (n < 0 || (size_t) n >= sizeof path)
    return err_sys (err, ENAMETOOLONG, "open_tree", "/%s", d->path);
  own_fd int mnt = mount_clone (AT_FDCWD, path, false, err);
  if (mnt < 0)
    return mnt;
  if (fstat (mnt, &st) < 0)
    return err_sys (err, errno, "fstat", "%s", path);
  if (! is_device (&st, d))
    return err_host (err, ENODEV, "%s of the host is not the device %u:%u", path, d->major, d->minor);
  own_fd int file = openat (dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
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
