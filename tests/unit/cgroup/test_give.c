/* SPDX-License-Identifier: Apache-2.0 */
/* Giving real cgroups to a user, in every view: what changes hands, and what must not.  */
#include "view.h"

#include <dirent.h>

enum
{
  USER = 54321
};

static uid_t
owner_of (const char *path)
{
  struct stat st;

  if (stat (path, &st) < 0)
    fail_msg ("%s: %s", path, strerror (errno));
  return st.st_uid;
}

/* The place of B's v2 cgroup among its cgroups, or -1.  */
static int
unified (const struct box *b)
{
  for (size_t i = 0; i < b->cg->n_dirs; i++)
    if (b->cg->dirs[i].controllers[0] == '\0')
      return (int) i;
  return -1;
}

/* True if NAME is a line of the kernel's list of what may be given.  */
static bool
is_delegated (const char *name)
{
  char line[256];
  bool found = false;
  FILE *f = fopen ("/sys/kernel/cgroup/delegate", "re");

  assert_non_null (f);
  while (! found && fgets (line, sizeof line, f))
    {
      line[strcspn (line, "\n")] = '\0';
      found = strcmp (line, name) == 0;
    }
  fclose (f);
  return found;
}

/* How many files of B's I-th cgroup belong to USER; each must be one that may.  */
static size_t
count_given (const struct box *b, size_t i)
{
  DIR *d = opendir (box_file (b, i, ""));
  size_t n = 0;

  assert_non_null (d);
  for (struct dirent *e; (e = readdir (d));)
    if (e->d_type == DT_REG && owner_of (box_file (b, i, e->d_name)) == USER)
      {
        if (! is_delegated (e->d_name))
          fail_msg ("%s was given away", e->d_name);
        n++;
      }
  closedir (d);
  return n;
}

static void
cgroup_give_what_the_kernel_lists (void **state)
{
  static const char *const files[] = { "cgroup.procs", "cgroup.subtree_control", "cgroup.threads" };
  struct box b;
  struct err err = { 0 };
  int v2;

  (void) state;
  box_plan (&b, "/a");
  box_make (&b);
  v2 = unified (&b);
  good (cgroup_give (b.cg, USER, &err), &err);
  for (size_t i = 0; i < b.cg->n_dirs; i++)
    {
      assert_int_equal (owner_of (box_file (&b, i, "")), (int) i == v2 ? USER : 0);
      if ((int) i != v2)
        assert_int_equal (count_given (&b, i), 0); /* v1 has nothing that could be given safely */
    }
  if (v2 >= 0)
    {
      for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        assert_int_equal (owner_of (box_file (&b, (size_t) v2, files[i])), USER);
      assert_in_range (count_given (&b, (size_t) v2), 3, 64);
      assert_int_equal (owner_of (box_file (&b, (size_t) v2, "..")), 0);
    }
  box_end (&b);
}

/* A user who has it makes cgroups below it, and cannot lift its limits.  */
static void
cgroup_give_to_somebody_who_uses_it (void **state)
{
  struct box b;
  struct err err = { 0 };
  char below[PATH_MAX + 16], limit[PATH_MAX];
  int v2, status;
  pid_t pid;

  (void) state;
  box_plan (&b, "/a");
  box_make (&b);
  v2 = unified (&b);
  if (v2 >= 0)
    {
      good (cgroup_give (b.cg, USER, &err), &err);
      (void) snprintf (below, sizeof below, "%s/below", box_file (&b, (size_t) v2, ""));
      (void) snprintf (limit, sizeof limit, "%s", box_file (&b, (size_t) v2, "cgroup.max.depth"));
      pid = child ();
      if (pid == 0)
        _exit (setresuid (USER, USER, USER) < 0 ? 2 : mkdir (below, 0755) < 0 ? 3 : open (limit, O_WRONLY) >= 0 ? 4 : errno == EACCES ? 0 : 5);
      assert_int_equal (waitpid (pid, &status, 0), pid);
      assert_int_equal (status, 0);
      assert_int_equal (rmdir (below), 0);
    }
  else
    assert_int_equal (cgroup_give (b.cg, USER, &err), 0); /* nothing to give is no error */
  box_end (&b);
}

static void
cgroup_give_what_is_gone (void **state)
{
  struct box b;
  struct err err = { 0 };

  (void) state;
  box_plan (&b, "/never-made");
  if (unified (&b) >= 0)
    {
      assert_int_equal (cgroup_give (b.cg, USER, &err), -ENOENT);
      assert_string_equal (err.call, "open");
      assert_non_null (strstr (err.object, "/never-made"));
    }
  else
    assert_int_equal (cgroup_give (b.cg, USER, &err), 0);
  oci_arena_free (b.arena);
}

/* A hierarchy that a rootless container could not have is not its to give.  */
static void
cgroup_give_what_was_skipped (void **state)
{
  struct box b;
  struct err err = { 0 };
  int v2;

  (void) state;
  box_plan (&b, "/a");
  box_make (&b);
  v2 = unified (&b);
  if (v2 >= 0)
    {
      b.cg->dirs[v2].skipped = true;
      good (cgroup_give (b.cg, USER, &err), &err);
      assert_int_equal (owner_of (box_file (&b, (size_t) v2, "")), 0);
      assert_int_equal (count_given (&b, (size_t) v2), 0);
      b.cg->dirs[v2].skipped = false;
    }
  box_end (&b);
}

static int
run (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (cgroup_give_what_the_kernel_lists),
    cmocka_unit_test (cgroup_give_to_somebody_who_uses_it),
    cmocka_unit_test (cgroup_give_what_is_gone),
    cmocka_unit_test (cgroup_give_what_was_skipped),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}

int
main (int argc, char **argv)
{
  return in_views (argc, argv, run);
}
