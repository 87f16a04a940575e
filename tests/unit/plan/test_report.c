/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of plan/report.c.  */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "plan/report.h"

static const char text[] = "{\n  \"a\": 1,\n  \"b\": [ 2,\n    3 ]\n}\n";

static void
report_end_nothing (void **state)
{
  struct report r = { 0 };
  struct err err = { .kind = ERR_NONE, .what = "untouched" };

  (void) state;
  assert_int_equal (report_end (&r, &err), 0);
  assert_string_equal (err.what, "untouched");
}

static void
report_end_one (void **state)
{
  struct report r = { .text = text, .len = sizeof text - 1 };
  struct err err = { 0 };

  (void) state;
  report_add (&r, "b[1]", "is %d", 3);
  assert_int_equal (report_end (&r, &err), -EINVAL);
  assert_int_equal (err.kind, ERR_SPEC);
  assert_string_equal (err.where, "b[1]");
  assert_string_equal (err.what, "is 3");
  assert_int_equal (err.line, 4);
  assert_int_equal (err.column, 5);
}

static void
report_end_in_order_of_the_document (void **state)
{
  struct report r = { .text = text, .len = sizeof text - 1 };
  struct err err = { 0 };

  (void) state;
  report_add (&r, "b[1]", "third");
  report_add (&r, "a", "first");
  report_add (&r, "a", "second");
  assert_int_equal (report_end (&r, &err), -EINVAL);
  assert_string_equal (err.where, "a");
  assert_string_equal (err.what, "first; 2:8: a: second; 4:5: b[1]: third");
}

static void
report_end_without_text (void **state)
{
  struct report r = { 0 };
  struct err err = { 0 };

  (void) state;
  report_add (&r, "z", "one");
  report_add (&r, "", "two");
  assert_int_equal (report_end (&r, &err), -EINVAL);
  assert_int_equal (err.line, 0);
  assert_string_equal (err.where, "z");
  assert_string_equal (err.what, "one; two");
}

static void
report_end_without_err (void **state)
{
  struct report r = { 0 };

  (void) state;
  report_add (&r, "z", "one");
  assert_int_equal (report_end (&r, NULL), -EINVAL);
}

/* What does not fit is counted: every breach is in the text or in the number at its end.  */
static void
report_end_counts_what_does_not_fit (void **state)
{
  struct report *r = calloc (1, sizeof *r);
  struct err err = { 0 };
  const char *and_more;
  size_t shown = 1;

  (void) state;
  assert_non_null (r);
  for (int i = 0; i < 200; i++)
    {
      char path[32];

      snprintf (path, sizeof path, "mounts[%d].destination", i);
      report_add (r, path, "a sentence that takes some room");
    }
  assert_int_equal (report_end (r, &err), -EINVAL);
  assert_true (strlen (err.what) < sizeof err.what);
  and_more = strstr (err.what, "; and ");
  assert_non_null (and_more);
  for (const char *p = err.what; (p = strstr (p, "; mounts[")) != NULL; p++)
    shown++;
  assert_int_equal (atoi (and_more + strlen ("; and ")), 200 - shown);
  assert_non_null (strstr (and_more, " more"));
  free (r);
}

static void
report_add_long_texts_are_cut (void **state)
{
  struct report r = { 0 };
  struct err err = { 0 };
  char path[1000];

  (void) state;
  memset (path, 'p', sizeof path - 1);
  path[sizeof path - 1] = '\0';
  report_add (&r, path, "%s", path);
  report_add (&r, path, "%s", path);
  assert_int_equal (report_end (&r, &err), -EINVAL);
  assert_int_equal (strlen (err.where), sizeof err.where - 1);
  assert_int_equal (strlen (err.what), 2 * (sizeof err.where - 1) + strlen ("; : ") + 159);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (report_end_nothing),
    cmocka_unit_test (report_end_one),
    cmocka_unit_test (report_end_in_order_of_the_document),
    cmocka_unit_test (report_end_without_text),
    cmocka_unit_test (report_end_without_err),
    cmocka_unit_test (report_end_counts_what_does_not_fit),
    cmocka_unit_test (report_add_long_texts_are_cut),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
