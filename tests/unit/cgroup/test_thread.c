/* SPDX-License-Identifier: Apache-2.0 */
/* Cgroups below a threaded one, in every view that has the v2 hierarchy.  */
#include "view.h"

#include "cgroup/dir.h"

/* What cgroup.type says of the v2 cgroup of B, or of one with SUFFIX behind its path.  */
static const char *
type_of (const struct box *b, const char *suffix)
{
  static char text[64];
  char path[PATH_MAX + 32];
  size_t i = cgroup_dir_find (b->cg, "") - b->cg->dirs, n;
  FILE *f;

  snprintf (path, sizeof path, "%s%s/cgroup.type", box_file (b, i, ""), suffix);
  f = fopen (path, "re");
  if (f == NULL)
    return "(missing)";
  n = fread (text, 1, sizeof text - 1, f);
  fclose (f);
  text[n] = '\0';
  text[strcspn (text, "\n")] = '\0';
  return text;
}

static void
need_v2 (void)
{
  cgroup_layout_read (&view_layout, CGROUP_WANT_OWN, NULL);
  if (cgroup_layout_find (&view_layout, "") == NULL)
    {
      print_message ("no v2 hierarchy in this view\n");
      skip ();
    }
}

static void
cgroup_make_threaded_below_threaded (void **state)
{
  struct box parent, b;
  struct err err = { 0 };
  pid_t pid;

  (void) state;
  need_v2 ();
  box_plan (&parent, "/p/t");
  box_make (&parent);
  good (cgroup_dir_write (cgroup_dir_find (parent.cg, ""), "cgroup.type", "threaded", &err), &err);
  box_plan (&b, "/p/t/x/c");
  box_make (&b);
  assert_string_equal (type_of (&b, ""), "domain invalid");
  good (cgroup_make_threaded (b.cg, &err), &err);
  assert_string_equal (type_of (&b, ""), "threaded");
  assert_string_equal (type_of (&b, "/.."), "threaded"); /* made for it */
  pid = sleeper ();
  good (cgroup_add_pid (b.cg, pid, &err), &err);
  end_process (pid);
  box_end (&b);
  box_end (&parent);
}

static void
cgroup_make_threaded_nothing_to_do (void **state)
{
  struct box b;
  struct err err = { 0 };

  (void) state;
  box_plan (&b, "/d");
  box_make (&b);
  assert_int_equal (cgroup_make_threaded (b.cg, &err), 0);
  if (cgroup_dir_find (b.cg, ""))
    assert_string_equal (type_of (&b, ""), "domain");
  box_end (&b);
}

static void
cgroup_make_threaded_gone (void **state)
{
  struct box b;
  struct err err = { 0 };

  (void) state;
  need_v2 ();
  box_plan (&b, "/gone");
  assert_int_equal (cgroup_make_threaded (b.cg, &err), -ENOENT);
  assert_non_null (strstr (err.object, "/gone/cgroup.type"));
  box_end (&b);
}

static int
run (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (cgroup_make_threaded_below_threaded),
    cmocka_unit_test (cgroup_make_threaded_nothing_to_do),
    cmocka_unit_test (cgroup_make_threaded_gone),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}

int
main (int argc, char **argv)
{
  return in_views (argc, argv, run);
}
