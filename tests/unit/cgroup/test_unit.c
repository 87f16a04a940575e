/* SPDX-License-Identifier: Apache-2.0 */
/* Names of units and their cgroups.  */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "cgroup/cgroup.h"
#include "cgroup/unit.h"
#include "ocispec/table.h"

static struct oci_arena *arena;

static void
unit_plan_places (void **state)
{
  static const struct
  {
    const char *path, *id;
    bool rootless;
    const char *slice, *unit, *cgroup;
  } cases[] = {
    { "machine.slice:libpod:x1", "c", false, "machine.slice", "libpod-x1.scope", "/machine.slice/libpod-x1.scope" },
    { "a-b-c.slice:p:n", "c", false, "a-b-c.slice", "p-n.scope", "/a.slice/a-b.slice/a-b-c.slice/p-n.scope" },
    { "-.slice:p:n", "c", false, "-.slice", "p-n.scope", "/p-n.scope" },
    { ":p:n", "c", false, "system.slice", "p-n.scope", "/system.slice/p-n.scope" },
    { ":p:n", "c", true, "user.slice", "p-n.scope", "/user.slice/p-n.scope" },
    { "a.slice::n", "c", false, "a.slice", "-n.scope", "/a.slice/-n.scope" },
    { NULL, "c1", false, "system.slice", "orlop-c1.scope", "/system.slice/orlop-c1.scope" },
    { "", "c1", true, "user.slice", "orlop-c1.scope", "/user.slice/orlop-c1.scope" },
    /* what may not be in the name of a unit */
    { NULL, "a+b", false, "system.slice", "orlop-a\\x2bb.scope", "/system.slice/orlop-a\\x2bb.scope" },
    { "a.slice:p:n m@\xc3\xa9", "c", false, "a.slice", "p-n\\x20m\\x40\\xc3\\xa9.scope", "/a.slice/p-n\\x20m\\x40\\xc3\\xa9.scope" },
    { "a.slice:p:n\\x2d1", "c", false, "a.slice", "p-n\\x2d1.scope", "/a.slice/p-n\\x2d1.scope" },
    /* cgroups that would be taken for files of cgroupfs */
    { "cpu.slice:memory.x:n", "c", false, "cpu.slice", "memory.x-n.scope", "/_cpu.slice/memory.x-n.scope" },
    { "a.slice:cgroup.x:n", "c", false, "a.slice", "cgroup.x-n.scope", "/a.slice/_cgroup.x-n.scope" },
    { "a.slice:_p:n", "c", false, "a.slice", "_p-n.scope", "/a.slice/__p-n.scope" },
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      const struct cgroup_args args = { .path = cases[i].path, .id = cases[i].id, .rootless = cases[i].rootless };
      struct unit_place place;
      struct err err = { 0 };

      if (unit_plan (&args, &arena, &place, &err) < 0)
        fail_msg ("%s: %s", cases[i].path, err.what);
      assert_string_equal (place.slice, cases[i].slice);
      assert_string_equal (place.unit, cases[i].unit);
      assert_string_equal (unit_cgroup (&arena, &place), cases[i].cgroup);
      assert_true (unit_has_cgroup (place.unit, cases[i].cgroup));
    }
}

static void
unit_plan_refused (void **state)
{
  static char longest[300];
  static const char *const cases[] = { "/a/b", "a", "a.slice:p", "a.slice:p:n:m", "a:p:n", ".slice:p:n", "-a.slice:p:n", "a-.slice:p:n", "a--b.slice:p:n",
                                       "--.slice:p:n", "a b.slice:p:n", "a@b.slice:p:n", "a/b.slice:p:n", "a.slice:p:n/m", "a.slice:p:", "a.slice:p:n.slice",
                                       longest };
  struct unit_place place;

  (void) state;
  memset (longest, 'x', sizeof longest - 1);
  memcpy (longest, "a.slice:p:", 10);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      const struct cgroup_args args = { .path = cases[i], .id = "c" };
      struct err err = { 0 };

      if (unit_plan (&args, &arena, &place, &err) != -EINVAL)
        fail_msg ("taken: %s", cases[i]);
      assert_int_equal (err.kind, ERR_SPEC);
      assert_string_equal (err.where, "linux.cgroupsPath");
    }
}

static void
unit_plan_longest (void **state)
{
  char path[300] = "a.slice:p:";
  struct cgroup_args args = { .path = path, .id = "c" };
  struct unit_place place;

  (void) state;
  memset (path + 10, 'x', UNIT_NAME_MAX - 8); /* with "p-" and ".scope" */
  assert_int_equal (unit_plan (&args, &arena, &place, NULL), 0);
  assert_int_equal (strlen (place.unit), UNIT_NAME_MAX);
  path[10 + UNIT_NAME_MAX - 8] = 'x';
  assert_int_equal (unit_plan (&args, &arena, &place, NULL), -EINVAL);
}

static void
unit_has_cgroup_others (void **state)
{
  (void) state;
  assert_false (unit_has_cgroup ("p-n.scope", "/a.slice/p-n.scope/below"));
  assert_false (unit_has_cgroup ("p-n.scope", "/a.slice/xp-n.scope"));
  assert_false (unit_has_cgroup ("p-n.scope", "/a.slice"));
  assert_false (unit_has_cgroup ("p-n.scope", ""));
}

static int
teardown (void **state)
{
  (void) state;
  oci_arena_free (arena);
  arena = NULL;
  return 0;
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_teardown (unit_plan_places, teardown),
    cmocka_unit_test_teardown (unit_plan_refused, teardown),
    cmocka_unit_test_teardown (unit_plan_longest, teardown),
    cmocka_unit_test (unit_has_cgroup_others),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
