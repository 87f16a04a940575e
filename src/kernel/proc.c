/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime's own procfs; see proc.h.  It is the host's, and not one made by fsopen for us: that takes a privilege which the root of a user namespace
 * often has not, and what is mounted over the host's is the host's doing.  child-safe */
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
