/* SPDX-License-Identifier: Apache-2.0 */
/* start, state, kill, pause, resume, delete. */
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
    { "kill c1", ORLOP_STOP_SIGNAL, false }, { "kill c1 KILL", 9, false },       { "kill c1 SIGKILL", 9, false },
    { "kill c1 9", 9, false },        { "kill c1 sigkill", 9, false },    { "kill --all c1 9", 9, true },
    { "kill -a c1 TERM", 15, true },  { "kill c1 TERM --all", 15, true }, { "kill c1 --all 9", 9, true },
    { "kill c1 0", 0, false },        { "kill c1 RTMIN+3", 37, false },   { "kill --all=false c1 9", 9, false },
    { "kill -- c1 SIGHUP", 1, false },  { "kill -a=true c1 9", 9, true },   { "kill c1 9 -a=F", 9, false },
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
kill_regex (void **state)
{
  (void) state;
  assert_deed ("kill --regex ^web", "kill_matching", "^web");
  assert_int_equal (seen.signal, ORLOP_STOP_SIGNAL);
  assert_deed ("kill -r -a . KILL", "kill_matching", ".");
  assert_true (seen.flag && seen.signal == 9);
  assert_refused ("kill --regex", CMD_FAILED, "an operand is missing");
}

static void
pause_and_resume (void **state)
{
  (void) state;
  assert_deed ("pause c1", "pause", "c1");
  assert_deed ("resume c1", "resume", "c1");
  assert_refused ("pause", CMD_FAILED, "an operand is missing");
  assert_refused ("resume c1 c2", CMD_FAILED, "too many operands");
  answer.ret = -EINVAL;
  assert_int_equal (orlop ("pause c1"), CMD_FAILED);
  assert_string_equal (seen.err, "orlop: pause: the text (hint: advice)\n");
}

static void
delete_of_several (void **state)
{
  (void) state;
  assert_deed ("delete c1 c2 -f c3", "delete_several", "c1");
  assert_true (seen.flag && seen.n_ids == 3);
  assert_string_equal (seen.ids[2], "c3");
  assert_deed ("delete -r c.", "delete_matching", "c.");
  assert_false (seen.flag);
  assert_deed ("delete --regex --force c.", "delete_matching", "c.");
  assert_true (seen.flag);
  assert_refused ("delete -r c1 c2", CMD_FAILED, "--regex takes one expression");
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
  assert_help (&cmd_pause);
  assert_help (&cmd_resume);
  assert_help (&cmd_delete);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    program_test (start_and_state),
    program_test (kill_signals),
    program_test (kill_regex),
    program_test (pause_and_resume),
    program_test (delete_of_several),
    program_test (delete_force),
    program_test (lifecycle_help),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
