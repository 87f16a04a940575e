/* SPDX-License-Identifier: Apache-2.0 */
/* Where cgroups are: the path rules as tables.  */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "cgroup/cgroup.h"
#include "cgroup/layout.h"
#include "ocispec/linux.h"
#include "ocispec/table.h"

static const char v1[] = "mode v1\nmount cpu,cpuacct\nmount memory\n"
                         "self 9:cpu,cpuacct:/\nself 4:memory:/process_api/x\nself 0::/\n";
static const char hybrid[] = "mode hybrid\nmount memory\nmount unified\nself 4:memory:/own\nself 0::/uni\n";
static const char v2[] = "mode v2\nself 0::/user.slice/session-1.scope\n";
static const char v2_root[] = "mode v2\nself 0::/\n";
static const char outside[] = "mode v1\nmount memory\nself 4:memory:/../other\n";
static const char none[] = "mode none\n";

static struct cgroup_layout l;
static struct oci_arena *arena;

/* Plans PATH for a container called "id1".  */
static int
plan (const char *layout, const char *path, struct cgroup **ret_cgroup, struct err *err)
{
  const struct cgroup_args args = { .path = path, .id = "id1" };
  assert_int_equal (cgroup_layout_parse (layout, &l, NULL), 0);
  return cgroup_plan (&l, &args, &arena, ret_cgroup, err);
}

static void
cgroup_plan_places (void **state)
{
  static const struct
  {
    const char *layout, *path;
    const char *places[3];
  } cases[] = {
    /* absolute: below the mount point of every hierarchy, wherever we are ourselves */
    { v1, "/libpod_parent/x", { "/libpod_parent/x", "/libpod_parent/x" } },
    { hybrid, "/a", { "/a", "/a" } },
    { v2, "/a/b", { "/a/b" } },
    /* the same place by other spellings */
    { v1, "//libpod_parent///x//", { "/libpod_parent/x", "/libpod_parent/x" } },
    { v2, "/./a/./b/.", { "/a/b" } },
    /* relative: below our own cgroup on v1, beside it on v2 */
    { v1, "a/b", { "/a/b", "/process_api/x/a/b" } },
    { hybrid, "./a", { "/own/a", "/uni/a" } },
    { v2, "a", { "/user.slice/a" } },
    { v2_root, "a", { "/a" } },
    { outside, "a", { "/a" } },
    /* without a path: the id, relative */
    { v1, NULL, { "/id1", "/process_api/x/id1" } },
    { v1, "", { "/id1", "/process_api/x/id1" } },
    { v2, NULL, { "/user.slice/id1" } },
    /* what systemd's driver would take apart is a name like any other */
    { v2, "/system.slice:docker:x", { "/system.slice:docker:x" } },
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      struct cgroup *cg = NULL;
      assert_int_equal (plan (cases[i].layout, cases[i].path, &cg, NULL), 0);
      assert_string_equal (cg->driver, "cgroupfs");
      assert_int_equal (cg->explicit_path, cases[i].path && *cases[i].path);
      assert_int_equal (cg->n_dirs, l.n_hierarchies);
      for (size_t j = 0; j < cg->n_dirs; j++)
        {
          assert_string_equal (cg->dirs[j].path, cases[i].places[j]);
          assert_string_equal (cg->dirs[j].mount, l.hierarchies[j].dir);
          assert_string_equal (cg->dirs[j].controllers, l.hierarchies[j].controllers);
        }
    }
}

static void
cgroup_plan_refused (void **state)
{
  static char long_component[400], long_path[PATH_MAX + 10];
  const char *const cases[]
      = { "/..", "..", "/a/../b", "/a/..", "../a", "/", ".", "//", "/a\nb", "/a\x7f", "/a\x1b[31m", long_component, long_path };
  struct err err = { 0 };

  (void) state;
  memset (long_component, 'x', sizeof long_component - 1);
  for (size_t i = 0; i < sizeof long_path - 1; i++)
    long_path[i] = i % 10 ? 'x' : '/';
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      struct cgroup *cg = NULL;
      err_clear (&err);
      if (plan (v1, cases[i], &cg, &err) != -EINVAL)
        fail_msg ("taken: \"%s\"", cases[i]);
      assert_int_equal (err.kind, ERR_SPEC);
      assert_string_equal (err.where, "linux.cgroupsPath");
      assert_null (cg);
    }
}

static void
cgroup_plan_dots_in_names (void **state)
{
  struct cgroup *cg;
  (void) state;
  assert_int_equal (plan (v2, "/..a/b../...", &cg, NULL), 0);
  assert_string_equal (cg->dirs[0].path, "/..a/b../...");
}

static void
cgroup_plan_no_cgroups (void **state)
{
  struct cgroup_args args = { .id = "id1" };
  struct cgroup *cg;
  struct err err = { 0 };

  (void) state;
  cgroup_layout_parse (none, &l, NULL);
  assert_int_equal (cgroup_plan (&l, &args, &arena, &cg, &err), -ENOENT);
  assert_int_equal (err.kind, ERR_HOST);
  args.rootless = true; /* then it can do without, unless told where */
  assert_int_equal (cgroup_plan (&l, &args, &arena, &cg, NULL), 0);
  assert_int_equal (cg->n_dirs, 0);
  args.path = "/a";
  assert_int_equal (cgroup_plan (&l, &args, &arena, &cg, NULL), -ENOENT);
}

static void
cgroup_plan_drivers (void **state)
{
  struct cgroup_args args = { .path = "/a", .id = "id1", .driver = "disabled" };
  struct cgroup *cg;
  struct err err = { 0 };

  (void) state;
  cgroup_layout_parse (v2, &l, NULL);
  assert_int_equal (cgroup_plan (&l, &args, &arena, &cg, NULL), 0);
  assert_string_equal (cg->driver, "disabled");
  assert_int_equal (cg->n_dirs, 0);
  args.driver = "upstart";
  err_clear (&err);
  assert_int_equal (cgroup_plan (&l, &args, &arena, &cg, &err), -EINVAL);
  assert_int_equal (err.kind, ERR_USAGE);
}

static void
cgroup_plan_systemd (void **state)
{
  const struct oci_pair annotations[] = { { "run.oci.systemd.subgroup", "in" }, { "org.systemd.property.TimeoutStopSec", "1" } };
  struct cgroup_args args = { .path = "a-b.slice:p:n", .id = "id1", .driver = "systemd", .root = "/run/x", .annotations = annotations,
                              .n_annotations = 2 };
  struct cgroup *cg;

  (void) state;
  cgroup_layout_parse (v2, &l, NULL);
  assert_int_equal (cgroup_plan (&l, &args, &arena, &cg, NULL), 0);
  assert_int_equal (cg->n_dirs, 1);
  assert_string_equal (cg->dirs[0].path, "/a.slice/a-b.slice/p-n.scope");
  assert_int_equal (cg->dirs[0].made, 1);
  assert_string_equal (cg->unit, "p-n.scope");
  assert_string_equal (cg->slice, "a-b.slice");
  assert_string_equal (cg->subgroup, "in");
  assert_string_equal (cg->description, "orlop container id1 of /run/x");
  assert_true (cgroup_needs_process (cg));
}

/* What tells the unit from another's is what systemd will show.  */
static void
cgroup_plan_systemd_description (void **state)
{
  const struct oci_pair annotation = { "org.systemd.property.Description", "'mine'" };
  const struct cgroup_args args = { .id = "id1", .driver = "systemd", .annotations = &annotation, .n_annotations = 1 };
  struct cgroup *cg;

  (void) state;
  cgroup_layout_parse (v2, &l, NULL);
  assert_int_equal (cgroup_plan (&l, &args, &arena, &cg, NULL), 0);
  assert_string_equal (cg->description, "mine");
}

static const char units_v1[] = "mode v1\nmount cpu\nmount systemd\nself 2:cpu:/x\nself 1:name=systemd:/y\n";

/* Beside v1 the unit's cgroup is in all hierarchies, wherever we are in them.  */
static void
cgroup_plan_systemd_v1 (void **state)
{
  const struct cgroup_args args = { .path = "a.slice:p:n", .id = "id1", .driver = "systemd" };
  struct cgroup *cg;

  (void) state;
  cgroup_layout_parse (units_v1, &l, NULL);
  assert_int_equal (cgroup_plan (&l, &args, &arena, &cg, NULL), 0);
  assert_int_equal (cg->n_dirs, 2);
  for (size_t i = 0; i < cg->n_dirs; i++)
    assert_string_equal (cg->dirs[i].path, "/a.slice/p-n.scope");
  cgroup_layout_parse (hybrid, &l, NULL);
  assert_int_equal (cgroup_plan (&l, &args, &arena, &cg, NULL), 0);
  assert_int_equal (cg->n_dirs, l.n_hierarchies);
}

/* Of v1 systemd gives users nothing.  */
static void
cgroup_plan_systemd_v1_rootless (void **state)
{
  const struct cgroup_args args = { .path = "a.slice:p:n", .id = "id1", .driver = "systemd", .rootless = true };
  struct err err = { 0 };
  struct cgroup *cg;

  (void) state;
  cgroup_layout_parse (units_v1, &l, NULL);
  assert_int_equal (cgroup_plan (&l, &args, &arena, &cg, &err), -ENOTSUP);
  assert_non_null (strstr (err.what, "ordinary user"));
}

static void
cgroup_plan_systemd_refused (void **state)
{
  static const struct
  {
    const char *layout, *path;
    struct oci_pair annotation;
    int ret;
    const char *where;
  } cases[] = {
    { "mode none\n", "a.slice:p:n", { "a", "b" }, -ENOTSUP, "" },
    { "mode v1\nmount cpu\nself 1:cpu:/\n", "a.slice:p:n", { "a", "b" }, -ENOTSUP, "" },
    { units_v1, "", { "org.systemd.property.DevicePolicy", "'auto'" }, -EINVAL, "annotations[\"org.systemd.property.DevicePolicy\"]" },
    { units_v1, "", { "org.systemd.property.DeviceAllow", "[('a', 'r')]" }, -EINVAL, "annotations[\"org.systemd.property.DeviceAllow\"]" },
    { v2, "/a", { "a", "b" }, -EINVAL, "linux.cgroupsPath" },
    { v2, "", { "org.systemd.property.A", "1" }, -EINVAL, "annotations[\"org.systemd.property.A\"]" },
    { v2, "", { "run.oci.systemd.subgroup", "a/b" }, -EINVAL, "annotations[\"run.oci.systemd.subgroup\"]" },
    { v2, "", { "run.oci.systemd.subgroup", ".." }, -EINVAL, "annotations[\"run.oci.systemd.subgroup\"]" },
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      const struct cgroup_args args = { .path = cases[i].path, .id = "id1", .driver = "systemd", .annotations = &cases[i].annotation, .n_annotations = 1 };
      struct err err = { 0 };
      struct cgroup *cg;

      cgroup_layout_parse (cases[i].layout, &l, NULL);
      assert_int_equal (cgroup_plan (&l, &args, &arena, &cg, &err), cases[i].ret);
      assert_string_equal (err.where, cases[i].where);
    }
}

static void
cgroup_want_facts (void **state)
{
  int64_t limit = 5;
  struct oci_pids pids = { .limit = &limit };
  struct oci_device_rule rule = { .access = "rwm" };
  struct oci_pair pair = { "pids.max", "1" };
  const struct oci_resources with_pids = { .pids = &pids }, with_devices = { .devices = &rule, .n_devices = 1 },
                             with_unified = { .unified = &pair, .n_unified = 1 };
  struct cgroup_args args = { .path = "/a", .id = "id1" };

  (void) state;
  assert_int_equal (cgroup_want (&args, NULL), 0);
  assert_int_equal (cgroup_want (&args, &with_devices), 0);
  assert_int_equal (cgroup_want (&args, &with_pids), CGROUP_WANT_CONTROLLERS);
  assert_int_equal (cgroup_want (&args, &with_unified), CGROUP_WANT_CONTROLLERS | CGROUP_WANT_UNIFIED);
  args.path = NULL;
  assert_int_equal (cgroup_want (&args, NULL), CGROUP_WANT_OWN);
  args.driver = "disabled";
  assert_int_equal (cgroup_want (&args, &with_pids), 0);
}

/* What goes into the record comes out of it.  */
static void
cgroup_type_round_trip (void **state)
{
  struct oci_arena *other = NULL;
  struct cgroup *cg;
  void *back = NULL;
  char *text = NULL;
  size_t len;

  (void) state;
  assert_int_equal (plan (v1, "a", &cg, NULL), 0);
  cg->rootless = true;
  cg->dirs[0].skipped = true;
  cg->dirs[1].made = 3;
  assert_int_equal (oci_encode (&cgroup_type, cg, false, &text, &len), 0);
  assert_int_equal (oci_decode (&cgroup_type, text, len, &back, &other, NULL), 0);
  free (text);
  const struct cgroup *b = back;
  assert_string_equal (b->driver, "cgroupfs");
  assert_true (b->rootless && b->explicit_path);
  assert_int_equal (b->n_dirs, 2);
  assert_true (b->dirs[0].skipped && ! b->dirs[1].skipped);
  assert_string_equal (b->dirs[0].mount, "cpu,cpuacct");
  assert_string_equal (b->dirs[1].path, "/process_api/x/a");
  assert_string_equal (b->dirs[1].controllers, "memory");
  assert_int_equal (b->dirs[1].made, 3);
  oci_arena_free (other);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (cgroup_plan_places),     cmocka_unit_test (cgroup_plan_refused),
    cmocka_unit_test (cgroup_plan_dots_in_names), cmocka_unit_test (cgroup_plan_no_cgroups),
    cmocka_unit_test (cgroup_plan_drivers),    cmocka_unit_test (cgroup_want_facts),
    cmocka_unit_test (cgroup_plan_systemd),    cmocka_unit_test (cgroup_plan_systemd_description),
    cmocka_unit_test (cgroup_plan_systemd_refused), cmocka_unit_test (cgroup_plan_systemd_v1),
    cmocka_unit_test (cgroup_plan_systemd_v1_rootless),
    cmocka_unit_test (cgroup_type_round_trip),
  };
  int failed = cmocka_run_group_tests (tests, NULL, NULL);
  oci_arena_free (arena);
  return failed;
}
