/* SPDX-License-Identifier: Apache-2.0 */
/* Whole small files; see file.h.  child-safe parts only; file_read_at, which allocates, is file_read.c */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/own.h"

ssize_t
file_read_into (int fd, char *buf, size_t size)
{
  size_t used = 0;

  while (used < size - 1)
    {
      ssize_t n = pread (fd, buf + used, size - 1 - used, (off_t) used);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return -errno;
      if (n == 0)
        break;
      used += (size_t) n;
    }
  buf[used] = '\0';
  return (ssize_t) used;
}

ssize_t
file_read_small (int dirfd, const char *name, char *buf, size_t size)
{
  ssize_t n;
  own_fd int fd = openat (dirfd, name, O_RDONLY | O_CLOEXEC);

  if (fd < 0)
    return -errno;
  do
    n = read (fd, buf, size - 1);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    return -errno;
  buf[n] = '\0';
  return n;
}

int
file_write_all (int fd, const char *text, size_t len)
{
  while (len > 0)
    {
      ssize_t n = write (fd, text, len);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return -errno;
      text += n;
      len -= (size_t) n;
    }
  return 0;
}

int
file_write_at (int dirfd, const char *name, const char *text, size_t len, struct err *err)
{
  ssize_t n;
  own_fd int fd = openat (dirfd, name, O_WRONLY | O_CLOEXEC);

  if (fd < 0)
    return err_sys (err, errno, "openat", "%s", name);
  do
    n = write (fd, text, len);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    return err_sys (err, errno, "write", "%s", name);
  return (size_t) n == len ? 0 : err_sys (err, EIO, "write", "%s", name);
}

int
file_create_at (int dirfd, const char *name, const char *text, size_t len, mode_t mode, struct err *err)
{
  int ret;
  own_fd int fd = openat (dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);

  if (fd < 0)
    return err_sys (err, errno, "openat", "%s", name);
  ret = file_write_all (fd, text, len);
  if (ret == 0)
    return 0;
  (void) unlinkat (dirfd, name, 0); /* nothing half-written is left */
  return err_sys (err, -ret, "write", "%s", name);
}

int
file_replace_at (int dirfd, const char *name, const char *text, size_t len, mode_t mode, struct err *err)
{
  char temporary[4096];
  int ret, n = snprintf (temporary, sizeof temporary, "%s.new", name);

  if (n < 0 || (size_t) n >= sizeof temporary)
    return err_sys (err, ENAMETOOLONG, "openat", "%s", name);
  ret = file_create_at (dirfd, temporary, text, len, mode, err);
  if (ret == -EEXIST)
    {
      /* left by a process that was killed here; writers of one file take turns by a lock of their own */
      (void) unlinkat (dirfd, temporary, 0);
      ret = file_create_at (dirfd, temporary, text, len, mode, err);
    }
  if (ret < 0)
    return ret;
  if (renameat (dirfd, temporary, dirfd, name) == 0)
    return 0;
  ret = err_sys (err, errno, "renameat", "%s", name);
  (void) unlinkat (dirfd, temporary, 0);
  return ret;
}
