/* SPDX-License-Identifier: Apache-2.0 */
/* Stage 1 of the child in real namespaces, with the test as the parent. */
#include "child.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>

#include "kernel/idmap.h"
#include "kernel/ns.h"
#include "kernel/proc.h"

static int
take_names (void *arg)
{
  struct utsname u;

  (void) arg;
  CHILD_SKIP_UNLESS (unshare (CLONE_NEWUTS) == 0, "no uts namespace");
  child_plan.hostname = "the-host";
  CHECK (child_names (&child, &child_err) == 0);
  child_plan.hostname = NULL;
  child_plan.domainname = "the.domain";
  CHECK (child_names (&child, &child_err) == 0);
  CHECK (uname (&u) == 0 && strcmp (u.nodename, "the-host") == 0 && strcmp (u.domainname, "the.domain") == 0);
  return 0;
}

static void
child_names_of_the_container (void **state)
{
  (void) state;
  assert_child (take_names);
}

static int
take_long_names (void *arg)
{
  static char name[100];

  (void) arg;
  CHILD_SKIP_UNLESS (unshare (CLONE_NEWUTS) == 0, "no uts namespace");
  memset (name, 'a', sizeof name - 1);
  child_plan.hostname = name;
  CHECK (child_names (&child, &child_err) == -EINVAL);
  CHECK (strcmp (child_err.where, "hostname") == 0 && strcmp (child_err.call, "sethostname") == 0);
  child_plan.hostname = NULL;
  child_plan.domainname = name;
  err_clear (&child_err);
  CHECK (child_names (&child, &child_err) == -EINVAL);
  CHECK (strcmp (child_err.where, "domainname") == 0);
  return 0;
}

static void
child_names_too_long (void **state)
{
  (void) state;
  assert_child (take_long_names);
}

/* Identity of our namespace of KIND.  */
static ino_t
inode (const char *kind)
{
  struct stat st = { 0 };
  char path[64];

  (void) snprintf (path, sizeof path, "/proc/self/ns/%s", kind);
  (void) stat (path, &st);
  return st.st_ino;
}

static int
unshare_some (void *arg)
{
  ino_t ipc = inode ("ipc"), uts = inode ("uts");

  (void) arg;
  child_plan.ns.unshare_flags = CLONE_NEWIPC;
  CHILD_SKIP_UNLESS (geteuid () == 0, "namespaces need root");
  CHECK (child_ns_unshare (&child, &child_err) == 0);
  CHECK (inode ("ipc") != ipc && inode ("uts") == uts);
  ino_t cgroup = inode ("cgroup");
  CHECK (child_ns_cgroup (&child, &child_err) == 0);
  CHECK (inode ("cgroup") != cgroup);
  return 0;
}

static void
child_ns_unshare_what_is_asked (void **state)
{
  (void) state;
  assert_child (unshare_some);
}

/* The offsets of the time namespace that children will be in.  */
static bool
has_offsets (const char *text)
{
  char buf[256] = "";
  int fd = open ("/proc/self/timens_offsets", O_RDONLY);
  ssize_t n = read (fd, buf, sizeof buf - 1);

  close (fd);
  return n > 0 && strstr (buf, text);
}

static int
set_clocks (void *arg)
{
  (void) arg;
  CHILD_SKIP_UNLESS (geteuid () == 0, "namespaces need root");
  CHILD_SKIP_UNLESS (access ("/proc/self/timens_offsets", F_OK) == 0, "no time namespaces");
  CHECK (prctl (PR_SET_DUMPABLE, 0, 0, 0, 0) == 0);
  child_plan.ns.unshare_flags = 0x80; /* CLONE_NEWTIME */
  child_plan.ns.time_offsets = "monotonic 172800 5\nboottime -1 7\n";
  CHECK (child_ns_unshare (&child, &child_err) == 0);
  CHECK (child_ns_time (&child, &child_err) == 0);
  CHECK (has_offsets ("172800         5") && has_offsets ("boottime           -1         7"));
  CHECK (prctl (PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
  /* no clock may run before zero */
  child_plan.ns.time_offsets = "boottime -1000000000 0\n";
  CHECK (child_ns_time (&child, &child_err) == -ERANGE);
  CHECK (strcmp (child_err.where, "linux.timeOffsets") == 0 && strcmp (child_err.call, "write") == 0);
  return 0;
}

/* spec: 104 */
static void
child_ns_time_sets_the_clocks (void **state)
{
  (void) state;
  assert_child (set_clocks);
}

static int
be_refused (void *arg)
{
  (void) arg;
  child_plan.ns.unshare_flags = CLONE_NEWIPC;
  CHECK (deny_call (SYS_unshare, 0, 0, ENOSPC) == 0);
  CHECK (child_ns_unshare (&child, &child_err) == -ENOSPC);
  CHECK (strcmp (child_err.where, "linux.namespaces") == 0 && strcmp (child_err.call, "unshare") == 0);
  return 0;
}

static void
child_ns_unshare_refused (void **state)
{
  (void) state;
  assert_child (be_refused);
}

static int
join_anothers (void *arg)
{
  static struct plan_join join = { .flag = CLONE_NEWUTS, .name = "uts", .path = "/proc/PID/ns/uts", .where = "linux.namespaces[2].path" };
  ino_t before = inode ("uts");
  int fds[2];
  char path[64], byte;
  pid_t pid;

  (void) arg;
  CHILD_SKIP_UNLESS (geteuid () == 0, "namespaces need root");
  CHECK (pipe (fds) == 0);
  pid = fork ();
  if (pid == 0)
    {
      (void) prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
      (void) ! write (fds[1], unshare (CLONE_NEWUTS) == 0 ? "y" : "n", 1);
      for (;;)
        pause ();
    }
  CHECK (read (fds[0], &byte, 1) == 1 && byte == 'y');
  (void) snprintf (path, sizeof path, "/proc/%d/ns/uts", pid);
  child.joins[0] = ns_open (path, CLONE_NEWUTS, NULL);
  child_plan.ns.joins = &join;
  child_plan.ns.n_joins = 1;
  CHECK (child.joins[0] >= 0);
  CHECK (child_ns_join (&child, &child_err) == 0);
  CHECK (inode ("uts") != before);
  join.flag = CLONE_NEWIPC; /* the handle is of another kind */
  CHECK (child_ns_join (&child, &child_err) == -EINVAL);
  CHECK (strcmp (child_err.where, "linux.namespaces[2].path") == 0 && strcmp (child_err.call, "setns") == 0);
  kill (pid, SIGKILL);
  return 0;
}

static void
child_ns_join_by_handle (void **state)
{
  (void) state;
  assert_child (join_anothers);
}

/* --- with the parent's help */

static int
enter_user_namespace (void *arg)
{
  (void) arg;
  if (child_ns_user (&child, &child_err) == 0)
    return getuid () == 0 && getgid () == 0 ? 0 : __LINE__;
  return child_err.num == EPERM || child_err.num == ENOSPC ? CHILD_SKIP : __LINE__;
}

/* The parent's part, in a process of its own: maps root to us once it is asked.  */
static void
map_ids (pid_t pid)
{
  const struct idmap map = { 0, 0, 1 };
  char path[64];
  int proc, ret;

  if (sync_expect (parent_end, SYNC_MAP_IDS, NULL, NULL, NULL, NULL) < 0)
    _exit (0);
  (void) snprintf (path, sizeof path, "/proc/%d", pid);
  proc = open (path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  ret = idmap_write (proc, &map, 1, &map, 1, true, NULL);
  if (ret == 0)
    ret = sync_send (parent_end, SYNC_MAP_IDS, NULL, 0, NULL, 0, NULL);
  _exit (ret < 0);
}

static int
with_a_parent (void *arg)
{
  pid_t us = getpid (), parent = fork ();
  int ret;

  if (parent == 0)
    map_ids (us);
  ret = enter_user_namespace (arg);
  return ret;
}

static void
child_ns_user_becomes_its_root (void **state)
{
  (void) state;
  child_needs_root ("mapping root");
  assert_child (with_a_parent);
}

static int
lose_the_parent (void *arg)
{
  (void) arg;
  CHECK (shutdown (parent_end, SHUT_RDWR) == 0);
  int ret = child_ns_user (&child, &child_err);
  CHILD_SKIP_UNLESS (ret != -EPERM && ret != -ENOSPC, "no user namespace");
  CHECK (ret < 0 && child_err.kind != ERR_NONE);
  return 0;
}

static void
child_ns_user_whose_parent_is_gone (void **state)
{
  (void) state;
  assert_child (lose_the_parent);
}

/* The first process is the runtime's child, not the go-between's, and goes on only when it is taken.  */
static void
child_ns_fork_hands_over (void **state)
{
  struct sync_packet p;
  int pidfd = -1, status;
  size_t n = 1;
  pid_t between = fork ();

  (void) state;
  if (between == 0)
    _exit (child_ns_fork (&child, NULL) == 0 && getppid () > 0 ? 42 : 1);
  assert_int_equal (sync_expect (parent_end, SYNC_PID, &p, &pidfd, &n, NULL), 0);
  assert_int_equal (n, 1);
  assert_int_equal (waitpid (between, &status, 0), between);
  assert_int_equal (status, 0);
  assert_int_equal (waitpid (p.pid.pid, &status, WNOHANG | __WALL), 0); /* ours, and it waits */
  assert_int_equal (sync_send (parent_end, SYNC_PID, &p.pid, sizeof p.pid, NULL, 0, NULL), 0);
  assert_int_equal (waitpid (p.pid.pid, &status, __WALL), p.pid.pid);
  assert_int_equal (WEXITSTATUS (status), 42);
  close (pidfd);
}

/* --- the runtime's procfs */

static void
child_proc_is_opened_once (void **state)
{
  int fd;

  (void) state;
  fd = child_proc (&child, NULL);
  assert_true (fd >= 0);
  assert_int_equal (child_proc (&child, NULL), fd);
  close (fd);
}

/* Kernel parameters are in it only when there are any to set.  */
static int
look_for_parameters (void *arg)
{
  (void) arg;
  child_plan.n_sysctls = 1;
  CHECK (child_proc (&child, &child_err) >= 0 && faccessat (child.proc, "sys", F_OK, 0) == 0);
  child_plan.n_sysctls = 0;
  child.proc = -1;
  CHECK (child_proc (&child, &child_err) >= 0 && faccessat (child.proc, "self/attr", F_OK, 0) == 0);
  int own = proc_make (false, NULL);
  CHILD_SKIP_UNLESS (own >= 0 && faccessat (own, "sys", F_OK, 0) < 0, "no procfs of processes alone can be mounted here");
  CHECK (faccessat (child.proc, "sys", F_OK, 0) < 0 && errno == ENOENT);
  return 0;
}

static void
child_proc_has_what_the_plan_needs (void **state)
{
  (void) state;
  assert_child (look_for_parameters);
}

static int
find_a_false_proc (void *arg)
{
  CHILD_SKIP_UNLESS (chroot (arg) == 0 && chdir ("/") == 0, "another root directory needs root");
  CHILD_SKIP_UNLESS (deny_call (SYS_fsopen, 0, 0, EPERM) == 0, "no seccomp"); /* none of our own */
  CHECK (child_proc (&child, &child_err) == -ENOENT);
  CHECK (mkdir ("/proc", 0755) == 0);
  err_clear (&child_err);
  CHECK (child_proc (&child, &child_err) == -ENOTSUP);
  CHECK (strstr (child_err.what, "not procfs"));
  CHECK (child.proc == -1);
  return 0;
}

static void
child_proc_is_procfs (void **state)
{
  struct room *r = *state;

  assert_child_arg (find_a_false_proc, r->path, "find_a_false_proc");
}

static int
raise_loopback (void *arg)
{
  struct ifreq r = { .ifr_name = "lo" };
  int sock;

  (void) arg;
  CHILD_SKIP_UNLESS (unshare (CLONE_NEWNET) == 0, "no network namespace");
  CHECK (child_net_loopback (&child, &child_err) >= 0); /* the socket that was used */
  sock = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  CHECK (sock >= 0 && ioctl (sock, SIOCGIFFLAGS, &r) == 0);
  CHECK (r.ifr_flags & IFF_UP);
  return 0;
}

static void
child_net_loopback_is_up (void **state)
{
  (void) state;
  assert_child (raise_loopback);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    child_test (child_names_of_the_container),
    child_test (child_names_too_long),
    child_test (child_ns_unshare_what_is_asked),
    child_test (child_ns_time_sets_the_clocks),
    child_test (child_ns_unshare_refused),
    child_test (child_ns_join_by_handle),
    child_test (child_ns_user_becomes_its_root),
    child_test (child_ns_user_whose_parent_is_gone),
    child_test (child_ns_fork_hands_over),
    child_test (child_proc_is_opened_once),
    child_test (child_proc_has_what_the_plan_needs),
    child_test (child_proc_is_procfs),
    child_test (child_net_loopback_is_up),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
