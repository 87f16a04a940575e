/* SPDX-License-Identifier: Apache-2.0 */
/* The handle of the runtime's procfs, and what is opened through it.  */
#include "in_child.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

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

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (proc_open_takes_the_root_alone),
    cmocka_unit_test (proc_open_file_crosses_nothing),
    cmocka_unit_test (proc_open_sees_what_covers_it),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
