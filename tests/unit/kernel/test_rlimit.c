/* SPDX-License-Identifier: Apache-2.0 */
/* Resource limits, for real in children. */
#include "in_child.h"

#include <sys/resource.h>

#include "base/err.h"
#include "kernel/rlimit.h"

static void
rlimit_names_all (void **state)
{
  unsigned seen = 0, n = 0;
  uint64_t value = 0;
  (void) state;
  for (; rlimit_names[n].name; n++)
    seen |= 1U << rlimit_names[n].value;
  assert_int_equal (n, 16);
  assert_int_equal (seen, 0xffff);
  assert_true (name_value (rlimit_names, "RLIMIT_NOFILE", &value));
  assert_int_equal (value, RLIMIT_NOFILE);
  assert_false (name_value (rlimit_names, "RLIMIT_nofile", &value));
}

static int
sets (void *arg)
{
  struct rlimit limit;
  (void) arg;
  CHECK (rlimit_set (RLIMIT_NOFILE, 100, 200, NULL) == 0);
  CHECK (getrlimit (RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == 100 && limit.rlim_max == 200);
  CHECK (rlimit_set (RLIMIT_CORE, 0, 0, NULL) == 0);
  CHECK (getrlimit (RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 0 && limit.rlim_max == 0);
  return 0;
}

static void
rlimit_set_values (void **state)
{
  (void) state;
  assert_child (sets);
}

static int
sets_unlimited (void *arg)
{
  struct rlimit limit;
  (void) arg;
  CHILD_SKIP_UNLESS (geteuid () == 0, "not root");
  CHECK (rlimit_set (RLIMIT_FSIZE, 5, UINT64_MAX, NULL) == 0);
  CHECK (getrlimit (RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur == 5 && limit.rlim_max == RLIM_INFINITY);
  return 0;
}

static void
rlimit_set_unlimited (void **state)
{
  (void) state;
  assert_child (sets_unlimited);
}

static int
is_refused (void *arg)
{
  struct err err = { 0 };
  (void) arg;
  CHECK (rlimit_set (RLIMIT_NPROC, 20, 10, &err) == -EINVAL);
  CHECK (strcmp (err.call, "prlimit64") == 0 && strcmp (err.object, "RLIMIT_NPROC 20:10") == 0);
  CHECK (rlimit_set (99, 1, 1, NULL) == -EINVAL);
  CHECK (rlimit_set (RLIMIT_NPROC, 10, 10, NULL) == 0);
  CHILD_SKIP_UNLESS (geteuid () != 0 || setuid (65534) == 0, "can not become unprivileged");
  CHECK (rlimit_set (RLIMIT_NPROC, 11, 11, NULL) == -EPERM);
  return 0;
}

static void
rlimit_set_refused (void **state)
{
  (void) state;
  assert_child (is_refused);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (rlimit_names_all),
    cmocka_unit_test (rlimit_set_values),
    cmocka_unit_test (rlimit_set_unlimited),
    cmocka_unit_test (rlimit_set_refused),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
