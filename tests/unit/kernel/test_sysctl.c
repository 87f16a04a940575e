/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel parameters: their names, and writing real ones in namespaces of a child's own. */
#include "in_child.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/err.h"
#include "kernel/sysctl.h"

static void
sysctl_path_good (void **state)
{
  static const char *const cases[][2] = {
    { "net.ipv4.ip_forward", "net/ipv4/ip_forward" },
    { "net/ipv4/ip_forward", "net/ipv4/ip_forward" },
    { "net.ipv4.conf.eth0/1.mtu", "net/ipv4/conf/eth0.1/mtu" },
    { "net/ipv4/conf/eth0.1/mtu", "net/ipv4/conf/eth0.1/mtu" },
    { "kernel.shm_rmid_forced", "kernel/shm_rmid_forced" },
  };
  char buf[64];
  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      assert_int_equal (sysctl_path (cases[i][0], buf, sizeof buf), 0);
      assert_string_equal (buf, cases[i][1]);
    }
}

static void
sysctl_path_bad (void **state)
{
  static const char *const cases[]
      = { "",        ".",        "/",         "net.",         ".net",          "net..ipv4",   "net/../kernel/core_pattern",
          "/net/x",  "net/x/",   "net/./x",   "net.ipv4 x",   "net.x\nkernel", "net.x=1",     "net.x=1+kernel.core_pattern",
          "net.\x7f", "net.\xc3\xa9", "net.//.x", "net.a.//.b", "..", "net/.." };
  char buf[64];
  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (sysctl_path (cases[i], buf, sizeof buf) != -EINVAL)
      fail_msg ("\"%s\" is taken", cases[i]);
}

static void
sysctl_path_too_long (void **state)
{
  char buf[8];
  (void) state;
  assert_int_equal (sysctl_path ("a.b.c.d", buf, sizeof buf), 0);
  assert_int_equal (sysctl_path ("a.b.c.de", buf, sizeof buf), -ENAMETOOLONG);
}

static void
sysctl_namespace_known (void **state)
{
  (void) state;
  assert_string_equal (sysctl_namespace ("net.ipv4.ip_forward"), "network");
  assert_string_equal (sysctl_namespace ("net/core/somaxconn"), "network");
  assert_string_equal (sysctl_namespace ("kernel.shmmax"), "ipc");
  assert_string_equal (sysctl_namespace ("fs.mqueue.msg_max"), "ipc");
  assert_string_equal (sysctl_namespace ("fs/mqueue/msg_max"), "ipc");
  assert_string_equal (sysctl_namespace ("kernel.domainname"), "uts");
}

static void
sysctl_namespace_refused (void **state)
{
  static const char *const cases[] = { "kernel.core_pattern", "kernel.hostname", "vm.swappiness", "kernel.shmmax2", "kernel.shmma",
                                       "net",  "networks.x",  "fs.mqueue",   "kernel.shmmax.x", "net/../kernel/core_pattern", "" };
  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (sysctl_namespace (cases[i]))
      fail_msg ("\"%s\" is in %s", cases[i], sysctl_namespace (cases[i]));
}

static void
sysctl_check_value_cases (void **state)
{
  (void) state;
  assert_int_equal (sysctl_check_value ("4096\t87380 6291456"), 0);
  assert_int_equal (sysctl_check_value (""), 0);
  assert_int_equal (sysctl_check_value ("1\n"), -EINVAL);
  assert_int_equal (sysctl_check_value ("1\x1b[0m"), -EINVAL);
  assert_int_equal (sysctl_check_value ("\x7f"), -EINVAL);
}

/* ---- writing ---- */

static int
proc_sys (void)
{
  return open ("/proc/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Writes domainname (and one of the network) in namespaces of our own; ARG: without openat2.  */
static int
writes (void *arg)
{
  char name[65] = "";
  struct err err = { 0 };
  CHILD_SKIP_UNLESS (unshare (CLONE_NEWUTS | CLONE_NEWNET) == 0, "no right to make namespaces");
  int dir = proc_sys ();
  CHECK (dir >= 0);
  if (arg)
    CHILD_SKIP_UNLESS (deny_call (SYS_openat2, 0, 0, ENOSYS) == 0, "no seccomp");
  CHECK (sysctl_set (dir, "kernel/domainname", "example.org", NULL) == 0);
  CHECK (getdomainname (name, sizeof name) == 0 && strcmp (name, "example.org") == 0);
  CHECK (sysctl_set (dir, "net/ipv4/ip_unprivileged_port_start", "80", NULL) == 0);
  CHECK (sysctl_set (dir, "net/ipv4/none", "80", &err) == -ENOENT);
  CHECK (strcmp (err.object, "/proc/sys/net/ipv4/none") == 0);
  CHECK (sysctl_set (dir, "net/ipv4/ip_unprivileged_port_start", "x", &err) == -EINVAL);
  CHECK (sysctl_set (dir, "net/ipv4/ip_unprivileged_port_start", "80 x", &err) == -EINVAL);
  CHECK (sysctl_set (dir, "net/ipv4", "x", NULL) < 0);
  CHECK (sysctl_set (dir, "../sysrq-trigger", "h", NULL) == -EINVAL);
  CHECK (sysctl_set (dir, "kernel/domainname", "a\nb", NULL) == -EINVAL);
  return 0;
}

static void
sysctl_set_writes (void **state)
{
  (void) state;
  assert_child (writes);
}

static void
sysctl_set_without_openat2 (void **state)
{
  (void) state;
  assert_child_arg (writes, "without", "writes without openat2");
}

/* A mount over a parameter, or over a directory on the way, is not written to (CVE-2025-52881); ARG: without openat2.  */
static int
meets_mounts (void *arg)
{
  CHILD_SKIP_UNLESS (unshare (CLONE_NEWNS | CLONE_NEWUTS) == 0, "no right to make namespaces");
  CHECK (mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
  CHECK (mount ("tmpfs", "/proc/sys/kernel/keys", "tmpfs", 0, NULL) == 0);
  int fd = open ("/proc/sys/kernel/keys/file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  CHECK (fd >= 0);
  CHECK (mount ("/proc/sys/kernel/keys/file", "/proc/sys/kernel/domainname", NULL, MS_BIND, NULL) == 0);
  int dir = proc_sys ();
  if (arg)
    CHILD_SKIP_UNLESS (deny_call (SYS_openat2, 0, 0, ENOSYS) == 0, "no seccomp");
  CHECK (sysctl_set (dir, "kernel/domainname", "x", NULL) == -EXDEV);
  CHECK (sysctl_set (dir, "kernel/keys/file", "x", NULL) == -EXDEV);
  struct stat st;
  CHECK (fstat (fd, &st) == 0 && st.st_size == 0);
  return 0;
}

static void
sysctl_set_does_not_cross_mounts (void **state)
{
  (void) state;
  assert_child (meets_mounts);
  assert_child_arg (meets_mounts, "without", "meets_mounts without openat2");
}

/* A handle that is not procfs, and links in it; ARG: without openat2.  */
static int
meets_other_files (void *arg)
{
  char dir[] = "/tmp/orlop-test-XXXXXX";
  CHECK (mkdtemp (dir));
  int fd = open (dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
  int file = openat (fd, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  CHECK (file >= 0 && symlinkat ("/proc/sys/kernel/domainname", fd, "link") == 0 && symlinkat (".", fd, "here") == 0);
  if (arg)
    CHILD_SKIP_UNLESS (deny_call (SYS_openat2, 0, 0, ENOSYS) == 0, "no seccomp");
  int plain = sysctl_set (fd, "file", "x", NULL), link = sysctl_set (fd, "link", "x", NULL);
  int by_link = sysctl_set (fd, "here/file", "x", NULL);
  unlinkat (fd, "file", 0);
  unlinkat (fd, "link", 0);
  unlinkat (fd, "here", 0);
  rmdir (dir);
  CHECK (plain == -EXDEV);
  CHECK (link == -ELOOP);
  CHECK (by_link == -ELOOP || by_link == -ENOTDIR);
  return 0;
}

static void
sysctl_set_only_procfs (void **state)
{
  (void) state;
  assert_child (meets_other_files);
  assert_child_arg (meets_other_files, "without", "meets_other_files without openat2");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (sysctl_path_good),
    cmocka_unit_test (sysctl_path_bad),
    cmocka_unit_test (sysctl_path_too_long),
    cmocka_unit_test (sysctl_namespace_known),
    cmocka_unit_test (sysctl_namespace_refused),
    cmocka_unit_test (sysctl_check_value_cases),
    cmocka_unit_test (sysctl_set_writes),
    cmocka_unit_test (sysctl_set_without_openat2),
    cmocka_unit_test (sysctl_set_does_not_cross_mounts),
    cmocka_unit_test (sysctl_set_only_procfs),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
