/* SPDX-License-Identifier: Apache-2.0 */
/* Copying a tree of one of everything, in directories of the test's own. */
#include "in_child.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/err.h"
#include "kernel/tree.h"

static char top[] = "/tmp/orlop-tree-XXXXXX";
static int from, to;

static int
setup (void **state)
{
  (void) state;
  memcpy (top + sizeof top - 7, "XXXXXX", 6);
  if (mkdtemp (top) == NULL || chdir (top) < 0 || mkdir ("from", 0751) < 0 || mkdir ("to", 0700) < 0)
    return -1;
  umask (022);
  from = open ("from", O_RDONLY | O_DIRECTORY);
  to = open ("to", O_PATH | O_DIRECTORY);
  return from < 0 || to < 0 ? -1 : 0;
}

static int
teardown (void **state)
{
  char command[64];

  (void) state;
  close (from);
  close (to);
  snprintf (command, sizeof command, "rm -rf %s", top);
  return chdir ("/") < 0 || system (command) != 0 ? -1 : 0;
}

static void
put (const char *path, const char *text, mode_t mode)
{
  int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

  assert_true (fd >= 0);
  assert_int_equal (write (fd, text, strlen (text)), strlen (text));
  assert_int_equal (fchmod (fd, mode), 0);
  close (fd);
}

static void
assert_text (const char *path, const char *want)
{
  char text[64] = "";
  int fd = open (path, O_RDONLY);

  assert_true (fd >= 0);
  assert_true (read (fd, text, sizeof text - 1) >= 0);
  close (fd);
  assert_string_equal (text, want);
}

static void
tree_copies_kinds (void **state)
{
  const struct timespec times[2] = { { 1000000000, 5 }, { 1100000000, 7 } };
  char link[16] = "";
  struct stat st;
  (void) state;

  assert_int_equal (mkdir ("from/dir", 0700), 0);
  put ("from/dir/file", "text", 04755);
  assert_int_equal (chmod ("from/dir", 02750), 0);
  assert_int_equal (mkfifo ("from/fifo", 0600), 0);
  assert_int_equal (symlink ("/etc/passwd", "from/link"), 0);
  assert_int_equal (utimensat (AT_FDCWD, "from/dir/file", times, 0), 0);
  assert_int_equal (tree_copy (from, to, true, true, NULL), 0);
  assert_text ("to/dir/file", "text");
  assert_int_equal (stat ("to/dir/file", &st), 0);
  assert_int_equal (st.st_mode, S_IFREG | 04755);
  assert_true (st.st_mtim.tv_sec == 1100000000 && st.st_mtim.tv_nsec == 7);
  assert_true (stat ("to/dir", &st) == 0 && st.st_mode == (S_IFDIR | 02750));
  assert_true (stat ("to/fifo", &st) == 0 && S_ISFIFO (st.st_mode));
  assert_int_equal (readlink ("to/link", link, sizeof link - 1), 11);
  assert_string_equal (link, "/etc/passwd");
  assert_true (stat ("to", &st) == 0 && (st.st_mode & 07777) == 0751);
}

static void
tree_copy_keeps_mode (void **state)
{
  struct stat st;
  (void) state;

  put ("from/file", "", 0600);
  assert_int_equal (tree_copy (from, to, false, false, NULL), 0);
  assert_true (stat ("to", &st) == 0 && (st.st_mode & 07777) == 0700);
  assert_true (stat ("to/file", &st) == 0 && st.st_size == 0);
}

static void
tree_copies_owner (void **state)
{
  struct stat st;
  (void) state;

  if (geteuid () != 0)
    {
      fprintf (stderr, "tree_copies_owner: skipped: needs root\n");
      skip ();
    }
  put ("from/file", "x", 0600);
  assert_true (chown ("from/file", 12, 34) == 0 && chmod ("from/file", 06755) == 0 && chown ("from", 56, 78) == 0);
  assert_int_equal (tree_copy (from, to, true, true, NULL), 0);
  assert_true (stat ("to/file", &st) == 0 && st.st_uid == 12 && st.st_gid == 34);
  assert_int_equal (st.st_mode & 07777, 06755); /* chown takes these bits, so the mode comes after */
  assert_true (stat ("to", &st) == 0 && st.st_uid == 56 && st.st_gid == 78);
}

static void
tree_copies_attributes (void **state)
{
  char value[8] = "";
  (void) state;

  put ("from/file", "x", 0600);
  if (setxattr ("from/file", "user.orlop", "value", 5, 0) < 0)
    {
      fprintf (stderr, "tree_copies_attributes: skipped: no user attributes on /tmp (%s)\n", strerror (errno));
      skip ();
    }
  assert_int_equal (tree_copy (from, to, true, true, NULL), 0);
  assert_int_equal (getxattr ("to/file", "user.orlop", value, sizeof value), 5);
  assert_memory_equal (value, "value", 5);
}

/* Many entries take more than one buffer of getdents.  */
static void
tree_copies_many (void **state)
{
  char path[32];
  (void) state;

  for (int i = 0; i < 300; i++)
    {
      snprintf (path, sizeof path, "from/a-file-number-%d", i);
      put (path, path, 0600);
    }
  assert_int_equal (tree_copy (from, to, true, true, NULL), 0);
  for (int i = 0; i < 300; i++)
    {
      char copy[32];

      snprintf (path, sizeof path, "from/a-file-number-%d", i);
      snprintf (copy, sizeof copy, "to/a-file-number-%d", i);
      assert_text (copy, path);
    }
}

static void
tree_too_deep (void **state)
{
  struct err err = { 0 };
  int dir = dup (from);
  (void) state;

  for (int i = 0; i < 120; i++)
    {
      int next;

      assert_int_equal (mkdirat (dir, "d", 0700), 0);
      next = openat (dir, "d", O_RDONLY | O_DIRECTORY);
      close (dir);
      dir = next;
    }
  close (dir);
  assert_int_equal (tree_copy (from, to, true, true, &err), -ELOOP);
  assert_string_equal (err.object, "d");
}

static void
tree_error_names_entry (void **state)
{
  struct err err = { 0 };
  (void) state;

  put ("from/file", "x", 0600);
  put ("to/file", "there", 0600);
  assert_int_equal (tree_copy (from, to, true, true, &err), -EEXIST);
  assert_string_equal (err.call, "openat");
  assert_string_equal (err.object, "file");
  assert_text ("to/file", "there");
}

int
main (void)
{
#define TEST(name) cmocka_unit_test_setup_teardown (name, setup, teardown)
  const struct CMUnitTest tests[] = { TEST (tree_copies_kinds),      TEST (tree_copy_keeps_mode), TEST (tree_copies_owner),
                                      TEST (tree_copies_attributes), TEST (tree_copies_many),     TEST (tree_too_deep),
                                      TEST (tree_error_names_entry) };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
