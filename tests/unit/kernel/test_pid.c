/* SPDX-License-Identifier: Apache-2.0 */
/* Processes from outside: real children of all kinds. */
#include "in_child.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>

#include "base/err.h"
#include "kernel/pid.h"

/* A child that waits to be killed, with the command name COMM.  */
static pid_t
start_child (const char *comm)
{
  int fds[2];
  char byte;
  assert_return_code (pipe (fds), errno);
  pid_t pid = fork ();
  if (pid == 0)
    {
      prctl (PR_SET_NAME, comm, 0, 0, 0);
      if (write (fds[1], "r", 1) == 1)
        for (;;)
          pause ();
      _exit (1);
    }
  assert_int_equal (read (fds[0], &byte, 1), 1);
  close (fds[0]);
  close (fds[1]);
  return pid;
}

static void
end_child (pid_t pid)
{
  kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
}

static void
pid_starttime_is_stable (void **state)
{
  uint64_t first = 1, second = 2;
  char letter = 0;
  (void) state;
  assert_int_equal (pid_starttime (getpid (), &first, &letter, NULL), 0);
  assert_int_equal (pid_starttime (getpid (), &second, NULL, NULL), 0);
  assert_true (first == second && first > 0);
  assert_int_equal (letter, 'R');
  assert_true (pid_alive (getpid (), first));
  assert_false (pid_alive (getpid (), first + 1));
}

static void
pid_birth_tells_what_is_ignored (void **state)
{
  uint64_t start, mine, ignored = 0;

  (void) state;
  assert_int_equal (pid_birth (getpid (), &mine, &ignored, NULL), 0);
  signal (SIGUSR1, SIG_IGN);
  signal (SIGUSR2, SIG_DFL);
  assert_int_equal (pid_birth (getpid (), &start, &ignored, NULL), 0);
  signal (SIGUSR1, SIG_DFL);
  assert_int_equal (start, mine);
  assert_true (ignored & 1u << (SIGUSR1 - 1));
  assert_false (ignored & 1u << (SIGUSR2 - 1));
}

static void
pid_starttime_odd_names (void **state)
{
  static const char *const names[] = { ") Z 1 (", "a) b) c", "((((", "new\nline" };
  uint64_t mine, theirs;
  char letter;
  (void) state;
  assert_int_equal (pid_starttime (getpid (), &mine, NULL, NULL), 0);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    {
      pid_t pid = start_child (names[i]);
      assert_int_equal (pid_starttime (pid, &theirs, &letter, NULL), 0);
      assert_true (theirs >= mine && theirs < mine + 100000);
      assert_true (letter == 'S' || letter == 'R');
      assert_true (pid_alive (pid, theirs));
      end_child (pid);
    }
}

static void
pid_starttime_no_process (void **state)
{
  struct err err = { 0 };
  pid_t pid = start_child ("gone");
  (void) state;
  end_child (pid);
  assert_int_equal (pid_starttime (pid, NULL, NULL, &err), -ESRCH);
  assert_false (pid_alive (pid, 0));
  assert_int_equal (pid_open (pid, &err), -ESRCH);
}

/* The number of a process that has ended lives on while others are in its group.  */
static void
pid_open_number_of_a_group (void **state)
{
  struct err err = { 0 };
  pid_t pid = fork ();

  (void) state;
  assert_true (pid >= 0);
  if (pid == 0)
    {
      if (setpgid (0, 0) < 0 || fork () == 0)
        pause ();
      _exit (0);
    }
  assert_int_equal (waitpid (pid, NULL, 0), pid);
  assert_int_equal (kill (-pid, 0), 0);
  assert_int_equal (pid_open (pid, &err), -ESRCH);
  (void) kill (-pid, SIGKILL);
}

static void
pid_alive_zombie (void **state)
{
  uint64_t start;
  siginfo_t info;
  pid_t pid = start_child ("zombie");
  char letter;
  (void) state;
  assert_int_equal (pid_starttime (pid, &start, NULL, NULL), 0);
  assert_true (pid_alive (pid, start));
  kill (pid, SIGKILL);
  assert_return_code (waitid (P_PID, (id_t) pid, &info, WEXITED | WNOWAIT), errno);
  assert_int_equal (pid_starttime (pid, NULL, &letter, NULL), 0);
  assert_int_equal (letter, 'Z');
  assert_false (pid_alive (pid, start));
  end_child (pid);
}

static void *
wait_for_ever (void *arg)
{
  (void) arg;
  for (;;)
    pause ();
  return NULL;
}

/* Ends the first thread while another goes on.  */
static int
leaves_thread (void *arg)
{
  pthread_t thread;
  (void) arg;
  pid_t pid = fork ();
  CHECK (pid >= 0);
  if (pid == 0)
    {
      if (pthread_create (&thread, NULL, wait_for_ever, NULL) == 0)
        syscall (SYS_exit, 0);
      _exit (1);
    }
  char letter = 0;
  uint64_t start = 0;
  for (int i = 0; i < 1000 && letter != 'Z'; i++)
    {
      CHECK (pid_starttime (pid, &start, &letter, NULL) == 0);
      usleep (1000);
    }
  bool alive = pid_alive (pid, start);
  kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
  CHECK (letter == 'Z' && alive);
  return 0;
}

static void
pid_alive_first_thread_ended (void **state)
{
  (void) state;
  assert_child (leaves_thread);
}

static void
pid_signal_ends_it (void **state)
{
  struct err err = { 0 };
  pid_t pid = start_child ("target");
  int status;
  (void) state;
  int fd = pid_open (pid, NULL);
  assert_true (fd >= 0);
  assert_int_equal (fcntl (fd, F_GETFD), FD_CLOEXEC);
  assert_int_equal (pid_signal (fd, 0, NULL), 0);
  assert_int_equal (pid_signal (fd, 99, &err), -EINVAL);
  assert_string_equal (err.object, "signal 99");
  assert_int_equal (pid_signal (fd, SIGTERM, NULL), 0);
  assert_int_equal (waitpid (pid, &status, 0), pid);
  assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGTERM);
  assert_int_equal (pid_signal (fd, SIGTERM, NULL), -ESRCH);
  close (fd);
}

static int
knows_itself (void *arg)
{
  struct pid_self self;
  sigset_t set;
  (void) arg;
  signal (SIGUSR1, SIG_IGN);
  sigemptyset (&set);
  sigaddset (&set, SIGUSR2);
  sigprocmask (SIG_SETMASK, &set, NULL);
  CHECK (pid_self (&self) == 0);
  CHECK (self.ignored >> (SIGUSR1 - 1) & 1);
  CHECK (! (self.ignored >> (SIGUSR2 - 1) & 1));
  CHECK (self.blocked == 1ULL << (SIGUSR2 - 1));
  CHECK ((self.effective & ~self.permitted) == 0);
  return 0;
}

static void
pid_self_signals (void **state)
{
  (void) state;
  assert_child (knows_itself);
}

/* A child's child is ours, and neither our parent nor the first process of all is; one that has ended is nobody's.  */
static void
pid_descends_from_who_forked_it (void **state)
{
  int pair[2];
  pid_t inner, child;

  (void) state;
  assert_int_equal (pipe (pair), 0);
  child = fork ();
  if (child == 0)
    {
      inner = fork ();
      if (inner > 0 && write (pair[1], &inner, sizeof inner) != sizeof inner)
        _exit (1);
      pause ();
      _exit (0);
    }
  assert_int_equal (read (pair[0], &inner, sizeof inner), sizeof inner);
  assert_true (pid_descends (inner, getpid ()) && pid_descends (inner, child) && pid_descends (child, child));
  assert_false (pid_descends (child, inner) || pid_descends (getppid (), child) || pid_descends (1, child));
  kill (inner, SIGKILL);
  kill (child, SIGKILL);
  waitpid (child, NULL, 0);
  assert_true (pid_descends (child, getpid ()));
  close (pair[0]);
  close (pair[1]);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (pid_starttime_is_stable),
    cmocka_unit_test (pid_birth_tells_what_is_ignored),
    cmocka_unit_test (pid_starttime_odd_names),
    cmocka_unit_test (pid_starttime_no_process),
    cmocka_unit_test (pid_open_number_of_a_group),
    cmocka_unit_test (pid_alive_zombie),
    cmocka_unit_test (pid_alive_first_thread_ended),
    cmocka_unit_test (pid_descends_from_who_forked_it),
    cmocka_unit_test (pid_signal_ends_it),
    cmocka_unit_test (pid_self_signals),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
