/* SPDX-License-Identifier: Apache-2.0 */
/* Making real cgroups, in every view; and that nothing which was there before is touched.  */
#include "view.h"

#include "ocispec/linux.h"

static void
cgroup_make_one (void **state)
{
  struct box b;

  (void) state;
  box_plan (&b, "");
  box_make (&b);
  assert_int_equal (box_count (&b, ""), b.cg->n_dirs);
  for (size_t i = 0; i < b.cg->n_dirs; i++)
    assert_int_equal (b.cg->dirs[i].made, 1);
  assert_true ((b.fd >= 0) == (view_layout.mode == CGROUP_V2));
  if (b.fd >= 0)
    assert_int_equal (fcntl (b.fd, F_GETFD), FD_CLOEXEC);
  cgroup_remove (b.cg, NULL);
  assert_int_equal (box_count (&b, ""), 0);
  box_end (&b); /* again: what is gone is removed */
}

static void
cgroup_make_with_parents (void **state)
{
  struct box b;

  (void) state;
  box_plan (&b, "/a/b");
  assert_int_equal (cgroup_survey (b.cg, NULL), 0);
  for (size_t i = 0; i < b.cg->n_dirs; i++)
    assert_int_equal (b.cg->dirs[i].made, 3);
  assert_int_equal (cgroup_make (b.cg, &b.fd, NULL), 0);
  for (size_t i = 0; i < b.cg->n_dirs; i++)
    assert_int_equal (b.cg->dirs[i].made, 3);
  cgroup_remove (b.cg, NULL);
  assert_int_equal (box_count (&b, "/../.."), 0);
  box_end (&b);
}

static void
cgroup_make_without_survey (void **state)
{
  struct box b;

  (void) state;
  box_plan (&b, "/a/b");
  assert_int_equal (cgroup_make (b.cg, &b.fd, NULL), 0);
  assert_int_equal (box_count (&b, ""), b.cg->n_dirs);
  cgroup_remove (b.cg, NULL);
  assert_int_equal (box_count (&b, "/../.."), 0);
  box_end (&b);
}

static void
cgroup_make_keeps_parents (void **state)
{
  struct box parent, b;

  (void) state;
  box_plan (&parent, "");
  box_make (&parent);
  box_plan (&b, "/a");
  box_make (&b);
  for (size_t i = 0; i < b.cg->n_dirs; i++)
    assert_int_equal (b.cg->dirs[i].made, 1);
  box_end (&b);
  assert_int_equal (box_count (&parent, ""), parent.cg->n_dirs);
  box_end (&parent);
}

static void
cgroup_make_parent_in_one_hierarchy (void **state)
{
  struct box b;
  char parent[PATH_MAX];
  size_t last;

  (void) state;
  box_plan (&b, "/a");
  last = b.cg->n_dirs - 1;
  snprintf (parent, sizeof parent, "%s", box_file (&b, last, ""));
  *strrchr (parent, '/') = '\0';
  assert_int_equal (mkdir (parent, 0755), 0);
  box_make (&b);
  for (size_t i = 0; i < b.cg->n_dirs; i++)
    assert_int_equal (b.cg->dirs[i].made, i == last ? 1 : 2);
  cgroup_remove (b.cg, NULL);
  assert_true (there (parent));
  assert_int_equal (rmdir (parent), 0);
  assert_int_equal (box_count (&b, "/.."), 0);
  box_end (&b);
}

static void
cgroup_make_shared_parent (void **state)
{
  struct box first, second;

  (void) state;
  box_plan (&first, "/a");
  box_make (&first);
  box_plan (&second, "/b");
  box_make (&second);
  cgroup_remove (first.cg, NULL); /* its parent is in use by now */
  assert_int_equal (box_count (&first, ""), 0);
  assert_int_equal (box_count (&second, ""), second.cg->n_dirs);
  box_end (&second);
  for (size_t i = 0; i < first.cg->n_dirs; i++)
    {
      char parent[PATH_MAX];
      snprintf (parent, sizeof parent, "%s", box_file (&first, i, ""));
      *strrchr (parent, '/') = '\0';
      assert_int_equal (rmdir (parent), 0);
    }
  box_end (&first);
}

static void
cgroup_make_existing_empty (void **state)
{
  struct box before, b;

  (void) state;
  box_plan (&before, "");
  box_make (&before);
  box_plan (&b, "");
  box_make (&b);
  for (size_t i = 0; i < b.cg->n_dirs; i++)
    assert_int_equal (b.cg->dirs[i].made, 0);
  box_end (&b);
  assert_int_equal (box_count (&before, ""), before.cg->n_dirs); /* not ours to remove */
  box_end (&before);
}

/* Somebody else's cgroup: refused, and whoever undoes the failed create does not hurt them.  */
static void
expect_left_alone (struct box *other, pid_t pid, bool survey)
{
  struct box b;
  struct err err = { 0 };

  box_plan (&b, "");
  assert_int_equal (survey ? cgroup_survey (b.cg, &err) : cgroup_make (b.cg, &b.fd, &err), -EBUSY);
  assert_int_equal (err.kind, ERR_STATE);
  assert_int_equal (b.fd, -1);
  assert_int_equal (cgroup_kill (b.cg, NULL), 0);
  box_end (&b);
  assert_int_equal (box_count (other, ""), other->cg->n_dirs);
  usleep (1000);
  assert_int_equal (waitpid (pid, NULL, WNOHANG), 0);
}

static void
cgroup_make_not_empty (void **state)
{
  struct box other;
  pid_t pid = sleeper ();

  (void) state;
  box_plan (&other, "");
  box_make (&other);
  assert_int_equal (cgroup_add_pid (other.cg, pid, NULL), 0);
  expect_left_alone (&other, pid, true);
  expect_left_alone (&other, pid, false);
  end_process (pid);
  box_end (&other);
}

static void
cgroup_make_not_empty_below (void **state)
{
  struct box other;
  struct box inner;
  pid_t pid = sleeper ();

  (void) state;
  box_plan (&other, "");
  box_make (&other);
  box_plan (&inner, "/sub");
  box_make (&inner);
  assert_int_equal (cgroup_add_pid (inner.cg, pid, NULL), 0);
  expect_left_alone (&other, pid, true);
  end_process (pid);
  box_end (&inner);
  box_end (&other);
}

static void
cgroup_make_frozen (void **state)
{
  struct box other, b;
  struct err err = { 0 };

  (void) state;
  box_plan (&other, "");
  box_make (&other);
  if (cgroup_freeze (other.cg, true, &err) == -ENOTSUP)
    {
      print_message ("no freezer\n");
      box_end (&other);
      skip ();
    }
  box_plan (&b, "");
  assert_int_equal (cgroup_survey (b.cg, &err), -EBUSY);
  assert_non_null (strstr (err.what, "frozen"));
  box_end (&b);
  assert_int_equal (cgroup_freeze (other.cg, false, NULL), 0);
  box_end (&other);
}

static void
cgroup_make_fills_cpusets (void **state)
{
  struct box b;
  char root[512];

  (void) state;
  box_plan (&b, "/a/b");
  if (view_layout.mode == CGROUP_V2 || cgroup_layout_find (&view_layout, "cpuset") == NULL)
    {
      print_message ("no cpuset hierarchy of v1\n");
      oci_arena_free (b.arena);
      skip ();
    }
  box_make (&b);
  snprintf (root, sizeof root, "%s", box_read (&b, "cpuset", "../../../cpuset.cpus"));
  assert_string_not_equal (root, "");
  assert_string_equal (box_read (&b, "cpuset", "cpuset.cpus"), root);
  assert_string_equal (box_read (&b, "cpuset", "../cpuset.cpus"), root);
  assert_string_not_equal (box_read (&b, "cpuset", "cpuset.mems"), "");
  box_end (&b);
}

static void
cgroup_make_fills_cpuset_of_others (void **state)
{
  struct box b;
  char parent[PATH_MAX];
  const struct cgroup_hierarchy *h;

  (void) state;
  box_plan (&b, "/a/b");
  h = cgroup_layout_find (&view_layout, "cpuset");
  if (view_layout.mode == CGROUP_V2 || h == NULL)
    {
      print_message ("no cpuset hierarchy of v1\n");
      oci_arena_free (b.arena);
      skip ();
    }
  /* a parent that was made and never filled */
  snprintf (parent, sizeof parent, CGROUP_ROOT "/%s/orlop-unit-%d", h->dir, (int) getpid ());
  assert_int_equal (mkdir (parent, 0755), 0);
  box_make (&b);
  assert_string_not_equal (box_read (&b, "cpuset", "cpuset.cpus"), "");
  cgroup_remove (b.cg, NULL);
  assert_int_equal (rmdir (parent), 0);
  box_end (&b);
}

/* Runs BODY without any privilege; it returns 0 or a line.  */
static int
unprivileged (int (*body) (struct box *b, bool explicit_path), struct box *b, bool explicit_path)
{
  pid_t pid = fork ();
  int status;

  if (pid == 0)
    {
      if (setgid (65534) < 0 || setuid (65534) < 0)
        _exit (1);
      _exit (body (b, explicit_path) & 0xff);
    }
  assert_int_equal (waitpid (pid, &status, 0), pid);
  return WIFEXITED (status) ? WEXITSTATUS (status) : -1;
}

static int
try_rootless (struct box *b, bool explicit_path)
{
  int64_t limit = 5;
  struct oci_pids pids = { .limit = &limit };
  const struct oci_resources r = { .pids = &pids };
  struct err err = { 0 };
  int fds[CGROUP_HIERARCHIES_MAX], ret;

  b->cg->rootless = true;
  b->cg->explicit_path = explicit_path;
  ret = cgroup_make (b->cg, &b->fd, &err);
  if (explicit_path)
    return ret == -EACCES && err.kind == ERR_SYS ? 0 : __LINE__;
  if (ret != 0 || b->fd != -1)
    return __LINE__;
  for (size_t i = 0; i < b->cg->n_dirs; i++)
    if (! b->cg->dirs[i].skipped || b->cg->dirs[i].made)
      return __LINE__;
  if (cgroup_join_fds (b->cg, fds, CGROUP_HIERARCHIES_MAX, &err) != 0)
    return __LINE__;
  if (cgroup_limit (b->cg, NULL, -1, CGROUP_LIMIT_ALL, &err) != 0) /* no limits, no device rules: fine */
    return __LINE__;
  if (cgroup_limit (b->cg, &r, -1, CGROUP_LIMIT_ALL, &err) != -EPERM
      || strcmp (err.where, "linux.resources.pids.limit") != 0)
    return __LINE__;
  return cgroup_remove (b->cg, &err) == 0 ? 0 : __LINE__;
}

static void
cgroup_make_rootless (void **state)
{
  struct box b;

  (void) state;
  box_plan (&b, "");
  assert_int_equal (unprivileged (try_rootless, &b, false), 0);
  assert_int_equal (unprivileged (try_rootless, &b, true), 0);
  assert_int_equal (box_count (&b, ""), 0);
  oci_arena_free (b.arena);
}

static void
cgroup_open_again (void **state)
{
  struct box b;
  struct err err = { 0 };
  struct stat made, opened;
  int fd;

  (void) state;
  box_plan (&b, "");
  box_make (&b);
  good (cgroup_open (b.cg, &fd, &err), &err);
  assert_true ((fd >= 0) == (b.fd >= 0));
  if (fd >= 0)
    {
      assert_int_equal (fstat (fd, &opened), 0);
      assert_int_equal (fstat (b.fd, &made), 0);
      assert_true (made.st_ino == opened.st_ino);
      close (fd);
    }
  cgroup_remove (b.cg, NULL);
  if (b.fd >= 0)
    assert_int_equal (cgroup_open (b.cg, &fd, &err), -ENOENT);
  box_end (&b);
}

static int
run (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (cgroup_make_one),
    cmocka_unit_test (cgroup_make_with_parents),
    cmocka_unit_test (cgroup_make_without_survey),
    cmocka_unit_test (cgroup_make_keeps_parents),
    cmocka_unit_test (cgroup_make_parent_in_one_hierarchy),
    cmocka_unit_test (cgroup_make_shared_parent),
    cmocka_unit_test (cgroup_make_existing_empty),
    cmocka_unit_test (cgroup_make_not_empty),
    cmocka_unit_test (cgroup_make_not_empty_below),
    cmocka_unit_test (cgroup_make_frozen),
    cmocka_unit_test (cgroup_make_fills_cpusets),
    cmocka_unit_test (cgroup_make_fills_cpuset_of_others),
    cmocka_unit_test (cgroup_make_rootless),
    cmocka_unit_test (cgroup_open_again),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}

int
main (int argc, char **argv)
{
  return in_views (argc, argv, run);
}
