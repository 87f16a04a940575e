/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors; see fds.h.  child-safe (all but fds_connect, fds_bind and fds_listen, which only format into the stack and are too) */
#include "base/fds.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "base/own.h"
#include "base/str.h"

#ifndef SYS_close_range
#define SYS_close_range 436 /* the same number everywhere but on alpha */
#endif
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

enum
{
  CLOSE_MAX = 4096 /* without close_range: above what a child of ours has opened */
};

/* Room for the descriptors of one message, aligned as the kernel wants it.  */
union control
{
  struct cmsghdr head;
  char room[CMSG_SPACE (FDS_MAX * sizeof (int))];
};

int
fds_send (int sock, const void *data, size_t len, const int *fds, size_t n)
{
  union control control = { 0 };
  struct iovec iov = { .iov_base = (void *) (uintptr_t) data, .iov_len = len };
  struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
  ssize_t sent;

  if (n > FDS_MAX)
    return -E2BIG;
  if (n > 0)
    {
      msg.msg_control = &control;
      msg.msg_controllen = CMSG_SPACE (n * sizeof (int));
      control.head.cmsg_level = SOL_SOCKET;
      control.head.cmsg_type = SCM_RIGHTS;
      control.head.cmsg_len = CMSG_LEN (n * sizeof (int));
      memcpy (CMSG_DATA (&control.head), fds, n * sizeof (int));
    }
  do
    sent = sendmsg (sock, &msg, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  if (sent < 0)
    return -errno;
  return (size_t) sent == len ? 0 : -EIO;
}

/* Takes the descriptors of MSG: at most MAX into FDS, the others are closed.  Returns how many came.  */
static size_t
collect (struct msghdr *msg, int *fds, size_t max)
{
  size_t came = 0;

  for (struct cmsghdr *c = CMSG_FIRSTHDR (msg); c; c = CMSG_NXTHDR (msg, c))
    {
      size_t n;

      if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
        continue;
      n = (c->cmsg_len - CMSG_LEN (0)) / sizeof (int);
      for (size_t i = 0; i < n; i++, came++)
        {
          int fd;

          memcpy (&fd, CMSG_DATA (c) + i * sizeof (int), sizeof fd);
          if (came < max)
            fds[came] = fd;
          else
            own_close (&fd);
        }
    }
  return came;
}

ssize_t
fds_recv (int sock, void *data, size_t size, int *fds, size_t *in_out_n)
{
  union control control;
  struct iovec iov = { .iov_base = data, .iov_len = size };
  struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
  size_t max = in_out_n ? *in_out_n : 0, came;
  ssize_t n;

  do
    n = recvmsg (sock, &msg, MSG_CMSG_CLOEXEC);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    return -errno;
  came = collect (&msg, fds, max);
  if (came > max || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
    {
      for (size_t i = 0; i < came && i < max; i++)
        {
          own_close (&fds[i]);
          fds[i] = -1; /* the caller may own them already */
        }
      return -EPROTO;
    }
  if (in_out_n)
    *in_out_n = came;
  return n;
}

/* One descriptor, by its name in /proc/self/fd.  */
static int
cloexec_one (const char *name, unsigned first)
{
  uint64_t fd;

  if (str_u64 (name, INT_MAX, &fd) < 0 || fd < first)
    return 0;
  return fcntl ((int) fd, F_SETFD, FD_CLOEXEC) < 0 && errno != EBADF ? -errno : 0;
}

/* Kernels before 5.11 have no close_range with that flag.  Not a loop over RLIMIT_NOFILE, which may be a milliard.  */
static int
cloexec_each (unsigned first)
{
  struct entry /* of getdents64(2) */
  {
    uint64_t ino;
    int64_t off;
    unsigned short len;
    unsigned char type;
    char name[];
  };
  _Alignas (struct entry) char buf[2048];
  long n = 1;
  int ret = 0, dir = open ("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (dir < 0)
    return -errno;
  while (ret == 0 && (n = syscall (SYS_getdents64, dir, buf, sizeof buf)) > 0)
    for (long at = 0; ret == 0 && at < n; at += ((const struct entry *) (buf + at))->len)
      ret = cloexec_one (((const struct entry *) (buf + at))->name, first);
  if (n < 0)
    ret = -errno;
  (void) close (dir); /* at once: from there ".." leads to all of the host's procfs */
  return ret;
}

int
fds_cloexec_from (unsigned first)
{
  if (syscall (SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
    return 0;
  return errno == ENOSYS || errno == EINVAL ? cloexec_each (first) : -errno;
}

static void
close_span (unsigned first, unsigned last)
{
  if (syscall (SYS_close_range, first, last, 0) == 0)
    return;
  for (unsigned fd = first; fd <= last && fd < CLOSE_MAX; fd++)
    (void) close ((int) fd);
}

void
fds_close_but (unsigned first, const int *keep, size_t n)
{
  for (;;)
    {
      unsigned next = ~0U; /* that is kept */

      for (size_t i = 0; i < n; i++)
        if (keep[i] >= 0 && (unsigned) keep[i] >= first && (unsigned) keep[i] < next)
          next = (unsigned) keep[i];
      if (next > first)
        close_span (first, next == ~0U ? next : next - 1);
      if (next == ~0U)
        return;
      first = next + 1;
    }
}

int
fds_beyond_standard (int fd)
{
  int moved, null, num;

  if (fd < 0 || fd > STDERR_FILENO || own_leave == 0)
    return fd;
  moved = fcntl (fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  num = errno;
  (void) close (fd);
  do
    null = open ("/dev/null", O_RDWR | O_NOCTTY); /* inherited, as what the caller would have left open */
  while (null >= 0 && null <= STDERR_FILENO);
  if (null >= 0)
    (void) close (null);
  errno = num;
  return moved;
}

/* The address of NAME below DIRFD.  A name that does not fit, or is below a directory handle, goes through that handle in
 * /proc/self/fd; *RET_DIR is then a handle to close, or -1.  */
static int
make_address (int dirfd, const char *name, struct sockaddr_un *addr, int *ret_dir)
{
  const char *slash = strrchr (name, '/');
  char parent[4096];
  int n;

  *addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
  *ret_dir = -1;
  if (dirfd == AT_FDCWD && str_copy (addr->sun_path, sizeof addr->sun_path, name) == 0)
    return 0;
  if (dirfd == AT_FDCWD)
    {
      if (slash == NULL || (size_t) (slash - name) >= sizeof parent)
        return -ENAMETOOLONG;
      memcpy (parent, name, (size_t) (slash - name) + 1);
      parent[slash - name + 1] = '\0';
      dirfd = *ret_dir = open (parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
      if (dirfd < 0)
        return -errno;
      name = slash + 1;
    }
  n = snprintf (addr->sun_path, sizeof addr->sun_path, "/proc/self/fd/%d/%s", dirfd, name);
  return n > 0 && (size_t) n < sizeof addr->sun_path ? 0 : -ENAMETOOLONG;
}

int
fds_connect (int dirfd, const char *name, int sock_type, struct err *err)
{
  struct sockaddr_un addr;
  own_fd int dir = -1;
  int ret = make_address (dirfd, name, &addr, &dir);

  if (ret < 0)
    return err_sys (err, -ret, "connect", "%s", name);
  own_fd int sock = socket (AF_UNIX, sock_type | SOCK_CLOEXEC, 0);
  if (sock < 0)
    return err_sys (err, errno, "socket", "%s", name);
  do
    ret = connect (sock, (struct sockaddr *) &addr, sizeof addr);
  while (ret < 0 && errno == EINTR);
  return ret < 0 ? err_sys (err, errno, "connect", "%s", name) : take_fd (&sock);
}

int
fds_bind (int dirfd, const char *name, int sock_type, mode_t mode, struct err *err)
{
  struct sockaddr_un addr;
  own_fd int dir = -1;
  int ret = make_address (dirfd, name, &addr, &dir);

  if (ret < 0)
    return err_sys (err, -ret, "bind", "%s", name);
  own_fd int sock = socket (AF_UNIX, sock_type | SOCK_CLOEXEC, 0);
  if (sock < 0)
    return err_sys (err, errno, "socket", "%s", name);
  /* the mode of the socket's inode is the file's: set before there is a name, nobody can connect in between */
  if (fchmod (sock, mode) < 0 || bind (sock, (struct sockaddr *) &addr, sizeof addr) < 0)
    return err_sys (err, errno, "bind", "%s", name);
  return take_fd (&sock);
}

int
fds_listen (int dirfd, const char *name, int sock_type, struct err *err)
{
  own_fd int sock = fds_bind (dirfd, name, sock_type, 0600, err);

  if (sock < 0)
    return sock;
  return listen (sock, 1) < 0 ? err_sys (err, errno, "listen", "%s", name) : take_fd (&sock);
}
