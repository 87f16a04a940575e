/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of processors and nodes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bits.h"

/* spec: 70, 146 */
static void
bits_parse_good (void **state)
{
  static const struct
  {
    const char *list;
    unsigned long first; /* word */
  } rows[] = {
    { "", 0 },  { " ", 0 },       { "0", 1 },           { "0-3,7", 0x8f },   { " 1 , 3-4 ", 0x1a },
    { "5-5", 0x20 }, { "3,1,2,1-2", 0xe }, { "007", 0x80 }, { "0-31", 0xffffffff },
  };
  struct bits bits;

  (void) state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    {
      assert_int_equal (bits_parse (rows[i].list, &bits), 0);
      assert_int_equal (bits.word[0], rows[i].first);
      assert_int_equal (bits_words (&bits), rows[i].first ? 1 : 0);
    }
}

static void
bits_parse_large (void **state)
{
  struct bits bits;

  (void) state;
  assert_int_equal (bits_parse ("8191", &bits), 0);
  assert_int_equal (bits_words (&bits), BITS_MAX / BITS_PER_WORD);
  assert_int_equal (bits_parse ("64", &bits), 0);
  assert_int_equal (bits_words (&bits), 64 / BITS_PER_WORD + 1);
  assert_int_equal (bits_parse ("0-8191", &bits), 0);
  for (size_t i = 0; i < BITS_MAX / BITS_PER_WORD; i++)
    assert_int_equal (bits.word[i], ~0UL);
}

/* spec: 91 */
static void
bits_parse_bad (void **state)
{
  static const char *const bad[] = { "x", "-", "1-", "-1", "3-1", "0,,1", ",", "1,", ",1", "0x1", "1 2", "1-2-3", "+1", "1;2" };
  static const char *const far[] = { "8192", "0-8192", "4294967296", "99999999999999999999" };
  struct bits bits;

  (void) state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (bits_parse (bad[i], &bits) != -EINVAL)
      fail_msg ("\"%s\" was not refused", bad[i]);
  for (size_t i = 0; i < sizeof far / sizeof *far; i++)
    assert_int_equal (bits_parse (far[i], &bits), -ERANGE);
}

static void
bits_check_lists (void **state)
{
  static const char *const good[] = { "", "0", "0-3,7", " 0 , 1 ", "0 1", ",", "0,,1", "8192", "0-99999999999999999999", "all", "ALL", "N", "0-N", "0-7:1/2", "all:1/2",
                                      "3-3" },
                    *const bad[] = { "-1", "1-", "-", "x", "3-1", "1-2-3", "0-7:1", "0-7:1/", "0-7:/2", "0-7:3/2", "0-7:0/0", "0:1/2", "0;1", "+1", "0x1", "allx",
                                     "N-1", "1 - 2" };

  (void) state;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    if (bits_check (good[i]) != 0)
      fail_msg ("\"%s\" was refused", good[i]);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (bits_check (bad[i]) != -EINVAL)
      fail_msg ("\"%s\" was not refused", bad[i]);
}

/* The same as the kernel makes of them (bitmap_parselist).  */
static void
bits_expand_lists (void **state)
{
  static const struct
  {
    const char *list;
    unsigned long wanted;
  } rows[] = { { "", 0 },          { ",", 0 },           { "0-3,7", 0x8f },       { "0,,1", 3 },           { "0 1", 3 },         { "1,", 2 },
               { "all", 0x3ff },   { "ALL", 0x3ff },     { "N", 0x200 },          { "8-N", 0x300 },        { "N-N", 0x200 },     { "0-7:1/2", 0x55 },
               { "1-8:2/3", 0x1b6 }, { "all:1/2", 0x155 }, { "0-7:0/2", 0 }, { "0-7:1/N", 1 }, { "3-3,0-1", 0xb } };
  struct bits bits;

  (void) state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    {
      assert_int_equal (bits_expand (rows[i].list, 9, &bits), 0);
      assert_int_equal (bits.word[0], rows[i].wanted);
      assert_true (bits_words (&bits) <= 1);
    }
  assert_int_equal (bits_expand ("x", 9, &bits), -EINVAL);
  assert_int_equal (bits_expand ("8192", 9, &bits), -ERANGE);
  assert_int_equal (bits_expand ("12-N", 9, &bits), -ERANGE);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (bits_parse_good),
    cmocka_unit_test (bits_parse_large),
    cmocka_unit_test (bits_parse_bad),
    cmocka_unit_test (bits_check_lists),
    cmocka_unit_test (bits_expand_lists),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
