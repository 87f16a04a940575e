/* SPDX-License-Identifier: Apache-2.0 */
/* Values that cannot be on any machine, and the names by which they are refused.  */
#include "resources.h"

#include <errno.h>

#include "base/err.h"
#include "cgroup/limits.h"

static struct oci_arena *arena;

/* Expects that JSON is refused at WHERE, below linux.resources.  */
static void
refused (const char *json, const char *where)
{
  struct err err = { 0 };
  int r = cgroup_limits_check_values (resources (json, &arena), &err);

  if (r != -EINVAL || err.kind != ERR_SPEC || strncmp (err.where, "linux.resources.", 16) != 0
      || strcmp (err.where + 16, where) != 0)
    fail_msg ("%s: %d, \"%s\": %s", json, r, err.where, err.what);
}

static void
allowed (const char *json)
{
  struct err err = { 0 };

  if (cgroup_limits_check_values (json ? resources (json, &arena) : NULL, &err) < 0)
    fail_msg ("%s: \"%s\": %s", json, err.where, err.what);
}

/* spec: 124 */
static void
cgroup_limits_check_values_memory (void **state)
{
  (void) state;
  refused ("{'memory':{'limit':-2}}", "memory.limit");
  refused ("{'memory':{'reservation':-7}}", "memory.reservation");
  refused ("{'memory':{'kernel':-2}}", "memory.kernel");
  refused ("{'memory':{'kernelTCP':-2}}", "memory.kernelTCP");
  refused ("{'memory':{'swap':1000}}", "memory.swap");
  refused ("{'memory':{'swap':1000,'limit':2000}}", "memory.swap");
  refused ("{'memory':{'swap':2000,'limit':-1}}", "memory.swap");
  refused ("{'memory':{'swappiness':101}}", "memory.swappiness");
  allowed ("{'memory':{'swap':2000,'limit':2000,'swappiness':100,'kernel':-1}}");
  allowed ("{'memory':{'swap':-1,'limit':-1,'swappiness':18446744073709551615}}");
  allowed (NULL);
}

/* spec: 126, 127, 130 */
static void
cgroup_limits_check_values_cpu_pids (void **state)
{
  (void) state;
  refused ("{'cpu':{'quota':1000,'burst':1001}}", "cpu.burst");
  refused ("{'cpu':{'idle':2}}", "cpu.idle");
  refused ("{'cpu':{'idle':-1}}", "cpu.idle");
  refused ("{'cpu':{'cpus':'0\\n1'}}", "cpu.cpus");
  refused ("{'cpu':{'mems':'\\u0007'}}", "cpu.mems");
  refused ("{'cpu':{'cpus':'-1'}}", "cpu.cpus");
  refused ("{'cpu':{'mems':'0-'}}", "cpu.mems");
  refused ("{'pids':{'limit':-2}}", "pids.limit");
  allowed ("{'cpu':{'quota':1000,'burst':1000,'idle':1},'pids':{'limit':0}}");
  allowed ("{'cpu':{'quota':-1,'burst':1000}}");
  allowed ("{'cpu':{'quota':0,'burst':1000}}");
}

/* spec: 128 */
static void
cgroup_limits_check_values_block_io (void **state)
{
  (void) state;
  refused ("{'blockIO':{'weight':9}}", "blockIO.weight");
  refused ("{'blockIO':{'weight':1001}}", "blockIO.weight");
  refused ("{'blockIO':{'leafWeight':5}}", "blockIO.leafWeight");
  refused ("{'blockIO':{'weightDevice':[{'major':8,'minor':0,'weight':10},{'major':8,'minor':0}]}}",
           "blockIO.weightDevice[1]");
  refused ("{'blockIO':{'weightDevice':[{'major':8,'minor':0,'weight':1}]}}", "blockIO.weightDevice[0]");
  refused ("{'blockIO':{'weightDevice':[{'major':-8,'minor':0,'weight':10}]}}", "blockIO.weightDevice[0]");
  refused ("{'blockIO':{'throttleWriteIOPSDevice':[{'major':8,'minor':-1,'rate':1}]}}",
           "blockIO.throttleWriteIOPSDevice[0]");
  allowed ("{'blockIO':{'weight':0,'leafWeight':1000,'weightDevice':[{'major':8,'minor':0,'leafWeight':10}]}}");
}

/* spec: 129, 131 */
static void
cgroup_limits_check_values_lists (void **state)
{
  static const char *const sizes[] = { "", "2", "MB", "2M", "2mb", "0MB", "2MBB", "2TB", "../2MB", "2 MB", "12345678MB" };

  (void) state;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    {
      char json[100];
      snprintf (json, sizeof json, "{'hugepageLimits':[{'pageSize':'%s','limit':1}]}", sizes[i]);
      refused (json, "hugepageLimits[0].pageSize");
    }
  refused ("{'rdma':{'mlx5_1':{}}}", "rdma[\"mlx5_1\"]");
  refused ("{'rdma':{'a b':{'hcaHandles':1}}}", "rdma[\"a b\"]");
  refused ("{'network':{'priorities':[{'name':'eth0','priority':1},{'name':'a b','priority':1}]}}",
           "network.priorities[1].name");
  refused ("{'network':{'priorities':[{'name':'sixteen-letters-','priority':1}]}}", "network.priorities[0].name");
  allowed (
      "{'hugepageLimits':[{'pageSize':'64KB','limit':0},{'pageSize':'1GB','limit':1}],'rdma':{'mlx5_1':{'hcaObjects':0}}}");
}

static void
cgroup_limits_check_values_unified (void **state)
{
  static const char *const names[] = { ".", "..", "a/b", "../x", "/etc/passwd", "cgroup.procs/", "memory.\\n", "cgroup.procs", "cgroup.threads", "cgroup.freeze", "cgroup.kill" };

  (void) state;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    {
      char json[100];
      snprintf (json, sizeof json, "{'unified':{'%s':'1'}}", names[i]);
      assert_int_equal (cgroup_limits_check_values (resources (json, &arena), NULL), -EINVAL);
    }
  refused ("{'unified':{'memory.high':'1\\u0001'}}", "unified[\"memory.high\"]");
  allowed ("{'unified':{'io.max':'8:0 rbps=1\\n8:16 rbps=1','nodot':'1','cgroup.max.depth':'3','cgroup.pressure':'0'}}");
}

/* spec: 123 */
static void
cgroup_limits_check_values_devices (void **state)
{
  (void) state;
  refused ("{'devices':[{'allow':true,'type':'c','major':1,'minor':3}]}", "devices[0]");
  refused ("{'devices':[{'allow':true,'access':'rwm'},{'allow':true,'access':'rx'}]}", "devices[1]");
  refused ("{'devices':[{'allow':true,'access':'r','major':-2}]}", "devices[0]");
  refused ("{'devices':[{'allow':true,'access':'r','minor':4294967296}]}", "devices[0]");
  allowed ("{'devices':[{'allow':true,'access':'mrw','major':-1}]}");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (cgroup_limits_check_values_memory),   cmocka_unit_test (cgroup_limits_check_values_cpu_pids),
    cmocka_unit_test (cgroup_limits_check_values_block_io), cmocka_unit_test (cgroup_limits_check_values_lists),
    cmocka_unit_test (cgroup_limits_check_values_unified),  cmocka_unit_test (cgroup_limits_check_values_devices),
  };
  int failed = cmocka_run_group_tests (tests, NULL, NULL);
  oci_arena_free (arena);
  return failed;
}
