/* SPDX-License-Identifier: Apache-2.0 */
/* Labels of the program, in a directory in place of procfs. */
#include "child.h"

#include "base/file.h"

static void
make_attributes (void **state)
{
  static const char *const dirs[] = { "self", "self/attr", "self/attr/apparmor" };
  static const char *const files[] = { "self/attr/apparmor/exec", "self/attr/exec", "self/attr/keycreate" };
  struct room *r = *state;

  for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++)
    assert_int_equal (mkdir (room_path (state, dirs[i]), 0700), 0);
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    close (open (room_path (state, files[i]), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  child.proc = open (r->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  assert_true (child.proc >= 0);
}

static const char *
attribute (void **state, const char *name)
{
  static char text[256];

  return file_read_small (AT_FDCWD, room_path (state, name), text, sizeof text) < 0 ? NULL : text;
}

static void
child_label_writes_both (void **state)
{
  make_attributes (state);
  child_plan.process.apparmor = "profile";
  child_plan.process.selinux = "u:r:t:s0";
  assert_int_equal (child_label (&child, &child_err), 0);
  assert_string_equal (attribute (state, "self/attr/apparmor/exec"), "exec profile");
  assert_string_equal (attribute (state, "self/attr/exec"), "u:r:t:s0");
  close (child.proc);
}

static void
child_label_names_the_property (void **state)
{
  make_attributes (state);
  assert_int_equal (unlink (room_path (state, "self/attr/exec")), 0);
  child_plan.process.selinux = "u:r:t:s0";
  assert_int_equal (child_label (&child, &child_err), -ENOENT);
  assert_string_equal (child_err.where, "process.selinuxLabel");
  close (child.proc);
}

static void
child_label_open_checks_procfs (void **state)
{
  (void) state;
  assert_int_equal (child_label_open (&child, &child_err), 0);
  assert_true (child.proc >= 0);
  close (child.proc);
}

static int
make_keys (void *arg)
{
  (void) arg;
  child_plan.keyring = "_ses.orlop-unit";
  child_plan.process.selinux = "u:r:t:s0";
  CHECK (child_keyring (&child, &child_err) == 0);
  return 0;
}

/* The label is there while the keyring is made, and taken back.  */
static void
child_keyring_is_labelled (void **state)
{
  make_attributes (state);
  assert_child (make_keys);
  assert_string_equal (attribute (state, "self/attr/keycreate"), "\n:r:t:s0"); /* a file keeps the rest; procfs does not */
  close (child.proc);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    child_test (child_label_writes_both),
    child_test (child_label_names_the_property),
    child_test (child_label_open_checks_procfs),
    child_test (child_keyring_is_labelled),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
