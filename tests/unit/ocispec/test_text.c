/* SPDX-License-Identifier: Apache-2.0 */
/* Places in text, UTF-8, JSON paths.  */
#include "sample.h"

#include "ocispec/text.h"

static void
oci_text_is_utf8_follows_rfc_3629 (void **state)
{
  static const char *const good[] = { "",
                                      "a",
                                      "\x7f",
                                      "\xc2\x80",
                                      "\xdf\xbf",
                                      "\xe0\xa0\x80",
                                      "\xed\x9f\xbf",
                                      "\xee\x80\x80",
                                      "\xef\xbf\xbf",
                                      "\xf0\x90\x80\x80",
                                      "\xf4\x8f\xbf\xbf" };
  static const char *const bad[] = { "\x80",
                                     "\xbf",
                                     "\xc0\x80",
                                     "\xc1\xbf",
                                     "\xc2",
                                     "\xc2\x41",
                                     "\xe0\x9f\xbf",
                                     "\xed\xa0\x80",
                                     "\xed\xbf\xbf",
                                     "\xe2\x82",
                                     "\xe2\x82\x41",
                                     "\xf0\x8f\xbf\xbf",
                                     "\xf4\x90\x80\x80",
                                     "\xf5\x80\x80\x80",
                                     "\xf0\x9f\x98",
                                     "\xfe",
                                     "\xff" };

  (void) state;
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
    assert_true (oci_text_is_utf8 (good[i], strlen (good[i])));
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    assert_false (oci_text_is_utf8 (bad[i], strlen (bad[i])));
}

/* The mistake is put at each offset among plain bytes, since eight of these are looked at in one step.  */
static void
oci_text_mistake_finds_it_anywhere (void **state)
{
  static const struct
  {
    const char *bytes;
    size_t len;
    const char *what;
  } cases[] = { { "\0", 1, "the document contains a NUL byte" },
                { "\xff", 1, "not valid UTF-8" },
                { "\xe2\x82x", 3, "not valid UTF-8" },
                { "\\ud800", 6, "half of a surrogate pair" },
                { "\\uDC00x", 7, "half of a surrogate pair" },
                { "\\ud800\\u0041", 12, "half of a surrogate pair" },
                { "\\ud800\\ud800", 12, "half of a surrogate pair" } };
  char text[64];
  size_t at;

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    for (size_t before = 1; before < 20; before++)
      {
        memset (text, 'x', sizeof text);
        memcpy (text + before, cases[i].bytes, cases[i].len);
        assert_string_equal (oci_text_mistake (text, sizeof text, &at), cases[i].what);
        assert_int_equal (at, before);
      }
}

static void
oci_text_mistake_passes_good_text (void **state)
{
  static const char *const good[]
      = { "", "{}", "\\ud83d\\ude00", "\\\\ud800", "\\u0041", "\\u00e4\xc3\xa4", "\\", "\\u", "\\ud8" };
  size_t at;

  (void) state;
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
    assert_null (oci_text_mistake (good[i], strlen (good[i]), &at));
}

static void
oci_text_place_counts_characters (void **state)
{
  static const char text[] = "a\n\xc3\xa4\xf0\x9f\x98\x80z\n";
  unsigned line = 1, column = 1;

  (void) state;
  oci_text_place (text, 0, 2, &line, &column);
  assert_int_equal (line, 2);
  assert_int_equal (column, 1);
  oci_text_place (text, 2, 8, &line, &column);
  assert_int_equal (line, 2);
  assert_int_equal (column, 3);
  oci_text_place (text, 8, 10, &line, &column);
  assert_int_equal (line, 3);
  assert_int_equal (column, 1);
}

static void
oci_text_quote_is_safe_to_print (void **state)
{
  char buf[10];

  (void) state;
  oci_text_quote (buf, sizeof buf, "a\x1b[31m\x7f\n", 8);
  assert_string_equal (buf, "a?[31m??");
  oci_text_quote (buf, sizeof buf, "123456789", 9);
  assert_string_equal (buf, "123456789");
  oci_text_quote (buf, sizeof buf, "1234567890", 10);
  assert_string_equal (buf, "123456...");
  oci_text_quote (buf, sizeof buf,
                  "12345\xc3\xa4"
                  "78901",
                  12);
  assert_string_equal (buf, "12345...");
  oci_text_quote (buf, sizeof buf, "", 0);
  assert_string_equal (buf, "");
}

static void
oci_path_key_quotes_what_is_no_word (void **state)
{
  char buf[160] = "";
  struct oci_path path = { .buf = buf, .size = sizeof buf };

  (void) state;
  oci_path_key (&path, "linux", 5);
  oci_path_key (&path, "sysctl", 6);
  oci_path_key (&path, "net.core", 8);
  oci_path_key (&path, "a\"\\\n", 4);
  oci_path_key (&path, "", 0);
  oci_path_index (&path, 12);
  oci_path_key (&path, "x_-1", 4);
  assert_string_equal (buf, "linux.sysctl[\"net.core\"][\"a\\\"\\\\\\u000a\"][\"\"][12].x_-1");
  assert_false (path.cut);
}

static void
oci_path_key_ends_what_is_too_long (void **state)
{
  char buf[12] = "";
  struct oci_path path = { .buf = buf, .size = sizeof buf };

  (void) state;
  oci_path_key (&path, "abcdefgh", 8);
  oci_path_key (&path, "ijk", 3);
  assert_true (path.cut);
  assert_string_equal (buf, "abcdefgh...");
  oci_path_index (&path, 1);
  assert_string_equal (buf, "abcdefgh...");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (oci_text_is_utf8_follows_rfc_3629),  cmocka_unit_test (oci_text_mistake_finds_it_anywhere),
    cmocka_unit_test (oci_text_mistake_passes_good_text),  cmocka_unit_test (oci_text_place_counts_characters),
    cmocka_unit_test (oci_text_quote_is_safe_to_print),    cmocka_unit_test (oci_path_key_quotes_what_is_no_word),
    cmocka_unit_test (oci_path_key_ends_what_is_too_long),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
