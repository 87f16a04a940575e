/* SPDX-License-Identifier: Apache-2.0 */
/* Places of JSON paths.  */
#include "sample.h"

#include "ocispec/config.h"

static const char document[] = "{\n"                                                /* 1 */
                               "  \"mounts\": [ { \"destination\": \"/a\" },\n"     /* 2 */
                               "    { \"destination\": \"/b\",\n"                   /* 3 */
                               "      \"options\": [ \"ro\",\n"                     /* 4 */
                               "        \"nosuid\" ] } ],\n"                        /* 5 */
                               "  \"annotations\": { \"a\": \"1\",\n"               /* 6 */
                               "    \"a.b\": \"2\", \"\\u00e4\\\"\\n\": \"3\" },\n" /* 7 */
                               "  \"ab\": \"\xc3\xa4\", \"a\": { \"b\": null },\n"  /* 8 */
                               "  \"t\": true, \"n\": -1.5, \"o\": {} }\n";         /* 9 */

/* Checks that PATH is found on LINE where AT stands.  */
static void
check (const char *path, int want_ret, unsigned want_line, const char *at)
{
  unsigned line = 0, column = 0;
  int ret = oci_locate (document, sizeof document - 1, path, &line, &column);
  const char *p = document;

  assert_true (column > 0);
  for (unsigned i = 1; i < line; i++)
    p = strchr (p, '\n') + 1;
  for (unsigned i = 1; i < column; i++)
    do
      p++;
    while (((unsigned char) *p & 0xc0) == 0x80);
  if (ret != want_ret || line != want_line || strncmp (p, at, strlen (at)) != 0)
    fail_msg ("%s: %d at %u:%u", path, ret, line, column);
}

static void
oci_locate_finds_values (void **state)
{
  (void) state;
  check ("", 0, 1, "{");
  check ("mounts", 0, 2, "[ {");
  check ("mounts[0]", 0, 2, "{ \"dest");
  check ("mounts[0].destination", 0, 2, "\"/a\"");
  check ("mounts[1]", 0, 3, "{ \"dest");
  check ("mounts[1].options", 0, 4, "[");
  check ("mounts[1].options[0]", 0, 4, "\"ro\"");
  check ("mounts[1].options[1]", 0, 5, "\"nosuid\"");
  check ("ab", 0, 8, "\"\xc3\xa4\"");
  check ("a", 0, 8, "{ \"b\"");
  check ("a.b", 0, 8, "null");
  check ("t", 0, 9, "true");
  check ("n", 0, 9, "-1.5");
  check ("o", 0, 9, "{}");
}

static void
oci_locate_finds_quoted_keys (void **state)
{
  (void) state;
  check ("annotations.a", 0, 6, "\"1\"");
  check ("annotations[\"a.b\"]", 0, 7, "\"2\"");
  check ("annotations[\"\xc3\xa4\\\"\\u000a\"]", 0, 7, "\"3\"");
}

static void
oci_locate_falls_back_to_what_is_around (void **state)
{
  (void) state;
  check ("process.cwd", 1, 1, "{");
  check ("mounts[2]", 1, 2, "[ {");
  check ("mounts[0].type", 1, 2, "{ \"dest");
  check ("mounts[1].options[7].x", 1, 4, "[");
  check ("mounts[0].destination.x", 1, 2, "\"/a\"");
  check ("mount", 1, 1, "{");
  check ("annotations.a.b", 1, 6, "\"1\"");
  check ("mounts[", 1, 2, "[ {");
  check ("nonsense]\"", 1, 1, "{");
}

static void
oci_locate_survives_bad_text (void **state)
{
  unsigned line, column;

  (void) state;
  for (size_t len = 0; len < 60; len++)
    {
      assert_int_equal (oci_locate (document, len, "mounts[7]", &line, &column), -EINVAL);
      assert_true (line >= 1 && line <= 3 && column >= 1);
    }
  assert_int_equal (oci_locate (document, 60, "mounts[0].destination", &line, &column), 0);
  assert_int_equal (oci_locate ("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 40, "a", &line, &column), -EINVAL);
  assert_int_equal (oci_locate ("", 0, "", &line, &column), -EINVAL);
}

static void
oci_locate_agrees_with_decode (void **state)
{
  static const char text[] = "{ \"ociVersion\": 1, \"mounts\": [ 5,\n { \"destination\": null, \"type\": [ ] } ],\n"
                             "\"annotations\": { \"a.b/c\": {} },\n \"linux\": { \"sysctl\": { \"net.core\": 5 } } }";
  static struct oci_faults faults;
  struct oci_arena *arena = NULL;
  void *object;

  (void) state;
  assert_int_equal (oci_decode (&oci_config_type, text, sizeof text - 1, &object, &arena, &faults), -EINVAL);
  oci_arena_free (arena);
  assert_int_equal (faults.n, 6);
  for (size_t i = 0; i < faults.n; i++)
    {
      bool is_missing = strcmp (faults.fault[i].what, "required but missing") == 0; /* told at the object around */
      unsigned line, column;

      if (is_missing)
        continue;
      assert_int_equal (oci_locate (text, sizeof text - 1, faults.fault[i].path, &line, &column), 0);
      assert_int_equal (line, faults.fault[i].line);
      assert_int_equal (column, faults.fault[i].column);
    }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (oci_locate_finds_values),
    cmocka_unit_test (oci_locate_finds_quoted_keys),
    cmocka_unit_test (oci_locate_falls_back_to_what_is_around),
    cmocka_unit_test (oci_locate_survives_bad_text),
    cmocka_unit_test (oci_locate_agrees_with_decode),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
