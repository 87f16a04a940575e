/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of plan/rules.c; each rule has a golden test besides.  */
#include "in_text.h"

#include "plan/rules.h"

static void
rules_check_good (void **state)
{
  struct document doc = parse_text (PLAIN_CONFIG, &oci_config_type);
  struct err err = { 0 };

  (void) state;
  assert_int_equal (rules_check (doc.object, doc.text, doc.len, &err), 0);
  assert_int_equal (err.kind, ERR_NONE);
  document_close (&doc);
}

static void
rules_check_without_text_or_err (void **state)
{
  struct document doc = parse_text ("{ \"ociVersion\": \"9.0.0\" }", &oci_config_type);
  struct err err = { 0 };

  (void) state;
  assert_int_equal (rules_check (doc.object, NULL, 0, &err), -EINVAL);
  assert_int_equal (err.line, 0);
  assert_string_equal (err.where, "ociVersion");
  assert_int_equal (rules_check (doc.object, NULL, 0, NULL), -EINVAL);
  document_close (&doc);
}

static void
rules_check_paths_hold_keys (void **state)
{
  struct document doc = parse_text ("{ \"ociVersion\": \"1.0.0\", \"root\": { \"path\": \"r\" },"
                                    "  \"linux\": { \"sysctl\": { \"net.core.somaxconn\": \"1\" } } }",
                                    &oci_config_type);
  struct err err = { 0 };

  (void) state;
  assert_int_equal (rules_check (doc.object, doc.text, doc.len, &err), -EINVAL);
  assert_string_equal (err.where, "linux.sysctl[\"net.core.somaxconn\"]");
  assert_true (err.column > 60);
  document_close (&doc);
}

static void
rules_check_process_has_paths_of_its_own (void **state)
{
  struct document doc = parse_text ("{ \"cwd\": \"x\", \"args\": [ ],\n\"env\": [ \"A=1\", \"B\" ] }", &oci_process_type);
  struct err err = { 0 };

  (void) state;
  assert_int_equal (rules_check_process (doc.object, doc.text, doc.len, &err), -EINVAL);
  assert_string_equal (err.where, "cwd");
  assert_int_equal (err.column, 10);
  assert_non_null (strstr (err.what, "args: must have"));
  assert_non_null (strstr (err.what, "; 2:17: env[1]: must be NAME=VALUE"));
  assert_null (strstr (err.what, "process."));
  assert_null (strstr (err.what, "ociVersion"));
  document_close (&doc);
}

static void
rules_check_process_good (void **state)
{
  struct document doc = parse_text ("{ \"cwd\": \"/\", \"args\": [ \"x\" ] }", &oci_process_type);

  (void) state;
  assert_int_equal (rules_check_process (doc.object, NULL, 0, NULL), 0);
  document_close (&doc);
}

/* Checks a document whose linux member has in it N times ITEM between HEAD and TAIL; returns the error's place, or "".  */
static const char *
check_many (const char *head, const char *item, size_t n, const char *tail)
{
  static const char begin[] = "{ \"ociVersion\": \"1.0.0\", \"root\": { \"path\": \"r\" }, \"linux\": { ";
  static struct err err;
  size_t len = strlen (item);
  char *text = malloc (sizeof begin + strlen (head) + n * (len + 1) + strlen (tail)), *p = text;
  struct document doc;

  assert_non_null (text);
  p = stpcpy (stpcpy (p, begin), head);
  for (size_t i = 0; i < n; i++)
    {
      if (i)
        *p++ = ',';
      p = stpcpy (p, item);
    }
  (void) strcpy (p, tail);
  doc = parse_text (text, &oci_config_type);
  free (text);
  err_clear (&err);
  (void) rules_check (doc.object, NULL, 0, &err);
  document_close (&doc);
  return err.where;
}

/* What takes time that grows with the square of their number is bounded.  */
static void
rules_check_bounds_devices (void **state)
{
  static const char device[] = "{\"path\":\"/d\",\"type\":\"p\"}", rule[] = "{\"allow\":false}";

  (void) state;
  assert_string_equal (check_many ("\"devices\": [", device, 16384, "] } }"), "");
  assert_string_equal (check_many ("\"devices\": [", device, 16385, "] } }"), "linux.devices");
  assert_string_equal (check_many ("\"resources\": { \"devices\": [", rule, 16384, "] } } }"), "");
  assert_string_equal (check_many ("\"resources\": { \"devices\": [", rule, 16385, "] } } }"), "linux.resources.devices");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (rules_check_bounds_devices),
    cmocka_unit_test (rules_check_good),
    cmocka_unit_test (rules_check_without_text_or_err),
    cmocka_unit_test (rules_check_paths_hold_keys),
    cmocka_unit_test (rules_check_process_has_paths_of_its_own),
    cmocka_unit_test (rules_check_process_good),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
