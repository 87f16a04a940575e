/* SPDX-License-Identifier: Apache-2.0 */
/* Scheduling, for real in children; what the kernel lets nobody do is seen by its errors. */
#include "in_child.h"

#include <sched.h>
#include <sys/resource.h>

#include "base/bits.h"
#include "base/err.h"
#include "kernel/sched.h"
#include "ocispec/names.h"

/* Every word of the specification has a number, and no two the same.  */
static void
assert_words (const char *const *words, const struct name *names)
{
  uint64_t seen[32], value;
  size_t n = 0;

  for (; *words; words++)
    {
      assert_true (name_value (names, *words, &value));
      for (size_t i = 0; i < n; i++)
        assert_true (seen[i] != value);
      assert_true (n < sizeof seen / sizeof *seen);
      seen[n++] = value;
    }
}

/* spec: 68, 69 */
static void
sched_names_all (void **state)
{
  (void) state;
  assert_words (oci_scheduler_policy_names, sched_policies);
  assert_words (oci_scheduler_flag_names, sched_flags);
  assert_words (oci_io_priority_class_names, sched_io_classes);
}

static int
be_nice (void *arg)
{
  const struct sched batch = { .policy = SCHED_BATCH, .nice = 9, .flags = 1 };

  (void) arg;
  CHECK (sched_set (0, &batch, NULL) == 0);
  CHECK (sched_getscheduler (0) == (SCHED_BATCH | SCHED_RESET_ON_FORK));
  CHECK (getpriority (PRIO_PROCESS, 0) == 9);
  return 0;
}

/* spec: 68 */
static void
sched_set_policy_and_nice (void **state)
{
  (void) state;
  assert_child (be_nice);
}

static int
be_refused (void *arg)
{
  const struct sched iso = { .policy = 4 }, fifo = { .policy = SCHED_FIFO };
  struct err err = { 0 };

  (void) arg;
  CHECK (sched_set (0, &iso, &err) == -EINVAL);
  CHECK (strcmp (err.call, "sched_setattr") == 0 && strcmp (err.object, "SCHED_ISO") == 0);
  CHECK (sched_set (0, &fifo, NULL) == -EINVAL); /* without a priority */
  CHECK (sched_set (-1, &iso, NULL) == -EINVAL);
  return 0;
}

static void
sched_set_says_which_policy (void **state)
{
  (void) state;
  assert_child (be_refused);
}

static int
be_idle (void *arg)
{
  (void) arg;
  CHECK (sched_set_io (0, 3, 0, NULL) == 0);
  CHECK (syscall (SYS_ioprio_get, 1, 0) == 3 << 13);
  CHECK (sched_set_io (0, 2, 6, NULL) == 0);
  CHECK (syscall (SYS_ioprio_get, 1, 0) == (2 << 13 | 6));
  struct err err = { 0 };
  CHECK (sched_set_io (0, 7, 0, &err) == -EINVAL);
  CHECK (strcmp (err.call, "ioprio_set") == 0);
  return 0;
}

/* spec: 69 */
static void
sched_set_io_classes (void **state)
{
  (void) state;
  assert_child (be_idle);
}

static int
move_about (void *arg)
{
  struct bits before, one = { { 0 } }, now, none;
  unsigned cpu = 0;

  (void) arg;
  CHECK (sched_pinned (0, &before, NULL) == 0 && bits_words (&before) > 0);
  while (! (before.word[cpu / BITS_PER_WORD] >> (cpu % BITS_PER_WORD) & 1))
    cpu++;
  one.word[cpu / BITS_PER_WORD] = 1UL << (cpu % BITS_PER_WORD);
  CHECK (sched_pin (0, &one, NULL) == 0);
  CHECK (sched_pinned (0, &now, NULL) == 0 && memcmp (&now, &one, sizeof one) == 0);
  CHECK (sched_unpin (0, NULL) == 0);
  CHECK (sched_pinned (0, &now, NULL) == 0);
  for (size_t i = 0; i < BITS_MAX / BITS_PER_WORD; i++)
    CHECK ((before.word[i] & ~now.word[i]) == 0); /* all that we had, perhaps more */
  CHECK (bits_parse ("8191", &none) == 0 && sched_pin (0, &none, NULL) == -EINVAL);
  return 0;
}

/* spec: 70 */
static void
sched_pin_and_unpin (void **state)
{
  (void) state;
  assert_child (move_about);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (sched_names_all),
    cmocka_unit_test (sched_set_policy_and_nice),
    cmocka_unit_test (sched_set_says_which_policy),
    cmocka_unit_test (sched_set_io_classes),
    cmocka_unit_test (sched_pin_and_unpin),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
