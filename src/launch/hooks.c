/* SPDX-License-Identifier: Apache-2.0 */
/* Running hooks; see hooks.h.  Standard input, output and error are memfds: no pipe can
 * fill up or break, whether a hook reads its input, and however much it writes.
 * A hook gets no descriptor and no variable but its own.  child-safe */
#include "launch/hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/memfd.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "base/own.h"
#include "kernel/sys.h"
#include "plan/plan.h"

enum
{
  TAIL = 1024 /* how much of a failed hook's output is shown */
};

int
hooks_state (const char *text, size_t len, struct err *err)
{
  int ret = sys_memfd_create ("orlop-state", MFD_CLOEXEC);

  if (ret < 0)
    return err_sys (err, -ret, "memfd_create", "state for hooks");
  own_fd int fd = ret;
  if (write (fd, text, len) != (ssize_t) len)
    return err_sys (err, errno, "write", "state for hooks");
  return take_fd (&fd);
}

/* In the hook's process: never returns.  */
static void __attribute__ ((noreturn))
become_hook (const struct plan_hook *h, int state_fd, int out, const char *cwd)
{
  sigset_t none;
  int num;

  sigemptyset (&none);
  (void) sigprocmask (SIG_SETMASK, &none, NULL);
  (void) setpgid (0, 0); /* the time limit ends the whole group */
  /* a runtime that is killed while it waits must not leave its hook behind (cleared by the execve of a set-user-ID program) */
  (void) prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (dup2 (state_fd, 0) < 0 || dup2 (out, 1) < 0 || dup2 (out, 2) < 0)
    _exit (127);
  (void) fds_cloexec_from (3); /* what the runtime's caller left open is not for hooks */
  if (chdir (cwd) == 0)
    execve (h->path, (char *const *) h->argv, (char *const *) h->envp);
  num = errno;
  (void) ! write (2, strerror (num), strlen (strerror (num)));
  _exit (127);
}

/* The end of what the hook wrote, on one line.  */
static void
read_tail (int out, char *buf, size_t size)
{
  struct stat st;
  off_t from;
  ssize_t n;

  buf[0] = '\0';
  if (fstat (out, &st) < 0)
    return;
  from = st.st_size > (off_t) size - 1 ? st.st_size - (off_t) (size - 1) : 0;
  n = pread (out, buf, size - 1, from);
  if (n <= 0)
    return;
  while (n > 0 && (buf[n - 1] == '\n' || buf[n - 1] == ' '))
    n--;
  buf[n] = '\0';
  for (char *p = buf; *p; p++)
    if ((unsigned char) *p < ' ')
      *p = ' ';
}

enum
{
  POLL_MAX = INT_MAX / 1000 /* seconds that poll(2) waits at most */
};

/* How the waiting for a hook ended.  */
enum
{
  ENDED,
  LATE,   /* its time is over */
  STOPPED /* nobody waits any more */
};

/* Waits for the hook; kills its group when the time is over, or STOP can be read.  Returns how it ended, or negative errno.  */
static int
wait_hook (const struct plan_hook *h, pid_t pid, int pidfd, int stop, siginfo_t *info, struct err *err)
{
  struct pollfd p[] = { { .fd = pidfd, .events = POLLIN }, { .fd = stop, .events = POLLIN } };
  unsigned left = h->timeout, part;
  int ret, late = ENDED;

  do
    {
      part = left < POLL_MAX ? left : POLL_MAX;
      ret = poll (p, 2, h->timeout ? (int) part * 1000 : -1);
      left -= ret == 0 ? part : 0;
    }
  while ((ret < 0 && errno == EINTR) || (ret == 0 && left > 0));
  if (ret >= 0 && p[0].revents == 0)
    {
      late = ret == 0 ? LATE : STOPPED;
      (void) kill (-pid, SIGKILL);
      (void) kill (pid, SIGKILL);
    }
  ret = sys_waitid_pidfd (pidfd, info, WEXITED);
  return ret < 0 ? err_sys (err, -ret, "waitid", "%s", h->path) : late;
}

static int
judge (const struct plan_hook *h, const siginfo_t *info, int late, int out, struct err *err)
{
  char tail[TAIL];
  const char *colon;

  if (late == ENDED && info->si_code == CLD_EXITED && info->si_status == 0)
    return 0;
  if (late == STOPPED)
    return err_in (err, err_state (err, EINTR, "a signal ended the waiting for hook %s", h->path), "%s", h->where);
  read_tail (out, tail, sizeof tail);
  colon = tail[0] ? ": " : "";
  if (late)
    return err_in (err, err_host (err, ETIMEDOUT, "hook %s ran longer than its %u s%s%s", h->path, h->timeout, colon, tail), "%s", h->where);
  if (info->si_code == CLD_EXITED)
    return err_in (err, err_host (err, ECANCELED, "hook %s failed with exit status %d%s%s", h->path, info->si_status, colon, tail), "%s",
                   h->where);
  return err_in (err, err_host (err, ECANCELED, "hook %s was ended by signal %d%s%s", h->path, info->si_status, colon, tail), "%s", h->where);
}

static int
run_hook (const struct plan_hook *h, int state_fd, const char *cwd, int stop, struct err *err)
{
  int pidfd = -1, ret, late;
  siginfo_t info = { 0 };
  struct clone_args args = { .flags = CLONE_PIDFD, .pidfd = (uintptr_t) &pidfd, .exit_signal = SIGCHLD };
  own_fd int out = sys_memfd_create ("orlop-hook", MFD_CLOEXEC);

  if (out < 0)
    return err_sys (err, -out, "memfd_create", "output of %s", h->path);
  if (lseek (state_fd, 0, SEEK_SET) < 0)
    return err_sys (err, errno, "lseek", "state for hooks");
  ret = sys_clone3 (&args);
  if (ret < 0)
    return err_sys (err, -ret, "clone3", "%s", h->path);
  if (ret == 0)
    become_hook (h, state_fd, out, cwd);
  own_fd int owned = pidfd;
  late = wait_hook (h, ret, owned, stop, &info, err);
  return late < 0 ? late : judge (h, &info, late, out, err);
}

int
hooks_run (const struct plan_hook *hooks, size_t n, int state_fd, const char *cwd, int stop, struct err *err)
{
  for (size_t i = 0; i < n; i++)
    {
      int ret = run_hook (&hooks[i], state_fd, cwd, stop, err);

      if (ret < 0)
        return err_in (err, ret, "%s", hooks[i].where);
    }
  return 0;
}
