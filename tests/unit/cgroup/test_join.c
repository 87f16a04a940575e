/* SPDX-License-Identifier: Apache-2.0 */
/* Putting real processes into cgroups, in every view.  */
#include "view.h"

#include <sched.h>

#include <linux/sched.h>

#include "kernel/sys.h"

static bool
ends_with (const char *text, const char *end)
{
  return strlen (text) >= strlen (end) && strcmp (text + strlen (text) - strlen (end), end) == 0;
}

/* How many of B's cgroups PID is in, by its /proc file, which may begin with "/.." if our cgroup namespace is not rooted at the top.  */
static size_t
count_joined (const struct box *b, pid_t pid)
{
  char path[64], line[4096];
  size_t n = 0;
  FILE *f;

  snprintf (path, sizeof path, "/proc/%d/cgroup", (int) pid);
  f = fopen (path, "re");
  assert_non_null (f);
  while (fgets (line, sizeof line, f))
    {
      const char *controllers = strchr (line, ':') + 1, *place = strchr (controllers, ':') + 1;

      line[strcspn (line, "\n")] = '\0';
      for (size_t i = 0; i < b->cg->n_dirs; i++)
        if (strlen (b->cg->dirs[i].controllers) == (size_t) (place - controllers - 1)
            && strncmp (b->cg->dirs[i].controllers, controllers, place - controllers - 1) == 0)
          n += ends_with (place, b->cg->dirs[i].path);
    }
  fclose (f);
  return n;
}

static void
cgroup_join_every_hierarchy (void **state)
{
  struct box b;
  int fds[CGROUP_HIERARCHIES_MAX], n, gate[2];
  struct err err = { 0 };
  pid_t pid;
  char c;

  (void) state;
  box_plan (&b, "/a");
  box_make (&b);
  n = good (cgroup_join_fds (b.cg, fds, CGROUP_HIERARCHIES_MAX, &err), &err);
  assert_int_equal (n, b.cg->n_dirs);
  for (int i = 0; i < n; i++)
    assert_int_equal (fcntl (fds[i], F_GETFD), FD_CLOEXEC);
  assert_int_equal (pipe (gate), 0);
  pid = child ();
  if (pid == 0)
    {
      int r = cgroup_join (fds, n, NULL);
      (void) ! write (gate[1], r == 0 ? "y" : "n", 1);
      pause ();
    }
  assert_int_equal (read (gate[0], &c, 1), 1);
  assert_int_equal (c, 'y');
  assert_int_equal (count_joined (&b, pid), b.cg->n_dirs);
  end_process (pid);
  cgroup_close_fds (fds, n);
  for (int i = 0; i < n; i++)
    assert_int_equal (fcntl (fds[i], F_GETFD), -1);
  close (gate[0]);
  close (gate[1]);
  box_end (&b);
}

/* One who joins a paused container stops at its freezer, and is in all the others by then.  */
static void
cgroup_join_fds_freezer_last (void **state)
{
  struct box b;
  struct cgroup_dir *freezer, first;
  struct err err = { 0 };
  int fds[CGROUP_HIERARCHIES_MAX], n;
  char path[64], to[4096] = "";

  (void) state;
  box_plan (&b, "/f");
  box_make (&b);
  for (freezer = b.cg->dirs; freezer < b.cg->dirs + b.cg->n_dirs && strcmp (freezer->controllers, "freezer") != 0; freezer++)
    ;
  if (freezer == b.cg->dirs + b.cg->n_dirs)
    {
      box_end (&b);
      print_message ("no freezer hierarchy of v1\n");
      skip ();
    }
  first = b.cg->dirs[0]; /* wherever the machine lists it */
  b.cg->dirs[0] = *freezer;
  *freezer = first;
  n = good (cgroup_join_fds (b.cg, fds, CGROUP_HIERARCHIES_MAX, &err), &err);
  assert_int_equal (n, b.cg->n_dirs);
  snprintf (path, sizeof path, "/proc/self/fd/%d", fds[n - 1]);
  assert_true (readlink (path, to, sizeof to - 1) > 0);
  assert_non_null (strstr (to, "freezer"));
  cgroup_close_fds (fds, n);
  box_end (&b);
}

static void
cgroup_join_fds_too_many (void **state)
{
  struct box b;
  int fds[CGROUP_HIERARCHIES_MAX], next;
  struct err err = { 0 };

  (void) state;
  box_plan (&b, "");
  box_make (&b);
  next = dup (0);
  close (next);
  assert_int_equal (cgroup_join_fds (b.cg, fds, b.cg->n_dirs - 1, &err), -E2BIG);
  assert_int_equal (dup (0), next); /* none is left open */
  close (next);
  box_end (&b);
}

static void
cgroup_join_fds_gone (void **state)
{
  struct box b;
  int fds[CGROUP_HIERARCHIES_MAX];
  struct err err = { 0 };

  (void) state;
  box_plan (&b, "");
  assert_int_equal (cgroup_join_fds (b.cg, fds, CGROUP_HIERARCHIES_MAX, &err), -ENOENT);
  assert_string_equal (err.call, "open");
  box_end (&b);
}

static void
cgroup_close_fds_apart (void **state)
{
  int fds[5], between;

  (void) state;
  fds[0] = dup (0);
  fds[1] = dup (0);
  between = dup (0);
  fds[2] = dup (0);
  fds[3] = fcntl (0, F_DUPFD, 100);
  fds[4] = fcntl (0, F_DUPFD, 100);
  cgroup_close_fds (fds, 5);
  for (int i = 0; i < 5; i++)
    assert_int_equal (fcntl (fds[i], F_GETFD), -1);
  assert_true (fcntl (between, F_GETFD) >= 0);
  close (between);
  cgroup_close_fds (fds, 0);
}

static void
cgroup_add_pid_everywhere (void **state)
{
  struct box b;
  struct err err = { 0 };
  pid_t pid = sleeper ();

  (void) state;
  box_plan (&b, "");
  box_make (&b);
  good (cgroup_add_pid (b.cg, pid, &err), &err);
  assert_int_equal (count_joined (&b, pid), b.cg->n_dirs);
  end_process (pid);
  assert_int_equal (cgroup_add_pid (b.cg, pid, &err), -ESRCH);
  box_end (&b);
}

static void
cgroup_make_fd_for_clone3 (void **state)
{
  struct box b;
  struct clone_args args = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD };
  int pid;

  (void) state;
  box_plan (&b, "/a");
  box_make (&b);
  if (b.fd < 0)
    {
      print_message ("clone3 enters cgroups of v2 only\n");
      box_end (&b);
      skip ();
    }
  args.cgroup = (uint64_t) b.fd;
  pid = sys_clone3 (&args);
  if (pid == 0)
    {
      prctl (PR_SET_PDEATHSIG, SIGKILL);
      pause ();
      _exit (0);
    }
  assert_true (pid > 0);
  assert_int_equal (count_joined (&b, pid), 1);
  end_process (pid);
  box_end (&b);
}

static int
run (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (cgroup_join_every_hierarchy), cmocka_unit_test (cgroup_join_fds_too_many),
    cmocka_unit_test (cgroup_join_fds_freezer_last),
    cmocka_unit_test (cgroup_join_fds_gone),        cmocka_unit_test (cgroup_close_fds_apart),
    cmocka_unit_test (cgroup_add_pid_everywhere),   cmocka_unit_test (cgroup_make_fd_for_clone3),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}

int
main (int argc, char **argv)
{
  return in_views (argc, argv, run);
}
