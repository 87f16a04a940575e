/* SPDX-License-Identifier: Apache-2.0 */
/* Strict numbers, prefixes, ids and copies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/str.h"

static void
str_u64_good (void **state)
{
  (void) state;
  uint64_t value;

  assert_true (str_u64 ("0", 0, &value) == 0 && value == 0);
  assert_true (str_u64 ("007", 7, &value) == 0 && value == 7);
  assert_true (str_u64 ("18446744073709551615", UINT64_MAX, &value) == 0 && value == UINT64_MAX);
}

static void
str_u64_bad (void **state)
{
  static const char *const bad[] = { "", " ", " 1", "1 ", "+1", "-1", "-0", "0x10", "1.0", "1e3", "\xd9\xa1", "1\n" };
  (void) state;
  uint64_t value = 99;

  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    assert_int_equal (str_u64 (bad[i], UINT64_MAX, &value), -EINVAL);
  assert_int_equal (value, 99);
}

static void
str_u64_range (void **state)
{
  (void) state;
  uint64_t value = 99;

  assert_int_equal (str_u64 ("8", 7, &value), -ERANGE);
  assert_int_equal (str_u64 ("18446744073709551616", UINT64_MAX, &value), -ERANGE);
  assert_int_equal (str_u64 ("99999999999999999999999", UINT64_MAX, &value), -ERANGE);
  assert_int_equal (value, 99);
}

static void
str_i64_ends (void **state)
{
  (void) state;
  int64_t value;

  assert_true (str_i64 ("-9223372036854775808", INT64_MIN, INT64_MAX, &value) == 0 && value == INT64_MIN);
  assert_true (str_i64 ("9223372036854775807", INT64_MIN, INT64_MAX, &value) == 0 && value == INT64_MAX);
  assert_true (str_i64 ("-1000", -1000, 1000, &value) == 0 && value == -1000);
  assert_true (str_i64 ("-0", 0, 0, &value) == 0 && value == 0);
}

static void
str_i64_bad (void **state)
{
  (void) state;
  int64_t value = 99;

  assert_int_equal (str_i64 ("-9223372036854775809", INT64_MIN, INT64_MAX, &value), -ERANGE);
  assert_int_equal (str_i64 ("9223372036854775808", INT64_MIN, INT64_MAX, &value), -ERANGE);
  assert_int_equal (str_i64 ("-1001", -1000, 1000, &value), -ERANGE);
  assert_int_equal (str_i64 ("1001", -1000, 1000, &value), -ERANGE);
  assert_int_equal (str_i64 ("-", INT64_MIN, INT64_MAX, &value), -EINVAL);
  assert_int_equal (str_i64 ("--1", INT64_MIN, INT64_MAX, &value), -EINVAL);
  assert_int_equal (str_i64 ("", INT64_MIN, INT64_MAX, &value), -EINVAL);
  assert_int_equal (value, 99);
}

static void
str_after_prefixes (void **state)
{
  (void) state;
  assert_string_equal (str_after ("size=64k", "size="), "64k");
  assert_string_equal (str_after ("size=", "size="), "");
  assert_string_equal (str_after ("x", ""), "x");
  assert_null (str_after ("siz", "size="));
  assert_null (str_after ("Size=1", "size="));
}

static void
str_is_id_good (void **state)
{
  char longest[1025];

  (void) state;
  memset (longest, 'a', 1024);
  longest[1024] = '\0';
  assert_true (str_is_id ("a"));
  assert_true (str_is_id ("Web_server+1.2-3"));
  assert_true (str_is_id ("0"));
  assert_true (str_is_id ("a..b"));
  assert_true (str_is_id ("-x"));
  assert_true (str_is_id (longest));
}

static void
str_is_id_bad (void **state)
{
  static const char *const bad[] = { "", ".", "..", ".hidden", "a/b", "/", "a b", "a\n", "a:b", "a@b", "\xc3\xa4", "a%" };
  char too_long[1026];

  (void) state;
  memset (too_long, 'a', 1025);
  too_long[1025] = '\0';
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    assert_false (str_is_id (bad[i]));
  assert_false (str_is_id (too_long));
}

static void
str_copy_fits_or_says (void **state)
{
  (void) state;
  char buf[4];

  assert_true (str_copy (buf, sizeof buf, "abc") == 0 && strcmp (buf, "abc") == 0);
  assert_true (str_copy (buf, sizeof buf, "") == 0 && strcmp (buf, "") == 0);
  assert_true (str_copy (buf, sizeof buf, "abcd") == -ENAMETOOLONG && strcmp (buf, "abc") == 0);
  assert_true (str_copy (buf, 1, "a") == -ENAMETOOLONG && strcmp (buf, "") == 0);
}

static void
str_make_utf8_replaces_what_is_none (void **state)
{
  static const struct { const char *text, *made; } rows[] = {
    { "", "" }, { "plain", "plain" }, { "\303\244\342\202\254\360\237\230\200\364\217\277\277", "\303\244\342\202\254\360\237\230\200\364\217\277\277" },
    { "caf\351 x", "caf? x" }, { "\200", "?" }, { "\303", "?" }, { "\342\202", "??" }, { "\360\237\230", "???" }, { "\300\257", "??" },
    { "\340\200\200", "???" }, { "\355\240\200", "???" }, { "\364\220\200\200", "????" }, { "\365\200", "??" }, { "\360\217\277\277", "????" },
    { "\303a", "?a" }, { "\342\202a", "??a" },
  };

  (void) state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    {
      char text[32];

      (void) str_copy (text, sizeof text, rows[i].text);
      str_make_utf8 (text);
      assert_string_equal (text, rows[i].made);
    }
}

static void
str_make_plain_leaves_nothing_to_obey (void **state)
{
  static const struct
  {
    const char *text, *made;
  } rows[] = {
    { "", "" }, { "plain \303\244", "plain \303\244" }, { "\033]0;x\007", "?]0;x?" }, { "a\nb\177", "a?b?" }, { "\302\2331m", "??1m" },
    { "\302\200\302\237\302\240", "????\302\240" }, { "\233x\302", "?x?" },
    /* of each range what is before it, the ends, what is after it: U+061C, U+200E-F, U+2028-E, U+2066-9 */
    { "\330\233\330\234\330\235", "\330\233??\330\235" },
    { "\342\200\215\342\200\216\342\200\217\342\200\220", "\342\200\215??????\342\200\220" },
    { "\342\200\247\342\200\250\342\200\251\342\200\252\342\200\256\342\200\257", "\342\200\247????????????\342\200\257" },
    { "\342\201\245\342\201\246\342\201\251\342\201\252", "\342\201\245??????\342\201\252" },
    { "\342\200", "??" }, { "\360\222\200\250", "\360\222\200\250" },
  };

  (void) state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    {
      char text[32];

      (void) str_copy (text, sizeof text, rows[i].text);
      str_make_plain (text);
      assert_string_equal (text, rows[i].made);
    }
}

static void
str_make_line_is_one (void **state)
{
  static const char *const rows[][2] = { { "", "" }, { "\n", "" }, { "a\tb\r\nc\n\n", "a b  c" }, { "\na \342\200\256\033", " a ????" } };

  (void) state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    {
      char text[32];

      (void) str_copy (text, sizeof text, rows[i][0]);
      str_make_line (text);
      assert_string_equal (text, rows[i][1]);
    }
}

static void
str_unescape_octal_takes_three_digits (void **state)
{
  static const struct
  {
    const char *text, *made;
  } rows[] = {
    { "", "" },           { "/plain", "/plain" },     { "a\\040b\\011\\012\\134\\043", "a b\t\n\\#" }, { "\\377", "\377" },
    { "\\04", "\\04" },   { "\\400", "\\400" },     { "\\049", "\\049" },                        { "\\", "\\" },
  };

  (void) state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    {
      char text[32];

      (void) str_copy (text, sizeof text, rows[i].text);
      assert_ptr_equal (str_unescape_octal (text), text);
      assert_string_equal (text, rows[i].made);
    }
}

static void
str_is_one_of_the_words (void **state)
{
  static const char *const words[] = { "one", "two", NULL }, *const none[] = { NULL };

  (void) state;
  assert_true (str_is_one_of (words, "one"));
  assert_true (str_is_one_of (words, "two"));
  assert_false (str_is_one_of (words, "tw"));
  assert_false (str_is_one_of (words, ""));
  assert_false (str_is_one_of (none, "one"));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (str_is_one_of_the_words), cmocka_unit_test (str_u64_good),       cmocka_unit_test (str_u64_bad),    cmocka_unit_test (str_u64_range),
    cmocka_unit_test (str_i64_ends),       cmocka_unit_test (str_i64_bad),    cmocka_unit_test (str_after_prefixes),
    cmocka_unit_test (str_is_id_good),     cmocka_unit_test (str_is_id_bad),  cmocka_unit_test (str_copy_fits_or_says),
    cmocka_unit_test (str_make_utf8_replaces_what_is_none), cmocka_unit_test (str_unescape_octal_takes_three_digits),
    cmocka_unit_test (str_make_plain_leaves_nothing_to_obey), cmocka_unit_test (str_make_line_is_one),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
