/* SPDX-License-Identifier: Apache-2.0 */
/* What the program inherits, each step in a process of its own. */
#include "child.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/sysmacros.h>

#include "base/bits.h"
#include "kernel/sched.h"

static int
go_anywhere (void *arg)
{
  struct bits before, now, none;

  (void) arg;
  CHECK (sched_unpin (0, NULL) == 0 && sched_pinned (0, &before, NULL) == 0);
  CHECK (bits_parse ("0", &none) == 0 && sched_pin (0, &none, NULL) == 0);
  child_plan.process.any_cpu = true;
  CHECK (child_cpus (&child, &child_err) == 0);
  CHECK (sched_pinned (0, &now, NULL) == 0 && memcmp (&before, &now, sizeof now) == 0);
  CHECK (deny_call (SYS_sched_setaffinity, 0, 0, EPERM) == 0);
  CHECK (child_cpus (&child, &child_err) == 0); /* forbidden: as the caller had it */
  return 0;
}

static void
child_cpus_all (void **state)
{
  (void) state;
  assert_child (go_anywhere);
}

static int
go_to_one (void *arg)
{
  struct bits one, now;

  (void) arg;
  CHECK (bits_parse ("0", &one) == 0);
  child_plan.process.cpus = &one;
  CHECK (child_cpus (&child, &child_err) == 0);
  CHECK (sched_pinned (0, &now, NULL) == 0 && memcmp (&one, &now, sizeof now) == 0);
  CHECK (bits_parse ("8191", &one) == 0);
  CHECK (child_cpus (&child, &child_err) == -EINVAL);
  CHECK (strcmp (child_err.where, "process.execCPUAffinity.final") == 0);
  return 0;
}

/* spec: 70 */
static void
child_cpus_final (void **state)
{
  (void) state;
  assert_child (go_to_one);
}

static int
schedule_ourselves (void *arg)
{
  const struct sched idle = { .policy = SCHED_IDLE };

  (void) arg;
  child_plan.process.scheduler = &idle;
  CHECK (child_scheduling (&child, &child_err) == 0 && sched_getscheduler (0) == SCHED_IDLE);
  return 0;
}

/* spec: 68 */
static void
child_scheduling_of_itself (void **state)
{
  (void) state;
  assert_child (schedule_ourselves);
}

static int
take_memory_anywhere (void *arg)
{
  struct bits none = { { 0 } }, far;
  struct plan_memory_policy local = { .mode = 4, .nodes = &none }, wrong = { .mode = 2, .nodes = &far };

  (void) arg;
  child_plan.memory_policy = &local;
  CHILD_SKIP_UNLESS (child_memory_policy (&child, &child_err) != -ENOSYS, "a kernel without NUMA");
  CHECK (bits_parse ("900", &far) == 0);
  child_plan.memory_policy = &wrong;
  CHECK (child_memory_policy (&child, &child_err) == -EINVAL);
  CHECK (strcmp (child_err.where, "linux.memoryPolicy") == 0);
  return 0;
}

/* spec: 146 */
static void
child_memory_policy_or_error (void **state)
{
  (void) state;
  assert_child (take_memory_anywhere);
}

static int
pretend (void *arg)
{
  unsigned long persona = 8;

  (void) arg;
  child_plan.personality = &persona;
  CHECK (child_personality (&child, &child_err) == 0 && personality (0xffffffff) == 8);
  CHECK (deny_call (SYS_personality, 0, 0, EPERM) == 0);
  CHECK (child_personality (&child, &child_err) == -EPERM);
  CHECK (strcmp (child_err.where, "linux.personality") == 0);
  return 0;
}

/* spec: 157 */
static void
child_personality_or_error (void **state)
{
  (void) state;
  assert_child (pretend);
}

static int
give_pipes_away (void *arg)
{
  int fds[2], file = open (arg, O_RDWR | O_CREAT | O_CLOEXEC, 0600), null = open ("/dev/null", O_RDWR | O_CLOEXEC);
  struct stat st;

  CHILD_SKIP_UNLESS (geteuid () == 0, "giving files away needs root");
  CHECK (pipe (fds) == 0 && file >= 0 && null >= 0);
  CHECK (dup2 (null, 0) == 0 && dup2 (fds[1], 1) == 1 && dup2 (file, 2) == 2);
  child_plan.process.uid = 1234;
  child_plan.process.own_stdio = true;
  CHECK (child_stdio (&child, &child_err) == 0);
  CHECK (fstat (0, &st) == 0 && st.st_uid == 0);
  CHECK (fstat (1, &st) == 0 && st.st_uid == 1234 && st.st_gid == 0);
  CHECK (fstat (2, &st) == 0 && st.st_uid == 0);
  (void) close (0);
  CHECK (child_stdio (&child, &child_err) == 0); /* a closed one is nobody's */
  child_plan.process.uid = 1235;
  CHECK (deny_call (SYS_fchown, 0, 0, EINVAL) == 0 && child_stdio (&child, &child_err) == 0);
  CHECK (deny_call (SYS_fchown, 0, 0, EIO) == 0 && child_stdio (&child, &child_err) == -EIO);
  return 0;
}

static void
child_stdio_gives_pipes_only (void **state)
{
  assert_child_arg (give_pipes_away, (void *) (uintptr_t) room_path (state, "log"), "give_pipes_away");
}

/* In a root of its own, where /dev/null is what NAME of the host is, or nothing.  */
static bool
own_root (const char *name)
{
  int fd;

  if (unshare (CLONE_NEWNS) < 0 || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || mount ("tmpfs", "/mnt", "tmpfs", 0, NULL) < 0
      || mkdir ("/mnt/dev", 0755) < 0)
    return false;
  if (name && strcmp (name, "link") == 0)
    return symlink ("zero", "/mnt/dev/null") == 0 && mknod ("/mnt/dev/zero", S_IFCHR | 0666, makedev (1, 3)) == 0 && chroot ("/mnt") == 0;
  fd = name ? open ("/mnt/dev/null", O_CREAT | O_CLOEXEC, 0600) : 0;
  return fd >= 0 && (name == NULL || mount (name, "/mnt/dev/null", NULL, MS_BIND, NULL) == 0) && chroot ("/mnt") == 0;
}

static int
take_own_null (void *arg)
{
  struct stat st;
  int fds[2], host = open ("/dev/null", O_RDWR | O_CLOEXEC);

  (void) arg;
  CHECK (host >= 0 && pipe (fds) == 0 && dup2 (host, 0) == 0 && dup2 (fds[1], 1) == 1 && dup2 (host, 2) == 2);
  CHILD_SKIP_UNLESS (geteuid () == 0 && unshare (CLONE_NEWNS) == 0 && mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0
                         && mount ("tmpfs", "/mnt", "tmpfs", 0, NULL) == 0 && mkdir ("/mnt/dev", 0755) == 0
                         && mknod ("/mnt/dev/null", S_IFCHR | 0640, makedev (1, 3)) == 0 && chroot ("/mnt") == 0,
                     "needs root and a mount namespace");
  CHECK (child_stdio (&child, &child_err) == 0 && fstat (0, &st) == 0 && (st.st_mode & 0777) != 0640); /* not asked for */
  child_plan.process.own_null = true;
  CHECK (child_stdio (&child, &child_err) == 0);
  CHECK (fstat (0, &st) == 0 && (st.st_mode & 0777) == 0640 && fstat (2, &st) == 0 && (st.st_mode & 0777) == 0640);
  CHECK (fstat (1, &st) == 0 && S_ISFIFO (st.st_mode));
  return 0;
}

static void
child_stdio_own_null (void **state)
{
  (void) state;
  assert_child (take_own_null);
}

/* What lies in its place is taken for nothing else.  */
static int
refuse_null (void *arg)
{
  int host = open ("/dev/null", O_RDWR | O_CLOEXEC);

  CHECK (host >= 0 && dup2 (host, 0) == 0 && dup2 (host, 1) == 1);
  child_plan.process.own_null = true;
  CHILD_SKIP_UNLESS (geteuid () == 0 && own_root (arg), "needs root and a mount namespace");
  CHECK (child_stdio (&child, &child_err) < 0);
  CHECK (strstr (child_err.object, "/dev/null of the container") || strstr (child_err.what, "not the null device"));
  return 0;
}

static void
child_stdio_other_null (void **state)
{
  static const char *const others[] = { NULL, "/dev/zero", "/etc/passwd", "link" };

  (void) state;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    assert_child_arg (refuse_null, (void *) (uintptr_t) others[i], others[i] ? others[i] : "nothing");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    child_test (child_cpus_all),
    child_test (child_cpus_final),
    child_test (child_scheduling_of_itself),
    child_test (child_memory_policy_or_error),
    child_test (child_personality_or_error),
    child_test (child_stdio_gives_pipes_only),
    child_test (child_stdio_own_null),
    child_test (child_stdio_other_null),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
