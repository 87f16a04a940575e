/* SPDX-License-Identifier: Apache-2.0 */
/* ps: numbers as JSON, and rows of a program ps that the test plays. */
#include "program.h"

#include <sys/stat.h>

static char dir[] = "/tmp/orlop-unit-XXXXXX";

/* Puts a program ps with SCRIPT into the only directory of PATH.  */
static void
play_ps (const char *script)
{
  char path[64];
  FILE *f;

  (void) snprintf (path, sizeof path, "%s/ps", dir);
  f = fopen (path, "we");
  assert_non_null (f);
  (void) fprintf (f, "#!/bin/sh\n%s\n", script);
  assert_int_equal (fclose (f), 0);
  assert_int_equal (chmod (path, 0755), 0);
}

static int
ps_begin (void **state)
{
  (void) strcpy (dir + strlen (dir) - 6, "XXXXXX");
  if (mkdtemp (dir) == NULL || setenv ("PATH", dir, 1) < 0)
    return -1;
  return program_begin (state);
}

static int
ps_end (void **state)
{
  char path[64];

  (void) state;
  (void) snprintf (path, sizeof path, "%s/ps", dir);
  (void) unlink (path);
  return rmdir (dir);
}

static void
ps_json (void **state)
{
  (void) state;
  assert_deed ("ps --format json c1", "ps", "c1");
  assert_string_equal (seen.out, "[]\n");
  answer.pids[0] = 7;
  answer.pids[1] = 4194304;
  answer.n_pids = 2;
  assert_deed ("ps -f=json c1", "ps", "c1");
  assert_string_equal (seen.out, "[7,4194304]\n");
  assert_deed ("ps -fjson c1 -ef", "ps", "c1");
  assert_string_equal (seen.out, "[7,4194304]\n");
}

static void
ps_rows (void **state)
{
  (void) state;
  answer.pids[0] = 12;
  answer.n_pids = 1;
  play_ps ("echo \"$@\" >&2; exit 1");
  assert_int_equal (orlop ("ps c1"), CMD_FAILED);
  assert_string_equal (seen.err, "orlop: ps: ps failed with status 1: -ef\n");
  assert_int_equal (orlop ("ps c1 -o pid --format x"), CMD_FAILED);
  assert_non_null (strstr (seen.err, "status 1: -o pid --format x"));
  play_ps ("echo 'PPID  PID CMD'; echo '  12    1 init 12'; echo '   1   12 sleep'; printf '1 123 x'");
  assert_deed ("ps c1", "ps", "c1");
  assert_string_equal (seen.out, "PPID  PID CMD\n   1   12 sleep\n");
  answer.pids[0] = 123;
  assert_deed ("ps c1", "ps", "c1");
  assert_string_equal (seen.out, "PPID  PID CMD\n1 123 x"); /* as ps printed it, to the byte */
  answer.n_pids = 0;
  assert_deed ("ps c1", "ps", "c1");
  assert_string_equal (seen.out, "PPID  PID CMD\n");
}

static void
ps_that_fails (void **state)
{
  (void) state;
  play_ps ("echo 'PPID CMD'");
  assert_int_equal (orlop ("ps c1"), CMD_FAILED);
  assert_non_null (strstr (seen.err, "no column PID"));
  assert_string_equal (seen.out, "");
  play_ps ("kill -9 $$");
  assert_int_equal (orlop ("ps c1"), CMD_FAILED);
  assert_non_null (strstr (seen.err, "status 137"));
  play_ps (":");
  assert_int_equal (orlop ("ps c1"), CMD_FAILED);
  assert_refused ("ps", CMD_FAILED, "an operand is missing");
  assert_refused ("ps -f xml c1", CMD_FAILED, "invalid format");
  answer.ret = -ENOENT;
  assert_int_equal (orlop ("ps c1"), CMD_FAILED);
  assert_string_equal (seen.err, "orlop: ps: the text (hint: advice)\n");
}

static void
ps_help (void **state)
{
  (void) state;
  assert_help (&cmd_ps);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    program_test (ps_json),
    cmocka_unit_test_setup_teardown (ps_rows, ps_begin, ps_end),
    cmocka_unit_test_setup_teardown (ps_that_fails, ps_begin, ps_end),
    program_test (ps_help),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
