/* SPDX-License-Identifier: Apache-2.0 */
/* The runner of step tables, and the proof that parent and child cannot wait for each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "launch/child.h"
#include "launch/parent.h"
#include "launch/want.h"

/* --- running */

struct trail
{
  char names[64]; /* of the steps that ran */
  int fail_with;
};

static int
step_a (void *self, struct err *err)
{
  struct trail *t = self;

  (void) err;
  strcat (t->names, "a");
  return 7; /* a good value is no failure */
}

static int
step_b (void *self, struct err *err)
{
  struct trail *t = self;

  strcat (t->names, "b");
  return t->fail_with ? err_sys (err, t->fail_with, "call", "object") : 0;
}

static int
step_named (void *self, struct err *err)
{
  int ret = step_b (self, err);

  (void) strcpy (err->step, "other.side");
  return ret;
}

static const struct step plain[] = { { "one.a", step_a, NULL, SYNC_NONE }, { "one.b", step_b, NULL, SYNC_NONE },
                                     { "one.c", step_a, NULL, SYNC_NONE }, { 0 } };

static void
watch_names (void *data, const char *name, int ret)
{
  char *text = data;

  (void) snprintf (text + strlen (text), 64 - strlen (text), "%s=%d ", name, ret);
}

static void
step_run_in_order (void **state)
{
  const struct plan p = { 0 };
  struct trail t = { 0 };
  struct err err = { 0 };
  char seen[64] = "";
  const struct step_watch watch = { watch_names, seen };

  (void) state;
  assert_int_equal (step_run (plain, &t, &p, &watch, &err), 0);
  assert_string_equal (t.names, "aba");
  assert_string_equal (seen, "one.a=7 one.b=0 one.c=7 ");
}

static void
step_run_stops_and_names_the_failing_step (void **state)
{
  const struct plan p = { 0 };
  struct trail t = { .fail_with = 13 };
  struct err err = { 0 };

  (void) state;
  assert_int_equal (step_run (plain, &t, &p, NULL, &err), -13);
  assert_string_equal (t.names, "ab");
  assert_string_equal (err.step, "one.b");
  assert_string_equal (err.call, "call");
}

static void
step_run_keeps_the_other_sides_name (void **state)
{
  static const struct step steps[] = { { "ours", step_named, NULL, SYNC_NONE }, { 0 } };
  const struct plan p = { 0 };
  struct trail t = { .fail_with = 13 };
  struct err err = { 0 };

  (void) state;
  assert_int_equal (step_run (steps, &t, &p, NULL, &err), -13);
  assert_string_equal (err.step, "other.side");
}

static void
step_run_without_err (void **state)
{
  const struct plan p = { 0 };
  struct trail t = { .fail_with = 13 };

  (void) state;
  assert_int_equal (step_run (plain, &t, &p, NULL, NULL), -13);
}

static void
step_run_skips_the_unwanted (void **state)
{
  static const struct step steps[] = { { "hooks", step_a, want_hooks, SYNC_NONE }, { "b", step_b, NULL, SYNC_NONE }, { 0 } };
  struct plan p = { 0 };
  struct trail t = { 0 };

  (void) state;
  assert_int_equal (step_run (steps, &t, &p, NULL, NULL), 0);
  assert_string_equal (t.names, "b");
  p.hooks.n_prestart = 1;
  assert_int_equal (step_run (steps, &t, &p, NULL, NULL), 0);
  assert_string_equal (t.names, "bab");
}

/* --- meeting */

/* Every combination of what rows with messages look at.  */
enum
{
  BIT_EXEC = 1 << 0,
  BIT_RUN = 1 << 1,
  BIT_TERMINAL = 1 << 2,
  BIT_STAGED = 1 << 3,
  BIT_USER = 1 << 4,
  BIT_UNSHARE = 1 << 5,
  BIT_FORK = 1 << 6,
  BIT_JOINS = 1 << 7,
  BIT_HOOKS_OUTSIDE = 1 << 8,
  BIT_HOOKS_INSIDE = 1 << 9,
  BIT_PROCESS = 1 << 10,
  BIT_NET_DEVICES = 1 << 11,
  BIT_LISTENER = 1 << 12,
  COMBINATIONS = 1 << 13
};

static struct plan
plan_of (unsigned bits)
{
  return (struct plan) {
    .action = bits & BIT_EXEC ? PLAN_EXEC : PLAN_CREATE,
    .run = bits & BIT_RUN,
    .ns = { .staged = bits & BIT_STAGED, .new_user = bits & BIT_USER, .unshare_flags = bits & BIT_UNSHARE ? 1 : 0,
            .fork = bits & BIT_FORK, .n_joins = bits & BIT_JOINS ? 2 : 0 },
    .hooks = { .n_prestart = bits & BIT_HOOKS_OUTSIDE ? 1 : 0, .n_start_container = bits & BIT_HOOKS_INSIDE ? 1 : 0 },
    .n_net_devices = bits & BIT_NET_DEVICES ? 1 : 0,
    .seccomp = { .given = bits & BIT_LISTENER, .listener_path = bits & BIT_LISTENER ? "/agent" : NULL },
    .process = { .given = bits & BIT_PROCESS, .terminal = bits & BIT_TERMINAL },
  };
}

static void
steps_meet_for_every_plan (void **state)
{
  (void) state;
  for (unsigned bits = 0; bits < COMBINATIONS; bits++)
    {
      const struct plan p = plan_of (bits);
      /* exec makes no user namespace, moves no devices and runs no hooks */
      if (p.action == PLAN_EXEC && ! (bits & (BIT_USER | BIT_HOOKS_OUTSIDE | BIT_HOOKS_INSIDE | BIT_NET_DEVICES)))
        assert_true (steps_meet (parent_exec, child_exec, &p));
      else if (p.action == PLAN_CREATE)
        assert_true (steps_meet (parent_create, child_create, &p));
    }
}

static void
steps_meet_for_mounts (void **state)
{
  (void) state;
  for (unsigned i = 0; i < 8; i++)
    {
      const struct plan p = { .action = PLAN_MOUNTS, .n_mounts = i & 1, .n_unmounts = i & 2, .ns = { .fork = i & 4 } };

      assert_true (steps_meet (parent_mounts, child_mounts, &p));
    }
}

/* The rows of TABLE that have messages, in LIST; returns how many.  */
static size_t
with_messages (const struct step *table, struct step *list)
{
  size_t n = 0;

  for (; table->name; table++)
    if (table->sync != SYNC_NONE)
      list[n++] = *table;
  list[n] = (struct step) { 0 };
  return n;
}

/* Two rows swapped in either table, or one missing, is seen by some plan: the check can fail.  */
static bool
deadlocks (const struct step *parent, const struct step *child)
{
  for (unsigned bits = 0; bits < COMBINATIONS; bits++)
    {
      const struct plan p = plan_of (bits);

      if (p.action == PLAN_CREATE && ! steps_meet (parent, child, &p))
        return true;
    }
  return false;
}

static void
steps_meet_sees_a_swapped_row (void **state)
{
  struct step rows[64];
  size_t n = with_messages (child_create, rows);

  (void) state;
  assert_true (n >= 4);
  assert_false (deadlocks (parent_create, rows));
  for (size_t i = 0; i + 1 < n; i++)
    {
      const struct step first = rows[i];

      rows[i] = rows[i + 1];
      rows[i + 1] = first;
      assert_true (deadlocks (parent_create, rows));
      rows[i + 1] = rows[i];
      rows[i] = first;
    }
}

static void
steps_meet_sees_a_missing_row (void **state)
{
  struct step rows[64];
  size_t n = with_messages (parent_create, rows);

  (void) state;
  for (size_t i = 0; i < n; i++)
    {
      const enum sync_what kept = rows[i].sync;

      rows[i].sync = SYNC_NONE;
      assert_true (deadlocks (rows, child_create));
      rows[i].sync = kept;
    }
}

static void
steps_meet_sees_other_conditions (void **state)
{
  struct step rows[64];

  (void) state;
  (void) with_messages (parent_create, rows);
  for (struct step *s = rows; s->name; s++)
    if (s->sync == SYNC_HOOKS)
      s->wanted = want_start_hooks; /* the child asks for all kinds */
  assert_true (deadlocks (rows, child_create));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (step_run_in_order),
    cmocka_unit_test (step_run_stops_and_names_the_failing_step),
    cmocka_unit_test (step_run_keeps_the_other_sides_name),
    cmocka_unit_test (step_run_without_err),
    cmocka_unit_test (step_run_skips_the_unwanted),
    cmocka_unit_test (steps_meet_for_every_plan),
    cmocka_unit_test (steps_meet_for_mounts),
    cmocka_unit_test (steps_meet_sees_a_swapped_row),
    cmocka_unit_test (steps_meet_sees_a_missing_row),
    cmocka_unit_test (steps_meet_sees_other_conditions),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
