/* SPDX-License-Identifier: Apache-2.0 */
/* start, state, kill, delete. */
#include "program.h"

static void
start_and_state (void **state)
{
  (void) state;
  assert_deed ("start c1", "start", "c1");
  answer.json = "{\"id\": \"c1\"}\n";
  assert_deed ("state c1", "state", "c1");
  assert_string_equal (seen.out, "{\"id\": \"c1\"}\n");
  assert_refused ("start", CMD_FAILED, "an operand is missing");
  assert_refused ("state c1 c2", CMD_FAILED, "too many operands");
  assert_refused ("start --force c1", CMD_FAILED, "unknown option --force");
}

static void
kill_signals (void **state)
{
  static const struct
  {
    const char *line;
    int signal;
    bool all;
  } good[] = {
    { "kill c1", 15, false },         { "kill c1 KILL", 9, false },       { "kill c1 SIGKILL", 9, false },
    { "kill c1 9", 9, false },        { "kill c1 sigkill", 9, false },    { "kill --all c1 9", 9, true },
    { "kill -a c1 TERM", 15, true },  { "kill c1 TERM --all", 15, true }, { "kill c1 --all 9", 9, true },
    { "kill c1 0", 0, false },        { "kill c1 RTMIN+3", 37, false },   { "kill --all=false c1 9", 9, false },
    { "kill -- c1 SIGHUP", 1, false },
  };

  (void) state;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    {
      assert_deed (good[i].line, "kill", "c1");
      assert_int_equal (seen.signal, good[i].signal);
      assert_int_equal (seen.flag, good[i].all);
    }
  assert_refused ("kill c1 SIGNOTHING", CMD_FAILED, "unknown signal \"SIGNOTHING\"");
  assert_refused ("kill c1 65", CMD_FAILED, "unknown signal");
  assert_refused ("kill c1 _", CMD_FAILED, "unknown signal \"\"");
  assert_refused ("kill c1 -9", CMD_FAILED, "unknown option -9");
  assert_refused ("kill c1 9 9", CMD_FAILED, "too many operands");
  assert_refused ("kill", CMD_FAILED, "an operand is missing");
}

static void
delete_force (void **state)
{
  (void) state;
  assert_deed ("delete c1", "delete", "c1");
  assert_false (seen.flag);
  assert_deed ("delete --force c1", "delete", "c1");
  assert_true (seen.flag);
  assert_deed ("delete c1 -f", "delete", "c1");
  assert_true (seen.flag);
  assert_deed ("delete -force c1", "delete", "c1"); /* Go's flags take one dash for two */
  assert_true (seen.flag);
  assert_refused ("delete", CMD_FAILED, "an operand is missing");
  answer.ret = -EBUSY;
  assert_int_equal (orlop ("delete c1"), CMD_FAILED);
  assert_string_equal (seen.err, "orlop: delete: the text (hint: advice)\n");
}

static void
lifecycle_help (void **state)
{
  (void) state;
  assert_help (&cmd_start);
  assert_help (&cmd_state);
  assert_help (&cmd_kill);
  assert_help (&cmd_delete);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    program_test (start_and_state),
    program_test (kill_signals),
    program_test (delete_force),
    program_test (lifecycle_help),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
