/* SPDX-License-Identifier: Apache-2.0 */
/* What limits and annotations become in systemd's words.  */
#include "resources.h"

#include <errno.h>
#include <inttypes.h>

#include "base/err.h"
#include "cgroup/cgroup.h"
#include "cgroup/devices.h"
#include "cgroup/unit_props.h"
#include "cgroup/variant.h"

static struct oci_arena *arena;

static void
show_value (const struct variant *v, char *buf, size_t size)
{
  size_t n = strlen (buf);

  if (*v->signature == 'a' || *v->signature == '(')
    for (size_t i = 0; i < v->n; i++)
      {
        n = strlen (buf);
        (void) snprintf (buf + n, size - n, "%s", i ? "," : "");
        show_value (&v->items[i], buf, size);
      }
  else if (v->text)
    (void) snprintf (buf + n, size - n, "%s", v->text);
  else if (*v->signature == 't' && v->number == UINT64_MAX)
    (void) snprintf (buf + n, size - n, "infinity");
  else
    (void) snprintf (buf + n, size - n, "%" PRIu64, v->number);
}

/* The list as "Name:type=value", one a line.  */
static const char *
show (const struct unit_properties *props)
{
  static char buf[4096];

  buf[0] = '\0';
  for (size_t i = 0; i < props->n; i++)
    {
      size_t n = strlen (buf);

      (void) snprintf (buf + n, sizeof buf - n, "%s:%s=", props->list[i].name, props->list[i].value->signature);
      show_value (props->list[i].value, buf, sizeof buf);
      (void) strncat (buf, "\n", sizeof buf - strlen (buf) - 1);
    }
  return buf;
}

static unsigned
last (const char *what)
{
  return strcmp (what, "cpu") == 0 ? 3 : 1;
}

static const char *
limits (const char *json, enum cgroup_limit_phase phase, bool update, uint64_t period)
{
  const struct unit_ask ask = { .phase = phase, .update = update, .period = period, .last = last };
  struct unit_properties props = { .arena = &arena };

  assert_int_equal (unit_props_limits (&props, resources (json, &arena), &ask, NULL), 0);
  return show (&props);
}

static void
unit_props_limits_rows (void **state)
{
  static const struct
  {
    const char *json, *shown;
  } cases[] = {
    { "{}", "" },
    { "{'memory':{'limit':1048576,'swap':3145728,'reservation':524288}}",
      "MemoryMax:t=1048576\nMemorySwapMax:t=2097152\nMemoryLow:t=524288\n" },
    { "{'memory':{'limit':-1}}", "MemoryMax:t=infinity\nMemorySwapMax:t=infinity\n" },
    { "{'cpu':{'shares':1024}}", "CPUWeight:t=100\n" },
    { "{'cpu':{'shares':1024,'idle':1}}", "CPUWeight:t=0\n" },
    { "{'cpu':{'quota':50000,'period':100000}}", "CPUQuotaPerSecUSec:t=500000\nCPUQuotaPeriodUSec:t=100000\n" },
    { "{'cpu':{'quota':12345,'period':100000}}", "CPUQuotaPerSecUSec:t=130000\nCPUQuotaPeriodUSec:t=100000\n" },
    { "{'cpu':{'quota':-1,'period':20000}}", "CPUQuotaPerSecUSec:t=infinity\nCPUQuotaPeriodUSec:t=20000\n" },
    { "{'cpu':{'cpus':'0-2,9','mems':'0'}}", "AllowedCPUs:ay=7,2,0,0,0,0,0,0\nAllowedMemoryNodes:ay=1,0,0,0,0,0,0,0\n" },
    { "{'cpu':{'cpus':'all','mems':'0,,N,'}}", "AllowedCPUs:ay=15,0,0,0,0,0,0,0\nAllowedMemoryNodes:ay=3,0,0,0,0,0,0,0\n" },
    { "{'cpu':{'cpus':'0-7:1/2 9'}}", "AllowedCPUs:ay=85,2,0,0,0,0,0,0\n" },
    { "{'blockIO':{'weight':1000}}", "IOWeight:t=10000\n" },
    { "{'blockIO':{'weightDevice':[{'major':8,'minor':0,'weight':10}]}}", "IODeviceWeight:a(st)=/dev/block/8:0,1\n" },
    { "{'blockIO':{'throttleReadBpsDevice':[{'major':8,'minor':0,'rate':7}],'throttleWriteBpsDevice':[{'major':8,'minor':16,'rate':0}],"
      "'throttleReadIOPSDevice':[{'major':8,'minor':0,'rate':9}],'throttleWriteIOPSDevice':[{'major':8,'minor':0,'rate':5}]}}",
      "IOReadBandwidthMax:a(st)=/dev/block/8:0,7\nIOWriteBandwidthMax:a(st)=/dev/block/8:16,infinity\nIOReadIOPSMax:a(st)=/dev/block/8:0,9\n"
      "IOWriteIOPSMax:a(st)=/dev/block/8:0,5\n" },
    { "{'pids':{'limit':7}}", "TasksMax:t=7\n" },
    { "{'pids':{'limit':0}}", "TasksMax:t=1\n" },
    { "{'pids':{'limit':-1}}", "TasksMax:t=infinity\n" },
    { "{'hugepageLimits':[{'pageSize':'2MB','limit':5}],'rdma':{'x':{'hcaHandles':3}}}", "" },
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_string_equal (limits (cases[i].json, CGROUP_LIMIT_ALL, false, 0), cases[i].shown);
}

static void
unit_props_limits_unified (void **state)
{
  static const struct
  {
    const char *json, *shown;
  } cases[] = {
    { "{'unified':{'memory.high':'1000','memory.min':'max','memory.oom.group':'1'}}", "MemoryHigh:t=1000\nMemoryMin:t=infinity\n" },
    { "{'unified':{'memory.high':'64M','memory.max':'1g','memory.low':'3k'}}", "MemoryHigh:t=67108864\nMemoryMax:t=1073741824\nMemoryLow:t=3072\n" },
    { "{'unified':{'cpu.max':'max'}}", "CPUQuotaPerSecUSec:t=infinity\nCPUQuotaPeriodUSec:t=100000\n" },
    { "{'unified':{'cpu.weight':'77'},'cpu':{'shares':2}}", "CPUWeight:t=77\n" },
    { "{'unified':{'io.weight':'default 30\\n8:0 40'}}", "IOWeight:t=30\nIODeviceWeight:a(st)=/dev/block/8:0,40\n" },
    { "{'unified':{'io.max':'8:0 rbps=1 wiops=max\\n8:16 wbps=2'}}",
      "IOReadBandwidthMax:a(st)=/dev/block/8:0,1\nIOWriteIOPSMax:a(st)=/dev/block/8:0,infinity\nIOWriteBandwidthMax:a(st)=/dev/block/8:16,2\n" },
    { "{'unified':{'cpuset.cpus':'1','pids.max':'3'}}", "AllowedCPUs:ay=2,0,0,0,0,0,0,0\nTasksMax:t=3\n" },
    /* what systemd could not say: the kernel is asked alone */
    { "{'unified':{'memory.max':'1X','memory.high':'G','memory.min':'18446744073709551615k','cpu.max':'a b','cpuset.cpus':'x','io.max':'8:0','io.weight':'8:0 x','cgroup.freeze':'0'}}", "" },
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_string_equal (limits (cases[i].json, CGROUP_LIMIT_ALL, false, 0), cases[i].shown);
}

/* Only where systemd takes it.  */
static void
unit_props_limits_oom (void **state)
{
  static const char *const cases[][2] = { { "1", "OOMPolicy:s=kill\n" }, { "0", "OOMPolicy:s=continue\n" }, { "2", "" }, { "max", "" }, { "1 1", "" } };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int can = 0; can < 2; can++)
      {
        const struct unit_ask ask = { .phase = CGROUP_LIMIT_EARLY, .oom_policy = can };
        struct unit_properties props = { .arena = &arena };
        char json[80];

        (void) snprintf (json, sizeof json, "{'unified':{'memory.oom.group':'%s'}}", cases[i][0]);
        assert_int_equal (unit_props_limits (&props, resources (json, &arena), &ask, NULL), 0);
        assert_string_equal (show (&props), can ? cases[i][1] : "");
      }
}

/* Few tasks would hold up what sets the container up.  */
static void
unit_props_limits_phases (void **state)
{
  (void) state;
  assert_string_equal (limits ("{'pids':{'limit':7},'memory':{'limit':9}}", CGROUP_LIMIT_EARLY, false, 0), "MemoryMax:t=9\n");
  assert_string_equal (limits ("{'pids':{'limit':7},'memory':{'limit':9}}", CGROUP_LIMIT_LATE, false, 0), "TasksMax:t=7\n");
  assert_string_equal (limits ("{'pids':{'limit':2048}}", CGROUP_LIMIT_EARLY, false, 0), "TasksMax:t=2048\n");
  assert_string_equal (limits ("{'pids':{'limit':2048}}", CGROUP_LIMIT_LATE, false, 0), "");
  assert_string_equal (limits ("{'unified':{'pids.max':'5'}}", CGROUP_LIMIT_EARLY, false, 0), "");
}

static void
unit_props_limits_update (void **state)
{
  (void) state;
  assert_string_equal (limits ("{'cpu':{'quota':1000}}", CGROUP_LIMIT_ALL, true, 10000),
                       "CPUQuotaPerSecUSec:t=100000\nCPUQuotaPeriodUSec:t=10000\n");
  /* not idle any more: the weight beside it, or the kernel's */
  assert_string_equal (limits ("{'cpu':{'idle':0}}", CGROUP_LIMIT_ALL, true, 0), "CPUWeight:t=100\n");
  assert_string_equal (limits ("{'cpu':{'idle':0,'shares':2}}", CGROUP_LIMIT_ALL, true, 0), "CPUWeight:t=1\n");
}

/* On v1 systemd has other words, and fewer.  */
static void
unit_props_limits_v1 (void **state)
{
  struct cgroup_dir dirs[] = { { .mount = "", .controllers = "cpu,cpuacct", .path = "/" }, { .controllers = "memory" }, { .controllers = "blkio" },
                               { .controllers = "pids" },                                    { .controllers = "" } };
  const struct cgroup cg = { .dirs = dirs, .n_dirs = sizeof dirs / sizeof *dirs };
  static const struct
  {
    const char *json, *shown;
  } cases[] = {
    { "{'memory':{'limit':1048576,'swap':3145728,'reservation':524288}}", "MemoryLimit:t=1048576\n" },
    { "{'memory':{'limit':-1}}", "MemoryLimit:t=infinity\n" },
    { "{'cpu':{'shares':1000,'idle':0}}", "CPUShares:t=1000\n" },
    { "{'cpu':{'shares':1}}", "CPUShares:t=2\n" },
    { "{'cpu':{'shares':18446744073709551615}}", "CPUShares:t=262144\n" },
    { "{'cpu':{'quota':-5}}", "CPUQuotaPerSecUSec:t=infinity\nCPUQuotaPeriodUSec:t=50000\n" },
    { "{'cpu':{'quota':20000,'period':40000}}", "CPUQuotaPerSecUSec:t=500000\nCPUQuotaPeriodUSec:t=40000\n" },
    { "{'cpu':{'quota':20000}}", "CPUQuotaPerSecUSec:t=400000\nCPUQuotaPeriodUSec:t=50000\n" },
    { "{'cpu':{'quota':-1}}", "CPUQuotaPerSecUSec:t=infinity\nCPUQuotaPeriodUSec:t=50000\n" },
    { "{'pids':{'limit':-1}}", "TasksMax:t=infinity\n" },
    { "{'blockIO':{'weight':1000,'weightDevice':[{'major':8,'minor':0,'weight':10}]}}",
      "BlockIOWeight:t=1000\nBlockIODeviceWeight:a(st)=/dev/block/8:0,10\n" },
    { "{'blockIO':{'weight':10}}", "BlockIOWeight:t=10\n" },
    { "{'blockIO':{'weight':100}}", "BlockIOWeight:t=100\n" },
    { "{'blockIO':{'weight':101}}", "BlockIOWeight:t=111\n" },
    { "{'blockIO':{'weight':181}}", "BlockIOWeight:t=991\n" },
    { "{'blockIO':{'weight':182}}", "BlockIOWeight:t=1000\n" },
    { "{'blockIO':{'throttleReadBpsDevice':[{'major':8,'minor':0,'rate':7}],'throttleWriteBpsDevice':[{'major':8,'minor':16,'rate':0}],"
      "'throttleReadIOPSDevice':[{'major':8,'minor':0,'rate':9}]}}",
      "BlockIOReadBandwidth:a(st)=/dev/block/8:0,7\nBlockIOWriteBandwidth:a(st)=/dev/block/8:16,infinity\n" },
    { "{'unified':{'memory.high':'1000'}}", "" }, /* no controllers are systemd's in the v2 hierarchy beside v1 */
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      struct unit_properties props = { .arena = &arena };
      const struct unit_ask ask = { .cg = &cg, .phase = CGROUP_LIMIT_ALL, .period = 50000 };

      assert_int_equal (unit_props_limits (&props, resources (cases[i].json, &arena), &ask, NULL), 0);
      assert_string_equal (show (&props), cases[i].shown);
    }
}

/* What a file said, for the unit to say it again.  */
static void
unit_props_devices_of_v1 (void **state)
{
  struct devbpf_rule list[] = { { true, 'c', DEVBPF_MKNOD, -1, -1 }, { true, 'b', DEVBPF_READ | DEVBPF_WRITE, 8, -1 }, { true, 'c', DEVBPF_ALL, 1, 3 } };
  const struct devbpf_rule any_major = { true, 'c', DEVBPF_ALL, -1, 5 };
  struct device_rules rules = { .rules = list, .n = 3 };
  struct unit_properties props = { .arena = &arena };
  struct err err = { 0 };

  (void) state;
  assert_int_equal (unit_props_devices_check (&rules, NULL), 0);
  assert_int_equal (unit_props_devices (&props, &rules, NULL), 0);
  assert_string_equal (show (&props), "DevicePolicy:s=strict\nDeviceAllow:a(ss)=\nDeviceAllow:a(ss)=char-*,m,block-8,rw,/dev/char/1:3,rwm\n");
  rules.allow = true;
  assert_int_equal (unit_props_devices_check (&rules, &err), -ENOTSUP);
  rules.n = 0;
  props.n = 0;
  assert_int_equal (unit_props_devices (&props, &rules, NULL), 0);
  assert_string_equal (show (&props), "DevicePolicy:s=auto\nDeviceAllow:a(ss)=\n");
  list[0] = any_major;
  rules = (struct device_rules){ .rules = list, .n = 1 };
  assert_int_equal (unit_props_devices (&props, &rules, &err), -ENOTSUP);
}

static void
unit_props_annotations_good (void **state)
{
  const struct oci_pair annotations[] = {
    { "org.systemd.property.TimeoutStopUSec", "uint64 123000000" }, { "org.systemd.property.TimeoutStopSec", "5" },
    { "org.systemd.property.RuntimeMaxSec", "1.5" },                { "org.systemd.property.CollectMode", "'inactive'" },
    { "org.systemd.property.After", "['a.service', 'b.service']" }, { "org.systemd.propertyx", "?" },
    { "other", "?" },                                               { "org.systemd.property.USec", "7" },
  };
  struct unit_properties props = { .arena = &arena };

  (void) state;
  assert_int_equal (unit_props_annotations (&props, annotations, sizeof annotations / sizeof *annotations, NULL), 0);
  assert_string_equal (show (&props), "TimeoutStopUSec:t=5000000\nRuntimeMaxUSec:t=1500000\nCollectMode:s=inactive\nAfter:as=a.service,b.service\nUSec:i=7\n");
  assert_string_equal (unit_props_find (&props, "CollectMode")->text, "inactive");
  assert_null (unit_props_find (&props, "Collect"));
}

static void
unit_props_annotations_bad (void **state)
{
  static const struct oci_pair cases[] = {
    { "org.systemd.property.", "1" },          { "org.systemd.property.Ab", "1" },         { "org.systemd.property.A-b", "1" },
    { "org.systemd.property.Abc1", "1" },      { "org.systemd.property.Abc", "x" },        { "org.systemd.property.Abc", "" },
    { "org.systemd.property.AbcSec", "'1'" },  { "org.systemd.property.AbcSec", "-1" },    { "org.systemd.property.AbcSec", "1e30" },
    { "org.systemd.property.AbcSec", "[1]" },  { "org.systemd.property.PIDs", "@au [1]" }, { "org.systemd.property.PIDFDs", "1" },
    { "org.systemd.property.AbcSec", "uint64 18446744073709551615" },
    /* what the runtime sets, too, in other types */
    { "org.systemd.property.Slice", "5" },     { "org.systemd.property.Description", "['a']" }, { "org.systemd.property.Delegate", "'yes'" },
    { "org.systemd.property.CPUAccounting", "1" },
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      struct unit_properties props = { .arena = &arena };
      struct err err = { 0 };
      char where[200];

      if (unit_props_annotations (&props, &cases[i], 1, &err) != -EINVAL)
        fail_msg ("taken: %s=%s", cases[i].key, cases[i].value);
      assert_int_equal (err.kind, ERR_SPEC);
      (void) snprintf (where, sizeof where, "annotations[\"%s\"]", cases[i].key);
      assert_string_equal (err.where, where);
    }
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
    cmocka_unit_test_teardown (unit_props_limits_rows, teardown),      cmocka_unit_test_teardown (unit_props_limits_unified, teardown),
    cmocka_unit_test_teardown (unit_props_limits_phases, teardown),    cmocka_unit_test_teardown (unit_props_limits_update, teardown),
    cmocka_unit_test_teardown (unit_props_limits_v1, teardown),        cmocka_unit_test_teardown (unit_props_limits_oom, teardown),

    cmocka_unit_test_teardown (unit_props_devices_of_v1, teardown),
    cmocka_unit_test_teardown (unit_props_annotations_good, teardown), cmocka_unit_test_teardown (unit_props_annotations_bad, teardown),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
