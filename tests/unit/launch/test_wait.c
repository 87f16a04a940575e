/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting in the foreground for real processes: exit statuses, signals passed on, the terminal relayed. */
#include "room.h"

#include <pty.h>

#include "base/err.h"
#include "kernel/pid.h"
#include "launch/wait.h"

/* Runs BODY in a child, which is told to go on once its pidfd is open, and waits for it in the foreground.  */
static int
foreground (void (*body) (void), struct wait_signals *s, int master, struct err *err, int *ret_status)
{
  int fds[2], ret, pidfd;
  char byte;
  pid_t pid;

  assert_int_equal (pipe (fds), 0);
  pid = fork ();
  if (pid == 0)
    {
      close (fds[1]);
      (void) prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
      if (s->fd >= 0)
        (void) sigprocmask (SIG_SETMASK, &s->old, NULL);
      if (read (fds[0], &byte, 1) == 0)
        body ();
      _exit (99);
    }
  pidfd = pid_open (pid, NULL);
  close (fds[0]);
  close (fds[1]);
  ret = wait_foreground (s, pid, pidfd, master, ret_status, err);
  close (pidfd);
  return ret;
}

static void
exit_7 (void)
{
  _exit (7);
}

static void
die_of_term (void)
{
  (void) signal (SIGTERM, SIG_DFL);
  (void) raise (SIGTERM);
}

static void
wait_foreground_status (void **state)
{
  struct wait_signals s = { .fd = -1 };
  int status = -1;

  (void) state;
  assert_int_equal (wait_block (&s, NULL), 0);
  assert_int_equal (foreground (exit_7, &s, -1, NULL, &status), 0);
  assert_int_equal (status, 7);
  assert_int_equal (foreground (die_of_term, &s, -1, NULL, &status), 0);
  assert_int_equal (status, 128 + SIGTERM);
  wait_unblock (&s);
}

static volatile sig_atomic_t caught;

static void
note (int number)
{
  caught = number;
}

/* Waits until a signal arrives and ends with its number.  */
static void
exit_with_signal (void)
{
  static const int numbers[] = { SIGUSR1, SIGHUP, SIGTERM, SIGINT, 34, 64 };

  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    (void) signal (numbers[i], note);
  (void) kill (getppid (), SIGCONT); /* nothing to us: shows that what is not asked for does no harm */
  for (int i = 0; i < 1000 && caught == 0; i++)
    (void) usleep (10 * 1000);
  _exit (caught);
}

static void
wait_foreground_passes_signals_on (void **state)
{
  static const int numbers[] = { SIGUSR1, SIGHUP, SIGTERM, SIGINT };

  (void) state;
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    {
      struct wait_signals s = { .fd = -1 };
      int status = -1;
      pid_t us = getpid (), other;

      assert_int_equal (wait_block (&s, NULL), 0);
      other = fork ();
      if (other == 0)
        {
          (void) usleep (100 * 1000); /* the program must have its handler, else it ends by the signal: the same number + 128 */
          (void) kill (us, numbers[i]);
          _exit (0);
        }
      assert_int_equal (foreground (exit_with_signal, &s, -1, NULL, &status), 0);
      assert_true (status == numbers[i] || status == 128 + numbers[i]);
      waitpid (other, NULL, 0);
      wait_unblock (&s);
    }
}

/* A signal that comes before anybody waits is not lost.  */
static void
wait_block_keeps_what_comes_early (void **state)
{
  struct wait_signals s = { .fd = -1 };
  int status = -1;

  (void) state;
  assert_int_equal (wait_block (&s, NULL), 0);
  assert_int_equal (raise (SIGTERM), 0);
  assert_int_equal (foreground (exit_with_signal, &s, -1, NULL, &status), 0);
  assert_true (status == SIGTERM || status == 128 + SIGTERM);
  wait_unblock (&s);
}

static void
wait_block_leaves_faults_and_children (void **state)
{
  static const int ours[] = { SIGCHLD, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGURG, SIGTTIN, SIGTTOU };
  struct wait_signals s = { .fd = -1 };
  sigset_t now;

  (void) state;
  assert_int_equal (wait_block (&s, NULL), 0);
  assert_int_equal (fcntl (s.fd, F_GETFD), FD_CLOEXEC);
  assert_int_equal (sigprocmask (SIG_BLOCK, NULL, &now), 0);
  for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
    assert_int_equal (sigismember (&now, ours[i]), 0);
  assert_int_equal (sigismember (&now, SIGTERM), 1);
  assert_int_equal (sigismember (&now, SIGPIPE), 1);
  assert_int_equal (sigismember (&now, 34), 1);
  wait_unblock (&s);
}

static void
wait_unblock_restores (void **state)
{
  struct wait_signals s = { .fd = -1 };
  sigset_t before, now, some;

  (void) state;
  wait_unblock (&s); /* never blocked */
  sigemptyset (&some);
  sigaddset (&some, SIGUSR2);
  assert_int_equal (sigprocmask (SIG_BLOCK, &some, &before), 0);
  assert_int_equal (wait_block (&s, NULL), 0);
  wait_unblock (&s);
  assert_int_equal (s.fd, -1);
  wait_unblock (&s);
  assert_int_equal (sigprocmask (SIG_SETMASK, &before, &now), 0);
  assert_int_equal (sigismember (&now, SIGUSR2), 1);
  assert_int_equal (sigismember (&now, SIGTERM), 0);
}

static void
wait_foreground_of_no_child_of_ours (void **state)
{
  struct wait_signals s = { .fd = -1 };
  struct err err = { 0 };
  int status = -1, fds[2], pidfd;
  pid_t pid, grandchild = 0;

  (void) state;
  assert_int_equal (wait_block (&s, NULL), 0);
  assert_int_equal (pipe (fds), 0);
  pid = fork ();
  if (pid == 0)
    {
      grandchild = fork ();
      if (grandchild == 0)
        for (;;)
          pause ();
      _exit (write (fds[1], &grandchild, sizeof grandchild) != sizeof grandchild);
    }
  assert_int_equal (read (fds[0], &grandchild, sizeof grandchild), sizeof grandchild);
  waitpid (pid, NULL, 0);
  pidfd = pid_open (grandchild, NULL);
  kill (grandchild, SIGKILL);
  assert_int_equal (wait_foreground (&s, grandchild, pidfd, -1, &status, &err), -ECHILD);
  assert_string_equal (err.call, "waitid");
  close (pidfd);
  close (fds[0]);
  close (fds[1]);
  wait_unblock (&s);
}

static int slave = -1;

static void
write_to_terminal (void)
{
  _exit (write (slave, "from inside", 11) != 11);
}

/* What the program wrote just before its end still arrives.  */
static void
wait_foreground_relays_the_terminal (void **state)
{
  struct wait_signals s = { .fd = -1 };
  int master = -1, status = -1, out[2], in[2], old_in = dup (0), old_out = dup (1);
  char got[64] = "";

  (void) state;
  if (openpty (&master, &slave, NULL, NULL, NULL) < 0)
    {
      print_message ("skip: no terminals here (%s)\n", strerror (errno));
      skip ();
    }
  assert_int_equal (pipe (out), 0);
  assert_int_equal (pipe (in), 0);
  assert_int_equal (wait_block (&s, NULL), 0);
  fflush (NULL);
  dup2 (in[0], 0);
  dup2 (out[1], 1);
  int ret = foreground (write_to_terminal, &s, master, NULL, &status);
  dup2 (old_in, 0);
  dup2 (old_out, 1);
  wait_unblock (&s);
  close (slave);
  assert_int_equal (ret, 0);
  assert_int_equal (status, 0);
  assert_int_equal (read (out[0], got, sizeof got - 1), 11);
  assert_string_equal (got, "from inside");
  for (size_t i = 0; i < 2; i++)
    {
      close (in[i]);
      close (out[i]);
    }
  close (master);
  close (old_in);
  close (old_out);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (wait_foreground_status),
    cmocka_unit_test (wait_foreground_passes_signals_on),
    cmocka_unit_test (wait_block_keeps_what_comes_early),
    cmocka_unit_test (wait_block_leaves_faults_and_children),
    cmocka_unit_test (wait_unblock_restores),
    cmocka_unit_test (wait_foreground_of_no_child_of_ours),
    cmocka_unit_test (wait_foreground_relays_the_terminal),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
