/* SPDX-License-Identifier: Apache-2.0 */
#include "program.h"

static void
metrics_print (void **state)
{
  (void) state;
  answer.json = "# EOF\n";
  assert_deed ("metrics", "metrics", "");
  assert_string_equal (seen.out, "# EOF\n");
}

static void
metrics_failures (void **state)
{
  (void) state;
  assert_refused ("metrics c1", 1, "too many operands");
  answer.ret = -EACCES;
  assert_int_equal (orlop ("metrics"), 1);
  assert_string_equal (seen.out, "");
  assert_string_equal (seen.err, "orlop: metrics: the text (hint: advice)\n");
}

static void
metrics_help (void **state)
{
  (void) state;
  assert_help (&cmd_metrics);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    program_test (metrics_print),
    program_test (metrics_failures),
    program_test (metrics_help),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
