/* SPDX-License-Identifier: Apache-2.0 */
/* What checkpoint writes beside CRIU's images is what restore reads, and lists of other runtimes are understood. */
#include "room.h"

#include "base/err.h"
#include "base/file.h"
#include "base/wire.h"
#include "kernel/mount.h"
#include "kernel/tty.h"
#include "launch/criu.h"
#include "launch/images.h"
#include "ocispec/table.h"

/* The directory of images in the test's own.  */
static struct images
open_images (void **state)
{
  const struct criu_args args = { .image_path = room_path (state, "images") };
  struct images i = IMAGES_NONE;

  assert_int_equal (images_open (&i, &args, true, NULL), 0);
  return i;
}

/* True if the message W has a field NUMBER of DATA.  */
static bool
has_bytes (const struct wire *w, unsigned number, const void *data, size_t size)
{
  const char *p = w->data;
  size_t len = w->len;
  struct wire_field f;

  while (wire_next (&p, &len, &f) > 0)
    if (f.field == number && f.len == size && memcmp (f.data, data, size) == 0)
      return true;
  return false;
}

/* True if it says that descriptor FD takes the place of KEY; FD -1: of any one, which is returned.  */
static int
inherited (const struct wire *w, const char *key)
{
  const char *p = w->data, *inner;
  size_t len = w->len, inner_len;
  struct wire_field f, name, fd;

  while (wire_next (&p, &len, &f) > 0)
    {
      inner = f.data;
      inner_len = f.len;
      if (f.field == 27 && wire_next (&inner, &inner_len, &name) > 0 && wire_next (&inner, &inner_len, &fd) > 0 && name.len == strlen (key)
          && memcmp (name.data, key, name.len) == 0)
        return (int) fd.number;
    }
  return -1;
}

static void
images_open_makes_and_refuses (void **state)
{
  struct images i = open_images (state), none = IMAGES_NONE;
  struct criu_args args = { .image_path = room_path (state, "nowhere") };
  struct err err = { 0 };

  assert_true (i.dir >= 0 && i.work >= 0);
  images_close (&i);
  assert_int_equal (images_open (&none, &args, false, &err), -ENOENT);
  images_close (&none);
  args = (struct criu_args){ .image_path = room_path (state, "images"), .parent_path = "/absolute" };
  assert_int_equal (images_open (&none, &args, false, &err), -EINVAL);
  images_close (&none);
  args.parent_path = "../missing";
  assert_int_equal (images_open (&none, &args, false, &err), -ENOENT);
  images_close (&none);
}

/* Our own descriptors: a pipe, the null device and a file, none of which are in a mount namespace that we could not name; so the names alone.  */
static void
images_save_stdio_names (void **state)
{
  struct images i = open_images (state);
  struct wire w = { 0 };
  char *text = NULL, link[64] = "", expected[96];
  int old = dup (0), pair[2];

  assert_int_equal (pipe (pair), 0);
  dup2 (pair[0], 0);
  assert_true (readlink ("/proc/self/fd/0", link, sizeof link - 1) > 0);
  assert_int_equal (images_save_stdio (&i, getpid (), false, &w, NULL), 0);
  dup2 (old, 0);
  assert_true (file_read_at (i.dir, "descriptors.json", 65536, &text, NULL) > 0);
  (void) snprintf (expected, sizeof expected, "[\"%s\",", link);
  assert_int_equal (strncmp (text, expected, strlen (expected)), 0);
  free (text);
  wire_free (&w);
  images_close (&i);
}

/* A terminal that is in no mount of the process: of a devpts that was never attached.  CRIU dumps it for a shell job alone.  */
static void
images_save_stdio_of_a_terminal (void **state)
{
  struct images i = open_images (state);
  struct wire w = { 0 };
  struct err err = { 0 };
  char key[64];
  int old = dup (0), master, slave;
  struct stat st;
  int devpts = mount_make ("devpts", "devpts", NULL, 0, 0, NULL);

  if (devpts < 0)
    {
      print_message ("skipped: mounting a devpts needs root\n");
      skip ();
    }
  assert_int_equal (tty_open (devpts, &master, &slave, NULL), 0);
  dup2 (slave, 0);
  assert_int_equal (images_save_stdio (&i, getpid (), false, &w, &err), -ENOTSUP);
  assert_non_null (strstr (err.what, "takes --shell-job"));
  assert_int_equal (images_save_stdio (&i, getpid (), true, &w, NULL), 0);
  dup2 (old, 0);
  assert_int_equal (fstat (slave, &st), 0);
  (void) snprintf (key, sizeof key, "tty[%jx:%jx]", (uintmax_t) st.st_rdev, (uintmax_t) st.st_dev);
  assert_true (has_bytes (&w, 37, key, strlen (key)));
  wire_free (&w);
  images_close (&i);
}

static void
images_lend_and_take_back (void **state)
{
  struct images i = open_images (state);
  struct stat st;

  if (geteuid () != 0)
    {
      print_message ("skipped: giving a directory to a group needs root\n");
      skip ();
    }
  assert_int_equal (images_lend (&i, 4711, NULL), 0);
  assert_int_equal (stat (room_path (state, "images"), &st), 0);
  assert_int_equal (st.st_mode & 07777, 0710);
  assert_int_equal (st.st_gid, 4711);
  images_close (&i);
  assert_int_equal (stat (room_path (state, "images"), &st), 0);
  assert_int_equal (st.st_mode & 07777, 0700);
  assert_int_equal (st.st_gid, getegid ());
  assert_int_equal (chmod (room_path (state, "images"), 0755), 0);
  i = open_images (state);
  assert_int_equal (images_lend (&i, 4711, NULL), 0); /* others may already */
  assert_int_equal (fstat (i.dir, &st), 0);
  assert_int_equal (st.st_mode & 07777, 0755);
  images_close (&i);
}

static void
images_put_stdio_rows (void **state)
{
  struct images i = open_images (state);
  struct wire w = { 0 };
  int fds[3];
  size_t n = 0;
  static const char ours[] = "[\"/dev/null\",\"pipe:[12]\",\"/a\\\"b\",\"file[1d:5]\",\"\",\"file[2a:6]\"]";
  static const char terminal[] = "[\"/dev/pts/0\",\"x\",\"y\",\"tty[8800:1a]\",\"\",\"\"]", theirs[] = "[\"socket:[7]\",\"/x\",\"pipe:[8]\"]";

  assert_int_equal (images_put_stdio (&i, &w, fds, &n, NULL), 0); /* no list */
  assert_int_equal (w.len, 0);
  assert_int_equal (file_replace_at (i.dir, "descriptors.json", ours, sizeof ours - 1, 0600, NULL), 0);
  assert_int_equal (images_put_stdio (&i, &w, fds, &n, NULL), 0);
  assert_int_equal (n, 1);
  assert_int_equal (inherited (&w, "file[1d:5]"), fds[0]);
  assert_int_equal (inherited (&w, "pipe:[12]"), 1);
  assert_int_equal (inherited (&w, "file[2a:6]"), 2);
  close (fds[0]);
  wire_free (&w);
  n = 0;
  assert_int_equal (file_replace_at (i.dir, "descriptors.json", theirs, sizeof theirs - 1, 0600, NULL), 0);
  assert_int_equal (images_put_stdio (&i, &w, fds, &n, NULL), 0);
  assert_true (n == 0 && inherited (&w, "socket:[7]") == 0 && inherited (&w, "pipe:[8]") == 2 && inherited (&w, "/x") == -1);
  wire_free (&w);
  assert_int_equal (file_replace_at (i.dir, "descriptors.json", terminal, sizeof terminal - 1, 0600, NULL), 0);
  assert_int_equal (images_put_stdio (&i, &w, fds, &n, NULL), 0);
  assert_true (n == 1 && fds[0] > 2 && inherited (&w, "tty[8800:1a]") == fds[0]);
  close (fds[0]);
  wire_free (&w);
  images_close (&i);
}

static void
images_put_stdio_rubbish (void **state)
{
  static const char *const rows[] = { "", "{}", "[\"a\",\"b\"]", "[\"a\",\"b\",\"c", "\"" };
  struct images i = open_images (state);

  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
    {
      struct wire w = { 0 };
      int fds[3];
      size_t n = 0;

      assert_int_equal (file_replace_at (i.dir, "descriptors.json", rows[r], strlen (rows[r]), 0600, NULL), 0);
      assert_int_equal (images_put_stdio (&i, &w, fds, &n, NULL), -EINVAL);
      wire_free (&w);
    }
  images_close (&i);
}

static void
images_put_config_by_annotation (void **state)
{
  struct oci_pair a[] = { { "x", "y" }, { "org.criu.config", "/c" } }, none[] = { { "org.criu.config", "" } };
  struct wire w = { 0 };

  (void) state;
  images_put_config (&w, a, 2);
  assert_true (has_bytes (&w, 51, "/c", 2));
  wire_free (&w);
  images_put_config (&w, none, 1);
  assert_int_equal (w.len, 0);
}

static void
images_put_mount_and_mode (void **state)
{
  struct wire w = { 0 };

  (void) state;
  images_put_mount (&w, "/a", "/b]:");
  assert_true (has_bytes (&w, 23, "\x0a\x02/a\x12\x04/b]:", 10));
  wire_free (&w);
  images_put_cgroup_mode (&w, CRIU_CGROUPS_IGNORE);
  assert_memory_equal (w.data, "\xc0\x01\x00\x90\x02\x00", 6);
  wire_free (&w);
  images_put_inherited (&w, "extRootNetNS", 9);
  assert_int_equal (inherited (&w, "extRootNetNS"), 9);
  wire_free (&w);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown (images_open_makes_and_refuses, room_make, room_remove),
    cmocka_unit_test_setup_teardown (images_save_stdio_names, room_make, room_remove),
    cmocka_unit_test_setup_teardown (images_save_stdio_of_a_terminal, room_make, room_remove),
    cmocka_unit_test_setup_teardown (images_lend_and_take_back, room_make, room_remove),
    cmocka_unit_test_setup_teardown (images_put_stdio_rows, room_make, room_remove),
    cmocka_unit_test_setup_teardown (images_put_stdio_rubbish, room_make, room_remove),
    cmocka_unit_test (images_put_config_by_annotation),
    cmocka_unit_test (images_put_mount_and_mode),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
