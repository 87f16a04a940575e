/* SPDX-License-Identifier: Apache-2.0 */
/* Limits by plan: at once, in two steps, and at the end. */
#include "child.h"

#include <sys/resource.h>

#include "launch/limits.h"

static struct rlimit
now (int which)
{
  struct rlimit limit = { 0, 0 };

  (void) getrlimit ((__rlimit_resource_t) which, &limit);
  return limit;
}

static int
set_in_steps (void *arg)
{
  static struct plan_rlimit limits[] = {
    { .where = "a", .which = RLIMIT_CORE, .soft = 0, .hard = 0 },
    { .where = "b", .which = RLIMIT_NOFILE, .late = true, .before = 256, .soft = 5, .hard = 300 },
    { .where = "c", .which = RLIMIT_STACK, .late = true, .soft = 65536, .hard = 131072 },
  };
  const struct plan_process p = { .rlimits = limits, .n_rlimits = 3 };
  struct rlimit stack = now (RLIMIT_STACK);

  (void) arg;
  CHECK (limits_early (&p, getpid (), &child_err) == 0);
  CHECK (now (RLIMIT_CORE).rlim_max == 0);
  CHECK (now (RLIMIT_NOFILE).rlim_cur == 256 && now (RLIMIT_NOFILE).rlim_max == 300);
  CHECK (now (RLIMIT_STACK).rlim_cur == stack.rlim_cur);
  CHECK (limits_late (&p, &child_err) == 0);
  CHECK (now (RLIMIT_NOFILE).rlim_cur == 5 && now (RLIMIT_NOFILE).rlim_max == 300);
  CHECK (now (RLIMIT_STACK).rlim_cur == 65536 && now (RLIMIT_STACK).rlim_max == 131072);
  return 0;
}

/* spec: 64 */
static void
limits_early_then_late (void **state)
{
  (void) state;
  assert_child (set_in_steps);
}

static int
set_impossible_ones (void *arg)
{
  static struct plan_rlimit early[] = { { .where = "process.rlimits[0]", .which = RLIMIT_CORE, .soft = 2, .hard = 1 } };
  static struct plan_rlimit late[] = { { .where = "rlimits[3]", .which = RLIMIT_NOFILE, .late = true, .soft = 2, .hard = 1 } };
  const struct plan_process one = { .rlimits = early, .n_rlimits = 1 }, other = { .rlimits = late, .n_rlimits = 1 };

  (void) arg;
  CHECK (limits_early (&one, 0, &child_err) == -EINVAL);
  CHECK (strcmp (child_err.where, "process.rlimits[0]") == 0 && strcmp (child_err.object, "soft 2, hard 1") == 0);
  err_clear (&child_err);
  CHECK (limits_early (&other, 0, &child_err) == 0);
  CHECK (limits_late (&other, &child_err) == -EINVAL && strcmp (child_err.where, "rlimits[3]") == 0);
  return 0;
}

static void
limits_say_which (void **state)
{
  (void) state;
  assert_child (set_impossible_ones);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    child_test (limits_early_then_late),
    child_test (limits_say_which),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
