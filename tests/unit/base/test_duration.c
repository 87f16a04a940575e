/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/duration.h"

static void
duration_parse_good (void **state)
{
  static const struct
  {
    const char *text;
    uint64_t ns;
  } good[] = {
    { "0", 0 }, { "0s", 0 }, { "5s", 5000000000 }, { "500ms", 500000000 }, { "1m30s", 90000000000 }, { "+1h", 3600000000000 },
    { "1.5s", 1500000000 }, { ".5s", 500000000 }, { "5.s", 5000000000 }, { "1us", 1000 }, { "1\xc2\xb5s", 1000 },
    { "1\xce\xbcs", 1000 }, { "10ns", 10 }, { "0.5ns", 0 }, { "1h15m30.918273645s", 4530918273645 }, { "0.25h", 900000000000 },
    { "1.05m", 63000000000 }, { "1s1s", 2000000000 }, { "9223372036854775807ns", INT64_MAX },
  };

  (void) state;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    {
      uint64_t ns = 7;

      if (duration_parse (good[i].text, &ns) != 0 || ns != good[i].ns)
        fail_msg ("%s: %ju", good[i].text, (uintmax_t) ns);
    }
}

static void
duration_parse_bad (void **state)
{
  static const char *const bad[] = { "", "+", "5", "s", ".", ".s", "-5s", "5 s", "5s ", "5d", "5S", "1.2.3s", "0x5s", "5s1", "inf", "00" };
  static const char *const long_ones[] = { "9223372036854775808ns", "300000000000h", "99999999999999999999s", "2562047h48m", "2562047.9h" };

  (void) state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    {
      uint64_t ns = 7;

      if (duration_parse (bad[i], &ns) != -EINVAL || ns != 7)
        fail_msg ("\"%s\"", bad[i]);
    }
  for (size_t i = 0; i < sizeof long_ones / sizeof *long_ones; i++)
    {
      uint64_t ns = 7;

      if (duration_parse (long_ones[i], &ns) != -ERANGE || ns != 7)
        fail_msg ("\"%s\"", long_ones[i]);
    }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (duration_parse_good),
    cmocka_unit_test (duration_parse_bad),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
