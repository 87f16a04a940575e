/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting in the foreground; see wait.h.  One poll over the pidfd, the signals and the terminal. */
#include "launch/wait.h"

#include <errno.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/own.h"
#include "kernel/pid.h"
#include "kernel/sys.h"
#include "kernel/tty_relay.h"

/* Not forwarded: what is about ourselves.  SIGURG is the Go runtime's private doorbell, which engines' helpers pass around.  */
static const int not_ours[] = { SIGCHLD, SIGPIPE, SIGURG, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS,
                                SIGTTIN, SIGTTOU };

/* By which people and service managers end a program.  */
static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

int
wait_block (struct wait_signals *s, struct err *err)
{
  sigset_t set;

  sigfillset (&set);
  for (size_t i = 0; i < sizeof not_ours / sizeof *not_ours; i++)
    if (not_ours[i] != SIGPIPE) /* a reader that went away must not end us before the container is cleaned up */
      sigdelset (&set, not_ours[i]);
  if (sigprocmask (SIG_BLOCK, &set, &s->old) < 0)
    return err_sys (err, errno, "sigprocmask", "signals to forward");
  s->fd = signalfd (-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (s->fd >= 0)
    return 0;
  (void) sigprocmask (SIG_SETMASK, &s->old, NULL);
  return err_sys (err, errno, "signalfd", "signals to forward");
}

int
wait_stop (struct err *err)
{
  sigset_t set;
  int fd;

  sigemptyset (&set);
  for (size_t i = 0; i < sizeof ending / sizeof *ending; i++)
    sigaddset (&set, ending[i]);
  fd = signalfd (-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  return fd < 0 ? err_sys (err, errno, "signalfd", "signals that end") : fd;
}

void
wait_stopped (int stop)
{
  struct signalfd_siginfo info;

  while (read (stop, &info, sizeof info) == sizeof info)
    ;
}

void
wait_unblock (struct wait_signals *s)
{
  if (s->fd < 0)
    return;
  own_close (&s->fd);
  s->fd = -1;
  (void) sigprocmask (SIG_SETMASK, &s->old, NULL);
}

static void
forward (struct wait_signals *s, int child, struct tty_relay *relay)
{
  struct signalfd_siginfo info;

  while (read (s->fd, &info, sizeof info) == sizeof info)
    if (info.ssi_signo == SIGWINCH && relay->master >= 0)
      (void) tty_relay_resize (relay, NULL);
    else if (info.ssi_signo != SIGPIPE && info.ssi_signo != SIGWINCH)
      (void) pid_signal (child, (int) info.ssi_signo, NULL); /* it may have ended just now */
}

/* Serves signals, terminal and what else there is until the pidfd tells of the end.  */
static int
serve (struct wait_signals *s, int child, struct tty_relay *relay, struct err *err)
{
  struct pollfd fds[3 + TTY_RELAY_FDS] = { { .fd = child, .events = POLLIN }, { .fd = s->fd, .events = POLLIN }, { .events = POLLIN } };

  for (;;)
    {
      size_t n = tty_relay_events (relay, fds + 3);

      fds[2].fd = s->also ? *s->also->fd : -1;
      if (poll (fds, 3 + n, -1) < 0)
        {
          if (errno == EINTR)
            continue;
          return err_sys (err, errno, "poll", "container");
        }
      if (fds[1].revents)
        forward (s, child, relay);
      if (fds[2].revents)
        s->also->step (s->also->data);
      (void) tty_relay_step (relay, fds + 3, n, NULL); /* a broken output is thrown away: the container goes on */
      if (fds[0].revents)
        return 0;
    }
}

int
wait_foreground (struct wait_signals *s, pid_t pid, int child, int master, int *ret_status, struct err *err)
{
  struct tty_relay relay;
  siginfo_t info = { 0 };
  int ret = tty_relay_open (&relay, 0, 1, master, err);

  if (ret < 0)
    return ret;
  ret = serve (s, child, &relay, err);
  if (ret == 0)
    (void) tty_relay_drain (&relay, 1000, NULL);
  tty_relay_close (&relay);
  if (ret < 0)
    return ret;
  ret = sys_waitid_pidfd (child, &info, WEXITED);
  if (ret < 0)
    return err_sys (err, -ret, "waitid", "process %d", pid);
  *ret_status = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
  return 0;
}
