/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of plan/bundle.c.  */
#include "in_text.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "plan/bundle.h"

/* A directory with config.json, and a link to it.  */
struct place
{
  char dir[64], link[80];
  int fd;
};

static int
make_place (void **state)
{
  struct place *p = calloc (1, sizeof *p);

  assert_non_null (p);
  strcpy (p->dir, "/tmp/plan-test-XXXXXX");
  assert_non_null (mkdtemp (p->dir));
  snprintf (p->link, sizeof p->link, "%s.link", p->dir);
  assert_int_equal (symlink (p->dir, p->link), 0);
  p->fd = open (p->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
  assert_int_equal (file_create_at (p->fd, "config.json", PLAIN_CONFIG, strlen (PLAIN_CONFIG), 0600, NULL), 0);
  assert_int_equal (file_create_at (p->fd, "bad.json", "{ \"root\": 1 }", 13, 0600, NULL), 0);
  *state = p;
  return 0;
}

static int
remove_place (void **state)
{
  struct place *p = *state;

  unlinkat (p->fd, "config.json", 0);
  unlinkat (p->fd, "bad.json", 0);
  unlink (p->link);
  rmdir (p->dir);
  close (p->fd);
  free (p);
  return 0;
}

static void
bundle_load_through_a_link (void **state)
{
  struct place *p = *state;
  struct bundle b = { .dirfd = -1 };

  assert_int_equal (bundle_load (p->link, NULL, &b, NULL), 0);
  assert_string_equal (b.path, p->dir);
  assert_true (fcntl (b.dirfd, F_GETFD) & FD_CLOEXEC);
  assert_string_equal (b.config->root->path, "rootfs");
  assert_string_equal (b.text, PLAIN_CONFIG);
  bundle_close (&b);
  assert_int_equal (b.dirfd, -1);
  bundle_close (&b);
}

static void
bundle_load_current_directory (void **state)
{
  struct place *p = *state;
  struct bundle b = { .dirfd = -1 };
  own_fd int here = open (".", O_PATH | O_DIRECTORY | O_CLOEXEC);

  assert_int_equal (chdir (p->link), 0);
  assert_int_equal (bundle_load (NULL, NULL, &b, NULL), 0);
  assert_string_equal (b.path, p->dir);
  bundle_close (&b);
  assert_int_equal (fchdir (here), 0);
}

static void
bundle_load_missing (void **state)
{
  struct place *p = *state;
  struct bundle b = { .dirfd = -1 };
  struct err err = { 0 };

  assert_int_equal (bundle_load ("/nonexistent", NULL, &b, &err), -ENOENT);
  assert_string_equal (err.object, "/nonexistent");
  assert_int_equal (bundle_load (p->dir, "other.json", &b, &err), -ENOENT);
  assert_int_equal (b.dirfd, -1);
}

static void
bundle_load_faulty (void **state)
{
  struct place *p = *state;
  struct bundle b = { .dirfd = -1 };
  struct err err = { 0 };

  assert_int_equal (bundle_load (p->dir, "bad.json", &b, &err), -EINVAL);
  assert_int_equal (err.kind, ERR_SPEC);
  assert_int_equal (err.line, 1);
  assert_int_equal (b.dirfd, -1);
}

static void
bundle_load_leaks_no_descriptor (void **state)
{
  struct place *p = *state;
  struct bundle b = { .dirfd = -1 };
  int before = dup (p->fd), after;

  close (before);
  (void) bundle_load (p->dir, "bad.json", &b, NULL);
  assert_int_equal (bundle_load (p->dir, NULL, &b, NULL), 0);
  bundle_close (&b);
  after = dup (p->fd);
  close (after);
  assert_int_equal (before, after);
}

static void
bundle_locate_later_errors (void **state)
{
  struct place *p = *state;
  struct bundle b = { .dirfd = -1 };
  struct err err = { 0 };

  assert_int_equal (bundle_load (p->dir, NULL, &b, NULL), 0);
  err_spec (&err, "root.path", "not there");
  bundle_locate (&b, &err);
  assert_int_equal (err.line, 1);
  assert_true (err.column > 1);
  bundle_close (&b);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (bundle_load_through_a_link),      cmocka_unit_test (bundle_load_current_directory),
    cmocka_unit_test (bundle_load_missing),             cmocka_unit_test (bundle_load_faulty),
    cmocka_unit_test (bundle_load_leaks_no_descriptor), cmocka_unit_test (bundle_locate_later_errors),
  };

  return cmocka_run_group_tests (tests, make_place, remove_place);
}
