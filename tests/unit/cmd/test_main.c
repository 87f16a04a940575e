/* SPDX-License-Identifier: Apache-2.0 */
/* Global options, the choice of the command, help and version, and one report for each failure. */
#include "program.h"

#include <sys/stat.h>

static void
main_help_and_version (void **state)
{
  static const char *const helps[] = { "--help", "-h", "-?", "--usage", "help", "--debug --help" };
  static const char *const versions[] = { "--version", "-v", "-V", "--root /r --version" };

  (void) state;
  for (size_t i = 0; i < sizeof helps / sizeof *helps; i++)
    {
      assert_int_equal (orlop (helps[i]), 0);
      for (const struct cmd *const *c = commands; *c; c++)
        assert_true (strstr (seen.out, (*c)->name) && strstr (seen.out, (*c)->help));
      for (const struct opt *o = global_options; o->name; o++)
        assert_true (o->help == NULL || strstr (seen.out, o->help));
    }
  for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
    {
      assert_int_equal (orlop (versions[i]), 0);
      assert_int_equal (strncmp (seen.out, "orlop version 1.2.3\ncommit: ", 28), 0);
      assert_non_null (strstr (seen.out, "\nspec: 1.3.0\n"));
    }
}

/* The help of a command that is asked for is not an operand of another.  */
static void
main_help_within_operands (void **state)
{
  (void) state;
  assert_deed ("exec c1 prog --help", "exec", "c1");
  assert_int_equal (orlop ("exec --help"), 0);
  assert_string_equal (seen.call, "");
  static const char *const helps[] = { "exec -d --help c1", "exec -u 0 --help", "exec --user 0 -h", "exec -u0 --help c1", "exec --user=0 -h c1",
                                       "state c1 --help", "exec --no-such --help" };
  for (size_t i = 0; i < sizeof helps / sizeof *helps; i++)
    {
      assert_int_equal (orlop (helps[i]), 0);
      assert_string_equal (seen.call, "");
      assert_non_null (strstr (seen.out, "Usage: orlop "));
    }
  assert_deed ("exec --cwd --help c1 prog", "exec", "c1"); /* the value of an option */
  assert_deed ("exec c1 -- --help", "exec", "c1");
  assert_refused ("state -- --help -h", CMD_FAILED, "too many operands");
}

static void
main_unknown_commands (void **state)
{
  (void) state;
  assert_refused ("", CMD_FAILED, "a command is missing");
  assert_refused ("--root /r", CMD_FAILED, "a command is missing");
  assert_refused ("creat c1", CMD_FAILED, "orlop: creat: unknown command");
  assert_refused ("help creat", CMD_FAILED, "unknown command");
  assert_refused ("--no-such create c1", CMD_FAILED, "unknown option --no-such");
  assert_refused ("_", CMD_FAILED, "unknown command");
  assert_refused ("create --root /r c1", CMD_FAILED, "unknown option --root"); /* global options come first */
}

static void
main_root (void **state)
{
  static const char *const lines[] = { "--root=/r state c1", "--root /r state c1", "-r /r state c1", "-r/r state c1", "-r=/r state c1", "-root /r state c1" };

  (void) state;
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
    {
      assert_deed (lines[i], "state", "c1");
      assert_string_equal (seen.root, "/r");
    }
  assert_deed ("state c1", "state", "c1");
  assert_string_equal (seen.root, ""); /* the library's default */
  assert_refused ("--root _ state c1", CMD_FAILED, "invalid --root \"\": a directory");
  assert_refused ("--root= state c1", CMD_FAILED, "invalid --root");
  assert_refused ("--root", CMD_FAILED, "requires an argument");
}

static void
main_cgroup_manager (void **state)
{
  static const struct
  {
    const char *line;
    enum orlop_cgroup_manager manager;
  } good[] = {
    { "state c1", ORLOP_CGROUP_CGROUPFS },
    { "--cgroup-manager cgroupfs state c1", ORLOP_CGROUP_CGROUPFS },
    { "--cgroup-manager=systemd state c1", ORLOP_CGROUP_SYSTEMD },
    { "--cgroup-manager=disabled state c1", ORLOP_CGROUP_DISABLED },
    { "--systemd-cgroup state c1", ORLOP_CGROUP_SYSTEMD },
    { "--systemd-cgroup=true state c1", ORLOP_CGROUP_SYSTEMD },
    { "--systemd-cgroup=false state c1", ORLOP_CGROUP_CGROUPFS },
    { "--systemd-cgroup --cgroup-manager=disabled state c1", ORLOP_CGROUP_DISABLED },
  };

  (void) state;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    {
      assert_deed (good[i].line, "state", "c1");
      assert_int_equal (seen.manager, good[i].manager);
    }
  assert_refused ("--cgroup-manager=none state c1", CMD_FAILED, "invalid --cgroup-manager \"none\"");
}

static void
main_ignored_options (void **state)
{
  (void) state;
  assert_deed ("--rootless true state c1", "state", "c1");
  assert_deed ("--rootless=auto state c1", "state", "c1");
}

static void
main_log_levels (void **state)
{
  (void) state;
  assert_deed ("state c1", "state", "c1");
  assert_false (seen.logs);
  assert_deed ("--log-level error state c1", "state", "c1");
  assert_false (seen.logs); /* the error itself is reported once, by the program */
  assert_deed ("--log /dev/null --log-level=warning state c1", "state", "c1");
  assert_true (seen.logs);
  assert_int_equal (seen.level, ORLOP_LOG_WARNING);
  assert_deed ("--debug --log=/dev/null state c1", "state", "c1");
  assert_int_equal (seen.level, ORLOP_LOG_DEBUG);
  assert_string_equal (seen.err, ""); /* what goes to a log does not go to people */
  assert_deed ("--debug state c1", "state", "c1");
  assert_non_null (strstr (seen.err, "a warning"));
  assert_refused ("--log-level loud state c1", CMD_FAILED, "invalid --log-level");
  assert_refused ("--log-format xml state c1", CMD_FAILED, "invalid --log-format");
  assert_refused ("--log /nowhere/log state c1", CMD_FAILED, "the log cannot be opened: open(\"/nowhere/log\"): No such file or directory");
}

/* How many lines FILE has; its text into BUF.  */
static int
lines_of (const char *file, char *buf, size_t size)
{
  int fd = open (file, O_RDONLY), n = 0;
  ssize_t len = fd < 0 ? 0 : read (fd, buf, size - 1);

  buf[len > 0 ? len : 0] = '\0';
  if (fd >= 0)
    close (fd);
  for (const char *p = buf; (p = strchr (p, '\n')) != NULL; p++)
    n++;
  return n;
}

static void
main_one_record_for_each_failure (void **state)
{
  char dir[] = "/tmp/orlop-unit-XXXXXX", line[256], file[64], text[4096];

  (void) state;
  assert_non_null (mkdtemp (dir));
  (void) snprintf (file, sizeof file, "%s/log", dir);
  answer.ret = -ENOENT;
  (void) snprintf (line, sizeof line, "--log %s --log-format json state c1", file);
  assert_int_equal (orlop (line), CMD_FAILED);
  assert_int_equal (lines_of (file, text, sizeof text), 1);
  assert_true (strstr (text, "error") && strstr (text, "the text") && strstr (text, "a.step") && strstr (text, "advice"));
  assert_string_equal (seen.err, "orlop: state: the text (hint: advice)\n");
  assert_int_equal (orlop (line), CMD_FAILED);
  assert_int_equal (lines_of (file, text, sizeof text), 2); /* appended */
  (void) snprintf (line, sizeof line, "--log=file:%s --log-format=json state", file); /* of the program itself */
  assert_int_equal (orlop (line), CMD_FAILED);
  assert_int_equal (lines_of (file, text, sizeof text), 3);
  assert_non_null (strstr (text, "an operand is missing"));
  (void) snprintf (line, sizeof line, "--log %s state c1", file);
  assert_int_equal (orlop (line), CMD_FAILED);
  assert_int_equal (lines_of (file, text, sizeof text), 4);
  assert_non_null (strstr (text, "level=error msg=\"the text"));
  answer.ret = 0;
  assert_deed (line, "state", "c1");
  assert_int_equal (lines_of (file, text, sizeof text), 4); /* nothing to say of success */
  (void) unlink (file);
  (void) rmdir (dir);
}

/* Also what is wrong with the global options themselves, wherever the log is named among them.  */
static void
main_a_record_of_wrong_options (void **state)
{
  static const struct
  {
    const char *line, *wrong; /* with %s for the log */
  } cases[] = {
    { "--log %s --no-such state c1", "unknown option --no-such" },
    { "--no-such --log %s state c1", "unknown option --no-such" },
    { "--no-such --neither --log=%s state c1", "unknown option --no-such" },
    { "--debug=perhaps --log %s state c1", "--debug is true or false" },
    { "--log %s --root", "--root requires an argument" },
    { "--log-format xml --log %s state c1", "invalid --log-format" },
    { "--log-level loud --log %s state c1", "invalid --log-level" },
  };
  char dir[] = "/tmp/orlop-unit-XXXXXX", line[256], file[64], text[4096];

  (void) state;
  assert_non_null (mkdtemp (dir));
  (void) snprintf (file, sizeof file, "%s/log", dir);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      (void) snprintf (line, sizeof line, cases[i].line, file); /* NOLINT: the table's */
      assert_refused (line, CMD_FAILED, cases[i].wrong);
      assert_int_equal (lines_of (file, text, sizeof text), 1);
      assert_non_null (strstr (text, cases[i].wrong));
      (void) unlink (file);
    }
  (void) snprintf (line, sizeof line, "--no-such state --log %s", file); /* no global option any more */
  assert_refused (line, CMD_FAILED, "unknown option --no-such");
  assert_int_equal (access (file, F_OK), -1);
  (void) snprintf (line, sizeof line, "--no-such --log-format json --log %s", file);
  assert_refused (line, CMD_FAILED, "unknown option --no-such");
  (void) lines_of (file, text, sizeof text);
  assert_int_equal (text[0], '{');
  (void) unlink (file);
  (void) rmdir (dir);
}

static void
main_json_on_standard_error (void **state)
{
  (void) state;
  answer.ret = -ENOENT;
  assert_int_equal (orlop ("--log-format json state c1"), CMD_FAILED);
  assert_int_equal (seen.err[0], '{');
  assert_non_null (strstr (seen.err, "the text"));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    program_test (main_help_and_version),
    program_test (main_help_within_operands),
    program_test (main_unknown_commands),
    program_test (main_root),
    program_test (main_cgroup_manager),
    program_test (main_ignored_options),
    program_test (main_log_levels),
    program_test (main_one_record_for_each_failure),
    program_test (main_a_record_of_wrong_options),
    program_test (main_json_on_standard_error),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
