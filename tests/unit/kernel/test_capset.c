/* SPDX-License-Identifier: Apache-2.0 */
/* Capability masks, set for real in children. */
#include "in_child.h"

#include <fcntl.h>
#include <linux/capability.h>

#include "base/err.h"
#include "kernel/capset.h"
#include "kernel/pid.h"
#include "kernel/sys.h"

#define BIT(cap) (1ULL << (cap))

static int
bounds (void *arg)
{
  uint64_t left = 0;
  CHILD_SKIP_UNLESS (geteuid () == 0, "not root");
  CHECK (capset_bound (BIT (CAP_KILL) | BIT (CAP_SYSLOG), *(unsigned *) arg, NULL) == 0);
  CHECK (capset_have (NULL, &left) == 0);
  CHECK (left == (BIT (CAP_KILL) | BIT (CAP_SYSLOG)));
  return 0;
}

static void
capset_bound_to_last (void **state)
{
  unsigned last = (unsigned) capset_last (0);
  (void) state;
  assert_child_arg (bounds, &last, "bounds");
}

static void
capset_bound_beyond_last (void **state)
{
  unsigned last = 63;
  (void) state;
  assert_child_arg (bounds, &last, "bounds");
}

static int
bounds_without_right (void *arg)
{
  struct err err = { 0 };
  struct caps none = { 0 };
  (void) arg;
  CHILD_SKIP_UNLESS (geteuid () == 0, "not root");
  CHECK (capset_bound (~BIT (CAP_KILL), 63, NULL) == 0);
  CHECK (capset_apply (&none, NULL) == 0);
  CHECK (capset_bound (~BIT (CAP_KILL), 63, NULL) == 0); /* gone already */
  CHECK (capset_bound (~BIT (CAP_SYSLOG), 63, &err) == -EPERM);
  CHECK (strcmp (err.object, "PR_CAPBSET_DROP 34") == 0);
  return 0;
}

static void
capset_bound_without_setpcap (void **state)
{
  (void) state;
  assert_child (bounds_without_right);
}

/* The sets as the kernel shows them.  */
static int
matches (const struct caps *want)
{
  struct pid_self self;
  uint64_t ambient = 0;
  if (pid_self (&self) < 0)
    return 0;
  for (int cap = 0; cap <= capset_last (0); cap++)
    if (prctl (PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1)
      ambient |= BIT (cap);
  return self.effective == want->effective && self.permitted == want->permitted && ambient == want->ambient;
}

static int
applies (void *arg)
{
  const struct caps first = { .effective = BIT (CAP_KILL) | BIT (CAP_SYSLOG),
                              .permitted = BIT (CAP_KILL) | BIT (CAP_SYSLOG) | BIT (CAP_CHOWN),
                              .inheritable = BIT (CAP_KILL) | BIT (CAP_SYSLOG),
                              .ambient = BIT (CAP_KILL) | BIT (CAP_SYSLOG) };
  const struct caps fewer_ambient = { .effective = BIT (CAP_KILL), .permitted = BIT (CAP_KILL) | BIT (CAP_SYSLOG),
                                      .inheritable = BIT (CAP_KILL) | BIT (CAP_SYSLOG), .ambient = BIT (CAP_SYSLOG) };
  const struct caps no_inheritable = { .permitted = BIT (CAP_KILL) };
  const struct caps none = { 0 };
  (void) arg;
  CHILD_SKIP_UNLESS (geteuid () == 0, "not root");
  CHECK (capset_apply (&first, NULL) == 0 && matches (&first));
  CHECK (capset_apply (&fewer_ambient, NULL) == 0 && matches (&fewer_ambient));
  CHECK (capset_apply (&no_inheritable, NULL) == 0 && matches (&no_inheritable));
  CHECK (capset_apply (&none, NULL) == 0 && matches (&none));
  return 0;
}

static void
capset_apply_all_sets (void **state)
{
  (void) state;
  assert_child (applies);
}

static int
applies_too_much (void *arg)
{
  const struct caps kill_only = { .permitted = BIT (CAP_KILL), .effective = BIT (CAP_KILL) };
  const struct caps more = { .permitted = BIT (CAP_KILL) | BIT (CAP_CHOWN) };
  const struct caps ambient = { .permitted = BIT (CAP_KILL), .ambient = BIT (CAP_KILL) };
  struct err err = { 0 };
  (void) arg;
  CHILD_SKIP_UNLESS (geteuid () == 0, "not root");
  CHECK (capset_apply (&kill_only, NULL) == 0);
  CHECK (capset_apply (&more, &err) == -EPERM && strcmp (err.call, "capset") == 0);
  err_clear (&err);
  CHECK (capset_apply (&ambient, &err) == -EPERM && strcmp (err.object, "PR_CAP_AMBIENT_RAISE 5") == 0);
  return 0;
}

static void
capset_apply_beyond_permitted (void **state)
{
  (void) state;
  assert_child (applies_too_much);
}

static int
has_both_ways (void *arg)
{
  uint64_t permitted = 1, permitted_alone = 2, bounding = 3, asked = 4;
  (void) arg;
  CHECK (capset_have (&permitted, &bounding) == 0);
  CHECK (capset_have (&permitted_alone, NULL) == 0);
  CHECK (permitted == permitted_alone);
  /* Without procfs: one call for each.  */
  CHILD_SKIP_UNLESS (deny_call (SYS_openat, 0, 0, ENOENT) == 0, "no seccomp");
  CHECK (open ("/proc/self/status", O_RDONLY) < 0);
  CHECK (capset_have (&permitted_alone, &asked) == 0);
  CHECK (asked == bounding && permitted == permitted_alone);
  return 0;
}

static void
capset_have_with_and_without_proc (void **state)
{
  (void) state;
  assert_child (has_both_ways);
}

static void
capset_last_as_proc_says (void **state)
{
  int want = -1;
  FILE *f = fopen ("/proc/sys/kernel/cap_last_cap", "re");
  (void) state;
  assert_non_null (f);
  assert_int_equal (fscanf (f, "%d", &want), 1);
  fclose (f);
  assert_int_equal (capset_last (0), want);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (capset_bound_to_last),
    cmocka_unit_test (capset_bound_beyond_last),
    cmocka_unit_test (capset_bound_without_setpcap),
    cmocka_unit_test (capset_apply_all_sets),
    cmocka_unit_test (capset_apply_beyond_permitted),
    cmocka_unit_test (capset_have_with_and_without_proc),
    cmocka_unit_test (capset_last_as_proc_says),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
