/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of resctrl in a directory that has its files. */
#include "launch/room.h"

#include <fcntl.h>

#include "base/err.h"
#include "base/file.h"
#include "kernel/rdt.h"

static void
rdt_parse_mounts_finds_it (void **state)
{
  static const char mounts[] = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
                               "30 22 0:5 / /proc rw,nosuid shared:3 - proc resctrl rw\n"
                               "31 22 0:29 / /sys/fs/res\\040ctrl rw,nosuid shared:7 master:2 - resctrl resctrl rw\n"
                               "32 22 0:29 / /other rw - resctrl none rw";
  char buf[64];

  (void) state;
  assert_int_equal (rdt_parse_mounts (mounts, buf, sizeof buf), 0);
  assert_string_equal (buf, "/sys/fs/res ctrl");
  assert_int_equal (rdt_parse_mounts (strrchr (mounts, '\n') + 1, buf, sizeof buf), 0);
  assert_string_equal (buf, "/other");
  assert_int_equal (rdt_parse_mounts (mounts, buf, 8), -ENAMETOOLONG);
  assert_int_equal (rdt_parse_mounts ("", buf, sizeof buf), -ENODEV);
  assert_int_equal (rdt_parse_mounts ("1 2 3:4 / /x rw - tmpfs resctrl rw\n", buf, sizeof buf), -ENODEV);
  assert_int_equal (rdt_parse_mounts (" - resctrl \n", buf, sizeof buf), -ENODEV);
}

static void
rdt_is_name_of_one_component (void **state)
{
  (void) state;
  assert_true (rdt_is_name ("gold") && rdt_is_name ("..gold") && rdt_is_name ("schemata"));
  assert_false (rdt_is_name ("") || rdt_is_name (".") || rdt_is_name ("..") || rdt_is_name ("a/b") || rdt_is_name ("/") || rdt_is_name ("a\n"));
  assert_false (rdt_is_name ("info") || rdt_is_name ("mon_groups") || rdt_is_name ("mon_data"));
}

static void
put (const char *dir, const char *name, const char *text)
{
  char path[512];

  (void) snprintf (path, sizeof path, "%s/%s", dir, name);
  (void) unlink (path);
  assert_int_equal (file_create_at (AT_FDCWD, path, text, strlen (text), 0644, NULL), 0);
}

static const char *
get (const char *dir, const char *name)
{
  static char text[512];
  char path[512];

  (void) snprintf (path, sizeof path, "%s/%s", dir, name);
  assert_true (file_read_small (AT_FDCWD, path, text, sizeof text) >= 0);
  return text;
}

/* spec: 141, 144, 145 */
static void
rdt_make_and_remove (void **state)
{
  const char *root = ((struct room *) *state)->path;
  struct err err = { 0 };
  char path[512];

  assert_int_equal (rdt_make (root, "gold", NULL, NULL), 0);
  assert_int_equal (rdt_make (root, "gold", NULL, &err), -EEXIST);
  assert_string_equal (err.call, "mkdir");
  (void) snprintf (path, sizeof path, "%s/gold/mon_groups", root);
  assert_int_equal (mkdir (path, 0755), 0);
  assert_int_equal (rdt_make (root, "gold", "c", NULL), 0);
  int fd = rdt_open (root, "gold", "c", NULL);
  assert_true (fd >= 0);
  close (fd);
  assert_int_equal (rdt_open (root, "silver", NULL, NULL), -ENOENT);
  assert_int_equal (rdt_remove (root, "gold", "c", NULL), 0);
  assert_int_equal (rdt_remove (root, "gold", "c", NULL), 0); /* gone already */
  assert_int_equal (rdt_remove (root, "gold", NULL, &err), -ENOTEMPTY);
  assert_int_equal (rmdir (path), 0);
  assert_int_equal (rdt_remove (root, "gold", NULL, NULL), 0);
}

/* spec: 139, 140 */
static void
rdt_write_lines (void **state)
{
  const char *root = ((struct room *) *state)->path;
  struct err err = { 0 };
  int fd = rdt_open (root, "", NULL, NULL);

  put (root, "schemata", "");
  put (root, "tasks", "");
  assert_int_equal (rdt_write (root, fd, "L3:0=f\nMB:0=10", NULL), 0);
  assert_string_equal (get (root, "schemata"), "L3:0=f\nMB:0=10\n");
  assert_int_equal (rdt_add (fd, 4321, NULL), 0);
  assert_string_equal (get (root, "tasks"), "4321");
  close (fd);
  assert_int_equal (rdt_write (root, fd, "L3:0=f", &err), -EBADF);
  assert_string_equal (err.what, ""); /* nothing is told where there is no info */
}

/* spec: 142 */
static void
rdt_compare_as_far_as_asked (void **state)
{
  static const char *const good[] = { "L3:0=7f0;1=1f", "L3:1=1F", "L3:0=07f0", "MB:0=20", "MB:1=70\nL3:0=7f0", "L2:0=0", "", "L3:" };
  static const char *const bad[] = { "L3:0=7f", "L3:0=7f00", "L3:2=1", "L3:0", "L3", "MB:0=2", "MB:1=70\nL3:0=1", "L:0=7f0", "B:0=20", "L2:0=1" };
  const char *root = ((struct room *) *state)->path;
  int fd = rdt_open (root, "", NULL, NULL);

  put (root, "schemata", "    L3:0=7f0;1=1f\n    MB:0= 20;1= 70\n    L2:0=0\n");
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    assert_int_equal (rdt_compare (fd, good[i], NULL), 0);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal (rdt_compare (fd, bad[i], NULL), -EEXIST);
  close (fd);
}

/* Mostly there is none on a machine of tests.  */
static void
rdt_find_here (void **state)
{
  struct err err = { 0 };
  char buf[4096];
  int ret = rdt_find (buf, sizeof buf, &err);

  (void) state;
  if (ret == 0)
    assert_int_equal (buf[0], '/');
  else
    assert_string_equal (err.what, "no resctrl file system is mounted");
}

static void
rdt_join_schemata (void **state)
{
  static const struct
  {
    const char *caches, *bandwidth, *text;
  } cases[] = {
    { NULL, NULL, NULL }, { "", "", NULL }, { "\n\n", NULL, NULL }, { "L3:0=f", NULL, "L3:0=f" }, { NULL, "MB:0=1", "MB:0=1" },
    { "L3:0=f\n\nL3:1=3\n", "", "L3:0=f\nL3:1=3" }, { "L3:0=f\nMB:0=2\n", "MB:0=1", "L3:0=f\nMB:0=1" },
    { "MB:0=2", "MB:0=1", "MB:0=1" }, { "MB:0=2\nL3:0=f", NULL, "MB:0=2\nL3:0=f" },
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      char *text = (char *) "unset";

      assert_int_equal (rdt_join (cases[i].caches, cases[i].bandwidth, &text), 0);
      if (cases[i].text)
        assert_string_equal (text, cases[i].text);
      else
        assert_null (text);
      free (text);
    }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (rdt_parse_mounts_finds_it),
    cmocka_unit_test (rdt_is_name_of_one_component),
    cmocka_unit_test_setup_teardown (rdt_make_and_remove, room_make, room_remove),
    cmocka_unit_test_setup_teardown (rdt_write_lines, room_make, room_remove),
    cmocka_unit_test_setup_teardown (rdt_compare_as_far_as_asked, room_make, room_remove),
    cmocka_unit_test (rdt_join_schemata),
    cmocka_unit_test (rdt_find_here),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
