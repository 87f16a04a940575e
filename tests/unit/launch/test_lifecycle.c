/* SPDX-License-Identifier: Apache-2.0 */
/* Deeds on containers that exist, from their records alone: states that allow them and states that do not, damaged records,
 * and `start` against a child that is played by the test. */
#include "container.h"

#include <poll.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/fds.h"
#include "base/log.h"
#include "kernel/pid.h"
#include "launch/launch.h"
#include "launch/lifecycle.h"
#include "launch/record.h"
#include "launch/sync.h"

/* --- unknown and damaged */

static void
launch_deeds_on_unknown (void **state)
{
  struct err err = { 0 };

  (void) snprintf (root, sizeof root, "%s", room_path (state, "root"));
  assert_int_equal (launch_start (root, "c1", NULL, NULL, &err), -ENOENT);
  assert_string_equal (err.what, "container \"c1\" does not exist");
  assert_int_equal (launch_kill (root, "c1", SIGTERM, false, NULL), -ENOENT);
  assert_int_equal (launch_delete (root, "c1", false, NULL, NULL), -ENOENT);
  err_clear (&err);
  assert_int_equal (launch_delete (root, "c1", true, NULL, &err), 0);
  assert_int_equal (err.kind, ERR_NONE);
  assert_int_equal (launch_delete (root, "../c1", true, NULL, NULL), -EINVAL);
}

static void
launch_deeds_on_damaged (void **state)
{
  struct err err = { 0 };

  (void) make_container (state, "created", 0);
  room_write (state, "root/c1/state.json", "{\"ociVersion\":", 0600);
  assert_true (launch_start (root, "c1", NULL, NULL, &err) < 0);
  assert_non_null (strstr (err.what, "damaged"));
  assert_true (launch_kill (root, "c1", SIGTERM, false, NULL) < 0);
  assert_true (launch_delete (root, "c1", false, NULL, NULL) < 0);
  assert_int_equal (access (room_path (state, "root/c1"), F_OK), 0);
  assert_int_equal (launch_delete (root, "c1", true, NULL, NULL), 0);
  assert_int_equal (access (room_path (state, "root/c1"), F_OK), -1);
}

/* The copy of the document tells that there was a whole record once, and so perhaps a process.  */
static void
launch_delete_of_an_unknown_one (void **state)
{
  static const char *const texts[] = { "{\"ociVersion\":", "", NULL };

  (void) make_container (state, "created", 0);
  room_write (state, "root/c1/config.json", "{\"ociVersion\":\"1.0.0\",\"linux\":{\"cgroupsPath\":\"/a/cgroup\"}}", 0600);
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    {
      struct err err = { 0 };

      if (texts[i])
        room_write (state, "root/c1/state.json", texts[i], 0600);
      else
        assert_int_equal (unlink (room_path (state, "root/c1/state.json")), 0);
      assert_true (launch_delete (root, "c1", true, NULL, &err) < 0);
      assert_non_null (strstr (err.what, texts[i] ? "damaged" : "missing"));
      assert_non_null (strstr (err.what, "nothing was removed"));
      assert_non_null (strstr (err.what, "(/a/cgroup)"));
      assert_non_null (strstr (err.what, room_path (state, "root/c1")));
      assert_int_equal (access (room_path (state, "root/c1/config.json"), F_OK), 0);
    }
}

static void
launch_delete_of_a_killed_create (void **state)
{
  (void) make_container (state, "creating", 0);
  assert_int_equal (launch_delete (root, "c1", false, NULL, NULL), 0); /* nobody holds its lock: its creator is gone */
  assert_int_equal (access (room_path (state, "root/c1"), F_OK), -1);
  (void) make_container (state, "creating", 0);
  assert_int_equal (unlink (room_path (state, "root/c1/state.json")), 0); /* not even a record */
  assert_int_equal (launch_delete (root, "c1", false, NULL, NULL), 0);
  assert_int_equal (access (room_path (state, "root/c1"), F_OK), -1);
}

/* --- delete */

static void
launch_delete_of_a_running_one (void **state)
{
  pid_t pid = room_process ();
  struct err err = { 0 };

  (void) make_container (state, "created", pid);
  assert_int_equal (launch_delete (root, "c1", false, NULL, &err), -EBUSY);
  assert_string_equal (err.what, "cannot delete container c1 that is not stopped: running");
  assert_int_equal (waitpid (pid, NULL, WNOHANG), 0);
  assert_int_equal (launch_delete (root, "c1", true, NULL, NULL), 0);
  assert_int_equal (access (room_path (state, "root/c1"), F_OK), -1);
  assert_int_equal (waitpid (pid, NULL, 0), pid);
}

#define POSTSTOP "{\"ociVersion\":\"1.0.0\",\"hooks\":{\"poststop\":[" \
                 "{\"path\":\"/bin/sh\",\"args\":[\"sh\",\"-c\",\"exit 5\"]}," \
                 "{\"path\":\"/bin/sh\",\"args\":[\"sh\",\"-c\",\"cat > %s\"]}]}}"

static void
take_message (void *data, enum log_level level, const char *message)
{
  if (level == LOG_LEVEL_WARNING)
    (void) snprintf (data, 512, "%s", message);
}

static void
launch_delete_runs_every_poststop_hook (void **state)
{
  struct record rec = make_container (state, "created", 0);
  char text[1024], said[512] = "";
  const struct log log = { .level = LOG_LEVEL_WARNING, .write = take_message, .data = said };

  rec.poststop = true;
  save (&rec);
  (void) snprintf (text, sizeof text, POSTSTOP, room_path (state, "seen"));
  room_write (state, "root/c1/config.json", text, 0600);
  assert_int_equal (launch_delete (root, "c1", false, &log, NULL), 0);
  assert_non_null (strstr (said, "hooks.poststop[0]"));
  assert_non_null (strstr (said, "exit status 5"));
  assert_non_null (strstr (room_read (state, "seen"), "\"status\": \"stopped\""));
  assert_int_equal (access (room_path (state, "root/c1"), F_OK), -1);
}

static void
launch_delete_whose_document_is_gone (void **state)
{
  struct record rec = make_container (state, "created", 0);

  rec.poststop = true;
  save (&rec);
  assert_int_equal (launch_delete (root, "c1", false, NULL, NULL), -ENOENT);
  assert_int_equal (launch_delete (root, "c1", true, NULL, NULL), 0);
}

static void
launch_delete_waits_for_the_lock (void **state)
{
  pid_t pid = room_process (), user;
  struct err err = { 0 };
  int status;

  (void) make_container (state, "created", pid);
  user = fork ();
  if (user == 0) /* a `run` in the foreground: has the lock until its container ends */
    {
      struct record_dir dir = RECORD_DIR_NONE;
      int fd = -1;

      (void) prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
      if (record_open (root, "c1", true, &dir, NULL) < 0 || (fd = pid_open (pid, NULL)) < 0)
        _exit (1);
      room_write (state, "locked", "", 0600);
      (void) poll (&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 20000);
      _exit (record_remove (&dir, NULL) < 0);
    }
  while (access (room_path (state, "locked"), F_OK) < 0)
    usleep (1000);
  assert_int_equal (launch_delete (root, "c1", true, NULL, &err), 0);
  assert_int_equal (waitpid (pid, NULL, 0), pid);
  assert_int_equal (waitpid (user, &status, 0), user);
  assert_int_equal (status, 0);
  assert_int_equal (access (room_path (state, "root/c1"), F_OK), -1);
}

/* --- its first process */

static void
lifecycle_open_first_is_the_recorded_one (void **state)
{
  pid_t pid = room_process ();
  struct record rec = make_container (state, "created", pid);
  int fd = -1, before = room_descriptors ();

  assert_int_equal (lifecycle_open_first (&rec, &fd, NULL), 0);
  assert_int_equal (pid_signal (fd, 0, NULL), 0);
  close (fd);
  rec.start_time++;
  assert_int_equal (lifecycle_open_first (&rec, &fd, NULL), -ESRCH);
  rec.pid = 0;
  assert_int_equal (lifecycle_open_first (&rec, &fd, NULL), -ESRCH);
  end (pid);
  rec.pid = pid;
  assert_int_equal (lifecycle_open_first (&rec, &fd, NULL), -ESRCH);
  assert_int_equal (room_descriptors (), before);
}

/* --- start */

/* Listens on the start.sock of c1, as a child does that waits for start.  */
static int
listen_for_start (void)
{
  struct record_dir dir = RECORD_DIR_NONE;
  int listening;

  assert_int_equal (record_open (root, "c1", false, &dir, NULL), 0);
  listening = fds_listen (dir.fd, RECORD_SOCKET, SOCK_SEQPACKET, NULL);
  assert_true (listening >= 0);
  record_close (&dir);
  return listening;
}

static void
launch_start_in_the_wrong_state (void **state)
{
  int listening;
  pid_t pid = room_process ();
  struct err err = { 0 };
  struct record rec = make_container (state, "created", pid);

  assert_int_equal (launch_start (root, "c1", NULL, NULL, &err), -EINVAL);
  assert_string_equal (err.what, "cannot start an already running container");
  listening = listen_for_start ();
  rec.no_process = true;
  save (&rec);
  err_clear (&err);
  assert_int_equal (launch_start (root, "c1", NULL, NULL, &err), -EINVAL);
  assert_string_equal (err.what, "cannot start a container without a process");
  assert_string_equal (err.where, "process");
  close (listening);
  end (pid);
  err_clear (&err);
  assert_int_equal (launch_start (root, "c1", NULL, NULL, &err), -EINVAL);
  assert_string_equal (err.what, "cannot start a container that has stopped");
}

enum deed
{
  DEED_EXEC,    /* says START and ends: its execve worked */
  DEED_FAIL,    /* says START, then that execve failed */
  DEED_HOOK,    /* says START, then that a hook failed */
  DEED_GARBAGE, /* says something else */
  DEED_NOTHING  /* ends at once */
};

/* In a process of its own: the child that waits for start, and what it does then.  */
static void __attribute__ ((noreturn))
play (int listening, enum deed deed)
{
  int sock = accept (listening, NULL, NULL);
  struct err err = { .kind = ERR_SYS, .num = deed == DEED_HOOK ? ECANCELED : ENOEXEC, .step = "exec.go", .call = "execve" };

  if (deed == DEED_HOOK)
    (void) strcpy (err.step, "hooks.start");
  if (deed == DEED_GARBAGE)
    (void) send (sock, "garbage", 7, 0);
  else if (deed != DEED_NOTHING)
    (void) sync_send (sock, SYNC_START, NULL, 0, NULL, 0, NULL);
  if (deed == DEED_FAIL || deed == DEED_HOOK)
    sync_fail (sock, &err);
  close (sock);
  if (deed == DEED_EXEC || deed == DEED_HOOK)
    for (;;)
      pause ();
  _exit (0);
}

/* Starts a container whose child does DEED; its record is REC with the process that plays.  Returns what launch_start does.  */
static int
start_against (void **state, enum deed deed, pid_t *ret_pid, struct err *err)
{
  struct record rec = make_container (state, "created", 0);
  int listening = listen_for_start ();

  *ret_pid = fork ();
  if (*ret_pid == 0)
    {
      (void) prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
      play (listening, deed);
    }
  close (listening);
  rec.pid = *ret_pid;
  assert_int_equal (pid_starttime (*ret_pid, &rec.start_time, NULL, NULL), 0);
  save (&rec);
  return launch_start (root, "c1", NULL, NULL, err);
}

static void
launch_start_that_works (void **state)
{
  pid_t pid;

  assert_int_equal (start_against (state, DEED_EXEC, &pid, NULL), 0);
  assert_int_equal (access (room_path (state, "root/c1/start.sock"), F_OK), -1);
  assert_int_equal (launch_start (root, "c1", NULL, NULL, NULL), -EINVAL); /* once */
  end (pid);
}

static void
launch_start_whose_execve_fails (void **state)
{
  struct err err = { 0 };
  pid_t pid;

  assert_int_equal (start_against (state, DEED_FAIL, &pid, &err), -ENOEXEC);
  assert_string_equal (err.step, "exec.go");
  assert_string_equal (err.call, "execve");
  assert_int_equal (access (room_path (state, "root/c1/state.json"), F_OK), 0); /* it is stopped, and deleted by delete */
  end (pid);
}

static void
launch_start_whose_hook_fails (void **state)
{
  pid_t pid;

  /* without a place for the error, too, the container must end */
  assert_int_equal (start_against (state, DEED_HOOK, &pid, NULL), -ECANCELED);
  assert_int_equal (access (room_path (state, "root/c1"), F_OK), -1);
  assert_int_equal (waitpid (pid, NULL, 0), pid);
}

static void
launch_start_against_a_broken_child (void **state)
{
  struct err err = { 0 };
  pid_t pid;

  assert_int_equal (start_against (state, DEED_GARBAGE, &pid, &err), -EPROTO);
  end (pid);
  assert_int_equal (launch_delete (root, "c1", true, NULL, NULL), 0);
  assert_int_equal (start_against (state, DEED_NOTHING, &pid, &err), -EINVAL); /* started by another, or stopped */
  end (pid);
}

/* A start that was killed has left the socket's name.  */
static void
launch_start_with_nobody_listening (void **state)
{
  pid_t pid = room_process ();
  struct err err = { 0 };

  (void) make_container (state, "created", pid);
  close (listen_for_start ());
  assert_int_equal (launch_start (root, "c1", NULL, NULL, &err), -EINVAL);
  assert_string_equal (err.what, "cannot start an already running container");
  end (pid);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    room_test (launch_deeds_on_unknown),
    room_test (launch_deeds_on_damaged), room_test (launch_delete_of_an_unknown_one),
    room_test (launch_delete_of_a_killed_create),
    room_test (launch_delete_of_a_running_one),
    room_test (launch_delete_runs_every_poststop_hook),
    room_test (launch_delete_whose_document_is_gone),
    room_test (launch_delete_waits_for_the_lock),
    room_test (lifecycle_open_first_is_the_recorded_one),
    room_test (launch_start_in_the_wrong_state),
    room_test (launch_start_that_works),
    room_test (launch_start_whose_execve_fails),
    room_test (launch_start_whose_hook_fails),
    room_test (launch_start_against_a_broken_child),
    room_test (launch_start_with_nobody_listening),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
