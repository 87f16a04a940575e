/* SPDX-License-Identifier: Apache-2.0 */
/* The table of limits: what each property becomes in the files of v1 and v2.  */
#include "resources.h"

#include "cgroup/limits.h"

static struct oci_arena *arena;

/* All that would be written for R: "file=text;file=text;".  */
static const char *
written (const struct oci_resources *r, bool v2)
{
  static char all[8192];

  *all = '\0';
  for (const struct cgroup_limit_row *row = cgroup_limit_rows (); row->where; row++)
    {
      const char *file = v2 ? row->v2 : row->v1;
      char text[4096];
      size_t used = strlen (all);
      int n = row->text (r, v2, text, sizeof text);

      if (n > 0 && file)
        snprintf (all + used, sizeof all - used, "%s=%s;", file, text);
    }
  return all;
}

static void
cgroup_limit_rows_convert (void **state)
{
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
    { "{'memory':{'limit':-1,'swap':5000}}", "memory.limit_in_bytes=-1;memory.memsw.limit_in_bytes=5000;",
      "memory.max=max;memory.swap.max=5000;" },
    { "{'memory':{'limit':0,'swap':0,'reservation':0}}", "", "" },
    { "{'memory':{'reservation':7}}", "memory.soft_limit_in_bytes=7;", "memory.low=7;" },
    { "{'memory':{'reservation':-1}}", "memory.soft_limit_in_bytes=-1;", "memory.low=max;" },
    { "{'cpu':{'shares':1024}}", "cpu.shares=1024;", "cpu.weight=100;" },
    { "{'cpu':{'shares':2}}", "cpu.shares=2;", "cpu.weight=1;" },
    { "{'cpu':{'shares':0}}", "", "" },
    { "{'cpu':{'quota':50000,'period':200000}}", "cpu.cfs_period_us=200000;cpu.cfs_quota_us=50000;",
      "cpu.max=50000 200000;" },
    { "{'cpu':{'quota':50000}}", "cpu.cfs_quota_us=50000;", "cpu.max=50000 100000;" },
    { "{'cpu':{'quota':-1}}", "cpu.cfs_quota_us=-1;", "cpu.max=max 100000;" },
    { "{'cpu':{'period':20000}}", "cpu.cfs_period_us=20000;", "cpu.max=max 20000;" },
    { "{'cpu':{'quota':0,'period':0}}", "", "" },
    { "{'cpu':{'cpus':'0-1,3','mems':'0'}}", "cpuset.cpus=0-1,3;cpuset.mems=0;", "cpuset.cpus=0-1,3;cpuset.mems=0;" },
    { "{'cpu':{'cpus':'','mems':''}}", "", "" },
    { "{'pids':{'limit':0}}", "pids.max=0;", "pids.max=0;" },
    { "{'pids':{'limit':-1}}", "pids.max=max;", "pids.max=max;" },
    { "{'pids':{'limit':2048}}", "pids.max=2048;", "pids.max=2048;" },
    { "{'pids':{}}", "", "" },
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      const struct oci_resources *r = resources (cases[i].json, &arena);
      assert_string_equal (written (r, false), cases[i].v1);
      assert_string_equal (written (r, true), cases[i].v2);
    }
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
  assert_false (cgroup_limit_is_none ("0"));
  assert_false (cgroup_limit_is_none ("1"));
  assert_false (cgroup_limit_is_none ("-10"));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (cgroup_limit_rows_convert),
    cmocka_unit_test (cgroup_limits_asked_or_not),
    cmocka_unit_test (cgroup_limit_is_none_values),
  };
  int failed = cmocka_run_group_tests (tests, NULL, NULL);
  oci_arena_free (arena);
  return failed;
}
