/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces: the table, opening with a check of the kind, joining and leaving for real. */
#include "in_child.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#include "base/err.h"
#include "kernel/ns.h"
#include "kernel/sys.h"

static void
ns_types_order (void **state)
{
  size_t n = 0;
  (void) state;
  while (ns_types[n].name)
    n++;
  assert_int_equal (n, 8);
  assert_string_equal (ns_types[0].name, "user");
  assert_string_equal (ns_types[n - 1].name, "mount");
}

static void
ns_by_name_known (void **state)
{
  (void) state;
  assert_int_equal (ns_by_name ("network")->flag, CLONE_NEWNET);
  assert_string_equal (ns_by_name ("mount")->proc, "mnt");
  assert_null (ns_by_name ("net"));
  assert_null (ns_by_name (""));
}

static void
ns_by_flag_known (void **state)
{
  (void) state;
  assert_string_equal (ns_by_flag (CLONE_NEWPID)->name, "pid");
  assert_null (ns_by_flag (CLONE_NEWPID | CLONE_NEWNET));
  assert_null (ns_by_flag (0));
}

static void
ns_open_every_kind (void **state)
{
  (void) state;
  for (const struct ns_type *t = ns_types; t->name; t++)
    {
      char path[64];
      snprintf (path, sizeof path, "/proc/self/ns/%s", t->proc);
      if (access (path, F_OK) < 0)
        {
          print_message ("%s: this kernel has none\n", path);
          continue;
        }
      int fd = ns_open (path, t->flag, NULL);
      assert_true (fd >= 0);
      assert_int_equal (fcntl (fd, F_GETFD), FD_CLOEXEC);
      close (fd);
    }
}

static void
ns_open_wrong_kind (void **state)
{
  struct err err = { 0 };
  (void) state;
  assert_int_equal (ns_open ("/proc/self/ns/uts", CLONE_NEWNET, &err), -EINVAL);
  assert_string_equal (err.what, "a network namespace is wanted, this is a uts namespace");
  assert_string_equal (err.object, "/proc/self/ns/uts");
}

static void
ns_open_no_namespace (void **state)
{
  struct err err = { 0 };
  (void) state;
  assert_int_equal (ns_open ("/proc/self/status", CLONE_NEWNET, &err), -EINVAL);
  assert_string_equal (err.what, "not a namespace");
  assert_int_equal (ns_open ("/dev/null", CLONE_NEWNET, NULL), -EINVAL);
  assert_int_equal (ns_open ("/proc/self", CLONE_NEWNET, NULL), -EINVAL);
}

static void
ns_open_missing (void **state)
{
  struct err err = { 0 };
  (void) state;
  assert_int_equal (ns_open ("/proc/self/ns/none", CLONE_NEWNET, &err), -ENOENT);
  assert_string_equal (err.call, "open");
}

static void
ns_open_fifo_does_not_wait (void **state)
{
  char dir[] = "/tmp/orlop-test-XXXXXX";
  char path[64];
  (void) state;
  assert_non_null (mkdtemp (dir));
  snprintf (path, sizeof path, "%s/fifo", dir);
  assert_return_code (mkfifo (path, 0600), errno);
  assert_int_equal (ns_open (path, CLONE_NEWNET, NULL), -EINVAL);
  unlink (path);
  rmdir (dir);
}

static int
joins_back (void *arg)
{
  char before[65], inside[65], after[65];
  (void) arg;
  int old = ns_open ("/proc/self/ns/uts", CLONE_NEWUTS, NULL);
  CHECK (old >= 0);
  CHECK (gethostname (before, sizeof before) == 0);
  CHILD_SKIP_UNLESS (ns_unshare (CLONE_NEWUTS, NULL) == 0, "no right to make a uts namespace");
  CHECK (sethostname ("elsewhere", 9) == 0);
  CHECK (gethostname (inside, sizeof inside) == 0 && strcmp (inside, "elsewhere") == 0);
  CHECK (ns_join (old, CLONE_NEWUTS, "uts", NULL) == 0);
  CHECK (gethostname (after, sizeof after) == 0 && strcmp (after, before) == 0);
  return 0;
}

static void
ns_join_uts (void **state)
{
  (void) state;
  assert_child (joins_back);
}

static int
joins_by_pidfd (void *arg)
{
  char name[65];
  int fds[2];
  char byte;
  (void) arg;
  CHECK (pipe (fds) == 0);
  pid_t pid = fork ();
  CHECK (pid >= 0);
  if (pid == 0)
    {
      byte = unshare (CLONE_NEWUTS | CLONE_NEWIPC) == 0 && sethostname ("there", 5) == 0 ? 'y' : 'n';
      if (write (fds[1], &byte, 1) == 1)
        pause ();
      _exit (0);
    }
  CHECK (read (fds[0], &byte, 1) == 1);
  int pidfd = sys_pidfd_open (pid, 0);
  int ret = pidfd >= 0 && byte == 'y' ? ns_join (pidfd, CLONE_NEWUTS | CLONE_NEWIPC, "all", NULL) : 1;
  kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
  CHILD_SKIP_UNLESS (byte == 'y' && pidfd >= 0 && ret != -EINVAL, "no namespaces to join, or no setns by pidfd");
  CHECK (ret == 0);
  CHECK (gethostname (name, sizeof name) == 0 && strcmp (name, "there") == 0);
  return 0;
}

static void
ns_join_pidfd (void **state)
{
  (void) state;
  assert_child (joins_by_pidfd);
}

static void
ns_join_bad_descriptor (void **state)
{
  struct err err = { 0 };
  (void) state;
  assert_int_equal (ns_join (-1, CLONE_NEWNET, "network", &err), -EBADF);
  assert_string_equal (err.call, "setns");
  assert_string_equal (err.object, "network");
}

static void
ns_unshare_nothing (void **state)
{
  (void) state;
  assert_int_equal (ns_unshare (0, NULL), 0);
}

static int
has_no_right (void *arg)
{
  struct err err = { 0 };
  (void) arg;
  CHILD_SKIP_UNLESS (geteuid () != 0 || sys_setresuid (65534, 65534, 65534) == 0, "can not become unprivileged");
  CHECK (ns_unshare (CLONE_NEWUTS | CLONE_NEWNET, &err) == -EPERM);
  CHECK (strcmp (err.object, "uts network") == 0);
  CHECK (strcmp (err.call, "unshare") == 0);
  return 0;
}

static void
ns_unshare_refused (void **state)
{
  (void) state;
  assert_child (has_no_right);
}

/* In the order of the table, each checked to be of the process; nothing of one that has ended.  */
static void
ns_open_process_in_order (void **state)
{
  int fds[NS_KINDS], proc = open ("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), pidfd, n;
  pid_t pid = fork ();
  struct err err = { 0 };
  struct stat ours, its;

  (void) state;
  while (pid == 0)
    pause ();
  assert_true (pid > 0 && proc >= 0);
  pidfd = sys_pidfd_open (pid, 0);
  assert_true (pidfd >= 0);
  n = ns_open_process (pidfd, CLONE_NEWUTS | CLONE_NEWNS | CLONE_NEWIPC, proc, fds, &err);
  assert_int_equal (n, 3);
  for (int i = 0; i < n; i++)
    {
      static const char *const files[] = { "/proc/self/ns/ipc", "/proc/self/ns/uts", "/proc/self/ns/mnt" };

      assert_int_equal (fstat (fds[i], &its), 0);
      assert_int_equal (stat (files[i], &ours), 0);
      assert_int_equal (its.st_ino, ours.st_ino);
      assert_int_equal (fcntl (fds[i], F_GETFD), FD_CLOEXEC);
      close (fds[i]);
    }
  assert_int_equal (ns_open_process (pidfd, 0, proc, fds, NULL), 0);
  kill (pid, SIGKILL);
  assert_int_equal (waitpid (pid, NULL, 0), pid);
  assert_int_equal (ns_open_process (pidfd, CLONE_NEWUTS, proc, fds, &err), -ESRCH);
  close (pidfd);
  close (proc);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (ns_types_order),
    cmocka_unit_test (ns_by_name_known),
    cmocka_unit_test (ns_by_flag_known),
    cmocka_unit_test (ns_open_every_kind),
    cmocka_unit_test (ns_open_wrong_kind),
    cmocka_unit_test (ns_open_no_namespace),
    cmocka_unit_test (ns_open_missing),
    cmocka_unit_test (ns_open_fifo_does_not_wait),
    cmocka_unit_test (ns_open_process_in_order),
    cmocka_unit_test (ns_join_uts),
    cmocka_unit_test (ns_join_pidfd),
    cmocka_unit_test (ns_join_bad_descriptor),
    cmocka_unit_test (ns_unshare_nothing),
    cmocka_unit_test (ns_unshare_refused),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
