/* SPDX-License-Identifier: Apache-2.0 */
/* Filling errors and adding places to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"

/* An error full of rubbish, as an uninitialised local is.  */
static struct err
rubbish (void)
{
  struct err err;

  memset (&err, 'x', sizeof err);
  return err;
}

static void
err_sys_fills (void **state)
{
  (void) state;
  struct err err = rubbish ();

  assert_int_equal (err_sys (&err, ENOENT, "openat2", "%s/%d", "/proc", 7), -ENOENT);
  assert_int_equal (err.kind, ERR_SYS);
  assert_int_equal (err.num, ENOENT);
  assert_string_equal (err.call, "openat2");
  assert_string_equal (err.object, "/proc/7");
  assert_string_equal (err.step, "");
  assert_string_equal (err.where, "");
  assert_string_equal (err.what, "");
  assert_int_equal (err.line, 0);
  assert_int_equal (err.column, 0);
}

static void
err_sys_cuts_long_texts (void **state)
{
  (void) state;
  struct err err;
  char object[1000];

  memset (object, 'o', sizeof object - 1);
  object[sizeof object - 1] = '\0';
  assert_int_equal (err_sys (&err, EIO, "a_call_with_a_very_long_name_indeed", "%s", object), -EIO);
  assert_string_equal (err.call, "a_call_with_a_very_long");
  assert_int_equal (strlen (err.object), sizeof err.object - 1);
}

static void
err_spec_fills (void **state)
{
  (void) state;
  struct err err = rubbish ();

  assert_int_equal (err_spec (&err, "mounts[3]", "%s must be set", "source"), -EINVAL);
  assert_int_equal (err.kind, ERR_SPEC);
  assert_int_equal (err.num, 0);
  assert_string_equal (err.where, "mounts[3]");
  assert_string_equal (err.what, "source must be set");
  assert_string_equal (err.call, "");
}

static void
err_kinds_and_numbers (void **state)
{
  (void) state;
  struct err err;

  assert_int_equal (err_host (&err, ENOTSUP, "no %s", "cgroups"), -ENOTSUP);
  assert_true (err.kind == ERR_HOST && err.num == ENOTSUP && strcmp (err.what, "no cgroups") == 0);
  assert_int_equal (err_state (&err, EBUSY, "it runs"), -EBUSY);
  assert_true (err.kind == ERR_STATE && err.num == EBUSY && strcmp (err.what, "it runs") == 0);
  assert_int_equal (err_usage (&err, "unknown option %s", "-x"), -EINVAL);
  assert_true (err.kind == ERR_USAGE && err.num == 0 && strcmp (err.what, "unknown option -x") == 0);
  assert_int_equal (err_bug (&err, EPROTO, "message %d", 3), -EPROTO);
  assert_true (err.kind == ERR_BUG && err.num == EPROTO && strcmp (err.what, "message 3") == 0);
}

static void
err_null_is_fine (void **state)
{
  (void) state;
  assert_int_equal (err_sys (NULL, EPERM, "mount", "%s", "/"), -EPERM);
  assert_int_equal (err_spec (NULL, "root", "x"), -EINVAL);
  assert_int_equal (err_host (NULL, ENOSYS, "x"), -ENOSYS);
  assert_int_equal (err_state (NULL, ESRCH, "x"), -ESRCH);
  assert_int_equal (err_usage (NULL, "x"), -EINVAL);
  assert_int_equal (err_bug (NULL, EFAULT, "x"), -EFAULT);
  assert_int_equal (err_in (NULL, -EIO, "x"), -EIO);
  assert_int_equal (err_doing (NULL, -EIO, "x"), -EIO);
  err_clear (NULL);
}

static void
err_in_adds_once (void **state)
{
  (void) state;
  struct err err;

  assert_int_equal (err_in (&err, err_sys (&err, EIO, "read", "f"), "mounts[%d]", 2), -EIO);
  assert_string_equal (err.where, "mounts[2]");
  assert_int_equal (err_in (&err, -EIO, "mounts"), -EIO);
  assert_string_equal (err.where, "mounts[2]");
}

static void
err_in_leaves_success_alone (void **state)
{
  (void) state;
  struct err err;

  err_clear (&err);
  assert_int_equal (err_in (&err, 5, "mounts"), 5);
  assert_string_equal (err.where, "");
  assert_int_equal (err_doing (&err, 0, "mounting"), 0);
  assert_string_equal (err.what, "");
}

static void
err_doing_says_what (void **state)
{
  (void) state;
  struct err err;

  assert_int_equal (err_doing (&err, err_sys (&err, EPERM, "mount", "/x"), "%s failed", "it"), -EPERM);
  assert_string_equal (err.what, "it failed");
  assert_string_equal (err.call, "mount");
  assert_int_equal (err.num, EPERM);
}

static void
err_clear_forgets (void **state)
{
  (void) state;
  struct err err = rubbish ();

  err_clear (&err);
  assert_int_equal (err.kind, ERR_NONE);
  assert_true (err.num == 0 && err.line == 0 && err.column == 0);
  assert_true (! err.step[0] && ! err.call[0] && ! err.where[0] && ! err.object[0] && ! err.what[0]);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (err_sys_fills),       cmocka_unit_test (err_sys_cuts_long_texts),
    cmocka_unit_test (err_spec_fills),      cmocka_unit_test (err_kinds_and_numbers),
    cmocka_unit_test (err_null_is_fine),    cmocka_unit_test (err_in_adds_once),
    cmocka_unit_test (err_in_leaves_success_alone), cmocka_unit_test (err_doing_says_what),
    cmocka_unit_test (err_clear_forgets),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
