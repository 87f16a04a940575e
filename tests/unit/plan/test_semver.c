/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of plan/semver.c.  */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "plan/semver.h"

static void
semver_parse_good (void **state)
{
  static const struct
  {
    const char *text;
    unsigned major;
  } good[] = {
    { "1.0.0", 1 },         { "0.0.0", 0 },          { "1.0.2-dev", 1 },      { "1.2.0+dev", 1 },
    { "2.10.3-rc.1", 2 },   { "1.0.0-0.3.7", 1 },    { "1.0.0-x.7.z.92", 1 }, { "1.0.0--", 1 },
    { "1.0.0-a+001.sha", 1 }, { "10.20.30", 10 },    { "1.0.0+0.build.1-rc", 1 }, { "1.0.0-0a", 1 },
  };

  (void) state;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    {
      unsigned major = 99;

      if (! semver_parse (good[i].text, &major))
        fail_msg ("%s is a version", good[i].text);
      assert_int_equal (major, good[i].major);
    }
}

static void
semver_parse_bad (void **state)
{
  static const char *const bad[] = {
    "",      "1",       "1.0",    "1.0.0.0", "v1.0.0",    "01.0.0",     "1.01.0",    "1.0.01",  "1.0.0-", "1.0.0+",
    "1..0",  "1.0.0-a..b", "1.0.0-01", "1.0.0+a+b", "1.0.0-a_b", " 1.0.0", "1.0.0 ", "-1.0.0", "1.0.x",
    "1.0.0-\xc3\xa9", "1.0.0+.", "latest",
  };

  (void) state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    {
      unsigned major = 99;

      if (semver_parse (bad[i], &major))
        fail_msg ("\"%s\" is no version", bad[i]);
      assert_int_equal (major, 99);
    }
}

static void
semver_parse_huge_major_is_not_small (void **state)
{
  unsigned major = 0;

  (void) state;
  assert_true (semver_parse ("4294967297.0.0", &major)); /* 1 when cut to 32 bits */
  assert_true (major > 9999);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (semver_parse_good),
    cmocka_unit_test (semver_parse_bad),
    cmocka_unit_test (semver_parse_huge_major_is_not_small),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
