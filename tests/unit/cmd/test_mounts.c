/* SPDX-License-Identifier: Apache-2.0 */
/* mounts: its own commands, the table, and JSON. */
#include "program.h"

static void
mounts_add_and_remove (void **state)
{
  (void) state;
  assert_deed ("mounts add c1 file.json", "mounts_add", "c1");
  assert_string_equal (seen.resources, "file.json");
  assert_deed ("mounts remove c1 -", "mounts_remove", "c1");
  assert_string_equal (seen.resources, "-");
}

static void
mounts_list_table (void **state)
{
  (void) state;
  answer.mounts[0] = (struct orlop_mount){ "/", "ext4", "/dev/sda1", "/r", "rw,relatime", false };
  answer.mounts[1] = (struct orlop_mount){ "/new", "tmpfs", "tmpfs", "/", "ro", true };
  answer.n_mounts = 2;
  assert_deed ("mounts list c1", "mounts_list", "c1");
  assert_string_equal (seen.out, "DESTINATION  TYPE   SOURCE     ADDED  OPTIONS\n"
                                 "/            ext4   /dev/sda1  -      rw,relatime\n"
                                 "/new         tmpfs  tmpfs      yes    ro\n");
  answer.mounts[0] = (struct orlop_mount){ "/\x1b[2J\n\x7f\xc3\xa9", "t", "s", "/", "rw", false };
  answer.n_mounts = 1;
  assert_deed ("mounts list c1", "mounts_list", "c1");
  assert_non_null (strstr (seen.out, "\n/?[2J??\xc3\xa9"));
  answer.n_mounts = 0;
  assert_deed ("mounts list --format table c1", "mounts_list", "c1");
  assert_string_equal (seen.out, "DESTINATION  TYPE  SOURCE  ADDED  OPTIONS\n");
}

static void
mounts_list_json (void **state)
{
  static const char *const lines[] = { "mounts list --format json c1", "mounts --format=json list c1", "mounts list c1 -f json" };

  (void) state;
  answer.json = "[]\n";
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
    {
      assert_deed (lines[i], "mounts_list_json", "c1");
      assert_string_equal (seen.out, "[]\n");
    }
}

static void
mounts_refuses (void **state)
{
  (void) state;
  assert_refused ("mounts", CMD_FAILED, "an operand is missing");
  assert_refused ("mounts add c1", CMD_FAILED, "an operand is missing");
  assert_refused ("mounts list", CMD_FAILED, "an operand is missing");
  assert_refused ("mounts list c1 x", CMD_FAILED, "too many operands");
  assert_refused ("mounts remove c1 x y", CMD_FAILED, "too many operands");
  assert_refused ("mounts ad c1 x", CMD_FAILED, "\"ad\" is none of add, remove and list");
  assert_refused ("mounts add -f json c1 x", CMD_FAILED, "--format is for list");
  assert_refused ("mounts list -f xml c1", CMD_FAILED, "invalid format \"xml\"");
  assert_help (&cmd_mounts);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    program_test (mounts_add_and_remove),
    program_test (mounts_list_table),
    program_test (mounts_list_json),
    program_test (mounts_refuses),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
