/* SPDX-License-Identifier: Apache-2.0 */
/* list: the table, ids alone, and JSON. */
#include "program.h"

static void
two_containers (void)
{
  answer.list[0] = (struct orlop_container){ "a", "running", "/bundle/of/a", "/r", "2024-01-01T00:00:00Z", "root", 12345 };
  answer.list[1] = (struct orlop_container){ "longer-name", "stopped", "/b", "/r", "2024-01-02T00:00:00Z", "1000", 0 };
  answer.n_list = 2;
}

static void
list_table (void **state)
{
  (void) state;
  two_containers ();
  assert_deed ("list", "list", "");
  assert_string_equal (seen.out, "ID           PID    STATUS   BUNDLE        CREATED               OWNER\n"
                                 "a            12345  running  /bundle/of/a  2024-01-01T00:00:00Z  root\n"
                                 "longer-name  0      stopped  /b            2024-01-02T00:00:00Z  1000\n");
  assert_deed ("list --format table", "list", "");
  answer.n_list = 0;
  assert_deed ("list", "list", "");
  assert_string_equal (seen.out, "ID  PID  STATUS  BUNDLE  CREATED  OWNER\n");
}

static void
list_quiet (void **state)
{
  (void) state;
  two_containers ();
  assert_deed ("list -q", "list", "");
  assert_string_equal (seen.out, "a\nlonger-name\n");
  assert_deed ("list --quiet --format json", "list", "");
  assert_string_equal (seen.out, "a\nlonger-name\n");
  answer.n_list = 0;
  assert_deed ("list --quiet", "list", "");
  assert_string_equal (seen.out, "");
}

static void
list_json (void **state)
{
  static const char *const lines[] = { "list --format json", "list --format=json", "list -f json", "list -fjson" };

  (void) state;
  answer.json = "[{}]\n";
  for (size_t i = 0; i < 4; i++)
    {
      assert_deed (lines[i], "list_json", "");
      assert_string_equal (seen.out, "[{}]\n");
    }
  answer.json = "[]\n";
  assert_deed ("list -f json", "list_json", "");
  assert_string_equal (seen.out, "null\n"); /* as runc */
}

static void
list_refuses (void **state)
{
  (void) state;
  assert_refused ("list --format yaml", CMD_FAILED, "invalid format \"yaml\"");
  assert_refused ("list --format", CMD_FAILED, "requires an argument");
  assert_refused ("list c1", CMD_FAILED, "too many operands");
  assert_help (&cmd_list);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    program_test (list_table),
    program_test (list_quiet),
    program_test (list_json),
    program_test (list_refuses),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
