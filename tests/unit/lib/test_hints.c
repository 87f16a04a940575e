/* SPDX-License-Identifier: Apache-2.0 */
/* Advice: the special row before the general one, and none where we know nothing. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "hints.h"

static char buf[256];

static const char *
hint (const char *step, const char *call, int num, const char *object)
{
  return hint_for (step, call, num, object, buf, sizeof buf);
}

static void
hint_for_the_special_first (void **state)
{
  (void) state;
  assert_non_null (strstr (hint ("root.mounts", "fsconfig", EPERM, "create proc"), "proc cannot be mounted"));
  assert_non_null (strstr (hint ("root.mounts", "fsconfig", EPERM, "create sysfs"), "sysfs needs"));
  assert_non_null (strstr (hint ("root.mounts", "fsconfig", EPERM, "create cgroup2"), "cgroup namespace"));
  assert_non_null (strstr (hint ("root.mounts", "fsconfig", EPERM, "create ext4"), "made for it"));
  assert_non_null (strstr (hint ("root.mounts", "fsconfig", EINVAL, "gid=5"), "gidMappings"));
  assert_string_equal (hint ("root.mounts", "fsconfig", EINVAL, "mode=9"), "");
  assert_non_null (strstr (hint ("child.spawn", "clone3", ENOSPC, ""), "limit on namespaces"));
  assert_non_null (strstr (hint ("record.reserve", "mkdirat", ENOSPC, ""), "full")); /* the general one */
  assert_non_null (strstr (hint ("any.step", "setns", EPERM, ""), "CAP_SYS_ADMIN"));
  assert_non_null (strstr (hint ("root.propagation", "mount", EINVAL, "propagation of /"), "chroot"));
  assert_non_null (strstr (hint ("child.spawn", "write", ENOSPC, "tasks of the container's cgroup"), "cpuset"));
  assert_non_null (strstr (hint ("child.spawn", "write", ENOSPC, "/sys/fs/cgroup/cpuset/a/cgroup.procs"), "cpuset"));
  assert_non_null (strstr (hint ("cgroup.late", "write", ENOSPC, "/sys/fs/cgroup/cpuset/a/cpuset.cpus"), "are left without"));
  assert_non_null (strstr (hint ("ns.unshare", "unshare", EINVAL, "pid network time"), "Linux 5.6"));
  assert_non_null (strstr (hint ("child.spawn", "clone3", EINVAL, "first process, with a time namespace"), "Linux 5.6"));
  assert_string_equal (hint ("child.spawn", "clone3", EINVAL, "first process"), "");
  assert_non_null (strstr (hint ("", "write", ENOENT, "/sys/fs/cgroup/a/cgroup.subtree_control"), "hand it down"));
  assert_non_null (strstr (hint ("", "write", EBUSY, "/sys/fs/cgroup/a/cgroup.subtree_control"), "linux.cgroupsPath elsewhere"));
  assert_non_null (strstr (hint ("", "openat", EACCES, "/sys/fs/cgroup/a/cgroup.subtree_control"), "delegate a cgroup"));
  assert_non_null (strstr (hint ("", "write", EPERM, "devices.allow: c 1:1 rwm"), "what its parent may"));
  assert_non_null (strstr (hint ("child.spawn", "execve", ENOENT, "newuidmap"), "uidmap"));
  assert_non_null (strstr (hint ("exec.go", "execve", ENOENT, "/usr/bin/newuidmap"), "interpreter"));
  assert_non_null (strstr (hint ("", "read", EFBIG, "config.json"), "16 MiB"));
}

static void
hint_for_what_is_not_known (void **state)
{
  (void) state;
  assert_string_equal (hint ("", "", 0, ""), "");
  assert_string_equal (hint ("exec.go", "execve", EIO, ""), "");
  assert_string_equal (hint ("creds", "setgroups", EIO, ""), "");
}

/* The first directory that keeps an ordinary user out is named; where there is none, or we are root, the sentence is the table's.  */
static void
hint_for_a_way (void **state)
{
  char top[] = "/tmp/orlop-hints-XXXXXX", path[64], want[96];

  (void) state;
  assert_non_null (mkdtemp (top)); /* 0700 */
  (void) snprintf (path, sizeof path, "%s/a", top);
  assert_int_equal (mkdir (path, 0755), 0);
  (void) snprintf (path, sizeof path, "%s/a/b", top);
  (void) snprintf (want, sizeof want, "%s (mode 0700, owner %u, group %u) is not searchable for user 4242", top, geteuid (), getegid ());
  if (geteuid () == 0)
    {
      assert_non_null (strstr (hint ("root.attach", "open_tree", EACCES, path), "a directory on the way"));
      assert_int_equal (seteuid (4242), 0);
      assert_string_equal (hint ("root.attach", "open_tree", EACCES, path), want);
      assert_string_equal (hint ("", "open", EACCES, path), want);
      assert_non_null (strstr (hint ("exec.resolve", "access", EACCES, path), "execute bit")); /* a path of the container's */
      assert_int_equal (seteuid (0), 0);
    }
  assert_non_null (strstr (hint ("root.attach", "open_tree", EACCES, "/tmp/none"), "a directory on the way"));
  (void) snprintf (path, sizeof path, "%s/a", top);
  assert_int_equal (rmdir (path), 0);
  assert_int_equal (rmdir (top), 0);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (hint_for_the_special_first),
    cmocka_unit_test (hint_for_what_is_not_known),
    cmocka_unit_test (hint_for_a_way),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
