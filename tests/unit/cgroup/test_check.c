/* SPDX-License-Identifier: Apache-2.0 */
/* What is refused before anything is made, and by what name.  */
#include "resources.h"

#include <errno.h>

#include "base/err.h"
#include "cgroup/cgroup.h"
#include "cgroup/layout.h"
#include "cgroup/limits.h"

static const char v1[] = "mode v1\nmount cpu\nmount memory\nmount cpuset\nmount devices\nmount pids\n"
                         "self 1:cpu:/\nself 2:memory:/\nself 3:cpuset:/\nself 4:devices:/\nself 5:pids:/\n";
static const char bare_v1[] = "mode v1\nmount cpu\nself 1:cpu:/\n";
static const char hybrid[] = "mode hybrid\nmount devices\nmount pids\nmount unified\n"
                             "self 4:devices:/\nself 5:pids:/\nself 0::/\ncontrollers hugetlb\n";
static const char v2[] = "mode v2\nself 0::/\ncontrollers cpuset cpu io memory pids\n";
static const char bare_v2[] = "mode v2\nself 0::/\ncontrollers \n";

static struct oci_arena *arena;

static int
check (const char *layout, const char *json, const struct cgroup_args *args, struct err *err)
{
  static struct cgroup_layout l;
  assert_int_equal (cgroup_layout_parse (layout, &l, NULL), 0);
  return cgroup_limits_check (json ? resources (json, &arena) : NULL, &l, args, err);
}

static const struct cgroup_args root = { .id = "x" }, rootless = { .id = "x", .rootless = true },
                                disabled = { .id = "x", .driver = "disabled" };

static void
expect_refused (const char *layout, const char *json, int num, const char *where)
{
  struct err err = { 0 };
  int r = check (layout, json, &root, &err);

  if (r != -num || strcmp (err.where, where) != 0)
    fail_msg ("%s: %d, \"%s\": %s", json, r, err.where, err.what);
}

/* What v1 has and v2 has not is refused, not passed over (config-linux.md, "Unified").  */
/* spec: 135 */
static void
cgroup_limits_check_v1_only (void **state)
{
  static const char *const cases[][2] = {
    { "{'memory':{'kernel':1000}}", "memory.kernel" },
    { "{'memory':{'kernelTCP':1000}}", "memory.kernelTCP" },
    { "{'memory':{'swappiness':0}}", "memory.swappiness" },
    { "{'memory':{'disableOOMKiller':true}}", "memory.disableOOMKiller" },
    { "{'cpu':{'realtimeRuntime':1}}", "cpu.realtimeRuntime" },
    { "{'cpu':{'realtimePeriod':1}}", "cpu.realtimePeriod" },
    { "{'blockIO':{'leafWeight':10}}", "blockIO.leafWeight" },
    { "{'blockIO':{'weightDevice':[{'major':8,'minor':0,'leafWeight':10}]}}", "blockIO.weightDevice[0].leafWeight" },
    { "{'network':{'classID':1}}", "network.classID" },
    { "{'network':{'priorities':[{'name':'eth0','priority':1}]}}", "network.priorities[0]" },
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      struct err err = { 0 };
      assert_int_equal (check (v2, cases[i][0], &root, &err), -ENOTSUP);
      assert_int_equal (err.kind, ERR_HOST);
      assert_string_equal (err.where + strlen ("linux.resources."), cases[i][1]);
      assert_non_null (strstr (err.what, "cgroup v2"));
    }
  assert_int_equal (check (v1, "{'memory':{'swappiness':0,'kernelTCP':5},'cpu':{'realtimePeriod':1}}", &root, NULL), 0);
}

static void
cgroup_limits_check_meaningless (void **state)
{
  static const char *const cases[] = {
    "{}",
    "{'memory':{'disableOOMKiller':false,'kernel':-1,'kernelTCP':0,'useHierarchy':false},'cpu':{'shares':0},'blockIO':{'weight':0}}",
    "{'memory':{},'cpu':{},'pids':{},'blockIO':{},'network':{},'hugepageLimits':[],'rdma':{},'unified':{},'devices':[]}",
    "{'cpu':{'burst':0,'idle':0,'realtimeRuntime':0,'realtimePeriod':0},'network':{'classID':0,'priorities':[]}}",
    "{'memory':{'limit':0,'swap':0},'cpu':{'quota':0,'period':0,'cpus':'','mems':''}}",
    "{'memory':{'limit':1000,'checkBeforeUpdate':true}}",
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_int_equal (check (v2, cases[i], &root, NULL), 0);
  assert_int_equal (check (v2, NULL, &root, NULL), 0);
}

static void
cgroup_limits_check_controllers (void **state)
{
  struct err err = { 0 };

  (void) state;
  assert_int_equal (check (v1, "{'memory':{'limit':1},'cpu':{'shares':2,'cpus':'0'},'pids':{'limit':1}}", &root, NULL),
                    0);
  assert_int_equal (check (v2, "{'memory':{'limit':1},'cpu':{'shares':2,'cpus':'0'},'pids':{'limit':1}}", &root, NULL),
                    0);
  assert_int_equal (check (hybrid, "{'pids':{'limit':1}}", &root, NULL), 0);
  expect_refused (hybrid, "{'memory':{'limit':1}}", ENOTSUP, "linux.resources.memory.limit");
  expect_refused (bare_v2, "{'pids':{'limit':1}}", ENOTSUP, "linux.resources.pids.limit");
  expect_refused (v1, "{'rdma':{'mlx5_1':{'hcaHandles':1}}}", ENOTSUP, "linux.resources.rdma[\"mlx5_1\"]");
  expect_refused (v1, "{'network':{'classID':1}}", ENOTSUP, "linux.resources.network.classID");
  expect_refused (hybrid, "{'network':{'classID':1}}", ENOTSUP, "linux.resources.network.classID");
  expect_refused (v2, "{'hugepageLimits':[{'pageSize':'2MB','limit':1}]}", ENOTSUP,
                  "linux.resources.hugepageLimits[0]");
  assert_int_equal (check (hybrid, "{'hugepageLimits':[{'pageSize':'2MB','limit':1}]}", &root, NULL), 0);
  assert_int_equal (
      check (v2, "{'blockIO':{'weight':10,'throttleReadBpsDevice':[{'major':8,'minor':0,'rate':1}]}}", &root, NULL), 0);
  expect_refused (bare_v2, "{'cpu':{'mems':'0'}}", ENOTSUP, "linux.resources.cpu.mems");
  assert_int_equal (check (bare_v2, "{'cpu':{'quota':1000}}", &root, &err), -ENOTSUP);
  assert_int_equal (err.kind, ERR_HOST);
  assert_non_null (strstr (err.what, "\"cpu\""));
  /* no limit needs no controller */
  assert_int_equal (check (bare_v2, "{'pids':{'limit':-1},'memory':{'limit':-1},'cpu':{'quota':-1}}", &root, NULL), 0);
}

/* spec: 133, 134 */
static void
cgroup_limits_check_unified (void **state)
{
  (void) state;
  assert_int_equal (
      check (v2, "{'unified':{'memory.high':'max','cgroup.max.depth':'3','cpu.pressure':'','nodot':'1'}}", &root, NULL),
      0);
  assert_int_equal (check (v2, "{'unified':{'io.max':'8:0 rbps=1\\n8:16 rbps=1'}}", &root, NULL), 0);
  assert_int_equal (check (hybrid, "{'unified':{'hugetlb.2MB.max':'0'}}", &root, NULL), 0);
  expect_refused (v2, "{'unified':{'hugetlb.2MB.max':'1'}}", ENOTSUP, "linux.resources.unified[\"hugetlb.2MB.max\"]");
  expect_refused (v2, "{'unified':{'unknown.file':'1'}}", ENOTSUP, "linux.resources.unified[\"unknown.file\"]");
  /* on a hybrid machine pids is a controller of v1, where `unified` does not reach */
  expect_refused (hybrid, "{'unified':{'pids.max':'1'}}", ENOTSUP, "linux.resources.unified[\"pids.max\"]");
  expect_refused (v1, "{'unified':{'pids.max':'1'}}", ENOTSUP, "linux.resources.unified[\"pids.max\"]");
}

static void
cgroup_limits_check_devices (void **state)
{
  static const char hole[]
      = "{'devices':[{'allow':false,'access':'rwm'},{'allow':true,'type':'c','major':10,'access':'rw'},"
        "{'allow':false,'type':'c','major':10,'minor':229,'access':'rw'}]}";

  (void) state;
  expect_refused (v1, hole, EINVAL, "linux.resources.devices"); /* v1 would leave 10:229 allowed */
  assert_int_equal (check (v2, hole, &root, NULL), 0);
  assert_int_equal (check (v1, hole, &rootless, NULL), 0); /* no rules there anyway */
  expect_refused (bare_v1, NULL, ENOTSUP, "linux.resources.devices");
  assert_int_equal (check (bare_v1, NULL, &rootless, NULL), 0);
}

/* With systemd on v1 a rule must have words for systemd, too.  */
static void
cgroup_limits_check_devices_systemd (void **state)
{
  static const struct cgroup_args systemd = { .driver = "systemd", .id = "a" };
  static const char denied[] = "{'devices':[{'allow':true,'access':'rwm'},{'allow':false,'type':'c','major':4,'access':'rw'}]}";

  (void) state;
  assert_int_equal (check (v1, denied, &systemd, NULL), -ENOTSUP);
  assert_int_equal (check (v1, denied, &root, NULL), 0);
  assert_int_equal (check (v2, denied, &systemd, NULL), 0);
  assert_int_equal (check (v1, NULL, &systemd, NULL), 0);
}

static void
cgroup_limits_check_disabled (void **state)
{
  (void) state;
  assert_int_equal (check (v2, "{'devices':[{'allow':false,'access':'rwm'}],'cpu':{'shares':0}}", &disabled, NULL), 0);
  assert_int_equal (check (v2, "{'pids':{'limit':1}}", &disabled, NULL), -EINVAL);
}

/* A property over which systemd on v1 forgets the one that we give it.  */
static void
cgroup_limits_check_annotations_of_limits (void **state)
{
  static const struct oci_pair memory = { "org.systemd.property.MemoryMax", "uint64 5" }, tasks = { "org.systemd.property.TasksMax", "uint64 5" };
  static const char limits[] = "{'memory':{'limit':1000000},'pids':{'limit':5}}";
  struct cgroup_args args = { .driver = "systemd", .id = "a", .annotations = &memory, .n_annotations = 1 };
  struct err err = { 0 };

  (void) state;
  assert_int_equal (check (v1, limits, &args, &err), -EINVAL);
  assert_string_equal (err.where, "annotations[\"org.systemd.property.MemoryMax\"]");
  assert_non_null (strstr (err.what, "would forget linux.resources.memory.limit"));
  assert_int_equal (check (v2, limits, &args, NULL), 0);
  assert_int_equal (check (v1, "{'memory':{'limit':0},'pids':{'limit':5}}", &args, NULL), 0);
  assert_int_equal (check (v1, "{'memory':{'limit':-1}}", &args, NULL), 0);
  args.driver = "cgroupfs";
  assert_int_equal (check (v1, limits, &args, NULL), 0);
  args.driver = "systemd";
  args.annotations = &tasks;
  assert_int_equal (check (v1, limits, &args, NULL), 0);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (cgroup_limits_check_v1_only),     cmocka_unit_test (cgroup_limits_check_meaningless),
    cmocka_unit_test (cgroup_limits_check_controllers),
    cmocka_unit_test (cgroup_limits_check_unified),     cmocka_unit_test (cgroup_limits_check_devices), cmocka_unit_test (cgroup_limits_check_devices_systemd),
    cmocka_unit_test (cgroup_limits_check_annotations_of_limits),
    cmocka_unit_test (cgroup_limits_check_disabled),
  };
  int failed = cmocka_run_group_tests (tests, NULL, NULL);
  oci_arena_free (arena);
  return failed;
}
