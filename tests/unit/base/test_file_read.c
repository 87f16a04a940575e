/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files into memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
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
  (void) state;
  (void) unlinkat (dir, "f", 0);
  (void) unlinkat (dir, "fifo", 0);
  close (dir);
  return rmdir (dir_name);
}

static void
file_read_at_sizes (void **state)
{
  static const size_t sizes[] = { 0, 1, 4095, 4096, 4097, 100000 };
  char *want = malloc (100000), *text = NULL;

  (void) state;
  assert_non_null (want);
  for (size_t i = 0; i < 100000; i++)
    want[i] = (char) ('a' + i % 23);
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
    {
      assert_int_equal (file_replace_at (dir, "f", want, sizes[i], 0600, NULL), 0);
      assert_int_equal (file_read_at (dir, "f", sizes[i], &text, NULL), sizes[i]);
      assert_memory_equal (text, want, sizes[i]);
      assert_int_equal (text[sizes[i]], '\0');
      free (text);
    }
  free (want);
}

static void
file_read_at_limit (void **state)
{
  (void) state;
  struct err err;
  char *text = NULL;

  assert_int_equal (file_replace_at (dir, "f", "12345", 5, 0600, NULL), 0);
  assert_int_equal (file_read_at (dir, "f", 4, &text, &err), -EFBIG);
  assert_string_equal (err.call, "read");
  assert_string_equal (err.object, "f");
  assert_null (text);
  assert_int_equal (file_read_at (AT_FDCWD, "/proc/self/maps", 100, &text, NULL), -EFBIG);
  assert_null (text);
}

/* Kernel files say that they are empty.  */
static void
file_read_at_kernel_file (void **state)
{
  (void) state;
  char *text = NULL;
  ssize_t n = file_read_at (AT_FDCWD, "/proc/self/maps", 1 << 24, &text, NULL);

  assert_true (n > 0);
  assert_int_equal (strlen (text), n);
  assert_int_equal (text[n - 1], '\n');
  free (text);
}

static void
file_read_at_no_regular_file (void **state)
{
  (void) state;
  char *text = NULL;
  struct err err;

  assert_int_equal (file_read_at (dir, "none", 10, &text, &err), -ENOENT);
  assert_string_equal (err.call, "openat");
  assert_int_equal (file_read_at (dir, ".", 10, &text, NULL), -EISDIR);
  assert_int_equal (file_read_at (AT_FDCWD, "/dev/zero", 10, &text, NULL), -EINVAL);
  assert_int_equal (mkfifoat (dir, "fifo", 0600), 0);
  assert_int_equal (file_read_at (dir, "fifo", 10, &text, NULL), -EINVAL); /* and does not wait for a writer */
  assert_null (text);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (file_read_at_sizes),
    cmocka_unit_test (file_read_at_limit),
    cmocka_unit_test (file_read_at_kernel_file),
    cmocka_unit_test (file_read_at_no_regular_file),
  };

  return cmocka_run_group_tests (tests, set_up, tear_down);
}
