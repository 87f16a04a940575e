/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/when.h"

static void
check (time_t second, long nano, const char *expected)
{
  const struct timespec t = { .tv_sec = second, .tv_nsec = nano };
  char buf[WHEN_SIZE];

  when_text (&t, buf, sizeof buf);
  assert_string_equal (buf, expected);
}

static void
when_text_known (void **state)
{
  (void) state;
  check (0, 0, "1970-01-01T00:00:00.000000000Z");
  check (951782399, 999999999, "2000-02-28T23:59:59.999999999Z");
  check (951782400, 1, "2000-02-29T00:00:00.000000001Z");
  check (4107542399, 0, "2100-02-28T23:59:59.000000000Z");
  check (4107542400, 0, "2100-03-01T00:00:00.000000000Z");
  check (-1, 0, "1969-12-31T23:59:59.000000000Z");
}

/* Against the C library, every 40 days or so over two centuries.  */
static void
when_text_as_libc (void **state)
{
  (void) state;
  for (time_t t = -3155760000; t < 6311520000; t += 3456789)
    {
      char expected[WHEN_SIZE];
      struct tm tm;

      gmtime_r (&t, &tm);
      strftime (expected, sizeof expected, "%Y-%m-%dT%H:%M:%S.000000000Z", &tm);
      check (t, 0, expected);
    }
}

int
main (void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test (when_text_known), cmocka_unit_test (when_text_as_libc) };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
