/* SPDX-License-Identifier: Apache-2.0 */
/* Looking into tables of names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/names.h"

static const struct name table[] = { { "zero", 0 }, { "one", 1 }, { "uno", 1 }, { "most", UINT64_MAX }, { NULL, 7 } };

static void
name_value_finds (void **state)
{
  (void) state;
  uint64_t value = 5;

  assert_true (name_value (table, "zero", &value) && value == 0);
  assert_true (name_value (table, "uno", &value) && value == 1);
  assert_true (name_value (table, "most", &value) && value == UINT64_MAX);
}

static void
name_value_wants_all_of_it (void **state)
{
  (void) state;
  uint64_t value = 5;

  assert_false (name_value (table, "on", &value));
  assert_false (name_value (table, "ones", &value));
  assert_false (name_value (table, "One", &value));
  assert_false (name_value (table, "", &value));
  assert_int_equal (value, 5);
}

static void
value_name_takes_the_first (void **state)
{
  (void) state;
  assert_string_equal (value_name (table, 1), "one");
  assert_string_equal (value_name (table, UINT64_MAX), "most");
  assert_null (value_name (table, 2));
  assert_null (value_name (table, 7));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (name_value_finds),
    cmocka_unit_test (name_value_wants_all_of_it),
    cmocka_unit_test (value_name_takes_the_first),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
