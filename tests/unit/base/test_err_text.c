/* SPDX-License-Identifier: Apache-2.0 */
/* Errors as one line for people. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"

static void
check (const struct err *err, const char *file, const char *expected)
{
  char buf[4096];

  assert_ptr_equal (err_text (err, file, buf, sizeof buf), buf);
  assert_string_equal (buf, expected);
}

static void
err_text_all_parts (void **state)
{
  (void) state;
  struct err err;

  (void) err_sys (&err, EPERM, "move_mount", "proc");
  check (&err, NULL, "move_mount(\"proc\"): Operation not permitted");
  (void) err_in (&err, -EPERM, "mounts[3]");
  strcpy (err.step, "rootfs.mounts");
  (void) err_doing (&err, -EPERM, "cannot attach it");
  err.line = 82;
  err.column = 5;
  check (&err, "config.json",
         "config.json:82:5: mounts[3]: rootfs.mounts: cannot attach it: move_mount(\"proc\"): Operation not permitted");
}

static void
err_text_file_needs_line (void **state)
{
  (void) state;
  struct err err;

  (void) err_spec (&err, "root", "must be set");
  check (&err, "config.json", "root: must be set");
  err.line = 1;
  check (&err, NULL, "root: must be set");
  check (&err, "", "root: must be set");
  check (&err, "c", "c:1:0: root: must be set");
}

/* The sentence of an error that no call gave says it all: `Device or resource busy` beside it would mislead.  */
static void
err_text_number_of_a_call_only (void **state)
{
  (void) state;
  struct err err;

  (void) err_state (&err, EBUSY, "the container is running");
  check (&err, NULL, "the container is running");
  (void) err_sys (&err, ENOMEM, "mmap", "%s", "");
  check (&err, NULL, "mmap: Cannot allocate memory");
  err_clear (&err);
  err.num = ENOENT;
  check (&err, NULL, "No such file or directory");
}

static void
err_text_is_one_printable_line (void **state)
{
  (void) state;
  struct err err;

  (void) err_usage (&err, "a\nb\tc\rd\033[2Je\177f\303\244");
  check (&err, NULL, "a b c d?[2Je?f\303\244");
  (void) err_usage (&err, "caf\351");
  check (&err, NULL, "caf?");
  (void) err_usage (&err, "\302\2331m");
  check (&err, NULL, "??1m");
}

static void
err_text_small_buffers (void **state)
{
  (void) state;
  struct err err;
  char buf[8] = "1234567";

  (void) err_in (&err, err_sys (&err, EPERM, "mount", "/proc"), "mounts[3].destination");
  (void) err_text (&err, NULL, buf, 0);
  assert_string_equal (buf, "1234567");
  (void) err_text (&err, NULL, buf, 1);
  assert_string_equal (buf, "");
  (void) err_text (&err, NULL, buf, sizeof buf);
  assert_string_equal (buf, "mounts[");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (err_text_all_parts),
    cmocka_unit_test (err_text_file_needs_line),
    cmocka_unit_test (err_text_number_of_a_call_only),
    cmocka_unit_test (err_text_is_one_printable_line),
    cmocka_unit_test (err_text_small_buffers),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
