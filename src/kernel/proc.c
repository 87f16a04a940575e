/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime's own procfs; see proc.h.  One made for us has nothing mounted in it, and of its files those alone that are asked for; nobody else has a
 * handle to it.  It takes CAP_SYS_ADMIN over the user namespace that owns our pid namespace and, where the mount namespace is another user
 * namespace's than the first, a /proc of which nothing is covered.  An ordinary user has the one as little as most runtimes in a container have the other: then it is the host's, checked.
 * child-safe */
#include "kernel/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/err.h"
#include "base/own.h"
#include "kernel/mount.h"
#include "kernel/sys.h"

enum
{
  ROOT_INODE = 1 /* PROC_ROOT_INO of the kernel */
};

int
proc_open (const char *path, struct err *err)
{
  own_fd int fd = openat (AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  struct statfs fs;
  struct stat st;

  if (fd < 0)
    return err_sys (err, errno, "open", "%s", path);
  if (fstatfs (fd, &fs) < 0)
    return err_sys (err, errno, "fstatfs", "%s", path);
  if (fs.f_type != PROC_SUPER_MAGIC)
    return err_host (err, ENOTSUP, "%s of the host is not procfs", path);
  if (fstat (fd, &st) < 0)
    return err_sys (err, errno, "fstat", "%s", path);
  if (st.st_ino != ROOT_INODE)
    return err_host (err, ENOTSUP, "%s of the host is a part of a procfs, not its root", path);
  return take_fd (&fd);
}

int
proc_make (bool parameters, struct err *err)
{
  /* Linux 5.8: no more than the directories of processes, and of these those alone that we may trace, as we may ourselves */
  static const struct mount_opt processes[] = { { "subset", "pid" }, { "hidepid", "ptraceable" } };
  const uint64_t attr = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  int ret = mount_make ("proc", NULL, processes, parameters ? 0 : sizeof processes / sizeof *processes, attr, err);

  if (ret != -EINVAL || parameters)
    return ret;
  err_clear (err);
  return mount_make ("proc", NULL, NULL, 0, attr, err); /* an older kernel, which does not know these options */
}

int
proc_own (bool parameters, const char *path, struct err *err)
{
  int ret = proc_make (parameters, err);

  /* EACCES is what a security module says */
  if (ret != -ENOSYS && ret != -EPERM && ret != -EACCES)
    return ret;
  err_clear (err);
  return proc_open (path, err);
}

/* On a kernel without openat2: what is opened must lie in the same instance of procfs.  */
static int
open_checked (int proc, const char *name, int flags)
{
  struct stat root, st;
  own_fd int fd = openat (proc, name, flags | O_NOFOLLOW | O_CLOEXEC);

  if (fd < 0)
    return -errno;
  if (fstat (proc, &root) < 0 || fstat (fd, &st) < 0)
    return -errno;
  return root.st_dev == st.st_dev ? take_fd (&fd) : -EXDEV;
}

int
proc_open_file (int proc, const char *name, int flags)
{
  const struct open_how how = { .flags = (unsigned) flags | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV };
  int fd = sys_openat2 (proc, name, &how);

  return fd == -ENOSYS ? open_checked (proc, name, flags) : fd;
}
