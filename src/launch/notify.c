/* SPDX-License-Identifier: Apache-2.0 */
/* Telling a service manager that a container is ready; see notify.h.  The protocol is that of sd_notify(3) and sd_notify_barrier(3). */
#include "launch/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "base/log.h"
#include "base/own.h"
#include "base/str.h"

enum
{
  TRIES = 100,       /* to reach the host, one each PAUSE_NS: it may be making its socket anew */
  BARRIER_MS = 5000, /* for the host to take the message: it asks the kernel who sent it, so we must still be there */
  MESSAGE_MAX = 4096
};

#define PAUSE_NS (20 * 1000 * 1000)

int
notify_make (int dir, struct err *err)
{
  if (mkdirat (dir, NOTIFY_DIR, 0755) < 0 && errno != EEXIST)
    return err_sys (err, errno, "mkdirat", "%s", NOTIFY_DIR);
  /* whatever the umask is: the container's user has to get in */
  return fchmodat (dir, NOTIFY_DIR, 0755, 0) < 0 ? err_sys (err, errno, "fchmodat", "%s", NOTIFY_DIR) : 0;
}

int
notify_bind (int dir, struct err *err)
{
  own_fd int fd = -1;

  if (unlinkat (dir, NOTIFY_SOCKET, 0) < 0 && errno != ENOENT)
    return err_sys (err, errno, "unlinkat", "%s", NOTIFY_SOCKET);
  fd = fds_bind (dir, NOTIFY_SOCKET, SOCK_DGRAM, 0777, err);
  if (fd < 0)
    return fd;
  /* bind(2) applies the umask; the directory is ours, so the name is that of the socket still */
  return fchmodat (dir, NOTIFY_SOCKET, 0777, 0) < 0 ? err_sys (err, errno, "fchmodat", "%s", NOTIFY_SOCKET) : take_fd (&fd);
}

/* The host's socket may be abstract, which is a name of exactly its length.  */
static int
connect_host (const char *host)
{
  struct sockaddr_un addr = { .sun_family = AF_UNIX };
  size_t len = strlen (host);
  own_fd int fd = -1;

  if (host[0] != '@')
    return fds_connect (AT_FDCWD, host, SOCK_DGRAM, NULL);
  if (len > sizeof addr.sun_path)
    return -ENAMETOOLONG;
  memcpy (addr.sun_path + 1, host + 1, len - 1);
  fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect (fd, (struct sockaddr *) &addr, (socklen_t) (offsetof (struct sockaddr_un, sun_path) + len)) < 0)
    return -errno;
  return take_fd (&fd);
}

static int
connect_patiently (const char *host)
{
  static const struct timespec pause = { .tv_nsec = PAUSE_NS };
  int fd = connect_host (host);

  for (int i = 1; i < TRIES && (fd == -ECONNREFUSED || fd == -ENOENT); i++)
    {
      (void) nanosleep (&pause, NULL);
      fd = connect_host (host);
    }
  return fd;
}

/* The other end of a pipe goes along, and is closed by who has taken all messages before it.  */
static int
barrier (int sock)
{
  int fds[2], ret;
  struct pollfd p;

  if (pipe2 (fds, O_CLOEXEC) < 0)
    return -errno;
  ret = fds_send (sock, "BARRIER=1", strlen ("BARRIER=1"), &fds[1], 1);
  (void) close (fds[1]); /* so that the host has the only one */
  p = (struct pollfd){ .fd = fds[0] };
  if (ret == 0 && poll (&p, 1, BARRIER_MS) < 0)
    ret = -errno;
  own_close (&fds[0]);
  return ret;
}

static int
pass_on (const struct notify *n, const char *ready)
{
  static const struct timeval limit = { .tv_sec = BARRIER_MS / 1000 };
  char text[128];
  int ret, len = snprintf (text, sizeof text, "%s\nMAINPID=%d\n", ready, n->pid);
  own_fd int sock = connect_patiently (n->host);

  if (sock < 0)
    return sock;
  (void) setsockopt (sock, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit); /* a host that takes nothing must not hold us up for ever */
  ret = fds_send (sock, text, (size_t) len, NULL, 0);
  return ret < 0 ? ret : barrier (sock);
}

/* True if a line of MESSAGE says READY=1.  */
static bool
says_ready (const char *message)
{
  static const char ready[] = "READY=1";

  for (const char *line = message; line; line = strchr (line, '\n'))
    {
      line += *line == '\n';
      if (strcspn (line, "\n") == strlen (ready) && str_after (line, ready))
        return true;
    }
  return false;
}

void
notify_step (struct notify *n)
{
  char message[MESSAGE_MAX + 1];
  size_t none = 0;
  ssize_t len = fds_recv (n->fd, message, MESSAGE_MAX, NULL, &none); /* descriptors in it are closed */
  int ret;

  if (len < 0)
    return;
  message[len] = '\0';
  if (! says_ready (message))
    return;
  ret = pass_on (n, "READY=1");
  if (ret < 0)
    log_warn (n->log, "the container is ready, and %s could not be told: %s", n->host, strerror (-ret));
  own_close (&n->fd);
  n->fd = -1;
}

void
notify_wait (struct notify *n, int pidfd)
{
  while (n->fd >= 0)
    {
      struct pollfd p[] = { { .fd = n->fd, .events = POLLIN }, { .fd = pidfd, .events = POLLIN } };

      if (poll (p, 2, -1) < 0 && errno != EINTR)
        return;
      if (p[0].revents)
        notify_step (n); /* also the last message of one that has ended */
      else if (p[1].revents)
        return;
    }
}
