/* SPDX-License-Identifier: Apache-2.0 */
/* System calls one by one: each wrapper makes the call it is named after, and returns what the kernel said. */
#include "in_child.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <linux/capability.h>
#include <linux/keyctl.h>

#include "kernel/sys.h"

static const struct open_how how = { .flags = O_PATH };
static struct mount_attr attr;
static struct clone_args clone_args = { .exit_signal = SIGCHLD };
static siginfo_t info;
static struct sys_rlimit limit;
static char *const none[] = { NULL };

/* Each call with arguments that do no harm should it get through.  */
#define CALL(name, call)                                                                                               \
  static int call_##name (void) { return call; }

CALL (clone3, sys_clone3 (&clone_args))
CALL (openat2, sys_openat2 (AT_FDCWD, "/", &how))
CALL (fchmodat2, sys_fchmodat2 (-1, "", 0, AT_EMPTY_PATH))
CALL (open_tree, sys_open_tree (AT_FDCWD, "/", 0))
CALL (open_tree_attr, sys_open_tree_attr (-1, "none", 0, &attr, sizeof attr))
CALL (move_mount, sys_move_mount (-1, "", -1, "", 0))
CALL (fsopen, sys_fsopen ("tmpfs", FSOPEN_CLOEXEC))
CALL (fsconfig, sys_fsconfig (-1, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
CALL (fsmount, sys_fsmount (-1, 0, 0))
CALL (mount_setattr, sys_mount_setattr (-1, "", AT_EMPTY_PATH, &attr, sizeof attr))
CALL (getdents64, sys_getdents64 (-1, NULL, 0))
CALL (mount, sys_mount (NULL, "/none", NULL, MS_PRIVATE, NULL))
CALL (umount2, sys_umount2 ("/none", 0))
CALL (pivot_root, sys_pivot_root ("/none", "/none"))
CALL (setns, sys_setns (-1, 0))
CALL (unshare, sys_unshare (0))
CALL (pidfd_open, sys_pidfd_open (getpid (), 0))
CALL (pidfd_send_signal, sys_pidfd_send_signal (-1, 0, NULL, 0))
CALL (waitid, sys_waitid_pidfd (-1, &info, WEXITED))
CALL (memfd_create, sys_memfd_create ("x", 0))
CALL (execveat, sys_execveat (-1, "", none, none, AT_EMPTY_PATH))
CALL (keyctl, (int) sys_keyctl (KEYCTL_GET_KEYRING_ID, 0, 0, 0, 0))
CALL (bpf, sys_bpf (-1, NULL, 0))
CALL (seccomp, sys_seccomp (99, 0, NULL))
CALL (prlimit, sys_prlimit (0, RLIMIT_NOFILE, NULL, &limit))
CALL (setgroups, sys_setgroups (0, NULL))
CALL (setresuid, sys_setresuid ((uid_t) -1, (uid_t) -1, (uid_t) -1))
CALL (setresgid, sys_setresgid ((gid_t) -1, (gid_t) -1, (gid_t) -1))
CALL (sethostname, sys_sethostname (NULL, 1))
CALL (setdomainname, sys_setdomainname (NULL, 1))

static const struct row
{
  int nr;
  int (*call) (void);
} rows[] = {
  { SYS_getdents64, call_getdents64 },
  { SYS_clone3, call_clone3 },
  { SYS_openat2, call_openat2 },
  { 452 /* fchmodat2 */, call_fchmodat2 },
  { SYS_open_tree, call_open_tree },
  { 467 /* open_tree_attr */, call_open_tree_attr },
  { SYS_move_mount, call_move_mount },
  { SYS_fsopen, call_fsopen },
  { SYS_fsconfig, call_fsconfig },
  { SYS_fsmount, call_fsmount },
  { 442 /* mount_setattr */, call_mount_setattr },
  { SYS_mount, call_mount },
  { SYS_umount2, call_umount2 },
  { SYS_pivot_root, call_pivot_root },
  { SYS_setns, call_setns },
  { SYS_unshare, call_unshare },
  { SYS_pidfd_open, call_pidfd_open },
  { SYS_pidfd_send_signal, call_pidfd_send_signal },
  { SYS_waitid, call_waitid },
  { SYS_memfd_create, call_memfd_create },
  { SYS_execveat, call_execveat },
  { SYS_keyctl, call_keyctl },
  { SYS_bpf, call_bpf },
  { SYS_seccomp, call_seccomp },
  { SYS_prlimit64, call_prlimit },
#ifdef SYS_setgroups32
  { SYS_setgroups32, call_setgroups },
  { SYS_setresuid32, call_setresuid },
  { SYS_setresgid32, call_setresgid },
#else
  { SYS_setgroups, call_setgroups },
  { SYS_setresuid, call_setresuid },
  { SYS_setresgid, call_setresgid },
#endif
  { SYS_sethostname, call_sethostname },
  { SYS_setdomainname, call_setdomainname },
};

/* A number that no call has as its own answer here shows that this very call was made.  */
static int
is_that_call (void *arg)
{
  const struct row *r = arg;

  CHILD_SKIP_UNLESS (deny_call (r->nr, 0, 0, EXFULL) == 0, "no seccomp");
  CHECK (r->call () == -EXFULL);
  return 0;
}

static void
sys_calls_by_number (void **state)
{
  (void) state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    {
      char name[32];

      snprintf (name, sizeof name, "row %zu", i);
      assert_child_arg (is_that_call, (void *) &rows[i], name);
    }
}

static void
sys_errors_are_negative (void **state)
{
  (void) state;
  assert_int_equal (call_setns (), -EBADF);
  assert_int_equal (call_pidfd_send_signal (), -EBADF);
  assert_int_equal (sys_openat2 (AT_FDCWD, "/none/there", &how), -ENOENT);
  assert_int_equal (sys_umount2 (NULL, 0) < 0, 1);
}

/* Only this thread changes: libc's own calls would signal all.  Here: no other thread, so the ids do change.  */
static int
changes_ids (void *arg)
{
  const gid_t groups[] = { 5, 6 };
  gid_t have[4];
  uid_t r, e, s;

  (void) arg;
  CHILD_SKIP_UNLESS (geteuid () == 0, "not root");
  CHECK (sys_setgroups (2, groups) == 0 && getgroups (4, have) == 2 && have[0] == 5 && have[1] == 6);
  CHECK (sys_setresgid (7, 8, 9) == 0 && getresgid (&r, &e, &s) == 0 && r == 7 && e == 8 && s == 9);
  CHECK (sys_setresuid (10, 11, 12) == 0 && getresuid (&r, &e, &s) == 0 && r == 10 && e == 11 && s == 12);
  CHECK (sys_setresuid (0, 0, 0) == -EPERM);
  return 0;
}

static void
sys_ids_change (void **state)
{
  (void) state;
  assert_child (changes_ids);
}

static void
sys_prlimit_both_ways (void **state)
{
  struct rlimit libc;
  struct sys_rlimit ours = { 0 };

  (void) state;
  assert_int_equal (sys_prlimit (0, RLIMIT_NOFILE, NULL, &ours), 0);
  assert_int_equal (getrlimit (RLIMIT_NOFILE, &libc), 0);
  assert_int_equal (ours.soft, libc.rlim_cur);
  assert_int_equal (ours.hard, libc.rlim_max);
}

static void
do_nothing (int signal)
{
  (void) signal;
}

/* A signal that interrupts the wait does not end it.  */
static int
waits_on (void *arg)
{
  struct sigaction action = { .sa_handler = do_nothing };
  siginfo_t ended = { 0 };
  int fds[2];
  pid_t parent = getpid (), pid;

  (void) arg;
  CHECK (pipe (fds) == 0 && sigaction (SIGUSR1, &action, NULL) == 0);
  pid = fork ();
  if (pid == 0)
    {
      for (int i = 0; i < 20; i++)
        {
          kill (parent, SIGUSR1);
          usleep (1000);
        }
      _exit (7);
    }
  int fd = sys_pidfd_open (pid, 0);
  CHILD_SKIP_UNLESS (fd != -ENOSYS, "no pidfd_open");
  int ret = sys_waitid_pidfd (fd, &ended, WEXITED);
  CHILD_SKIP_UNLESS (ret != -EINVAL, "no P_PIDFD");
  CHECK (ret == 0 && ended.si_pid == pid && ended.si_code == CLD_EXITED && ended.si_status == 7);
  return 0;
}

static void
sys_waitid_goes_on (void **state)
{
  (void) state;
  assert_child (waits_on);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (sys_calls_by_number), cmocka_unit_test (sys_errors_are_negative),
    cmocka_unit_test (sys_ids_change),      cmocka_unit_test (sys_prlimit_both_ways),
    cmocka_unit_test (sys_waitid_goes_on),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
