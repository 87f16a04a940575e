/* SPDX-License-Identifier: Apache-2.0 */
/* spec and features. */
#include "program.h"

static void
spec_writes_a_new_file (void **state)
{
  char dir[] = "/tmp/orlop-unit-XXXXXX", line[128], path[64], text[16] = "";
  int fd;

  (void) state;
  assert_non_null (mkdtemp (dir));
  answer.json = "{\"a\": 1}\n";
  (void) snprintf (line, sizeof line, "spec --bundle %s", dir);
  assert_deed (line, "spec", "");
  assert_false (seen.flag);
  (void) snprintf (path, sizeof path, "%s/config.json", dir);
  fd = open (path, O_RDONLY);
  assert_int_equal (read (fd, text, sizeof text), 9);
  assert_string_equal (text, "{\"a\": 1}\n");
  close (fd);
  assert_int_equal (orlop (line), CMD_FAILED); /* what is there is kept */
  assert_non_null (strstr (seen.err, "exists, remove it first"));
  assert_int_equal (unlink (path), 0);
  (void) snprintf (line, sizeof line, "spec --rootless -b%s -f=other.json", dir);
  assert_deed (line, "spec", "");
  assert_true (seen.flag);
  (void) snprintf (path, sizeof path, "%s/other.json", dir);
  assert_int_equal (unlink (path), 0);
  (void) snprintf (line, sizeof line, "spec -b /nowhere -f %s", path); /* an absolute name stands for itself */
  assert_deed (line, "spec", "");
  assert_int_equal (unlink (path), 0);
  assert_int_equal (rmdir (dir), 0);
  (void) snprintf (line, sizeof line, "spec -b %s", dir);
  assert_int_equal (orlop (line), CMD_FAILED);
  assert_non_null (strstr (seen.err, "No such file or directory"));
}

static void
spec_refuses (void **state)
{
  (void) state;
  assert_refused ("spec c1", CMD_FAILED, "too many operands");
  assert_refused ("spec --bundle", CMD_FAILED, "requires an argument");
  assert_help (&cmd_spec);
}

static void
features_are_printed (void **state)
{
  (void) state;
  answer.json = "{\"ociVersionMin\": \"1.0.0\"}\n";
  assert_deed ("features", "features", "");
  assert_string_equal (seen.out, "{\"ociVersionMin\": \"1.0.0\"}\n");
  assert_refused ("features --rootless", CMD_FAILED, "unknown option --rootless");
  assert_refused ("features more", CMD_FAILED, "too many operands");
  assert_help (&cmd_features);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    program_test (spec_writes_a_new_file),
    program_test (spec_refuses),
    program_test (features_are_printed),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
