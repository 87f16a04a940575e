/* SPDX-License-Identifier: Apache-2.0 */
/* Deeds on the processes of a container, from its record alone. */
#include "container.h"

#include "base/err.h"
#include "kernel/pid.h"
#include "launch/launch.h"
#include "launch/record.h"

static void
launch_kill_signals_the_first (void **state)
{
  pid_t pid = room_process ();
  struct err err = { 0 };
  int status;

  (void) make_container (state, "created", pid);
  assert_int_equal (launch_kill (root, "c1", 0, false, NULL), 0);
  assert_int_equal (launch_kill (root, "c1", SIGTERM, false, NULL), 0);
  assert_int_equal (waitpid (pid, &status, 0), pid);
  assert_int_equal (WTERMSIG (status), SIGTERM);
  assert_int_equal (launch_kill (root, "c1", SIGTERM, false, &err), -ESRCH);
  assert_string_equal (err.what, "container not running"); /* engines look for it */
}

/* Without an annotation the stop signal is SIGTERM.  */
static void
launch_kill_with_the_stop_signal (void **state)
{
  pid_t pid = room_process ();
  int status;

  (void) make_container (state, "created", pid);
  assert_int_equal (launch_kill (root, "c1", -2, false, NULL), 0);
  assert_int_equal (waitpid (pid, &status, 0), pid);
  assert_int_equal (WTERMSIG (status), SIGTERM);
}

static void
launch_kill_spares_a_later_process (void **state)
{
  pid_t pid = room_process ();
  struct record rec = make_container (state, "created", pid);

  rec.start_time++;
  save (&rec);
  assert_int_equal (launch_kill (root, "c1", SIGKILL, false, NULL), -ESRCH);
  assert_int_equal (launch_kill (root, "c1", SIGKILL, true, NULL), -ESRCH);
  assert_int_equal (waitpid (pid, NULL, WNOHANG), 0);
  end (pid);
}

static void
launch_freeze_by_status (void **state)
{
  pid_t pid = room_process ();
  struct err err = { 0 };

  (void) make_container (state, "created", pid);
  assert_int_equal (launch_freeze (root, "c1", false, &err), -EINVAL);
  assert_string_equal (err.what, "container not paused: it is running");
  err_clear (&err);
  assert_int_equal (launch_freeze (root, "c1", true, &err), -ENOTSUP); /* the record knows of no cgroup */
  assert_int_equal (err.kind, ERR_HOST);
  end (pid);
  err_clear (&err);
  assert_int_equal (launch_freeze (root, "c1", true, &err), -ESRCH);
  assert_string_equal (err.what, "container not running: it is stopped");
  assert_int_equal (launch_freeze (root, "c2", true, NULL), -ENOENT);
}

static void
launch_pids_without_a_cgroup (void **state)
{
  struct err err = { 0 };
  pid_t *pids = NULL;
  size_t n = 0;

  (void) make_container (state, "created", 0);
  assert_int_equal (launch_pids (root, "c1", &pids, &n, &err), -ENOTSUP);
  assert_null (pids);
  err_clear (&err);
  assert_int_equal (launch_pids (root, "c2", &pids, &n, &err), -ENOENT);
  assert_string_equal (err.what, "container \"c2\" does not exist");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    room_test (launch_kill_signals_the_first),
    room_test (launch_kill_with_the_stop_signal),
    room_test (launch_kill_spares_a_later_process),
    room_test (launch_freeze_by_status),
    room_test (launch_pids_without_a_cgroup),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
