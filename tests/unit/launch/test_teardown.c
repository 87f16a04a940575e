/* SPDX-License-Identifier: Apache-2.0 */
/* Undoing from the record, in every state that a container can be in: real processes and directories, no cgroup (the cli tests
 * have those). */
#include "room.h"

#include "base/err.h"
#include "base/log.h"
#include "kernel/pid.h"
#include "launch/record.h"
#include "launch/teardown.h"

static char root[256];

/* A container of the process PID (0: not known yet), opened and locked.  */
static struct record
open_container (void **state, struct record_dir *dir, const char *status, pid_t pid)
{
  struct record rec = { .oci_version = "1.3.0", .id = "c1", .status = status, .bundle = "/b", .pid = pid, .own_pid_ns = true };

  (void) snprintf (root, sizeof root, "%s", room_path (state, "root"));
  if (pid > 0)
    assert_int_equal (pid_starttime (pid, &rec.start_time, NULL, NULL), 0);
  assert_int_equal (record_reserve (root, "c1", dir, NULL), 0);
  assert_int_equal (record_save (dir, &rec, true, NULL), 0);
  return rec;
}

static void
assert_gone (void **state)
{
  assert_int_equal (access (room_path (state, "root/c1"), F_OK), -1);
}

/* The signal that ended our child PID; 0 if it goes on.  */
static int
ended_by (pid_t pid)
{
  int status;
  pid_t got = waitpid (pid, &status, WNOHANG);

  return got == pid && WIFSIGNALED (status) ? WTERMSIG (status) : 0;
}

static void
teardown_before_any_effect (void **state)
{
  struct record_dir dir = RECORD_DIR_NONE;
  struct record rec = open_container (state, &dir, "creating", 0);

  assert_int_equal (teardown (&dir, &rec, NULL), 0);
  assert_gone (state);
  assert_int_equal (teardown (&dir, &rec, NULL), 0); /* twice is no error */
  record_close (&dir);
}

static void
teardown_of_a_created_one (void **state)
{
  struct record_dir dir = RECORD_DIR_NONE;
  pid_t pid = room_process ();
  struct record rec = open_container (state, &dir, "created", pid);

  room_write (state, "root/c1/start.sock", "", 0600);
  room_write (state, "root/c1/config.json", "{}", 0600);
  assert_int_equal (teardown (&dir, &rec, NULL), 0);
  assert_int_equal (ended_by (pid), SIGKILL); /* it has been waited for: nothing is left to chance */
  assert_gone (state);
  record_close (&dir);
}

static void
teardown_of_an_ended_one (void **state)
{
  struct record_dir dir = RECORD_DIR_NONE;
  pid_t pid = room_process ();
  struct record rec = open_container (state, &dir, "created", pid);

  kill (pid, SIGTERM);
  waitpid (pid, NULL, 0);
  assert_int_equal (teardown (&dir, &rec, NULL), 0);
  assert_gone (state);
  record_close (&dir);
}

static void
teardown_of_a_zombie (void **state)
{
  struct record_dir dir = RECORD_DIR_NONE;
  pid_t pid = room_process ();
  struct record rec = open_container (state, &dir, "created", pid);
  siginfo_t info;

  kill (pid, SIGTERM);
  assert_int_equal (waitid (P_PID, (id_t) pid, &info, WEXITED | WNOWAIT), 0);
  assert_int_equal (teardown (&dir, &rec, NULL), 0); /* its parent need not wait for it */
  assert_gone (state);
  assert_int_equal (ended_by (pid), SIGTERM);
  record_close (&dir);
}

/* The number is another process's by now: that one is not ours to kill.  */
static void
teardown_spares_a_later_process (void **state)
{
  struct record_dir dir = RECORD_DIR_NONE;
  pid_t pid = room_process ();
  struct record rec = open_container (state, &dir, "created", pid);

  rec.start_time--;
  assert_int_equal (teardown (&dir, &rec, NULL), 0);
  assert_gone (state);
  assert_int_equal (ended_by (pid), 0);
  kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
  record_close (&dir);
}

static void
teardown_spares_everybody_without_a_pid (void **state)
{
  static const int32_t pids[] = { 0, -1, INT32_MIN };
  pid_t pid = room_process ();

  for (size_t i = 0; i < sizeof pids / sizeof *pids; i++)
    {
      struct record_dir dir = RECORD_DIR_NONE;
      struct record rec = open_container (state, &dir, "created", 0);

      rec.pid = pids[i];
      assert_int_equal (teardown (&dir, &rec, NULL), 0);
      assert_gone (state);
      record_close (&dir);
    }
  assert_int_equal (ended_by (pid), 0); /* -1 would have meant all of us */
  kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
}

static void
teardown_kill_removes_nothing (void **state)
{
  struct record_dir dir = RECORD_DIR_NONE;
  pid_t pid = room_process ();
  struct record rec = open_container (state, &dir, "created", pid);

  assert_int_equal (teardown_kill (&rec, NULL), 0);
  assert_int_equal (ended_by (pid), SIGKILL);
  assert_int_equal (access (room_path (state, "root/c1/state.json"), F_OK), 0);
  record_close (&dir);
}

static void
teardown_ended_kills_only_what_may_live_on (void **state)
{
  struct record_dir dir = RECORD_DIR_NONE;
  pid_t pid = room_process ();
  struct record rec = open_container (state, &dir, "created", pid);

  assert_int_equal (teardown_ended (&dir, &rec, NULL), 0); /* a pid namespace of its own: all have ended by now */
  assert_gone (state);
  assert_int_equal (ended_by (pid), 0);
  record_close (&dir);
  rec.own_pid_ns = false;
  assert_int_equal (record_reserve (root, "c1", &dir, NULL), 0);
  assert_int_equal (teardown_ended (&dir, &rec, NULL), 0);
  assert_gone (state);
  assert_int_equal (ended_by (pid), SIGKILL);
  record_close (&dir);
}

/* What cannot be undone keeps its record, so that it can be tried again.  */
static void
teardown_keeps_the_record_of_what_is_left (void **state)
{
  struct record_dir dir = RECORD_DIR_NONE;
  struct record rec = open_container (state, &dir, "created", 0);
  struct err err = { 0 };

  assert_int_equal (mkdir (room_path (state, "root/c1/not-ours"), 0700), 0);
  assert_true (teardown (&dir, &rec, &err) < 0);
  assert_int_not_equal (err.kind, ERR_NONE);
  assert_int_equal (rmdir (room_path (state, "root/c1/not-ours")), 0);
  assert_int_equal (teardown (&dir, &rec, NULL), 0);
  assert_gone (state);
  record_close (&dir);
}

/* --- after a create that failed */

static void
take_message (void *data, enum log_level level, const char *message)
{
  if (level == LOG_LEVEL_WARNING)
    (void) snprintf (data, 256, "%s", message);
}

static void
teardown_failed_removes_the_pid_file (void **state)
{
  struct record_dir dir = RECORD_DIR_NONE;
  pid_t pid = room_process ();
  struct record rec = open_container (state, &dir, "creating", pid);
  char pid_file[256], said[256] = "", text[16];
  const struct log log = { .level = LOG_LEVEL_WARNING, .write = take_message, .data = said };

  (void) snprintf (text, sizeof text, "%d", (int) pid);
  room_write (state, "pid", text, 0600);
  (void) snprintf (pid_file, sizeof pid_file, "%s", room_path (state, "pid"));
  rec.pid_file = pid_file;
  teardown_failed (&dir, &rec, &log);
  assert_int_equal (access (pid_file, F_OK), -1);
  assert_gone (state);
  assert_int_equal (ended_by (pid), SIGKILL);
  assert_string_equal (said, "");
  record_close (&dir);
}

static void
teardown_failed_spares_a_pid_file_of_before (void **state)
{
  struct record_dir dir = RECORD_DIR_NONE;
  struct record rec = open_container (state, &dir, "creating", room_process ()); /* known, and not yet written */
  char pid_file[256];

  room_write (state, "pid", "another's", 0600);
  (void) snprintf (pid_file, sizeof pid_file, "%s", room_path (state, "pid"));
  rec.pid_file = pid_file;
  teardown_failed (&dir, &rec, NULL);
  assert_string_equal (room_read (state, "pid"), "another's");
  record_close (&dir);
}

static void
teardown_failed_warns (void **state)
{
  struct record_dir dir = RECORD_DIR_NONE;
  struct record rec = open_container (state, &dir, "creating", 0);
  char said[256] = "";
  const struct log log = { .level = LOG_LEVEL_WARNING, .write = take_message, .data = said };

  assert_int_equal (mkdir (room_path (state, "root/c1/not-ours"), 0700), 0);
  teardown_failed (&dir, &rec, &log);
  assert_non_null (strstr (said, "undoing a failed create: "));
  assert_non_null (strstr (said, "c1/not-ours"));
  record_close (&dir);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    room_test (teardown_before_any_effect),
    room_test (teardown_of_a_created_one),
    room_test (teardown_of_an_ended_one),
    room_test (teardown_of_a_zombie),
    room_test (teardown_spares_a_later_process),
    room_test (teardown_spares_everybody_without_a_pid),
    room_test (teardown_kill_removes_nothing),
    room_test (teardown_ended_kills_only_what_may_live_on),
    room_test (teardown_keeps_the_record_of_what_is_left),
    room_test (teardown_failed_removes_the_pid_file),
    room_test (teardown_failed_spares_a_pid_file_of_before),
    room_test (teardown_failed_warns),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
