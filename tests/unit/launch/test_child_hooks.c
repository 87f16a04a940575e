/* SPDX-License-Identifier: Apache-2.0 */
/* The child's part in hooks, with the test as the parent. */
#include "child.h"

#include "launch/hooks.h"

static void
child_hooks_runtime_takes_both_states (void **state)
{
  const int sent[] = { hooks_state ("creating", 8, NULL), hooks_state ("created", 7, NULL) };
  char text[16] = "";

  (void) state;
  assert_int_equal (sync_send (parent_end, SYNC_HOOKS, NULL, 0, sent, 2, NULL), 0);
  assert_int_equal (child_hooks_runtime (&child, NULL), 0);
  assert_int_equal (sync_expect (parent_end, SYNC_HOOKS, NULL, NULL, NULL, NULL), 0); /* it had asked */
  assert_int_equal (pread (child.state_creating, text, sizeof text, 0), 8);
  assert_string_equal (text, "creating");
  assert_int_equal (pread (child.state_created, text, sizeof text, 0), 7);
  for (size_t i = 0; i < 2; i++)
    close (sent[i]);
  close (child.state_creating);
  close (child.state_created);
}

/* A prestart hook failed: the child hears why, and ends.  */
static void
child_hooks_runtime_that_failed_outside (void **state)
{
  struct err sent = { .kind = ERR_HOST, .num = ECANCELED, .where = "hooks.prestart[0]" };

  (void) state;
  sync_fail (parent_end, &sent);
  assert_int_equal (child_hooks_runtime (&child, &child_err), -ECANCELED);
  assert_string_equal (child_err.where, "hooks.prestart[0]");
  assert_int_equal (child.state_creating, -1);
}

static void
child_hooks_runtime_whose_parent_is_gone (void **state)
{
  (void) state;
  close (parent_end);
  parent_end = -1;
  assert_true (child_hooks_runtime (&child, &child_err) < 0);
}

/* Hook number N of its kind copies its input to a file named so in the room.  */
static struct plan_hook
copy_to (void **state, const char *name)
{
  static char scripts[4][300];
  static const char *argv[4][4], *envp[1];
  static size_t next;
  size_t i = next++ % 4;

  (void) snprintf (scripts[i], sizeof scripts[i], "cat > %s", room_path (state, name));
  argv[i][0] = "sh";
  argv[i][1] = "-c";
  argv[i][2] = scripts[i];
  return (struct plan_hook){ .where = "hooks.x[0]", .path = "/bin/sh", .argv = argv[i], .envp = envp };
}

/* Each kind is run with the state of its time, and only its own hooks.  */
static void
child_hooks_container_and_start (void **state)
{
  struct plan_hook container = copy_to (state, "container"), start = copy_to (state, "start");

  child.state_creating = hooks_state ("creating", 8, NULL);
  child.state_created = hooks_state ("created", 7, NULL);
  child_plan.hooks.create_container = &container;
  child_plan.hooks.n_create_container = 1;
  child_plan.hooks.start_container = &start;
  child_plan.hooks.n_start_container = 1;
  assert_int_equal (child_hooks_container (&child, NULL), 0);
  assert_string_equal (room_read (state, "container"), "creating");
  assert_int_equal (access (room_path (state, "start"), F_OK), -1);
  assert_int_equal (child_hooks_start (&child, NULL), 0);
  assert_string_equal (room_read (state, "start"), "created");
  close (child.state_creating);
  close (child.state_created);
}

static void
child_hooks_start_that_fails (void **state)
{
  struct plan_hook hook = copy_to (state, "no/such/directory");

  child.state_created = hooks_state ("created", 7, NULL);
  hook.where = "hooks.startContainer[0]";
  child_plan.hooks.start_container = &hook;
  child_plan.hooks.n_start_container = 1;
  assert_int_equal (child_hooks_start (&child, &child_err), -ECANCELED);
  assert_string_equal (child_err.where, "hooks.startContainer[0]");
  close (child.state_created);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    child_test (child_hooks_runtime_takes_both_states),
    child_test (child_hooks_runtime_that_failed_outside),
    child_test (child_hooks_runtime_whose_parent_is_gone),
    child_test (child_hooks_container_and_start),
    child_test (child_hooks_start_that_fails),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
