/* SPDX-License-Identifier: Apache-2.0 */
/* Copying between our terminal and a container's.  Sleeps only in drain; never changes the flags of a file description that
 * others share.  Parent only */
#include "kernel/tty_relay.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "kernel/tty.h"

enum
{
  TTY_CHUNK = 256,      /* POLLOUT of a terminal promises little room */
  DRAIN_MAX = 128 * 1024 /* more than the kernel holds for a pty: what comes later is another process's */
};

/* ---- setting up and clearing away ---- */

/* Finds out how OUT may be written without blocking.  */
static void
look_at_out (struct tty_relay *r)
{
  struct stat st;
  char path[32];

  if (fstat (r->out, &st) < 0)
    return; /* the first write will tell */
  r->out_socket = S_ISSOCK (st.st_mode);
  if (S_ISFIFO (st.st_mode))
    r->out_chunk = PIPE_BUF; /* pipe(7): POLLOUT means that this much fits */
  if (! S_ISCHR (st.st_mode) || ! isatty (r->out))
    return;
  /* A file description of our own may be non-blocking.  It is refused to those who do not own the terminal (after su).  */
  snprintf (path, sizeof path, "/proc/self/fd/%d", r->out);
  r->out_own = open (path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (r->out_own < 0)
    r->out_chunk = TTY_CHUNK;
}

/* Makes our own terminal raw.  */
static int
make_raw (struct tty_relay *r, struct err *err)
{
  if (tcgetattr (r->in, &r->saved) < 0)
    return 0; /* not a terminal */
  struct termios raw = r->saved;
  cfmakeraw (&raw);
  if (tcsetattr (r->in, TCSANOW, &raw) < 0)
    return err_sys (err, errno, "tcsetattr", "standard input");
  r->raw = true;
  return 0;
}

/* Makes MASTER, whose file description is ours alone, non-blocking (1) or blocking (0).  */
static int
set_nonblocking (int master, int on)
{
  return ioctl (master, FIONBIO, &on);
}

int
tty_relay_open (struct tty_relay *r, int in, int out, int master, struct err *err)
{
  memset (r, 0, sizeof *r);
  r->in = r->out = r->master = r->out_own = -1;
  if (master < 0)
    return 0;
  if (set_nonblocking (master, 1) < 0)
    return err_sys (err, errno, "ioctl", "FIONBIO");
  r->active = true;
  r->in = in;
  r->out = out;
  r->master = master;
  look_at_out (r);
  int ret = make_raw (r, err);
  if (ret == 0)
    ret = tty_relay_resize (r, err);
  if (ret < 0)
    tty_relay_close (r);
  return ret;
}

/* Gives IN its own settings back.  */
static void
restore_terminal (const struct tty_relay *r)
{
  sigset_t block, old;

  /* tcsetattr from the background would stop us (termios(3)).  */
  sigemptyset (&block);
  sigaddset (&block, SIGTTOU);
  pthread_sigmask (SIG_BLOCK, &block, &old);
  (void) tcsetattr (r->in, TCSANOW, &r->saved); /* fails when the terminal is gone: nothing to restore then */
  pthread_sigmask (SIG_SETMASK, &old, NULL);
}

void
tty_relay_close (struct tty_relay *r)
{
  if (r->raw)
    restore_terminal (r);
  if (r->active)
    {
      (void) set_nonblocking (r->master, 0); /* the caller closes it soon */
      if (r->out_own >= 0)
        (void) close (r->out_own); /* nothing was promised about it */
    }
  r->active = r->raw = false;
  r->in = r->out = r->master = r->out_own = -1;
}

/* ---- buffers ---- */

static size_t
pending (const struct tty_relay_buffer *b)
{
  return b->end - b->start;
}

static bool
has_room (const struct tty_relay_buffer *b)
{
  return pending (b) < sizeof b->data;
}

static void
forget (struct tty_relay_buffer *b)
{
  b->start = b->end = 0;
}

/* Reads from FD into B, which has room.  Returns the length, 0 at end of file, or negative errno.  */
static ssize_t
take_in (struct tty_relay_buffer *b, int fd)
{
  memmove (b->data, b->data + b->start, pending (b));
  b->end -= b->start;
  b->start = 0;
  ssize_t n = read (fd, b->data + b->end, sizeof b->data - b->end);
  if (n < 0)
    return -errno;
  b->end += (size_t) n;
  return n;
}

static bool
is_passing (ssize_t ret)
{
  return ret == -EAGAIN || ret == -EINTR;
}

/* ---- the two directions ---- */

/* True while something can still go to the container.  */
static bool
wants_input (const struct tty_relay *r)
{
  return ! r->in_ended && ! r->hung_up && has_room (&r->to_master);
}

static void
read_in (struct tty_relay *r)
{
  ssize_t n = take_in (&r->to_master, r->in);
  /* A pty has no end of file to pass on, and the container's output goes on.  EIO: we are in the background.  */
  if (n == 0 || (n < 0 && ! is_passing (n)))
    r->in_ended = true;
}

static void
write_master (struct tty_relay *r)
{
  struct tty_relay_buffer *b = &r->to_master;

  if (pending (b) == 0)
    return;
  ssize_t n = write (r->master, b->data + b->start, pending (b));
  if (n >= 0)
    b->start += (size_t) n;
  else if (errno != EAGAIN && errno != EINTR)
    forget (b); /* nobody is there to read it */
}

/* Reads from MASTER.  Returns the length, or 0 when there is nothing now or no more.  */
static size_t
read_master (struct tty_relay *r)
{
  ssize_t n;
  while ((n = take_in (&r->to_out, r->master)) == -EINTR)
    ;
  if (n == 0 || (n < 0 && ! is_passing (n)))
    r->hung_up = true; /* EIO: every slave is closed */
  if (r->out_failed)
    forget (&r->to_out);
  return n > 0 ? (size_t) n : 0;
}

/* The descriptor to write output to.  */
static int
out_fd (const struct tty_relay *r)
{
  return r->out_own >= 0 ? r->out_own : r->out;
}

static int
write_out (struct tty_relay *r, struct err *err)
{
  struct tty_relay_buffer *b = &r->to_out;
  size_t len = pending (b);

  if (len == 0)
    return 0;
  if (r->out_chunk > 0 && len > r->out_chunk)
    len = r->out_chunk;
  ssize_t n = r->out_socket ? send (r->out, b->data + b->start, len, MSG_DONTWAIT | MSG_NOSIGNAL)
                            : write (out_fd (r), b->data + b->start, len);
  if (n >= 0)
    {
      b->start += (size_t) n;
      return 0;
    }
  int num = errno;
  if (num == EAGAIN || num == EINTR)
    return 0;
  r->out_failed = true;
  forget (b);
  return err_sys (err, num, "write", "standard output");
}

/* ---- the caller's loop ---- */

size_t
tty_relay_events (const struct tty_relay *r, struct pollfd *fds)
{
  size_t n = 0;

  if (! r->active)
    return 0;
  if (wants_input (r))
    fds[n++] = (struct pollfd){ .fd = r->in, .events = POLLIN };
  int events = has_room (&r->to_out) ? POLLIN : 0;
  if (pending (&r->to_master) > 0)
    events |= POLLOUT;
  if (events && ! r->hung_up) /* without events POLLHUP alone would make the caller spin */
    fds[n++] = (struct pollfd){ .fd = r->master, .events = (short) events };
  if (pending (&r->to_out) > 0)
    fds[n++] = (struct pollfd){ .fd = out_fd (r), .events = POLLOUT };
  return n;
}

int
tty_relay_step (struct tty_relay *r, const struct pollfd *fds, size_t n, struct err *err)
{
  bool out_ready = false;
  int ret = 0;

  if (! r->active)
    return 0;
  for (size_t i = 0; i < n; i++)
    {
      if (fds[i].revents == 0)
        continue;
      if (fds[i].fd == r->in && fds[i].events == POLLIN && wants_input (r))
        read_in (r);
      else if (fds[i].fd == r->master && fds[i].revents != POLLOUT && has_room (&r->to_out))
        read_master (r);
      else if (fds[i].fd == out_fd (r) && fds[i].events == POLLOUT)
        out_ready = true;
    }
  write_master (r);
  if (out_ready || r->out_chunk == 0)
    ret = write_out (r, err);
  if (ret < 0)
    return ret;
  return ! r->hung_up || pending (&r->to_out) > 0;
}

int
tty_relay_resize (struct tty_relay *r, struct err *err)
{
  return r->active ? tty_fit (r->master, r->in, r->out, err) : 0;
}

/* Writes all that is pending, sleeping in poll.  */
static int
flush_out (struct tty_relay *r, int timeout_ms, struct err *err)
{
  while (pending (&r->to_out) > 0)
    {
      struct pollfd fd = { .fd = out_fd (r), .events = POLLOUT };
      int ready = poll (&fd, 1, timeout_ms);
      if (ready < 0 && errno == EINTR)
        continue;
      if (ready < 0)
        return err_sys (err, errno, "poll", "standard output");
      if (ready == 0)
        return err_sys (err, ETIMEDOUT, "poll", "standard output");
      int ret = write_out (r, err);
      if (ret < 0)
        return ret;
    }
  return 0;
}

int
tty_relay_drain (struct tty_relay *r, int timeout_ms, struct err *err)
{
  size_t total = 0;

  if (! r->active)
    return 0;
  for (;;)
    {
      int ret = flush_out (r, timeout_ms, err);
      if (ret < 0)
        return ret;
      size_t n = read_master (r);
      total += n;
      if (n == 0 || total > DRAIN_MAX)
        return flush_out (r, timeout_ms, err);
    }
}
