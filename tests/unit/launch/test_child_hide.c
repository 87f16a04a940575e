/* SPDX-License-Identifier: Apache-2.0 */
/* Covers on the host's procfs and sysfs: all of them, whatever they are called, in our mount namespace alone. */
#include "child.h"

#include <linux/magic.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/vfs.h>

static const char *const points[] = { "plain", "with a blank", "back\\slash", "line\nfeed", "sys", "part", "ours" };

static long
magic (const char *path)
{
  struct statfs fs;

  return statfs (path, &fs) == 0 ? (long) fs.f_type : 0;
}

static int
hide (void *arg)
{
  (void) arg;
  CHECK (unshare (CLONE_NEWNS) == 0);
  CHECK (mount (NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL) == 0);
  for (size_t i = 0; i < sizeof points / sizeof *points; i++)
    CHECK (mkdir (points[i], 0755) == 0);
  for (size_t i = 0; i < 4; i++)
    CHECK (mount ("proc", points[i], "proc", 0, NULL) == 0);
  CHECK (mount ("sysfs", "sys", "sysfs", 0, NULL) == 0);
  CHECK (mount ("/proc/sys", "part", NULL, MS_BIND, NULL) == 0); /* no whole procfs: it vouches for none */
  CHECK (mount ("ours", "ours", "tmpfs", 0, NULL) == 0);
  CHECK (mkdir ("ours/kept", 0755) == 0);
  CHECK (child_hide_host (&child, &child_err) == 0);
  for (size_t i = 0; i < 5; i++)
    CHECK (magic (points[i]) == TMPFS_MAGIC);
  CHECK (magic ("/proc") == TMPFS_MAGIC);
  CHECK (magic ("part") == PROC_SUPER_MAGIC);
  CHECK (access ("ours/kept", F_OK) == 0);
  CHECK (faccessat (child.proc, "self/attr", F_OK, 0) == 0); /* what was opened before stays of use */
  CHECK (child_hide_host (&child, &child_err) == 0); /* nothing is left to be done */
  return 0;
}

/* The mounts are of peers: what is covered here must be seen nowhere else.  */
static int
hide_in_shared (void *arg)
{
  const char *path = arg;

  CHECK (unshare (CLONE_NEWNS) == 0);
  CHECK (mount (NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL) == 0);
  CHECK (mkdir (path, 0755) == 0);
  CHECK (mount ("proc", path, "proc", 0, NULL) == 0);
  CHECK (mount (NULL, path, NULL, MS_SHARED, NULL) == 0);
  int outer = open (path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  int ns = open ("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
  CHECK (outer >= 0 && ns >= 0);
  CHECK (unshare (CLONE_NEWNS) == 0);
  CHECK (child_hide_host (&child, &child_err) == 0);
  CHECK (magic (path) == TMPFS_MAGIC);
  CHECK (setns (ns, CLONE_NEWNS) == 0);
  CHECK (magic (path) == PROC_SUPER_MAGIC);
  CHECK (magic ("/proc") == PROC_SUPER_MAGIC);
  return 0;
}

static void
child_hide_host_covers_all (void **state)
{
  const struct room *r = *state;
  int old = open (".", O_PATH | O_DIRECTORY | O_CLOEXEC);

  child_needs_root ("mounts");
  assert_int_equal (chdir (r->path), 0);
  assert_child_arg (hide, NULL, "hide");
  assert_int_equal (fchdir (old), 0);
  close (old);
  assert_int_equal (magic ("/proc"), PROC_SUPER_MAGIC);
}

static void
child_hide_host_reaches_no_peer (void **state)
{
  child_needs_root ("mounts");
  assert_child_arg (hide_in_shared, (void *) (uintptr_t) room_path (state, "shared"), "hide_in_shared");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    child_test (child_hide_host_covers_all),
    child_test (child_hide_host_reaches_no_peer),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
