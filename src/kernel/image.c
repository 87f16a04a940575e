/* SPDX-License-Identifier: Apache-2.0 */
/* A program in memory made executable, sealed.  Never runs it.  Parent only */
#include "kernel/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <linux/memfd.h>

#include "base/err.h"
#include "base/own.h"
#include "kernel/sys.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3 */
#endif

static const char name[] = "orlop-init";

/* Writes all of it.  */
static int
fill (int fd, const void *elf, size_t len, struct err *err)
{
  const char *p = elf;
  while (len > 0)
    {
      ssize_t n = write (fd, p, len);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return err_sys (err, errno, "write", "%s", name);
      p += n;
      len -= (size_t) n;
    }
  return 0;
}

int
image_open (const void *elf, size_t len, struct err *err)
{
  own_fd int fd = sys_memfd_create (name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
  if (fd == -EINVAL)
    fd = sys_memfd_create (name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0)
    return err_sys (err, -fd, "memfd_create", "%s", name);
  int ret = fill (fd, elf, len, err);
  if (ret < 0)
    return ret;
  if (fcntl (fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
    return err_sys (err, errno, "fcntl", "F_ADD_SEALS");
  return take_fd (&fd);
}

int
image_open_at (int dirfd, const void *elf, size_t len, struct err *err)
{
  char path[32];

  own_fd int fd = openat (dirfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0500);
  if (fd < 0)
    return err_sys (err, errno, "openat", "O_TMPFILE");
  int ret = fill (fd, elf, len, err);
  if (ret < 0)
    return ret;
  snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  int read_only = open (path, O_RDONLY | O_CLOEXEC);
  if (read_only < 0)
    return err_sys (err, errno, "open", "%s", path);
  (void) close (take_fd (&fd)); /* in any case: what is open for writing is not executed, ETXTBSY (execve(2)) */
  return read_only;
}
