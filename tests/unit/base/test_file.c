/* SPDX-License-Identifier: Apache-2.0 */
/* Small files: reading into buffers, writing, making, replacing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"

static char dir_name[] = "/tmp/orlop-test-XXXXXX";
static int dir = -1;

static int
set_up (void **state)
{
  (void) state;
  if (mkdtemp (dir_name) == NULL)
    return -1;
  dir = open (dir_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return dir < 0;
}

static int
tear_down (void **state)
{
  static const char *const names[] = { "f", "f.new", "link", "new" };

  (void) state;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    (void) unlinkat (dir, names[i], 0);
  close (dir);
  return rmdir (dir_name);
}

/* The file NAME has TEXT and MODE.  */
static void
assert_file (const char *name, const char *text, mode_t mode)
{
  char buf[256];
  struct stat st;

  assert_int_equal (file_read_small (dir, name, buf, sizeof buf), strlen (text));
  assert_string_equal (buf, text);
  assert_int_equal (fstatat (dir, name, &st, AT_SYMLINK_NOFOLLOW), 0);
  assert_int_equal (st.st_mode, S_IFREG | mode);
}

static void
file_create_at_makes (void **state)
{
  (void) state;
  assert_int_equal (file_create_at (dir, "f", "hello", 5, 0600, NULL), 0);
  assert_file ("f", "hello", 0600);
}

static void
file_create_at_never_overwrites (void **state)
{
  (void) state;
  struct err err;

  assert_int_equal (file_create_at (dir, "f", "other", 5, 0600, &err), -EEXIST);
  assert_string_equal (err.call, "openat");
  assert_string_equal (err.object, "f");
  assert_file ("f", "hello", 0600);
  assert_int_equal (symlinkat ("nowhere", dir, "link"), 0);
  assert_int_equal (file_create_at (dir, "link", "x", 1, 0600, NULL), -EEXIST);
  assert_int_equal (unlinkat (dir, "link", 0), 0);
}

/* A write that cannot be finished leaves no half file.  */
static void
file_create_at_all_or_nothing (void **state)
{
  (void) state;
  struct rlimit old, small;
  struct err err;
  int ret;

  assert_int_equal (getrlimit (RLIMIT_FSIZE, &old), 0);
  small = (struct rlimit){ .rlim_cur = 3, .rlim_max = old.rlim_max };
  signal (SIGXFSZ, SIG_IGN);
  assert_int_equal (setrlimit (RLIMIT_FSIZE, &small), 0);
  ret = file_create_at (dir, "new", "hello", 5, 0600, &err);
  assert_int_equal (setrlimit (RLIMIT_FSIZE, &old), 0);
  signal (SIGXFSZ, SIG_DFL);
  assert_int_equal (ret, -EFBIG);
  assert_string_equal (err.call, "write");
  assert_int_equal (faccessat (dir, "new", F_OK, 0), -1);
}

static void
file_replace_at_replaces (void **state)
{
  (void) state;
  struct stat before, after;

  assert_int_equal (fstatat (dir, "f", &before, 0), 0);
  assert_int_equal (file_replace_at (dir, "f", "second", 6, 0640, NULL), 0);
  assert_file ("f", "second", 0640);
  assert_int_equal (fstatat (dir, "f", &after, 0), 0);
  assert_int_not_equal (before.st_ino, after.st_ino); /* a reader has the old or the new, never half */
  assert_int_equal (faccessat (dir, "f.new", F_OK, 0), -1);
  assert_int_equal (file_replace_at (dir, "new", "", 0, 0600, NULL), 0);
  assert_file ("new", "", 0600);
}

static void
file_replace_at_after_a_killed_writer (void **state)
{
  (void) state;
  assert_int_equal (file_create_at (dir, "f.new", "half", 4, 0600, NULL), 0);
  assert_int_equal (file_replace_at (dir, "f", "third", 5, 0600, NULL), 0);
  assert_file ("f", "third", 0600);
  assert_int_equal (faccessat (dir, "f.new", F_OK, 0), -1);
}

static void
file_replace_at_failing_leaves_the_old (void **state)
{
  (void) state;
  struct err err;
  char name[300];

  assert_int_equal (file_replace_at (dir, "none/f", "x", 1, 0600, &err), -ENOENT);
  assert_int_equal (mkdirat (dir, "sub", 0700), 0);
  assert_int_equal (file_replace_at (dir, "sub", "x", 1, 0600, &err), -EISDIR);
  assert_string_equal (err.call, "renameat");
  assert_int_equal (faccessat (dir, "sub.new", F_OK, 0), -1);
  assert_int_equal (unlinkat (dir, "sub", AT_REMOVEDIR), 0);
  memset (name, 'n', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  assert_int_equal (file_replace_at (dir, name, "x", 1, 0600, NULL), -ENAMETOOLONG);
}

static void
file_write_at_needs_a_file (void **state)
{
  (void) state;
  struct err err;

  assert_int_equal (file_write_at (dir, "none", "x", 1, &err), -ENOENT);
  assert_string_equal (err.call, "openat");
  assert_int_equal (file_write_at (AT_FDCWD, "/dev/full", "x", 1, &err), -ENOSPC);
  assert_string_equal (err.call, "write");
  assert_string_equal (err.object, "/dev/full");
  assert_int_equal (file_write_at (dir, "f", "THI", 3, &err), 0);
  assert_file ("f", "THIrd", 0600); /* kernel files are not truncated */
}

static void
file_read_small_cuts (void **state)
{
  (void) state;
  char buf[4];

  assert_int_equal (file_read_small (dir, "f", buf, sizeof buf), 3);
  assert_string_equal (buf, "THI");
  assert_int_equal (file_read_small (dir, "none", buf, sizeof buf), -ENOENT);
  assert_int_equal (file_read_small (AT_FDCWD, "/", buf, sizeof buf), -EISDIR);
}

static void
file_read_into_from_the_beginning (void **state)
{
  (void) state;
  char buf[16];
  int fd = openat (dir, "f", O_RDONLY | O_CLOEXEC);

  assert_true (fd >= 0);
  assert_int_equal (lseek (fd, 2, SEEK_SET), 2);
  assert_int_equal (file_read_into (fd, buf, sizeof buf), 5);
  assert_string_equal (buf, "THIrd");
  assert_int_equal (file_read_into (fd, buf, 3), 2);
  assert_string_equal (buf, "TH");
  assert_int_equal (lseek (fd, 0, SEEK_CUR), 2); /* the position is the caller's */
  close (fd);
  assert_int_equal (file_read_into (fd, buf, sizeof buf), -EBADF);
}

int
main (void)
{
  /* each goes on with the files of those before */
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (file_create_at_makes),
    cmocka_unit_test (file_create_at_never_overwrites),
    cmocka_unit_test (file_create_at_all_or_nothing),
    cmocka_unit_test (file_replace_at_replaces),
    cmocka_unit_test (file_replace_at_after_a_killed_writer),
    cmocka_unit_test (file_replace_at_failing_leaves_the_old),
    cmocka_unit_test (file_write_at_needs_a_file),
    cmocka_unit_test (file_read_small_cuts),
    cmocka_unit_test (file_read_into_from_the_beginning),
  };

  umask (022);
  return cmocka_run_group_tests (tests, set_up, tear_down);
}
