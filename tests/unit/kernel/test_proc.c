/* SPDX-License-Identifier: Apache-2.0 */
/* The handle of the runtime's procfs, and what is opened through it.  */
#include "in_child.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/err.h"
#include "kernel/proc.h"

static void
proc_open_takes_the_root_alone (void **state)
{
  static const struct
  {
    const char *path, *why;
  } others[] = { { "/tmp", "is not procfs" }, { "/proc/self", "a part of a procfs" }, { "/proc/sys", "a part of a procfs" }, { "/proc/self/attr", "a part of a procfs" } };
  int fd = proc_open ("/proc", NULL);

  (void) state;
  assert_true (fd >= 0);
  close (fd);
  assert_int_equal (proc_open ("/does/not/exist", NULL), -ENOENT);
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    {
      struct err err = { 0 };

      assert_int_equal (proc_open (others[i].path, &err), -ENOTSUP);
      assert_non_null (strstr (err.what, others[i].why));
    }
}

static int
try_file (int proc, const char *name)
{
  int fd = proc_open_file (proc, name, O_RDONLY);

  if (fd >= 0)
    close (fd);
  return fd < 0 ? fd : 0;
}

/* ARG: without openat2.  */
static int
meet_mounts_and_links (void *arg)
{
  int proc;

  CHILD_SKIP_UNLESS (unshare (CLONE_NEWNS) == 0 && mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "mounts need root");
  CHECK (mount ("none", "/proc/self/attr", "tmpfs", 0, NULL) == 0);
  int fd = open ("/proc/self/attr/exec", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  CHECK (fd >= 0);
  CHECK (mount ("/proc/self/attr/exec", "/proc/self/timens_offsets", NULL, MS_BIND, NULL) == 0 || errno == ENOENT);
  proc = proc_open ("/proc", NULL);
  CHECK (proc >= 0);
  if (arg)
    CHILD_SKIP_UNLESS (deny_call (SYS_openat2, 0, 0, ENOSYS) == 0, "no seccomp");
  CHECK (try_file (proc, "self/mountinfo") == 0);
  CHECK (try_file (proc, "self/attr/exec") == -EXDEV);
  CHECK (access ("/proc/self/ns/time", F_OK) != 0 || try_file (proc, "self/timens_offsets") == -EXDEV);
  CHECK (try_file (proc, "self/exe") == -ELOOP);
  return 0;
}

static void
proc_open_file_crosses_nothing (void **state)
{
  (void) state;
  assert_child (meet_mounts_and_links);
  assert_child_arg (meet_mounts_and_links, "without", "meet_mounts_and_links without openat2");
}

/* What lies over all of /proc.  */
static int
cover_proc (void *arg)
{
  (void) arg;
  CHILD_SKIP_UNLESS (unshare (CLONE_NEWNS) == 0 && mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "mounts need root");
  CHECK (mount ("/proc/self", "/proc", NULL, MS_BIND, NULL) == 0);
  CHECK (proc_open ("/proc", NULL) == -ENOTSUP);
  CHECK (mount ("none", "/proc", "tmpfs", 0, NULL) == 0);
  CHECK (proc_open ("/proc", NULL) == -ENOTSUP);
  return 0;
}

static void
proc_open_sees_what_covers_it (void **state)
{
  (void) state;
  assert_child (cover_proc);
}

static bool
has (int proc, const char *name)
{
  return faccessat (proc, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* A procfs of our own, while all of /proc, and ARG of it, is covered.  */
static int
make_one (void *arg)
{
  struct statfs fs;

  CHILD_SKIP_UNLESS (unshare (CLONE_NEWNS) == 0 && mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "mounts need root");
  CHECK (mount ("none", arg, "tmpfs", 0, NULL) == 0);
  int processes = proc_own (false, "/proc", NULL);
  CHILD_SKIP_UNLESS (processes != -ENOTSUP && processes != -EPERM, "no new procfs can be mounted here");
  CHECK (processes >= 0 && fstatfs (processes, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC);
  CHECK ((fs.f_flags & (MS_NOSUID | MS_NODEV | MS_NOEXEC)) == (MS_NOSUID | MS_NODEV | MS_NOEXEC));
  CHECK (try_file (processes, "self/mountinfo") == 0 && has (processes, "self/attr"));
  CHECK (! has (processes, "sys") && ! has (processes, "sysrq-trigger"));
  int all = proc_own (true, "/proc", NULL);
  CHECK (all >= 0 && fstatfs (all, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC && has (all, "sys/kernel") && has (all, "self/attr"));
  return 0;
}

static void
proc_own_is_not_the_hosts (void **state)
{
  (void) state;
  assert_child_arg (make_one, "/proc", "make_one, /proc covered");
  assert_child_arg (make_one, "/proc/self/attr", "make_one, /proc/self/attr covered");
}

/* Before Linux 5.8 its options are unknown.  */
static int
make_without_options (void *arg)
{
  enum { SET = 1 }; /* FSCONFIG_SET_STRING; and no bit of the commands */

  (void) arg;
  CHILD_SKIP_UNLESS (deny_call (SYS_fsconfig, 1, SET, EINVAL) == 0, "no seccomp");
  int fd = proc_make (false, NULL);
  CHILD_SKIP_UNLESS (fd != -EPERM && fd != -ENOSYS, "no new procfs can be mounted here");
  CHECK (fd >= 0 && has (fd, "self/attr") && has (fd, "sys"));
  return 0;
}

static void
proc_make_of_older_kernels (void **state)
{
  (void) state;
  assert_child (make_without_options);
}

/* It is that of the pid namespace that its maker is in.  */
static int
make_in_a_namespace (void *arg)
{
  char self[16] = "";
  int status;

  (void) arg;
  CHILD_SKIP_UNLESS (unshare (CLONE_NEWPID) == 0, "no pid namespace");
  pid_t pid = fork ();
  if (pid == 0)
    {
      int fd = proc_make (false, NULL);
      _exit (fd == -EPERM || fd == -ENOSYS ? 77 : fd < 0 || readlinkat (fd, "self", self, sizeof self - 1) != 1 || strcmp (self, "1") != 0);
    }
  CHECK (waitpid (pid, &status, 0) == pid && WIFEXITED (status));
  CHILD_SKIP_UNLESS (WEXITSTATUS (status) != 77, "no new procfs can be mounted here");
  CHECK (WEXITSTATUS (status) == 0);
  return 0;
}

static void
proc_make_in_a_pid_namespace (void **state)
{
  (void) state;
  assert_child (make_in_a_namespace);
}

/* ARG is what fsopen says.  Whether the host's was asked is told by what it then is.  */
static int
fall_back (void *arg)
{
  const int *num = arg;
  bool another = *num == EIO;

  CHILD_SKIP_UNLESS (deny_call (SYS_fsopen, 0, 0, *num) == 0, "no seccomp");
  CHECK (proc_own (false, "/tmp", NULL) == (another ? -EIO : -ENOTSUP));
  CHECK (another || proc_own (true, "/proc", NULL) >= 0);
  return 0;
}

static void
proc_own_falls_back_for_three_reasons (void **state)
{
  static int reasons[] = { ENOSYS, EPERM, EACCES, EIO };

  (void) state;
  for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
    assert_child_arg (fall_back, &reasons[i], strerror (reasons[i]));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (proc_open_takes_the_root_alone),
    cmocka_unit_test (proc_open_file_crosses_nothing),
    cmocka_unit_test (proc_open_sees_what_covers_it),
    cmocka_unit_test (proc_own_is_not_the_hosts),
    cmocka_unit_test (proc_make_of_older_kernels),
    cmocka_unit_test (proc_make_in_a_pid_namespace),
    cmocka_unit_test (proc_own_falls_back_for_three_reasons),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
