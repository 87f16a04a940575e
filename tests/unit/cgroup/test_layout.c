/* SPDX-License-Identifier: Apache-2.0 */
/* Layouts from text, and the one of this machine.  */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "cgroup/layout.h"

static struct cgroup_layout l;

static void
expect (size_t i, const char *dir, const char *controllers, const char *own)
{
  assert_true (i < l.n_hierarchies);
  assert_string_equal (l.hierarchies[i].dir, dir);
  assert_string_equal (l.hierarchies[i].controllers, controllers);
  assert_string_equal (l.hierarchies[i].own, own);
}

static void
cgroup_layout_parse_hybrid (void **state)
{
  (void) state;
  assert_int_equal (cgroup_layout_parse ("# a Debian with both\n"
                                         "mode hybrid\n"
                                         "mount cpu,cpuacct\n"
                                         "mount cpu\n"
                                         "mount memory\n"
                                         "mount systemd\n"
                                         "mount unified\n"
                                         "\n"
                                         "self 12:memory:/user.slice\n"
                                         "self 4:cpu,cpuacct:/\n"
                                         "self 3:rdma:/\n"
                                         "self 1:name=systemd:/user.slice/a:b.scope\n"
                                         "self 0::/user.slice/a.scope\n"
                                         "controllers hugetlb misc\n",
                                         &l, NULL),
                    0);
  assert_int_equal (l.mode, CGROUP_HYBRID);
  assert_int_equal (l.n_hierarchies, 4); /* rdma is not mounted */
  expect (0, "memory", "memory", "/user.slice");
  expect (1, "cpu,cpuacct", "cpu,cpuacct", "/");
  expect (2, "systemd", "name=systemd", "/user.slice/a:b.scope");
  expect (3, "unified", "", "/user.slice/a.scope");
  assert_string_equal (l.controllers, "hugetlb misc");
}

static void
cgroup_layout_parse_other_order (void **state)
{
  (void) state;
  /* the kernel names them by its own order, the directory by that of whoever mounted it: the link of one leads there */
  assert_int_equal (
      cgroup_layout_parse ("mode v1\nmount cpu,cpuacct\nmount cpu\nmount cpuacct\nself 4:cpuacct,cpu:/\n", &l, NULL),
      0);
  expect (0, "cpuacct", "cpuacct,cpu", "/");
}

static void
cgroup_layout_parse_v1_without_unified (void **state)
{
  (void) state;
  assert_int_equal (cgroup_layout_parse ("mode v1\nmount pids\nself 8:pids:/\nself 0::/\n", &l, NULL), 0);
  assert_int_equal (l.n_hierarchies, 1);
  assert_null (cgroup_layout_find (&l, ""));
  assert_null (l.controllers);
}

static void
cgroup_layout_parse_v2 (void **state)
{
  (void) state;
  assert_int_equal (cgroup_layout_parse ("mode v2\nself 4:memory:/x\nself 0::/a/b\ncontrollers cpu\n", &l, NULL), 0);
  assert_int_equal (l.n_hierarchies, 1); /* v1 hierarchies that the kernel has and nobody mounted do not count */
  expect (0, "", "", "/a/b");
}

static void
cgroup_layout_parse_v2_without_own (void **state)
{
  (void) state;
  assert_int_equal (cgroup_layout_parse ("mode v2\n", &l, NULL), 0);
  expect (0, "", "", "/");
}

static void
cgroup_layout_parse_bad (void **state)
{
  static const char *const cases[] = { "mode v3\n", "self nonsense\n", "self 1:cpu\n", "self 1:cpu:\n", "self 1:cpu:relative\n", "colour red\n" };
  struct err err = { 0 };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      if (cgroup_layout_parse (cases[i], &l, &err) >= 0)
        fail_msg ("taken: %s", cases[i]);
      assert_int_equal (err.kind, ERR_HOST);
    }
}

static void
cgroup_layout_parse_too_much (void **state)
{
  static char text[40000];
  (void) state;
  strcpy (text, "mode v1\nmount pids\n");
  for (size_t n = strlen (text); n < 30000; n += strlen (text + n))
    strcpy (text + n, "self 8:pids:/a-long-name/a-long-name/a-long-name/a-long-name/a-long-name\n");
  assert_int_equal (cgroup_layout_parse (text, &l, NULL), -E2BIG);
}

static void
cgroup_layout_find_controller (void **state)
{
  (void) state;
  cgroup_layout_parse ("mode v1\nmount cpu,cpuacct\nmount cpuset\nself 4:cpu,cpuacct:/\nself 5:cpuset:/\n", &l, NULL);
  assert_ptr_equal (cgroup_layout_find (&l, "cpuacct"), &l.hierarchies[0]);
  assert_ptr_equal (cgroup_layout_find (&l, "cpuset"), &l.hierarchies[1]);
  assert_null (cgroup_layout_find (&l, "cp"));
  assert_null (cgroup_layout_find (&l, ""));
}

static void
cgroup_list_has_words (void **state)
{
  (void) state;
  assert_true (cgroup_list_has ("cpu memory pids", "memory"));
  assert_true (cgroup_list_has ("cpu,cpuacct", "cpuacct"));
  assert_true (cgroup_list_has ("pids", "pids"));
  assert_false (cgroup_list_has ("cpuacct", "cpu"));
  assert_false (cgroup_list_has ("cpu", "cpuacct"));
  assert_false (cgroup_list_has ("", "cpu"));
}

/* Whatever this machine has, what is read of it hangs together.  */
static void
cgroup_layout_read_this_machine (void **state)
{
  struct err err = { 0 };

  (void) state;
  assert_int_equal (cgroup_layout_read (&l, CGROUP_WANT_OWN | CGROUP_WANT_CONTROLLERS | CGROUP_WANT_UNIFIED, &err), 0);
  if (l.mode == CGROUP_NONE)
    {
      print_message ("no cgroups at " CGROUP_ROOT "\n");
      skip ();
    }
  assert_true (l.n_hierarchies > 0);
  for (size_t i = 0; i < l.n_hierarchies; i++)
    assert_int_equal (*l.hierarchies[i].own, '/');
  assert_true ((cgroup_layout_find (&l, "") != NULL) == (l.mode != CGROUP_V1));
  assert_true ((l.controllers != NULL) == (l.mode != CGROUP_V1));
}

/* Shows at CGROUP_ROOT, in a mount namespace of our own, a tmpfs with a plain directory "unified" and many others.  */
static bool
show_plain (void)
{
  char path[64];

  if (unshare (CLONE_NEWNS) < 0 || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0
      || mount ("tmpfs", CGROUP_ROOT, "tmpfs", 0, NULL) < 0)
    return false;
  for (int i = 0; i < 40; i++)
    {
      snprintf (path, sizeof path, CGROUP_ROOT "/other-%d", i);
      if (mkdir (path, 0755) < 0)
        return false;
    }
  return mkdir (CGROUP_ROOT "/unified", 0755) == 0;
}

/* What the child below ends with, each value a finding of its own.  */
enum
{
  AS_EXPECTED,
  CANNOT_SHOW,
  PLAIN_IS_TAKEN,
  CANNOT_MOUNT,
  MOUNT_IS_NOT_TAKEN
};

static int
read_unified (void)
{
  const unsigned want = CGROUP_WANT_OWN | CGROUP_WANT_UNIFIED;

  if (! show_plain ())
    return CANNOT_SHOW;
  if (cgroup_layout_read (&l, want, NULL) < 0 || l.mode != CGROUP_NONE || l.n_hierarchies || l.controllers)
    return PLAIN_IS_TAKEN;
  if (mount ("cgroup2", CGROUP_ROOT "/unified", "cgroup2", 0, NULL) < 0)
    return CANNOT_MOUNT;
  if (cgroup_layout_read (&l, want, NULL) < 0 || l.mode != CGROUP_HYBRID || l.n_hierarchies != 1 || ! l.controllers)
    return MOUNT_IS_NOT_TAKEN;
  return AS_EXPECTED;
}

/* A directory "unified" is a hierarchy when cgroup v2 is mounted there, and not before.  */
static void
cgroup_layout_read_unified (void **state)
{
  int status = 0;
  pid_t child;

  (void) state;
  child = fork ();
  if (child == 0)
    _exit (read_unified ());
  assert_int_equal (waitpid (child, &status, 0), child);
  assert_true (WIFEXITED (status));
  if (WEXITSTATUS (status) == CANNOT_SHOW || WEXITSTATUS (status) == CANNOT_MOUNT)
    {
      print_message ("needs root, and mounts of tmpfs and cgroup2\n");
      skip ();
    }
  assert_int_equal (WEXITSTATUS (status), AS_EXPECTED);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (cgroup_layout_parse_hybrid),
    cmocka_unit_test (cgroup_layout_parse_other_order),
    cmocka_unit_test (cgroup_layout_parse_v1_without_unified),
    cmocka_unit_test (cgroup_layout_parse_v2),
    cmocka_unit_test (cgroup_layout_parse_v2_without_own),
    cmocka_unit_test (cgroup_layout_parse_bad),
    cmocka_unit_test (cgroup_layout_parse_too_much),
    cmocka_unit_test (cgroup_layout_find_controller),
    cmocka_unit_test (cgroup_list_has_words),
    cmocka_unit_test (cgroup_layout_read_this_machine),
    cmocka_unit_test (cgroup_layout_read_unified),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
