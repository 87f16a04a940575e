/* SPDX-License-Identifier: Apache-2.0 */
/* Limits written to real cgroups and read back, and device rules felt by real processes, in every view.  */
#include "view.h"

#include <linux/bpf.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

#include "base/file.h"
#include "cgroup/devices.h"
#include "kernel/sys.h"
#include "resources.h"

/* A made cgroup and the resources that are to be written there.  */
struct limited
{
  struct box box;
  struct oci_arena *arena;
  const struct oci_resources *r;
};

static void
limited_make (struct limited *l, const char *name, const char *json)
{
  l->arena = NULL;
  l->r = json ? resources (json, &l->arena) : NULL;
  box_plan (&l->box, name);
  box_make (&l->box);
}

static void
limited_end (struct limited *l)
{
  box_end (&l->box);
  oci_arena_free (l->arena);
}

/* True if the view has CONTROLLER on v1, false if on v2; skips the test if it has it nowhere.  */
static bool
on_v1 (const char *controller)
{
  static struct cgroup_layout l;

  assert_int_equal (cgroup_layout_read (&l, CGROUP_WANT_CONTROLLERS, NULL), 0);
  if (l.mode != CGROUP_V2 && cgroup_layout_find (&l, controller))
    return true;
  if (l.mode == CGROUP_V2 && cgroup_list_has (l.controllers, controller))
    return false;
  print_message ("no %s controller in this view\n", controller);
  skip ();
  return false;
}

static void
write_limits (struct limited *l, const char *json)
{
  struct err err = { 0 };
  if (json)
    l->r = resources (json, &l->arena);
  good (cgroup_limit (l->box.cg, l->r, l->box.fd, CGROUP_LIMIT_ALL, &err), &err);
}

static void
expect (const struct limited *l, const char *controller, const char *file, const char *text)
{
  const char *found = box_read (&l->box, controller, file);
  if (strcmp (found, text) != 0)
    fail_msg ("%s: \"%s\", not \"%s\"", file, found, text);
}

static void
cgroup_limit_pids (void **state)
{
  struct limited l;
  struct err err = { 0 };

  (void) state;
  (void) on_v1 ("pids");
  limited_make (&l, "/a", "{'pids':{'limit':7}}");
  good (cgroup_limit (l.box.cg, l.r, l.box.fd, CGROUP_LIMIT_EARLY, &err), &err);
  assert_string_not_equal (box_read (&l.box, "pids", "pids.max"), "7"); /* not before the last fork */
  good (cgroup_limit (l.box.cg, l.r, l.box.fd, CGROUP_LIMIT_LATE, &err), &err);
  expect (&l, "pids", "pids.max", "7");
  write_limits (&l, "{'pids':{'limit':0}}");
  expect (&l, "pids", "pids.max", "0");
  write_limits (&l, "{'pids':{'limit':-1}}");
  expect (&l, "pids", "pids.max", "max");
  limited_end (&l);
}

/* No limit needs no controller, and enables none.  */
static void
cgroup_limit_none (void **state)
{
  struct limited l;

  (void) state;
  limited_make (&l, "/a", "{'pids':{'limit':-1},'memory':{'limit':-1,'reservation':-1}}");
  write_limits (&l, NULL);
  if (l.box.fd >= 0)
    expect (&l, "", "cgroup.controllers", "");
  limited_end (&l);
}

static void
cgroup_limit_memory (void **state)
{
  struct limited l;
  bool v1;

  (void) state;
  v1 = on_v1 ("memory");
  limited_make (&l, "", "{'memory':{'limit':16777216,'swap':33554432,'reservation':8388608}}");
  if (v1 && strcmp (box_read (&l.box, "memory", "memory.memsw.limit_in_bytes"), "(missing)") == 0)
    {
      print_message ("this kernel does not account swap\n");
      limited_end (&l);
      skip ();
    }
  write_limits (&l, NULL);
  expect (&l, "memory", v1 ? "memory.limit_in_bytes" : "memory.max", "16777216");
  expect (&l, "memory", v1 ? "memory.memsw.limit_in_bytes" : "memory.swap.max", v1 ? "33554432" : "16777216");
  expect (&l, "memory", v1 ? "memory.soft_limit_in_bytes" : "memory.low", "8388608");
  /* up beyond the old swap limit, where v1 wants swap first; and down again, where it wants memory first */
  write_limits (&l, "{'memory':{'limit':67108864,'swap':67108864}}");
  expect (&l, "memory", v1 ? "memory.limit_in_bytes" : "memory.max", "67108864");
  expect (&l, "memory", v1 ? "memory.memsw.limit_in_bytes" : "memory.swap.max", v1 ? "67108864" : "0");
  write_limits (&l, "{'memory':{'limit':8388608,'swap':8388608}}");
  expect (&l, "memory", v1 ? "memory.memsw.limit_in_bytes" : "memory.max", "8388608");
  write_limits (&l, "{'memory':{'limit':-1}}");
  assert_string_not_equal (box_read (&l.box, "memory", v1 ? "memory.limit_in_bytes" : "memory.max"), "8388608");
  assert_string_not_equal (box_read (&l.box, "memory", v1 ? "memory.memsw.limit_in_bytes" : "memory.swap.max"), "0");
  limited_end (&l);
}

enum
{
  USED = 32 << 20
};

/* Starts a process in B that has touched USED bytes of memory.  */
static pid_t
memory_user (const struct box *b)
{
  int fds[CGROUP_HIERARCHIES_MAX], ready[2], n = cgroup_join_fds (b->cg, fds, CGROUP_HIERARCHIES_MAX, NULL);
  char c = '0';
  pid_t pid;

  assert_true (n > 0);
  assert_int_equal (pipe (ready), 0);
  pid = child ();
  if (pid == 0)
    {
      volatile char *memory = cgroup_join (fds, (size_t) n, NULL) == 0 ? malloc (USED) : NULL;

      for (size_t i = 0; memory && i < USED; i += 4096)
        memory[i] = 1;
      if (memory == NULL || write (ready[1], "1", 1) != 1)
        _exit (1);
      for (;;)
        pause ();
    }
  cgroup_close_fds (fds, (size_t) n);
  close (ready[1]);
  assert_int_equal (read (ready[0], &c, 1), 1);
  close (ready[0]);
  return pid;
}

/* spec: 125 */
static void
cgroup_limit_below_use (void **state)
{
  struct limited l;
  struct err err = { 0 };
  pid_t pid;

  (void) state;
  (void) on_v1 ("memory");
  limited_make (&l, "", "{'memory':{'limit':1048576,'checkBeforeUpdate':true}}");
  pid = memory_user (&l.box);
  assert_int_equal (cgroup_limit (l.box.cg, l.r, l.box.fd, CGROUP_LIMIT_ALL, &err), -EBUSY);
  assert_string_equal (err.where, "linux.resources.memory.checkBeforeUpdate");
  assert_non_null (strstr (err.what, "not below the new limit of 1048576"));
  l.r = resources ("{'memory':{'limit':268435456,'checkBeforeUpdate':true}}", &l.arena);
  good (cgroup_limit (l.box.cg, l.r, l.box.fd, CGROUP_LIMIT_ALL, &err), &err);
  end_process (pid);
  limited_end (&l);
}

static void
cgroup_limit_cpu (void **state)
{
  struct limited l;
  bool v1;

  (void) state;
  v1 = on_v1 ("cpu");
  limited_make (&l, "", "{'cpu':{'shares':512,'quota':30000,'period':60000}}");
  write_limits (&l, NULL);
  expect (&l, "cpu", v1 ? "cpu.shares" : "cpu.weight", v1 ? "512" : "59");
  expect (&l, "cpu", v1 ? "cpu.cfs_quota_us" : "cpu.max", v1 ? "30000" : "30000 60000");
  if (v1)
    expect (&l, "cpu", "cpu.cfs_period_us", "60000");
  write_limits (&l, "{'cpu':{'quota':-1}}");
  expect (&l, "cpu", v1 ? "cpu.cfs_quota_us" : "cpu.max", v1 ? "-1" : "max 60000");
  if (v1) /* a quota alone leaves the period alone */
    expect (&l, "cpu", "cpu.cfs_period_us", "60000");
  limited_end (&l);
}

static void
cgroup_limit_cpu_below_parent (void **state)
{
  struct limited parent, l;
  bool v1;

  (void) state;
  v1 = on_v1 ("cpu");
  limited_make (&parent, "", "{'cpu':{'quota':50000,'period':100000}}");
  write_limits (&parent, NULL);
  limited_make (&l, "/a", "{'cpu':{'quota':50000,'period':100000}}");
  write_limits (&l, NULL);
  /* with the old quota the shorter period would be more than the parent has on v1: EINVAL, and the quota goes first */
  write_limits (&l, "{'cpu':{'quota':10000,'period':20000}}");
  expect (&l, "cpu", v1 ? "cpu.cfs_quota_us" : "cpu.max", v1 ? "10000" : "10000 20000");
  if (v1)
    expect (&l, "cpu", "cpu.cfs_period_us", "20000");
  limited_end (&l);
  limited_end (&parent);
}

static void
cgroup_limit_cpuset (void **state)
{
  struct limited l;
  struct err err = { 0 };

  (void) state;
  (void) on_v1 ("cpuset");
  limited_make (&l, "/a", "{'cpu':{'cpus':'0','mems':'0'}}");
  write_limits (&l, NULL);
  expect (&l, "cpuset", "cpuset.cpus", "0");
  expect (&l, "cpuset", "cpuset.mems", "0");
  l.r = resources ("{'cpu':{'cpus':'one'}}", &l.arena);
  assert_true (cgroup_limit (l.box.cg, l.r, l.box.fd, CGROUP_LIMIT_EARLY, &err) < 0);
  assert_string_equal (err.where, "linux.resources.cpu.cpus");
  assert_string_equal (err.call, "write");
  limited_end (&l);
}

/* A file of a controller that the v2 hierarchy of this machine has, and that a cgroup with processes cannot hand on (pids
 * and cpu it could: they work in threaded cgroups).  NULL if there is none that we know.  */
static const char *
v2_file (void)
{
  static struct cgroup_layout l;
  static const char *const files[][2] = { { "hugetlb", "hugetlb.2MB.max" }, { "memory", "memory.max" } };

  assert_int_equal (cgroup_layout_read (&l, CGROUP_WANT_UNIFIED, NULL), 0);
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    if (l.controllers && cgroup_list_has (l.controllers, files[i][0]))
      return files[i][1];
  return NULL;
}

static void
cgroup_limit_unified (void **state)
{
  const char *file = v2_file ();
  char json[128];
  struct limited l;
  struct err err = { 0 };

  (void) state;
  if (file == NULL)
    {
      print_message ("no controller of v2 in this view\n");
      skip ();
    }
  snprintf (json, sizeof json, "{'unified':{'%s':'4194304','cgroup.max.depth':'3\\n'}}", file);
  limited_make (&l, "/a/b", json);
  good (cgroup_limit (l.box.cg, l.r, l.box.fd, CGROUP_LIMIT_ALL, &err), &err);
  expect (&l, "", file, "4194304");
  expect (&l, "", "cgroup.max.depth", "3");
  l.r = resources ("{'unified':{'cgroup.no_such_file':'1'}}", &l.arena);
  assert_int_equal (cgroup_limit (l.box.cg, l.r, l.box.fd, CGROUP_LIMIT_ALL, &err), -ENOENT);
  assert_string_equal (err.where, "linux.resources.unified[\"cgroup.no_such_file\"]");
  limited_end (&l);
}

static void
cgroup_limit_no_internal_processes (void **state)
{
  const char *file = v2_file ();
  char json[128];
  struct limited parent, l;
  struct err err = { 0 };
  pid_t pid;

  (void) state;
  if (file == NULL)
    {
      print_message ("no controller of v2 in this view\n");
      skip ();
    }
  snprintf (json, sizeof json, "{'unified':{'%s':'0'}}", file);
  limited_make (&parent, "", NULL);
  pid = sleeper ();
  assert_int_equal (cgroup_add_pid (parent.box.cg, pid, NULL), 0);
  limited_make (&l, "/a", json);
  assert_int_equal (cgroup_limit (l.box.cg, l.r, l.box.fd, CGROUP_LIMIT_ALL, &err), -EBUSY);
  assert_non_null (strstr (err.what, "processes of its own"));
  assert_non_null (strstr (err.object, "cgroup.subtree_control"));
  end_process (pid);
  limited_end (&l);
  limited_end (&parent);
}

/* --- devices, as a process in the cgroup finds them */

static const char *scratch; /* a directory where devices may be made and opened */

struct
try
  {
    int minor;  /* of the character device 250:minor, which no driver has: ENXIO if the rules let us through */
    int flags;  /* for open, or -1: mknod */
    int result; /* the errno that is expected */
  };

/* In the cgroup: tries one access to a node.  */
static int
try_device (const struct try *t)
{
  char path[PATH_MAX], other[PATH_MAX];

  snprintf (path, sizeof path, "%s/%d", scratch, t->minor);
  snprintf (other, sizeof other, "%s/new%d", scratch, t->minor);
  if (t->flags < 0)
    return mknod (other, S_IFCHR | 0600, makedev (250, t->minor)) < 0 ? errno : unlink (other);
  int fd = open (path, t->flags | O_CLOEXEC);
  if (fd < 0)
    return errno;
  close (fd);
  return 0;
}

/* Runs TRIES in the cgroup of L, in a child.  */
static void
expect_devices (const struct limited *l, const struct try *tries, size_t n)
{
  int fds[CGROUP_HIERARCHIES_MAX], count, status;
  struct err err = { 0 };
  pid_t pid;

  for (size_t i = 0; i < n; i++)
    {
      char path[PATH_MAX];
      snprintf (path, sizeof path, "%s/%d", scratch, tries[i].minor);
      assert_true (mknod (path, S_IFCHR | 0600, makedev (250, tries[i].minor)) == 0 || errno == EEXIST);
    }
  count = good (cgroup_join_fds (l->box.cg, fds, CGROUP_HIERARCHIES_MAX, &err), &err);
  pid = child ();
  if (pid == 0)
    {
      if (cgroup_join (fds, count, NULL) < 0)
        _exit (100);
      for (size_t i = 0; i < n; i++)
        if (try_device (&tries[i]) != tries[i].result)
          _exit ((int) i + 1);
      _exit (open ("/dev/null", O_RDWR | O_CLOEXEC) < 0 ? 101 : 0);
    }
  assert_int_equal (waitpid (pid, &status, 0), pid);
  cgroup_close_fds (fds, count);
  assert_true (WIFEXITED (status));
  assert_int_equal (WEXITSTATUS (status), 0); /* or the number of the try that went otherwise */
}

static void
devices_case (const char *json, const struct try *tries, size_t n)
{
  struct limited l;
  struct err err = { 0 };

  limited_make (&l, "/a", json);
  good (cgroup_limit (l.box.cg, l.r, l.box.fd, CGROUP_LIMIT_EARLY, &err), &err);
  expect_devices (&l, tries, n);
  limited_end (&l);
}

static void
cgroup_limit_devices_default (void **state)
{
  const struct try tries[] = { { 1, O_RDONLY, EPERM }, { 2, O_RDWR, EPERM }, { 3, -1, 0 } };

  (void) state;
  devices_case (NULL, tries, 3);
  devices_case ("{'devices':[{'allow':false,'access':'rwm'}]}", tries, 3);
}

static void
cgroup_limit_devices_some (void **state)
{
  const struct try tries[] = { { 1, O_RDONLY, ENXIO }, { 1, O_RDWR, EPERM }, { 1, O_WRONLY, EPERM }, { 2, O_RDWR, ENXIO }, { 3, O_RDONLY, EPERM } };

  (void) state;
  devices_case (
      "{'devices':[{'allow':false,'access':'rwm'},{'allow':true,'type':'c','major':250,'minor':1,'access':'r'},"
      "{'allow':true,'type':'c','major':250,'minor':2,'access':'r'},{'allow':true,'type':'c','major':250,'minor':2,'access':'w'}]}",
      tries, 5);
}

static void
cgroup_limit_devices_all_but_one (void **state)
{
  const struct try tries[] = { { 1, O_RDWR, ENXIO }, { 2, O_RDONLY, ENXIO }, { 2, O_RDWR, EPERM }, { 2, -1, 0 } };

  (void) state;
  devices_case (
      "{'devices':[{'allow':true,'access':'rwm'},{'allow':false,'type':'c','major':250,'minor':2,'access':'w'}]}",
      tries, 4);
}

static void
cgroup_limit_devices_privileged (void **state)
{
  const struct try tries[] = { { 1, O_RDWR, ENXIO }, { 2, -1, 0 } };

  (void) state;
  devices_case ("{'devices':[{'allow':true,'access':'rwm'}]}", tries, 2);
}

/* An existing cgroup that was restricted is opened up when the rules say so (v1; programs of others on v2 stay in force).  */
static void
cgroup_limit_devices_reopened (void **state)
{
  const struct try tries[] = { { 1, O_RDWR, ENXIO } };
  struct limited before, l;
  struct err err = { 0 };

  (void) state;
  if (! there (CGROUP_ROOT "/devices"))
    {
      print_message ("no devices controller of v1 in this view\n");
      skip ();
    }
  limited_make (&before, "", NULL);
  good (cgroup_limit (before.box.cg, NULL, -1, CGROUP_LIMIT_EARLY, &err), &err);
  limited_make (&l, "", "{'devices':[{'allow':true,'access':'rwm'}]}");
  good (cgroup_limit (l.box.cg, l.r, -1, CGROUP_LIMIT_EARLY, &err), &err);
  expect_devices (&l, tries, 1);
  limited_end (&l);
  limited_end (&before);
}

/* Loads a program that lets everything pass and is not named as ours are.  */
static int
load_foreign (void)
{
  const struct bpf_insn pass[] = { { .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1 }, { .code = BPF_JMP | BPF_EXIT } };
  union bpf_attr attr = { 0 };

  attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attr.insns = (uintptr_t) pass;
  attr.insn_cnt = 2;
  attr.license = (uintptr_t) "Apache-2.0";
  return sys_bpf (BPF_PROG_LOAD, &attr, sizeof attr);
}

/* What systemd, say, has attached stays in force when rules of ours are replaced, and two of ours become one.  */
static void
cgroup_devices_update_leaves_others (void **state)
{
  const struct try before[] = { { 1, O_RDWR, EPERM }, { 2, O_RDWR, ENXIO } }, after[] = { { 1, O_RDWR, ENXIO }, { 2, O_RDWR, EPERM } };
  struct limited l;
  struct err err = { 0 };
  int foreign, ours[4], n;

  (void) state;
  limited_make (&l, "/a", "{'devices':[{'allow':true,'type':'c','major':250,'minor':2,'access':'rwm'}]}");
  if (l.box.fd < 0)
    {
      limited_end (&l);
      print_message ("device programs are of pure v2\n");
      skip ();
    }
  foreign = load_foreign ();
  assert_true (foreign >= 0);
  good (devbpf_attach (l.box.fd, foreign, -1, &err), &err);
  good (cgroup_limit (l.box.cg, l.r, l.box.fd, CGROUP_LIMIT_EARLY, &err), &err);
  good (cgroup_limit (l.box.cg, l.r, l.box.fd, CGROUP_LIMIT_EARLY, &err), &err);
  expect_devices (&l, before, 2);
  l.r = resources ("{'devices':[{'allow':true,'type':'c','major':250,'minor':1,'access':'rwm'}]}", &l.arena);
  good (cgroup_devices_update (l.box.cg, l.r, &err), &err);
  expect_devices (&l, after, 2);
  n = devbpf_attached (l.box.fd, ours, 4, &err);
  assert_int_equal (n, 1);
  close (ours[0]);
  assert_int_equal (devbpf_detach (l.box.fd, foreign, &err), 0); /* it was there */
  assert_true (devbpf_detach (l.box.fd, foreign, &err) < 0);
  close (foreign);
  limited_end (&l);
}

/* What is enabled at the root of the v2 hierarchy is the machine's: noted first (FILE is NULL without one), left as it was.  */
struct root_control
{
  const char *file;
  char before[256];
};

static void
note_root (struct root_control *c)
{
  c->file = there (CGROUP_ROOT "/unified") ? CGROUP_ROOT "/unified/cgroup.subtree_control"
                                           : CGROUP_ROOT "/cgroup.subtree_control";
  if (file_read_small (AT_FDCWD, c->file, c->before, sizeof c->before) < 0)
    c->file = NULL;
  c->before[strcspn (c->before, "\n")] = '\0';
}

static void
restore_root (const struct root_control *c)
{
  char now[256], *rest = now;

  if (c->file == NULL || file_read_small (AT_FDCWD, c->file, now, sizeof now) < 0)
    return;
  for (const char *word; (word = strtok_r (NULL, " \n", &rest));)
    if (! cgroup_list_has (c->before, word))
      {
        char disable[64];
        snprintf (disable, sizeof disable, "-%s", word);
        (void) file_write_at (AT_FDCWD, c->file, disable, strlen (disable), NULL); /* EBUSY: others use it by now */
      }
}

static int
run (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (cgroup_limit_pids),
    cmocka_unit_test (cgroup_limit_none),
    cmocka_unit_test (cgroup_limit_memory),
    cmocka_unit_test (cgroup_limit_below_use),
    cmocka_unit_test (cgroup_limit_cpu),
    cmocka_unit_test (cgroup_limit_cpu_below_parent),
    cmocka_unit_test (cgroup_limit_cpuset),
    cmocka_unit_test (cgroup_limit_unified),
    cmocka_unit_test (cgroup_limit_no_internal_processes),
    cmocka_unit_test (cgroup_limit_devices_default),
    cmocka_unit_test (cgroup_limit_devices_some),
    cmocka_unit_test (cgroup_limit_devices_all_but_one),
    cmocka_unit_test (cgroup_limit_devices_privileged),
    cmocka_unit_test (cgroup_limit_devices_reopened),
    cmocka_unit_test (cgroup_devices_update_leaves_others),
  };
  struct root_control control;
  char dir[] = "/tmp/orlop-unit-XXXXXX";
  int failed;

  /* the view is a mount namespace of our own, and what is mounted in it ends with it */
  if (mkdtemp (dir) == NULL || mount ("tmpfs", dir, "tmpfs", 0, "mode=700") < 0)
    return 1;
  scratch = dir;
  note_root (&control);
  failed = cmocka_run_group_tests (tests, NULL, NULL);
  restore_root (&control);
  return umount (dir) < 0 || rmdir (dir) < 0 || failed;
}

int
main (int argc, char **argv)
{
  return in_views (argc, argv, run);
}
