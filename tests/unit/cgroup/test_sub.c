/* SPDX-License-Identifier: Apache-2.0 */
/* Where one more process goes: cgroups below a container's, and the one of its first process, in every view.  */
#include "view.h"

#include "cgroup/dir.h"

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void
cgroup_sub_below (void **state)
{
  static const char *const same[] = { "a/b", "/a/b", "a//b/", "./a/./b" };
  struct box b, inner;
  struct err err = { 0 };

  (void) state;
  box_plan (&b, "");
  box_make (&b);
  box_plan (&inner, "/a/b");
  box_make (&inner);
  for (size_t i = 0; i < sizeof same / sizeof *same; i++)
    {
      struct cgroup *sub = NULL;

      good (cgroup_sub (b.cg, WORDS (same[i]), &sub, &err), &err);
      assert_int_equal (sub->n_dirs, b.cg->n_dirs);
      for (size_t j = 0; j < sub->n_dirs; j++)
        assert_string_equal (sub->dirs[j].path, inner.cg->dirs[j].path);
      free (sub);
    }
  box_end (&inner);
  box_end (&b);
}

static void
cgroup_sub_of_one_hierarchy (void **state)
{
  struct box b, inner;
  struct err err = { 0 };
  struct cgroup *sub = NULL;

  (void) state;
  box_plan (&b, "");
  box_make (&b);
  box_plan (&inner, "/a");
  box_make (&inner);
  if (view_layout.mode == CGROUP_V2)
    assert_int_equal (cgroup_sub (b.cg, WORDS ("pids:a"), &sub, &err), -EINVAL);
  else
    {
      good (cgroup_sub (b.cg, WORDS ("pids:a", "freezer:/"), &sub, &err), &err);
      for (size_t i = 0; i < sub->n_dirs; i++)
        assert_string_equal (sub->dirs[i].path, (cgroup_list_has (sub->dirs[i].controllers, "pids") ? inner : b).cg->dirs[i].path);
      free (sub);
    }
  box_end (&inner);
  box_end (&b);
}

static void
cgroup_sub_of_none (void **state)
{
  struct box b;
  struct err err = { 0 };
  struct cgroup *sub = NULL;
  struct cgroup_dir *pids;

  (void) state;
  box_plan (&b, "");
  box_make (&b);
  pids = cgroup_dir_find (b.cg, "pids");
  if (pids)
    {
      pids->skipped = true;
      assert_int_equal (cgroup_sub (b.cg, WORDS ("pids:/"), &sub, &err), -ENOTSUP);
      pids->skipped = false;
    }
  for (size_t i = 0; i < b.cg->n_dirs; i++)
    b.cg->dirs[i].skipped = true;
  assert_false (cgroup_is_own (b.cg));
  assert_int_equal (cgroup_sub (b.cg, WORDS ("/"), &sub, &err), -ENOTSUP);
  for (size_t i = 0; i < b.cg->n_dirs; i++)
    b.cg->dirs[i].skipped = false;
  assert_true (cgroup_is_own (b.cg));
  assert_false (cgroup_is_own (NULL));
  box_end (&b);
}

static void
cgroup_sub_refuses (void **state)
{
  static const struct
  {
    const char *one, *two;
    int ret;
    const char *what;
  } bad[] = {
    { "..", NULL, -EINVAL, "must not contain \"..\"" },   { "a/../..", NULL, -EINVAL, "must not contain \"..\"" },
    { "none", NULL, -ENOENT, "no such cgroup" },          { "a", "b", -EINVAL, "each needs its controllers" },
    { ":a", NULL, -EINVAL, "the controller \"\"" },       { "nothing:a", NULL, -EINVAL, "the controller \"nothing\"" },
  };
  struct box b;

  (void) state;
  box_plan (&b, "");
  box_make (&b);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    {
      struct cgroup *sub = NULL;
      struct err err = { 0 };

      assert_int_equal (cgroup_sub (b.cg, WORDS (bad[i].one, bad[i].two), &sub, &err), bad[i].ret);
      assert_non_null (strstr (err.what, bad[i].what));
      assert_null (sub);
    }
  box_end (&b);
}

static void
cgroup_of_a_process (void **state)
{
  struct box b, inner;
  struct err err = { 0 };
  struct cgroup *now = NULL;
  pid_t pid = sleeper ();

  (void) state;
  box_plan (&b, "");
  box_make (&b);
  box_plan (&inner, "/a");
  box_make (&inner);
  assert_int_equal (cgroup_add_pid (inner.cg, pid, NULL), 0);
  good (cgroup_of (b.cg, pid, &now, &err), &err);
  for (size_t i = 0; i < now->n_dirs; i++)
    if (strcmp (now->dirs[i].path, b.cg->dirs[i].path) != 0) /* as it is where we see the process outside of our namespace */
      assert_string_equal (now->dirs[i].path, inner.cg->dirs[i].path);
  free (now);
  now = NULL;
  end_process (pid);
  assert_int_equal (cgroup_of (b.cg, pid, &now, NULL), -ESRCH);
  assert_null (now);
  assert_int_equal (cgroup_is_inner (b.cg), 0);
  box_end (&inner);
  box_end (&b);
}

static int
run (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (cgroup_sub_below),
    cmocka_unit_test (cgroup_sub_of_one_hierarchy),
    cmocka_unit_test (cgroup_sub_of_none),
    cmocka_unit_test (cgroup_sub_refuses),
    cmocka_unit_test (cgroup_of_a_process),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}

int
main (int argc, char **argv)
{
  return in_views (argc, argv, run);
}
