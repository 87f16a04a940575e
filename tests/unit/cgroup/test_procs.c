/* SPDX-License-Identifier: Apache-2.0 */
/* Listing, signalling and killing the processes of real cgroups, in every view.  */
#include "view.h"

#include <signal.h>
#include <sys/prctl.h>

/* Waits up to two seconds for the end of the child PID.  */
static bool
ended (pid_t pid)
{
  for (int i = 0; i < 2000; i++)
    {
      if (waitpid (pid, NULL, WNOHANG) == pid)
        return true;
      usleep (1000);
    }
  return false;
}

static bool
listed (const struct box *b, pid_t pid, size_t *ret_n)
{
  struct err err = { 0 };
  pid_t *pids = NULL;
  bool found = false;

  good (cgroup_pids (b->cg, &pids, ret_n, &err), &err);
  for (size_t i = 0; i < *ret_n; i++)
    found |= pids[i] == pid;
  free (pids);
  return found;
}

static void
cgroup_pids_with_children (void **state)
{
  struct box b, inner;
  pid_t first = sleeper (), second = sleeper ();
  size_t n;

  (void) state;
  box_plan (&b, "");
  box_make (&b);
  assert_false (listed (&b, first, &n));
  assert_int_equal (n, 0);
  box_plan (&inner, "/a/b/c");
  box_make (&inner);
  assert_int_equal (cgroup_add_pid (b.cg, first, NULL), 0);
  assert_int_equal (cgroup_add_pid (inner.cg, second, NULL), 0);
  assert_true (listed (&b, first, &n));
  assert_true (listed (&b, second, &n));
  assert_int_equal (n, 2);
  assert_true (listed (&inner, second, &n));
  assert_int_equal (n, 1);
  end_process (first);
  end_process (second);
  box_end (&inner);
  box_end (&b);
  box_plan (&b, "");
  assert_false (listed (&b, first, &n)); /* a cgroup that is gone has none */
  assert_int_equal (n, 0);
  box_end (&b);
}

static void
cgroup_pids_many (void **state)
{
  struct box b;
  pid_t pids[300];
  size_t n;

  (void) state;
  box_plan (&b, "");
  box_make (&b);
  for (int i = 0; i < 300; i++)
    {
      pids[i] = sleeper ();
      assert_int_equal (cgroup_add_pid (b.cg, pids[i], NULL), 0);
    }
  assert_true (listed (&b, pids[299], &n));
  assert_int_equal (n, 300);
  assert_int_equal (cgroup_kill (b.cg, NULL), 0);
  for (int i = 0; i < 300; i++)
    assert_true (ended (pids[i]));
  box_end (&b);
}

/* A process that counts SIGTERM, and on SIGURG, which is taken after it, ends with that as its status.  */
static pid_t
catcher (void)
{
  pid_t pid;
  sigset_t set;
  int n = 0;

  sigemptyset (&set);
  sigaddset (&set, SIGTERM);
  sigaddset (&set, SIGURG);
  (void) sigprocmask (SIG_BLOCK, &set, NULL); /* inherited: no signal is lost before it listens */
  pid = child ();
  if (pid == 0)
    for (int sig; sigwait (&set, &sig) == 0; n += sig == SIGTERM)
      if (sig == SIGURG)
        _exit (n);
  (void) sigprocmask (SIG_UNBLOCK, &set, NULL);
  return pid;
}

static int
caught (pid_t pid)
{
  int status = 0;

  kill (pid, SIGURG);
  assert_int_equal (waitpid (pid, &status, 0), pid);
  return WIFEXITED (status) ? WEXITSTATUS (status) : -1;
}

static void
cgroup_signal_each_once (void **state)
{
  struct box b, inner;
  struct err err = { 0 };
  pid_t pids[130], other = catcher (); /* more than one batch of pidfds */

  (void) state;
  box_plan (&b, "");
  box_make (&b);
  box_plan (&inner, "/a");
  box_make (&inner);
  good (cgroup_signal (b.cg, SIGTERM, &err), &err); /* nobody is there */
  for (int i = 0; i < 130; i++)
    {
      pids[i] = catcher ();
      assert_int_equal (cgroup_add_pid (i % 2 ? b.cg : inner.cg, pids[i], NULL), 0);
    }
  good (cgroup_signal (b.cg, SIGTERM, &err), &err);
  assert_int_equal (cgroup_frozen (b.cg), 0);
  for (int i = 0; i < 130; i++)
    assert_int_equal (caught (pids[i]), 1);
  assert_int_equal (caught (other), 0);
  box_end (&inner);
  box_end (&b);
  box_plan (&b, "");
  good (cgroup_signal (b.cg, SIGTERM, &err), &err); /* nor is the cgroup */
  box_end (&b);
}

static void
cgroup_signal_frozen (void **state)
{
  struct box b;
  struct err err = { 0 };
  pid_t pid = catcher ();

  (void) state;
  box_plan (&b, "");
  box_make (&b);
  assert_int_equal (cgroup_add_pid (b.cg, pid, NULL), 0);
  good (cgroup_freeze (b.cg, true, &err), &err);
  good (cgroup_signal (b.cg, SIGTERM, &err), &err);
  assert_int_equal (cgroup_frozen (b.cg), 1); /* as it was */
  good (cgroup_freeze (b.cg, false, &err), &err);
  assert_int_equal (caught (pid), 1);
  box_end (&b);
}

static void
cgroup_kill_all_below (void **state)
{
  struct box b, inner;
  pid_t first = sleeper (), second = sleeper (), other = sleeper ();
  struct err err = { 0 };
  size_t n;

  (void) state;
  box_plan (&b, "");
  box_make (&b);
  box_plan (&inner, "/a/b");
  box_make (&inner);
  assert_int_equal (cgroup_add_pid (b.cg, first, NULL), 0);
  assert_int_equal (cgroup_add_pid (inner.cg, second, NULL), 0);
  good (cgroup_kill (b.cg, &err), &err);
  assert_true (ended (first));
  assert_true (ended (second));
  assert_int_equal (waitpid (other, NULL, WNOHANG), 0);
  assert_false (listed (&b, first, &n));
  good (cgroup_kill (b.cg, &err), &err); /* nobody is left */
  end_process (other);
  box_end (&inner);
  box_end (&b);
  box_plan (&b, "");
  good (cgroup_kill (b.cg, &err), &err); /* nor is the cgroup */
  box_end (&b);
}

static void
cgroup_kill_frozen (void **state)
{
  struct box b;
  pid_t pid = sleeper ();
  struct err err = { 0 };

  (void) state;
  box_plan (&b, "");
  box_make (&b);
  assert_int_equal (cgroup_add_pid (b.cg, pid, NULL), 0);
  good (cgroup_freeze (b.cg, true, &err), &err);
  good (cgroup_kill (b.cg, &err), &err);
  assert_true (ended (pid));
  box_end (&b);
}

static void
cgroup_kill_frozen_below (void **state)
{
  struct box b, inner;
  pid_t pid = sleeper ();
  struct err err = { 0 };

  (void) state;
  box_plan (&b, "");
  box_make (&b);
  box_plan (&inner, "/a");
  box_make (&inner);
  assert_int_equal (cgroup_add_pid (inner.cg, pid, NULL), 0);
  good (cgroup_freeze (inner.cg, true, &err), &err); /* as a container that may write there could do */
  good (cgroup_kill (b.cg, &err), &err);
  assert_true (ended (pid));
  box_end (&inner);
  box_end (&b);
}

/* Starts four processes of which each forks and ends, and its child does the same, and so on: who is killed by number is another by
 * then.  Bounded in number and in time.  */
static pid_t
forker (const int *fds, int n)
{
  pid_t pid = child ();

  if (pid != 0)
    return pid;
  if (cgroup_join (fds, n, NULL) < 0)
    _exit (1);
  for (int i = 0; i < 4; i++)
    if (fork () == 0)
      {
        for (int k = 0; k < 20000 && (pid = fork ()) == 0; k++)
          continue;
        _exit (0);
      }
  _exit (0);
}

static void
cgroup_kill_forking (void **state)
{
  struct box b;
  struct err err = { 0 };
  int fds[CGROUP_HIERARCHIES_MAX], n;
  pid_t pid;
  size_t left;

  (void) state;
  box_plan (&b, "");
  box_make (&b);
  /* orphans are reaped here at once: whoever else would get them may be slow, and numbers of processes come to an end */
  assert_int_equal (prctl (PR_SET_CHILD_SUBREAPER, 1), 0);
  assert_ptr_not_equal (signal (SIGCHLD, SIG_IGN), SIG_ERR);
  n = good (cgroup_join_fds (b.cg, fds, CGROUP_HIERARCHIES_MAX, &err), &err);
  for (int round = 0; round < 5; round++)
    {
      pid = forker (fds, n);
      waitpid (pid, NULL, 0);
      usleep (2000);
      good (cgroup_kill (b.cg, &err), &err);
      for (int i = 0; i < 2000 && (listed (&b, 0, &left), left > 0); i++)
        usleep (1000);
      assert_int_equal (left, 0);
    }
  assert_ptr_not_equal (signal (SIGCHLD, SIG_DFL), SIG_ERR);
  assert_int_equal (prctl (PR_SET_CHILD_SUBREAPER, 0), 0);
  cgroup_close_fds (fds, n);
  box_end (&b);
}

static int
run (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (cgroup_pids_with_children),   cmocka_unit_test (cgroup_pids_many),
    cmocka_unit_test (cgroup_signal_each_once),     cmocka_unit_test (cgroup_signal_frozen),
    cmocka_unit_test (cgroup_kill_all_below),       cmocka_unit_test (cgroup_kill_frozen),
    cmocka_unit_test (cgroup_kill_frozen_below),    cmocka_unit_test (cgroup_kill_forking),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}

int
main (int argc, char **argv)
{
  return in_views (argc, argv, run);
}
