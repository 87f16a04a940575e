/* SPDX-License-Identifier: Apache-2.0 */
/* Removing real cgroups with what containers leave in them, in every view.  */
#include "view.h"

#include "cgroup/tree.h"

/* Makes N cgroups within one another below the I-th cgroup of B.  Names are short, since the depth is the point.  */
static void
nest (const struct box *b, size_t i, int n)
{
  int dir = open (box_file (b, i, ""), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  for (int k = 0; k < n; k++)
    {
      int next;
      assert_int_equal (mkdirat (dir, "d", 0755), 0);
      next = openat (dir, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      assert_true (next >= 0);
      close (dir);
      dir = next;
    }
  close (dir);
}

static void
cgroup_remove_deep (void **state)
{
  struct box b;
  struct err err = { 0 };

  (void) state;
  box_plan (&b, "");
  box_make (&b);
  for (size_t i = 0; i < b.cg->n_dirs; i++)
    nest (&b, i, 100);
  good (cgroup_remove (b.cg, &err), &err);
  assert_int_equal (box_count (&b, ""), 0);
  box_end (&b);
}

static void
cgroup_remove_wide (void **state)
{
  struct box b;

  (void) state;
  box_plan (&b, "");
  box_make (&b);
  for (int k = 0; k < 200; k++)
    {
      char path[PATH_MAX + 32];
      snprintf (path, sizeof path, "%s/%d", box_file (&b, b.cg->n_dirs - 1, ""), k);
      assert_int_equal (mkdir (path, 0755), 0);
      snprintf (path, sizeof path, "%s/%d/x", box_file (&b, b.cg->n_dirs - 1, ""), k);
      assert_int_equal (k % 3 ? 0 : mkdir (path, 0755), 0);
    }
  cgroup_remove (b.cg, NULL);
  assert_int_equal (box_count (&b, ""), 0);
  box_end (&b);
}

/* A process that ends while we wait: removal is not refused, and does not come too early.  */
static void
cgroup_remove_waits (void **state)
{
  struct box b;
  struct err err = { 0 };
  pid_t pid;

  (void) state;
  box_plan (&b, "");
  box_make (&b);
  pid = child ();
  if (pid == 0)
    {
      usleep (100000);
      _exit (0);
    }
  assert_int_equal (cgroup_add_pid (b.cg, pid, NULL), 0);
  good (cgroup_remove (b.cg, &err), &err);
  assert_int_equal (box_count (&b, ""), 0);
  assert_int_equal (waitpid (pid, NULL, 0), pid);
  box_end (&b);
}

static void
cgroup_remove_half_gone (void **state)
{
  struct box b;
  struct err err = { 0 };

  (void) state;
  box_plan (&b, "/a");
  box_make (&b);
  assert_int_equal (rmdir (box_file (&b, 0, "")), 0);
  good (cgroup_remove (b.cg, &err), &err);
  assert_int_equal (box_count (&b, "/.."), 0);
  box_end (&b);
}

struct seen
{
  int n, tops;
};

static int
visit_count (int dir, bool top, void *data)
{
  struct seen *s = data;
  struct stat st;

  assert_int_equal (fstat (dir, &st), 0);
  s->n++;
  s->tops += top;
  return 0;
}

static int
visit_stop (int dir, bool top, void *data)
{
  (void) dir, (void) top;
  ++*(int *) data;
  return -ECANCELED;
}

static void
cgroup_tree_walk_all (void **state)
{
  struct box b, other;
  struct seen seen = { 0, 0 };
  char path[PATH_MAX];
  int stops = 0;

  (void) state;
  box_plan (&b, "");
  box_make (&b);
  nest (&b, 0, 50);
  box_plan (&other, "/x/y");
  box_make (&other);
  snprintf (path, sizeof path, "%s", box_file (&b, 0, ""));
  assert_int_equal (cgroup_tree_walk (path, visit_count, &seen, NULL), 0);
  assert_int_equal (seen.n, 1 + 50 + 2);
  assert_int_equal (seen.tops, 1);
  assert_int_equal (cgroup_tree_walk (path, visit_stop, &stops, NULL), -ECANCELED);
  assert_int_equal (stops, 1);
  box_end (&other);
  box_end (&b);
  seen.n = 0;
  assert_int_equal (cgroup_tree_walk (path, visit_count, &seen, NULL), 0);
  assert_int_equal (seen.n, 0);
}

static void
cgroup_tree_prune_stops_at_processes (void **state)
{
  struct box b, inner;
  char path[PATH_MAX];
  pid_t pid = sleeper ();
  long found = 0;

  (void) state;
  box_plan (&b, "");
  box_make (&b);
  box_plan (&inner, "/x/y");
  box_make (&inner);
  assert_int_equal (cgroup_add_pid (inner.cg, pid, NULL), 0);
  snprintf (path, sizeof path, "%s", box_file (&b, 0, ""));
  assert_int_equal (cgroup_tree_prune (path), -EBUSY);
  assert_int_equal (cgroup_tree_process (path, &found), 1);
  assert_int_equal (found, pid);
  assert_int_equal (box_count (&inner, ""), inner.cg->n_dirs);
  end_process (pid);
  assert_int_equal (cgroup_tree_prune (path), 0);
  assert_int_equal (cgroup_tree_process (path, &found), 0);
  assert_true (there (path));
  box_end (&inner);
  box_end (&b);
  assert_int_equal (cgroup_tree_prune (path), 0);
}

static int
run (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (cgroup_remove_deep),   cmocka_unit_test (cgroup_remove_wide),
    cmocka_unit_test (cgroup_remove_waits),  cmocka_unit_test (cgroup_remove_half_gone),
    cmocka_unit_test (cgroup_tree_walk_all), cmocka_unit_test (cgroup_tree_prune_stops_at_processes),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}

int
main (int argc, char **argv)
{
  return in_views (argc, argv, run);
}
