/* SPDX-License-Identifier: Apache-2.0 */
/* What commands share: messages of their own, and output that may go nowhere. */
#include "program.h"

static void
cmd_fail_keeps_the_message (void **state)
{
  struct cmd_call c = { 0 };
  char large[2000];

  (void) state;
  assert_int_equal (cmd_fail (&c, "it is %d", 7), -EINVAL);
  assert_string_equal (c.message, "it is 7");
  memset (large, 'x', sizeof large - 1);
  large[sizeof large - 1] = '\0';
  assert_int_equal (cmd_fail (&c, "%s", large), -EINVAL);
  assert_int_equal (strlen (c.message), sizeof c.message - 1);
}

/* Prints TEXT with standard output being FD.  */
static int
print_to (struct cmd_call *c, int fd, const char *text)
{
  int old = dup (1), ret;

  fflush (NULL);
  (void) dup2 (fd, 1);
  ret = cmd_print (c, text);
  (void) dup2 (old, 1);
  close (old);
  return ret;
}

static void
cmd_print_that_cannot (void **state)
{
  struct cmd_call c = { 0 };
  int full = open ("/dev/full", O_WRONLY | O_CLOEXEC);

  (void) state;
  if (full < 0)
    skip ();
  assert_int_equal (print_to (&c, full, ""), 0);
  assert_int_equal (print_to (&c, full, "text"), -EINVAL);
  assert_string_equal (c.message, "writing to standard output: No space left on device");
  close (full);
}

/* A failure to print is a failure of the command.  */
static void
cmd_print_status (void **state)
{
  int full = open ("/dev/full", O_WRONLY | O_CLOEXEC), old;
  char *argv[] = { (char *) "orlop", (char *) "state", (char *) "c1", NULL };

  (void) state;
  if (full < 0)
    skip ();
  memset (&seen, 0, sizeof seen);
  fflush (NULL);
  old = dup (1);
  (void) dup2 (full, 1);
  int status = program_main (3, argv);
  (void) dup2 (old, 1);
  close (old);
  close (full);
  assert_int_equal (status, CMD_FAILED);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    program_test (cmd_fail_keeps_the_message),
    program_test (cmd_print_that_cannot),
    program_test (cmd_print_status),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
