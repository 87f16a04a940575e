/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks as real processes: what they are given, and each way in which they can fail. */
#include "room.h"

#include <limits.h>

#include "base/err.h"
#include "launch/hooks.h"
#include "plan/plan.h"

#define STATE_TEXT "{\"id\": \"c1\", \"status\": \"creating\"}"

/* A hook that runs SCRIPT in the shell.  */
static struct plan_hook
shell (const char *script)
{
  static const char *argv[8][4], *envp[2];
  static size_t next;
  const char **a = argv[next++ % 8];

  a[0] = "first-word";
  a[1] = "-c";
  a[2] = script;
  envp[0] = "ONLY=this";
  return (struct plan_hook){ .where = "hooks.prestart[0]", .path = "/bin/sh", .argv = a, .envp = envp };
}

static int
run_hooks (void **state, const struct plan_hook *hooks, size_t n, struct err *err)
{
  const struct room *r = *state;
  int fd = hooks_state (STATE_TEXT, strlen (STATE_TEXT), NULL), ret;

  assert_true (fd >= 0);
  ret = hooks_run (hooks, n, fd, r->path, -1, err);
  close (fd);
  return ret;
}

static int
run_script (void **state, const char *script, struct err *err)
{
  const struct plan_hook h = shell (script);

  return run_hooks (state, &h, 1, err);
}

static void
hooks_run_none (void **state)
{
  assert_int_equal (run_hooks (state, NULL, 0, NULL), 0);
}

static void
hooks_run_in_order_each_with_the_state (void **state)
{
  const struct plan_hook hooks[] = { shell ("cat > one; echo 1 >> order"), shell ("cat > two; echo 2 >> order") };

  assert_int_equal (run_hooks (state, hooks, 2, NULL), 0);
  assert_string_equal (room_read (state, "one"), STATE_TEXT);
  assert_string_equal (room_read (state, "two"), STATE_TEXT); /* from the beginning again */
  assert_string_equal (room_read (state, "order"), "1\n2\n");
}

static void
hooks_run_gives_argv_environment_and_place (void **state)
{
  const struct room *r = *state;

  assert_int_equal (run_script (state, "tr '\\0' '\\n' < /proc/$$/environ > env; echo $0 > arg; pwd > cwd", NULL), 0);
  assert_string_equal (room_read (state, "arg"), "first-word\n");
  assert_string_equal (room_read (state, "env"), "ONLY=this\n");
  assert_int_equal (strncmp (room_read (state, "cwd"), r->path, strlen (r->path)), 0);
}

static void
hooks_run_gives_no_descriptor_of_ours (void **state)
{
  int leaked = dup2 (0, 50); /* as callers leave them: not close-on-exec */

  assert_int_equal (leaked, 50);
  assert_int_equal (run_script (state, "exec ls /proc/self/fd > fds", NULL), 0);
  close (leaked);
  assert_string_equal (room_read (state, "fds"), "0\n1\n2\n3\n"); /* 3 is what ls reads */
}

static void
hooks_run_unblocks_signals (void **state)
{
  sigset_t all, old;

  sigfillset (&all);
  sigprocmask (SIG_SETMASK, &all, &old);
  int ret = run_script (state, "exec grep SigBlk /proc/self/status > mask", NULL);
  sigprocmask (SIG_SETMASK, &old, NULL);
  assert_int_equal (ret, 0);
  assert_string_equal (room_read (state, "mask"), "SigBlk:\t0000000000000000\n");
}

static void
hooks_run_stops_at_the_first_failure (void **state)
{
  struct plan_hook hooks[] = { shell ("echo it is broken >&2; exit 3"), shell ("touch second") };
  struct err err = { 0 };

  hooks[0].where = "hooks.createRuntime[0]";
  assert_int_equal (run_hooks (state, hooks, 2, &err), -ECANCELED);
  assert_string_equal (err.where, "hooks.createRuntime[0]");
  assert_string_equal (err.what, "hook /bin/sh failed with exit status 3: it is broken");
  assert_int_equal (access (room_path (state, "second"), F_OK), -1);
}

static void
hooks_run_ended_by_a_signal (void **state)
{
  struct err err = { 0 };

  assert_int_equal (run_script (state, "kill -TERM $$", &err), -ECANCELED);
  assert_string_equal (err.what, "hook /bin/sh was ended by signal 15");
}

static void
hooks_run_cannot_be_executed (void **state)
{
  struct plan_hook h = shell ("");
  struct err err = { 0 };

  h.path = "/nowhere/hook";
  assert_int_equal (run_hooks (state, &h, 1, &err), -ECANCELED);
  assert_string_equal (err.what, "hook /nowhere/hook failed with exit status 127: No such file or directory");
  h.path = "/etc/passwd";
  err_clear (&err);
  assert_int_equal (run_hooks (state, &h, 1, &err), -ECANCELED);
  assert_non_null (strstr (err.what, "Permission denied"));
}

static void
hooks_run_in_a_place_that_is_not_there (void **state)
{
  const struct plan_hook h = shell ("exit 0");
  struct err err = { 0 };
  int fd = hooks_state ("", 0, NULL);

  (void) state;
  assert_int_equal (hooks_run (&h, 1, fd, "/nowhere", -1, &err), -ECANCELED);
  assert_non_null (strstr (err.what, "No such file or directory"));
  close (fd);
}

static void
hooks_run_time_limit (void **state)
{
  struct plan_hook h = shell ("echo waiting; sleep 60 & echo $! > child; wait");
  struct err err = { 0 };
  pid_t pid;

  h.timeout = 1;
  h.where = "hooks.poststop[1]";
  assert_int_equal (run_hooks (state, &h, 1, &err), -ETIMEDOUT);
  assert_string_equal (err.where, "hooks.poststop[1]");
  assert_string_equal (err.what, "hook /bin/sh ran longer than its 1 s: waiting");
  /* its own children end with it */
  pid = (pid_t) atoi (room_read (state, "child"));
  assert_true (pid > 1);
  for (int i = 0; i < 500 && kill (pid, 0) == 0; i++)
    {
      char path[64];

      (void) snprintf (path, sizeof path, "/proc/%d/stat", pid);
      FILE *f = fopen (path, "r");
      char letter = '?';
      if (f)
        {
          if (fscanf (f, "%*d (%*[^)]) %c", &letter) != 1)
            letter = '?';
          fclose (f);
        }
      if (letter == 'Z')
        return; /* dead; nobody has waited for it yet */
      usleep (10 * 1000);
    }
  assert_int_equal (kill (pid, 0), -1);
}

/* Whoever waits may be told to stop: then the hook is killed, whatever time it has.  */
static void
hooks_run_until_told_to_stop (void **state)
{
  struct plan_hook h = shell ("sleep 60");
  struct err err = { 0 };
  int stop[2], fd = hooks_state (STATE_TEXT, strlen (STATE_TEXT), NULL);

  assert_int_equal (pipe (stop), 0);
  h.timeout = 50;
  h.where = "hooks.createRuntime[2]";
  assert_int_equal (write (stop[1], "x", 1), 1);
  assert_int_equal (hooks_run (&h, 1, fd, ((const struct room *) *state)->path, stop[0], &err), -EINTR);
  assert_string_equal (err.where, "hooks.createRuntime[2]");
  assert_string_equal (err.what, "a signal ended the waiting for hook /bin/sh");
  assert_int_equal (waitpid (-1, NULL, WNOHANG), -1); /* no child is left */
  close (stop[0]);
  close (stop[1]);
  close (fd);
}

static void
hooks_run_within_its_time (void **state)
{
  struct plan_hook h = shell ("exit 0");

  h.timeout = UINT_MAX; /* in milliseconds more than poll takes */
  assert_int_equal (run_hooks (state, &h, 1, NULL), 0);
}

static void
hooks_run_shows_the_end_of_much_output (void **state)
{
  struct err err = { 0 };

  assert_int_equal (run_script (state, "yes filler | head -c 350000; printf 'two\\nlines\\tand\\033[1m\\n\\n'; exit 1", &err), -ECANCELED);
  assert_non_null (strstr (err.what, "filler two lines and [1m"));
  assert_null (strchr (err.what, '\n'));
  assert_null (strchr (err.what, '\033'));
  assert_true (strlen (err.what) < 1200);
}

/* A hook that reads nothing, or that writes to its input, disturbs no later one.  */
static void
hooks_run_that_spoil_the_state (void **state)
{
  const struct plan_hook hooks[] = { shell ("exit 0"), shell ("head -c 5 > /dev/null"), shell ("cat > last") };

  assert_int_equal (run_hooks (state, hooks, 3, NULL), 0);
  assert_string_equal (room_read (state, "last"), STATE_TEXT);
}

static void
hooks_run_keeps_nothing_open (void **state)
{
  int before = room_descriptors ();

  assert_int_equal (run_script (state, "exit 0", NULL), 0);
  assert_int_equal (run_script (state, "exit 1", NULL), -ECANCELED);
  assert_int_equal (room_descriptors (), before);
  assert_int_equal (waitpid (-1, NULL, WNOHANG), -1); /* nor a child to wait for */
  assert_int_equal (errno, ECHILD);
}

static void
hooks_state_is_private (void **state)
{
  int fd = hooks_state ("text", 4, NULL);

  (void) state;
  assert_int_equal (fcntl (fd, F_GETFD), FD_CLOEXEC);
  close (fd);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    room_test (hooks_run_until_told_to_stop),
    room_test (hooks_run_none),
    room_test (hooks_run_in_order_each_with_the_state),
    room_test (hooks_run_gives_argv_environment_and_place),
    room_test (hooks_run_gives_no_descriptor_of_ours),
    room_test (hooks_run_unblocks_signals),
    room_test (hooks_run_stops_at_the_first_failure),
    room_test (hooks_run_ended_by_a_signal),
    room_test (hooks_run_cannot_be_executed),
    room_test (hooks_run_in_a_place_that_is_not_there),
    room_test (hooks_run_time_limit),
    room_test (hooks_run_within_its_time),
    room_test (hooks_run_shows_the_end_of_much_output),
    room_test (hooks_run_that_spoil_the_state),
    room_test (hooks_run_keeps_nothing_open),
    room_test (hooks_state_is_private),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
