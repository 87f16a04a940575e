/* SPDX-License-Identifier: Apache-2.0 */
/* Scheduling by plan: of ourselves and of another process. */
#include "child.h"

#include <sched.h>
#include <sys/resource.h>

#include "launch/schedule.h"

static const struct sched batch = { .policy = SCHED_BATCH, .nice = 4 }, iso = { .policy = 4 };
static const struct plan_io_priority idle = { .class_ = 3 }, wrong = { .class_ = 7 };

static int
set_both (void *arg)
{
  const struct plan_process p = { .scheduler = &batch, .io_priority = &idle }, nothing = { .uid = 0 };

  (void) arg;
  CHECK (schedule_set (&nothing, 0, &child_err) == 0);
  CHECK (sched_getscheduler (0) == SCHED_OTHER);
  CHECK (schedule_set (&p, getpid (), &child_err) == 0);
  CHECK (sched_getscheduler (0) == SCHED_BATCH && getpriority (PRIO_PROCESS, 0) == 4);
  CHECK (syscall (SYS_ioprio_get, 1, 0) == 3 << 13);
  return 0;
}

/* spec: 68, 69 */
static void
schedule_set_policy_and_io (void **state)
{
  (void) state;
  assert_child (set_both);
}

static int
fail_by_name (void *arg)
{
  const struct plan_process policy = { .scheduler = &iso }, io = { .io_priority = &wrong };

  (void) arg;
  CHECK (schedule_set (&policy, 0, &child_err) == -EINVAL);
  CHECK (strcmp (child_err.where, "process.scheduler") == 0);
  err_clear (&child_err);
  CHECK (schedule_set (&io, 0, &child_err) == -EINVAL);
  CHECK (strcmp (child_err.where, "process.ioPriority") == 0);
  return 0;
}

static void
schedule_set_names_the_property (void **state)
{
  (void) state;
  assert_child (fail_by_name);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    child_test (schedule_set_policy_and_io),
    child_test (schedule_set_names_the_property),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
