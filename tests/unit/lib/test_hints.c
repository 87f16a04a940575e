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

/* What failed, and a part of the advice; none: "".  */
static const struct
{
  const char *step, *call;
  int num;
  const char *object, *says;
} rows[] = {
  { "root.mounts", "fsconfig", EPERM, "create proc", "proc cannot be mounted" },
  { "root.mounts", "fsconfig", EPERM, "create sysfs", "sysfs needs" },
  { "root.mounts", "fsconfig", EPERM, "create cgroup2", "cgroup namespace" },
  { "root.mounts", "fsconfig", EPERM, "create ext4", "made for it" },
  { "root.mounts", "fsconfig", EINVAL, "gid=5", "gidMappings" },
  { "root.mounts", "fsconfig", EINVAL, "mode=9", "" },
  { "root.mounts", "fsconfig", EINVAL, "create devpts", "gidMappings" },
  { "child.spawn", "clone3", ENOSPC, "", "limit on namespaces" },
  { "record.reserve", "mkdirat", ENOSPC, "", "full" }, /* the general one */
  { "any.step", "setns", EPERM, "", "CAP_SYS_ADMIN" },
  { "root.mounts", "mount_setattr", EPERM, "idmap", "by an ordinary user" },
  { "root.mounts", "mount_setattr", EPERM, "set 0x1 clear 0", "access time" },
  { "root.mounts", "mount", EPERM, "remount with flags 0x400", "access time" },
  { "root.mounts", "mount", EPERM, "tmpfs", "" },
  { "root.propagation", "mount", EINVAL, "propagation of /", "chroot" },
  { "child.spawn", "write", ENOSPC, "tasks of the container's cgroup", "cpuset" },
  { "child.spawn", "write", ENOSPC, "/sys/fs/cgroup/cpuset/a/cgroup.procs", "cpuset" },
  { "cgroup.late", "write", ENOSPC, "/sys/fs/cgroup/cpuset/a/cpuset.cpus", "are left without" },
  { "ns.unshare", "unshare", EINVAL, "pid network time", "Linux 5.6" },
  { "child.spawn", "clone3", EINVAL, "first process, with a time namespace", "Linux 5.6" },
  { "child.spawn", "clone3", EINVAL, "first process", "" },
  { "", "write", ENOENT, "/sys/fs/cgroup/a/cgroup.subtree_control", "hand it down" },
  { "", "write", EBUSY, "/sys/fs/cgroup/a/cgroup.subtree_control", "linux.cgroupsPath elsewhere" },
  { "", "openat", EACCES, "/sys/fs/cgroup/a/cgroup.subtree_control", "delegate a cgroup" },
  { "", "write", EPERM, "devices.allow: c 1:1 rwm", "what its parent may" },
  { "child.spawn", "execve", ENOENT, "newuidmap", "uidmap" },
  { "exec.go", "execve", ENOENT, "/usr/bin/newuidmap", "interpreter" },
  { "", "read", EFBIG, "config.json", "16 MiB" },
  { "", "", 0, "", "" },
  { "exec.go", "execve", EIO, "", "" },
  { "creds", "setgroups", EIO, "", "" },
};

static void
hint_for_each_row (void **state)
{
  (void) state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    {
      const char *got = hint (rows[i].step, rows[i].call, rows[i].num, rows[i].object);
      if (rows[i].says[0] ? strstr (got, rows[i].says) == NULL : got[0] != '\0')
        fail_msg ("%s %s %s: \"%s\"", rows[i].step, rows[i].call, rows[i].object, got);
    }
}

/* The first directory that keeps an ordinary user out is named; where there is none, or we are root, the sentence is the table's.  */
static void
hint_for_a_way (void **state)
{
  char top[] = "/tmp/orlop-\x1b\nhints-XXXXXX", path[64], want[120], shown[sizeof top];

  (void) state;
  assert_non_null (mkdtemp (top)); /* 0700 */
  (void) snprintf (shown, sizeof shown, "/tmp/orlop-? %s", strstr (top, "hints")); /* nothing that a terminal obeys */
  (void) snprintf (path, sizeof path, "%s/a", top);
  assert_int_equal (mkdir (path, 0755), 0);
  (void) snprintf (path, sizeof path, "%s/a/b", top);
  (void) snprintf (want, sizeof want, "%s (mode 0700, owner %u, group %u) is not searchable for user 4242", shown, geteuid (), getegid ());
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
    cmocka_unit_test (hint_for_each_row),
    cmocka_unit_test (hint_for_a_way),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
