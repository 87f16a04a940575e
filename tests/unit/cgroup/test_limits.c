/* SPDX-License-Identifier: Apache-2.0 */
/* The table of limits: what each property becomes in the files of v1 and v2.  */
#include "resources.h"

#include "cgroup/limits.h"

static struct oci_arena *arena;

/* All that would be written for R: "file=text;file=text;".  */
static const char *
written (const struct oci_resources *r, bool v2, bool update)
{
  static char all[8192];

  *all = '\0';
  for (const struct cgroup_limit_row *row = cgroup_limit_rows (); row->where; row++)
    for (size_t i = 0; i < cgroup_limit_count (row, r); i++)
      {
        const struct cgroup_limit_ask ask = { .r = r, .i = i, .v2 = v2, .update = update };
        char text[CGROUP_LIMIT_TEXT_MAX], file[256];
        size_t used = strlen (all);

        if (row->text (&ask, text, sizeof text) > 0)
          snprintf (all + used, sizeof all - used, "%s=%s;",
                    cgroup_limit_file (row, &ask, file, sizeof file) < 0 ? "-" : file, text);
      }
  return all;
}

/* Resources, and what is written for them on v1 and v2; "-" stands for a file that there is not.  */
static const struct
{
  const char *json, *v1, *v2;
} cases[] = {
  { "{}", "", "" },
  { "{'memory':{'limit':1048576}}", "memory.limit_in_bytes=1048576;", "memory.max=1048576;" },
  { "{'memory':{'limit':1000,'swap':3000}}", "memory.limit_in_bytes=1000;memory.memsw.limit_in_bytes=3000;",
    "memory.max=1000;memory.swap.max=2000;" },
  { "{'memory':{'limit':1000,'swap':1000}}", "memory.limit_in_bytes=1000;memory.memsw.limit_in_bytes=1000;",
    "memory.max=1000;memory.swap.max=0;" },
  { "{'memory':{'limit':1000,'swap':-1}}", "memory.limit_in_bytes=1000;memory.memsw.limit_in_bytes=-1;",
    "memory.max=1000;memory.swap.max=max;" },
  { "{'memory':{'limit':-1}}", "memory.limit_in_bytes=-1;memory.memsw.limit_in_bytes=-1;",
    "memory.max=max;memory.swap.max=max;" },
  { "{'memory':{'limit':0,'swap':0,'reservation':0}}", "", "" },
  { "{'memory':{'reservation':7}}", "memory.soft_limit_in_bytes=7;", "memory.low=7;" },
  { "{'memory':{'reservation':-1}}", "memory.soft_limit_in_bytes=-1;", "memory.low=max;" },
  { "{'cpu':{'shares':1024}}", "cpu.shares=1024;", "cpu.weight=100;" },
  { "{'cpu':{'shares':2}}", "cpu.shares=2;", "cpu.weight=1;" },
  { "{'cpu':{'shares':0}}", "", "" },
  { "{'cpu':{'quota':50000,'period':200000}}", "cpu.cfs_period_us=200000;cpu.cfs_quota_us=50000;",
    "cpu.max=50000 200000;" },
  { "{'cpu':{'quota':50000}}", "cpu.cfs_quota_us=50000;", "cpu.max=50000;" },
  { "{'cpu':{'quota':-1}}", "cpu.cfs_quota_us=-1;", "cpu.max=max;" },
  { "{'cpu':{'quota':-5}}", "cpu.cfs_quota_us=-1;", "cpu.max=max;" },
  { "{'cpu':{'period':20000}}", "cpu.cfs_period_us=20000;", "cpu.max=max 20000;" },
  { "{'cpu':{'quota':0,'period':0}}", "", "" },
  { "{'cpu':{'cpus':'0-1,3','mems':'0'}}", "cpuset.cpus=0-1,3;cpuset.mems=0;", "cpuset.cpus=0-1,3;cpuset.mems=0;" },
  { "{'cpu':{'cpus':'','mems':''}}", "", "" },
  { "{'pids':{'limit':0}}", "pids.max=0;", "pids.max=0;" },
  { "{'pids':{'limit':-1}}", "pids.max=max;", "pids.max=max;" },
  { "{'pids':{'limit':2048}}", "pids.max=2048;", "pids.max=2048;" },
  { "{'pids':{}}", "", "" },
  { "{'memory':{'limit':9,'checkBeforeUpdate':true}}", "memory.usage_in_bytes=9;memory.limit_in_bytes=9;",
    "memory.current=9;memory.max=9;" },
  { "{'memory':{'swap':9,'checkBeforeUpdate':true}}", "memory.usage_in_bytes=9;memory.memsw.limit_in_bytes=9;",
    "memory.current=9;memory.swap.max=9;" },
  { "{'memory':{'limit':-1,'swap':-1,'checkBeforeUpdate':true}}",
    "memory.limit_in_bytes=-1;memory.memsw.limit_in_bytes=-1;", "memory.max=max;memory.swap.max=max;" },
  { "{'memory':{'useHierarchy':true}}", "memory.use_hierarchy=1;", "" },
  { "{'memory':{'useHierarchy':false,'disableOOMKiller':false}}", "", "" },
  { "{'memory':{'kernel':5,'kernelTCP':6}}", "memory.kmem.limit_in_bytes=5;memory.kmem.tcp.limit_in_bytes=6;",
    "-=5;-=6;" },
  { "{'memory':{'kernel':-1,'kernelTCP':0}}", "memory.kmem.limit_in_bytes=-1;", "-=max;" },
  { "{'memory':{'swappiness':0,'disableOOMKiller':true}}", "memory.swappiness=0;memory.oom_control=1;", "-=0;-=1;" },
  { "{'memory':{'swappiness':18446744073709551615}}", "", "" },
  { "{'cpu':{'shares':512,'idle':1}}", "cpu.shares=512;cpu.idle=1;", "cpu.idle=1;" },
  { "{'cpu':{'idle':0,'burst':0}}", "", "" },
  { "{'cpu':{'quota':100,'burst':50,'period':200}}",
    "cpu.cfs_period_us=200;cpu.cfs_burst_us=50;cpu.cfs_quota_us=100;", "cpu.max.burst=50;cpu.max=100 200;" },
  { "{'cpu':{'realtimeRuntime':10,'realtimePeriod':20}}", "cpu.rt_period_us=20;cpu.rt_runtime_us=10;", "-=20;-=10;" },
  { "{'blockIO':{'weight':10,'leafWeight':20}}", "blkio.weight=10;blkio.bfq.weight=10;blkio.leaf_weight=20;",
    "io.bfq.weight=10;io.weight=1;-=20;" },
  { "{'blockIO':{'weight':1000}}", "blkio.weight=1000;blkio.bfq.weight=1000;",
    "io.bfq.weight=1000;io.weight=10000;" },
  { "{'blockIO':{'weight':500}}", "blkio.weight=500;blkio.bfq.weight=500;", "io.bfq.weight=500;io.weight=4950;" },
  { "{'blockIO':{'weightDevice':[{'major':8,'minor':0,'weight':10},{'major':8,'minor':16,'leafWeight':30}]}}",
    "blkio.weight_device=8:0 10;blkio.bfq.weight_device=8:0 10;blkio.leaf_weight_device=8:16 30;",
    "io.bfq.weight=8:0 10;io.weight=8:0 1;-=8:16 30;" },
  { "{'blockIO':{'throttleReadBpsDevice':[{'major':8,'minor':0,'rate':5},{'major':8,'minor':16,'rate':0}],"
    "'throttleWriteBpsDevice':[{'major':8,'minor':1,'rate':6}],'throttleReadIOPSDevice':[{'major':8,'minor':2,'rate':7}],"
    "'throttleWriteIOPSDevice':[{'major':8,'minor':3,'rate':18446744073709551615}]}}",
    "blkio.throttle.read_bps_device=8:0 5;blkio.throttle.read_bps_device=8:16 0;blkio.throttle.write_bps_device=8:1 6;"
    "blkio.throttle.read_iops_device=8:2 7;blkio.throttle.write_iops_device=8:3 0;",
    "io.max=8:0 rbps=5;io.max=8:16 rbps=max;io.max=8:1 wbps=6;io.max=8:2 riops=7;io.max=8:3 wiops=max;" },
  { "{'hugepageLimits':[{'pageSize':'2MB','limit':0},{'pageSize':'1GB','limit':9}]}",
    "hugetlb.2MB.limit_in_bytes=0;hugetlb.1GB.limit_in_bytes=9;"
    "hugetlb.2MB.rsvd.limit_in_bytes=0;hugetlb.1GB.rsvd.limit_in_bytes=9;",
    "hugetlb.2MB.max=0;hugetlb.1GB.max=9;hugetlb.2MB.rsvd.max=0;hugetlb.1GB.rsvd.max=9;" },
  { "{'rdma':{'mlx5_1':{'hcaHandles':3},'mlx5_2':{'hcaHandles':0,'hcaObjects':4}}}",
    "rdma.max=mlx5_1 hca_handle=3;rdma.max=mlx5_2 hca_handle=0 hca_object=4;",
    "rdma.max=mlx5_1 hca_handle=3;rdma.max=mlx5_2 hca_handle=0 hca_object=4;" },
  { "{'network':{'classID':1048577,'priorities':[{'name':'eth0','priority':500}]}}",
    "net_cls.classid=1048577;net_prio.ifpriomap=eth0 500;", "-=1048577;-=eth0 500;" },
  { "{'network':{'classID':0}}", "", "" },
};

/* spec: 124, 127, 130, 135 */
static void
cgroup_limit_rows_convert (void **state)
{
  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      const struct oci_resources *r = resources (cases[i].json, &arena);
      assert_string_equal (written (r, false, false), cases[i].v1);
      assert_string_equal (written (r, true, false), cases[i].v2);
    }
}

/* What a new cgroup is anyway is something to say to one that may have been changed.  */
static void
cgroup_limit_rows_update (void **state)
{
  const struct oci_resources *r
      = resources ("{'memory':{'disableOOMKiller':false},'cpu':{'idle':0,'burst':0}}", &arena);

  (void) state;
  assert_string_equal (written (r, false, true), "memory.oom_control=0;cpu.idle=0;cpu.cfs_burst_us=0;");
  assert_string_equal (written (r, true, true), "cpu.idle=0;cpu.max.burst=0;");
  assert_string_equal (written (resources ("{'cpu':{'shares':512,'idle':1}}", &arena), false, true), "cpu.idle=1;");
}

static const struct cgroup_limit_row *
row_of (const char *where)
{
  for (const struct cgroup_limit_row *row = cgroup_limit_rows (); row->where; row++)
    if (strcmp (row->where, where) == 0)
      return row;
  fail_msg ("no row %s", where);
  return NULL;
}

static void
cgroup_limit_where_paths (void **state)
{
  static const char *const cases[][2] = {
    { "memory.limit", "linux.resources.memory.limit" },
    { "blockIO.weightDevice[].leafWeight", "linux.resources.blockIO.weightDevice[0].leafWeight" },
    { "rdma[]", "linux.resources.rdma[\"mlx5_1\"]" },
  };
  const struct oci_resources *r = resources (
      "{'rdma':{'mlx5_1':{'hcaHandles':3}},'blockIO':{'weightDevice':[{'major':8,'minor':0,'leafWeight':10}]}}",
      &arena);

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      char where[160];
      cgroup_limit_where (row_of (cases[i][0]), r, 0, where, sizeof where);
      assert_string_equal (where, cases[i][1]);
    }
}

static void
cgroup_limit_controller_names (void **state)
{
  char name[CGROUP_CONTROLLER_MAX];

  (void) state;
  cgroup_limit_controller (row_of ("cpu.cpus"), true, name);
  assert_string_equal (name, "cpuset");
  cgroup_limit_controller (row_of ("blockIO.weight"), false, name);
  assert_string_equal (name, "blkio");
  cgroup_limit_controller (row_of ("blockIO.weight"), true, name);
  assert_string_equal (name, "io");
  cgroup_limit_controller (row_of ("network.classID"), true, name);
  assert_string_equal (name, "net_cls");
}

static void
cgroup_limits_asked_or_not (void **state)
{
  static const char *const no[] = { "{}", "{'devices':[{'allow':false,'access':'rwm'}]}",
                                    "{'memory':{'disableOOMKiller':false},'cpu':{'shares':0},'blockIO':{'weight':0}}" };
  static const char *const yes[] = { "{'pids':{'limit':0}}", "{'cpu':{'period':1000}}", "{'unified':{'memory.high':'1'}}" };

  (void) state;
  assert_false (cgroup_limits_asked (NULL));
  for (size_t i = 0; i < sizeof no / sizeof *no; i++)
    assert_false (cgroup_limits_asked (resources (no[i], &arena)));
  for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
    assert_true (cgroup_limits_asked (resources (yes[i], &arena)));
}

static void
cgroup_limit_is_none_values (void **state)
{
  (void) state;
  assert_true (cgroup_limit_is_none ("max"));
  assert_true (cgroup_limit_is_none ("max 100000"));
  assert_true (cgroup_limit_is_none ("-1"));
  assert_false (cgroup_limit_is_none ("max0 hca_handle=5"));
  assert_false (cgroup_limit_is_none ("max hca_handle=5"));
  assert_false (cgroup_limit_is_none ("maximal"));
  assert_false (cgroup_limit_is_none ("0"));
  assert_false (cgroup_limit_is_none ("1"));
  assert_false (cgroup_limit_is_none ("-10"));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (cgroup_limit_rows_convert),
    cmocka_unit_test (cgroup_limit_rows_update),
    cmocka_unit_test (cgroup_limit_where_paths),
    cmocka_unit_test (cgroup_limit_controller_names),
    cmocka_unit_test (cgroup_limits_asked_or_not),
    cmocka_unit_test (cgroup_limit_is_none_values),
  };
  int failed = cmocka_run_group_tests (tests, NULL, NULL);
  oci_arena_free (arena);
  return failed;
}
