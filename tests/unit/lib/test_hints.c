/* SPDX-License-Identifier: Apache-2.0 */
/* Advice: the special row before the general one, and none where we know nothing. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hints.h"

static void
hint_for_the_special_first (void **state)
{
  (void) state;
  assert_non_null (strstr (hint_for ("root.mounts", "fsconfig", EPERM, "create proc"), "proc cannot be mounted"));
  assert_non_null (strstr (hint_for ("root.mounts", "fsconfig", EPERM, "create sysfs"), "sysfs needs"));
  assert_string_equal (hint_for ("root.mounts", "fsconfig", EPERM, "create tmpfs"), "");
  assert_non_null (strstr (hint_for ("child.spawn", "clone3", ENOSPC, ""), "limit on namespaces"));
  assert_non_null (strstr (hint_for ("record.reserve", "mkdirat", ENOSPC, ""), "full")); /* the general one */
  assert_non_null (strstr (hint_for ("any.step", "setns", EPERM, ""), "CAP_SYS_ADMIN"));
  assert_non_null (strstr (hint_for ("root.propagation", "mount", EINVAL, "propagation of /"), "chroot"));
  assert_non_null (strstr (hint_for ("child.spawn", "write", ENOSPC, "tasks of the container's cgroup"), "cpuset"));
  assert_non_null (strstr (hint_for ("child.spawn", "write", ENOSPC, "/sys/fs/cgroup/cpuset/a/cgroup.procs"), "cpuset"));
  assert_non_null (strstr (hint_for ("cgroup.late", "write", ENOSPC, "/sys/fs/cgroup/cpuset/a/cpuset.cpus"), "are left without"));
  assert_non_null (strstr (hint_for ("ns.unshare", "unshare", EINVAL, "pid network time"), "Linux 5.6"));
  assert_non_null (strstr (hint_for ("child.spawn", "clone3", EINVAL, "first process, with a time namespace"), "Linux 5.6"));
  assert_string_equal (hint_for ("child.spawn", "clone3", EINVAL, "first process"), "");
  assert_non_null (strstr (hint_for ("", "write", ENOENT, "/sys/fs/cgroup/a/cgroup.subtree_control"), "hand it down"));
  assert_non_null (strstr (hint_for ("", "write", EBUSY, "/sys/fs/cgroup/a/cgroup.subtree_control"), "linux.cgroupsPath elsewhere"));
  assert_non_null (strstr (hint_for ("", "openat", EACCES, "/sys/fs/cgroup/a/cgroup.subtree_control"), "delegate a cgroup"));
  assert_non_null (strstr (hint_for ("", "write", EPERM, "devices.allow: c 1:1 rwm"), "what its parent may"));
  assert_non_null (strstr (hint_for ("", "read", EFBIG, "config.json"), "16 MiB"));
}

static void
hint_for_what_is_not_known (void **state)
{
  (void) state;
  assert_string_equal (hint_for ("", "", 0, ""), "");
  assert_string_equal (hint_for ("exec.go", "execve", EIO, ""), "");
  assert_string_equal (hint_for ("creds", "setgroups", EIO, ""), "");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (hint_for_the_special_first),
    cmocka_unit_test (hint_for_what_is_not_known),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
