/* SPDX-License-Identifier: Apache-2.0 */
/* Freezing and thawing real cgroups, in every view.  */
#include "view.h"

#include <sys/mman.h>

/* True if whoever counts in COUNTER does not.  */
static bool
stands_still (const char *counter)
{
  volatile const uint32_t *c = (const void *) counter;
  uint32_t before = *c;
  usleep (20000);
  return *c == before;
}

static char *
shared_page (void)
{
  char name[] = "/tmp/orlop-unit-XXXXXX", *page;
  int fd = mkstemp (name);

  assert_true (fd >= 0);
  unlink (name);
  assert_int_equal (ftruncate (fd, 4096), 0);
  page = mmap (NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  assert_true (page != MAP_FAILED);
  close (fd);
  return page;
}

/* A process that counts in PAGE, a thousand times a second.  */
static pid_t
counter (char *page)
{
  pid_t pid = child ();

  while (pid == 0)
    {
      ++*(volatile uint32_t *) page;
      usleep (1000);
    }
  return pid;
}

static void
cgroup_freeze_and_thaw (void **state)
{
  struct box b;
  struct err err = { 0 };
  char *page = shared_page ();
  pid_t pid = counter (page);

  (void) state;
  box_plan (&b, "");
  box_make (&b);
  assert_int_equal (cgroup_add_pid (b.cg, pid, NULL), 0);
  assert_int_equal (cgroup_frozen (b.cg), 0);
  good (cgroup_freeze (b.cg, true, &err), &err);
  assert_true (stands_still (page));
  assert_int_equal (cgroup_frozen (b.cg), 1);
  good (cgroup_freeze (b.cg, true, &err), &err); /* twice is once */
  assert_true (stands_still (page));
  good (cgroup_freeze (b.cg, false, &err), &err);
  while (stands_still (page))
    continue;
  good (cgroup_freeze (b.cg, false, &err), &err);
  assert_int_equal (cgroup_frozen (b.cg), 0);
  end_process (pid);
  munmap (page, 4096);
  box_end (&b);
  box_plan (&b, "");
  assert_int_equal (cgroup_frozen (b.cg), 0); /* it is gone */
  box_end (&b);
}

static void
cgroup_freeze_without_cgroup (void **state)
{
  const struct cgroup none = { .driver = "disabled" };
  struct err err = { 0 };

  (void) state;
  assert_int_equal (cgroup_freeze (&none, true, &err), -ENOTSUP);
  assert_int_equal (err.kind, ERR_HOST);
  assert_int_equal (cgroup_frozen (&none), 0);
  assert_int_equal (cgroup_thaw (&none, NULL), 0);
}

/* On v1 what is frozen anywhere below goes on; on v2, where it could die as it is, nothing is touched.  */
static void
cgroup_thaw_below (void **state)
{
  struct box b, inner;
  struct err err = { 0 };
  char *page = shared_page ();
  pid_t pid = counter (page);

  (void) state;
  box_plan (&b, "");
  box_make (&b);
  box_plan (&inner, "/a");
  box_make (&inner);
  assert_int_equal (cgroup_add_pid (inner.cg, pid, NULL), 0);
  good (cgroup_freeze (inner.cg, true, &err), &err);
  good (cgroup_thaw (b.cg, &err), &err);
  assert_int_equal (cgroup_frozen (inner.cg), view_layout.mode == CGROUP_V2);
  end_process (pid);
  munmap (page, 4096);
  box_end (&inner);
  box_end (&b);
}

static int
run (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (cgroup_freeze_and_thaw),
    cmocka_unit_test (cgroup_freeze_without_cgroup),
    cmocka_unit_test (cgroup_thaw_below),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}

int
main (int argc, char **argv)
{
  return in_views (argc, argv, run);
}
