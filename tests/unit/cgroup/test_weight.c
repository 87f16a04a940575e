/* SPDX-License-Identifier: Apache-2.0 */
/* From shares to weight: the values that runc and crun give.  */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cgroup/weight.h"

static void
cgroup_weight_known (void **state)
{
  static const struct
  {
    uint64_t shares, weight;
  } cases[] = {
    { 0, 1 },         { 1, 1 },          { 2, 1 },          { 3, 2 },
    { 10, 4 },        { 100, 17 },       { 512, 59 },       { 1000, 99 },
    { 1024, 100 },    { 1025, 101 },     { 2048, 174 },     { 10000, 627 },
    { 102400, 4429 }, { 262143, 10000 }, { 262144, 10000 }, { UINT64_MAX, 10000 },
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_int_equal (cgroup_weight (cases[i].shares), cases[i].weight);
}

static void
cgroup_weight_rises (void **state)
{
  uint64_t last = 1;

  (void) state;
  for (uint64_t shares = 1; shares < 270000; shares++)
    {
      uint64_t weight = cgroup_weight (shares);
      assert_in_range (weight, last, 10000);
      last = weight;
    }
}

int
main (void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test (cgroup_weight_known), cmocka_unit_test (cgroup_weight_rises) };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
