/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts of a plan, made below the room in a private mount namespace. */
#include "child.h"

#include <linux/magic.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#include "kernel/mount.h"
#include "kernel/sys.h"

static char source[256];

#define ANYWHERE .place = { .parent = -1 }, .of = -1

/* Opens the room ARG as the root, in mounts of our own.  */
static int
begin (const char *arg)
{
  CHILD_SKIP_UNLESS (geteuid () == 0 && unshare (CLONE_NEWNS) == 0, "a mount namespace needs root");
  CHECK (mount_propagate_root (MS_PRIVATE, true, NULL) == 0);
  /* attached, as the child's root is */
  int tree = mount_clone (AT_FDCWD, arg, true, NULL);
  CHECK (tree >= 0 && mount_attach_at (tree, AT_FDCWD, arg, NULL) == 0);
  child.root = tree;
  CHECK (chdir (arg) == 0 && fchdir (tree) == 0);
  return 0;
}

static unsigned long
flags_of (const char *path)
{
  struct statfs fs = { 0 };

  return statfs (path, &fs) == 0 ? (unsigned long) fs.f_flags : 0;
}

static int
mount_several (void *arg)
{
  struct plan_mount mounts[] = {
    { ANYWHERE, .kind = PLAN_MOUNT_NEW, .where = "mounts[0]", .target = "dev", .fstype = "tmpfs", .attr_set = MOUNT_ATTR_NOSUID },
    { .of = -1, .place = { 0, "shm" }, .kind = PLAN_MOUNT_NEW, .where = "mounts[1]", .target = "dev/shm", .fstype = "tmpfs" },
    { ANYWHERE, .kind = PLAN_MOUNT_BIND, .where = "mounts[2]", .target = "deep/er/data", .source = source,
      .attr_set = MOUNT_ATTR_RDONLY },
    { ANYWHERE, .kind = PLAN_MOUNT_BIND, .where = "mounts[3]", .target = "nothing", .source = "/nowhere/at/all", .optional = true },
    { .of = 0, .place = { .parent = -1 }, .kind = PLAN_MOUNT_REMOUNT, .where = "mounts[4]", .target = "dev",
      .attr_set = MOUNT_ATTR_RDONLY, .late = true },
  };
  int ret = begin (arg);

  if (ret != 0)
    return ret;
  child_plan.mounts = mounts;
  child_plan.n_mounts = 5;
  CHECK (child_root_sources (&child, &child_err) == 0 && child_root_mounts (&child, &child_err) == 0);
  CHECK (flags_of ("dev") & ST_NOSUID && ! (flags_of ("dev") & ST_RDONLY));
  CHECK (child_holder (&child, &mounts[1].place) == child.mounts[0]);
  CHECK (child_holder (&child, &mounts[2].place) == -1);
  CHECK (access ("deep/er/data/inner", F_OK) == 0 && flags_of ("deep/er/data") & ST_RDONLY);
  CHECK (open ("dev/shm/new", O_WRONLY | O_CREAT, 0600) >= 0);
  CHECK (child_root_late_mounts (&child, &child_err) == 0);
  CHECK (flags_of ("dev") & ST_RDONLY && ! (flags_of ("dev/shm") & ST_RDONLY)); /* that one mount alone */
  return 0;
}

static void
child_root_mounts_in_order (void **state)
{
  struct room *r = *state;

  assert_int_equal (mkdir (room_path (state, "source"), 0755), 0);
  room_write (state, "source/inner", "", 0644);
  (void) snprintf (source, sizeof source, "%s", room_path (state, "source"));
  assert_child_arg (mount_several, r->path, "mount_several");
}

static int
mount_on_a_file (void *arg)
{
  struct plan_mount mount = { ANYWHERE, .kind = PLAN_MOUNT_BIND, .where = "mounts[0]", .target = "etc/one", .source = source };
  int ret = begin (arg);

  if (ret != 0)
    return ret;
  child_plan.mounts = &mount;
  child_plan.n_mounts = 1;
  CHECK (child_root_sources (&child, &child_err) == 0);
  CHECK (child_root_mounts (&child, &child_err) == 0); /* the file to mount on is made, with its directory */
  char text[8] = "";
  int fd = open ("etc/one", O_RDONLY);
  CHECK (fd >= 0 && read (fd, text, sizeof text) == 4 && strcmp (text, "text") == 0);
  return 0;
}

static void
child_root_mounts_bind_a_file (void **state)
{
  struct room *r = *state;

  room_write (state, "file", "text", 0644);
  (void) snprintf (source, sizeof source, "%s", room_path (state, "file"));
  assert_child_arg (mount_on_a_file, r->path, "mount_on_a_file");
}

/* A link of the image where a directory is to be: followed inside the root for an ordinary mount, refused for proc.  */
static int
mount_over_links (void *arg)
{
  struct plan_mount mount = { ANYWHERE, .kind = PLAN_MOUNT_NEW, .where = "mounts[0]", .target = "link", .fstype = "tmpfs" };
  int ret = begin (arg);

  if (ret != 0)
    return ret;
  child_plan.mounts = &mount;
  child_plan.n_mounts = 1;
  CHECK (child_root_mounts (&child, &child_err) == 0);
  CHECK (close (open ("real/new", O_WRONLY | O_CREAT, 0600)) == 0); /* on the tmpfs: gone with it */
  mount = (struct plan_mount){ ANYWHERE, .kind = PLAN_MOUNT_NEW, .where = "mounts[0]", .target = "false", .fstype = "proc",
                               .no_symlinks = true };
  CHECK (child_root_mounts (&child, &child_err) < 0);
  CHECK (strcmp (child_err.what, "\"/false\" must be an ordinary directory to mount proc on") == 0);
  CHECK (strcmp (child_err.where, "mounts[0]") == 0);
  return 0;
}

static void
child_root_mounts_over_links (void **state)
{
  struct room *r = *state;

  assert_int_equal (mkdir (room_path (state, "real"), 0755), 0);
  assert_int_equal (symlink ("/real", room_path (state, "link")), 0);
  assert_int_equal (symlink ("/real", room_path (state, "false")), 0);
  assert_child_arg (mount_over_links, r->path, "mount_over_links");
  assert_int_equal (access (room_path (state, "real/new"), F_OK), -1);
}

/* A fallback that is not there is no error where the mount can be made.  */
static int
mount_without_fallback (void *arg)
{
  struct plan_mount mount = { ANYWHERE, .kind = PLAN_MOUNT_NEW, .where = "mounts[0]", .target = "real", .fstype = "tmpfs", .fallback = "/nowhere" };
  int ret = begin (arg);

  if (ret != 0)
    return ret;
  child_plan.mounts = &mount;
  child_plan.n_mounts = 1;
  child_plan.root.from_parent = true; /* so that it is looked for early */
  CHECK (child_root_sources (&child, &child_err) == 0 && child_root_mounts (&child, &child_err) == 0);
  struct statfs fs;
  CHECK (statfs ("real", &fs) == 0 && fs.f_type == TMPFS_MAGIC);
  return 0;
}

static void
child_root_mounts_without_fallback (void **state)
{
  struct room *r = *state;

  assert_int_equal (mkdir (room_path (state, "real"), 0755), 0);
  assert_child_arg (mount_without_fallback, r->path, "mount_without_fallback");
}

static void
child_root_mounts_say_which (void **state)
{
  struct plan_mount mounts[] = {
    { ANYWHERE, .kind = PLAN_MOUNT_BIND, .where = "mounts[0]", .target = "a", .source = "/nowhere", .optional = true },
    { ANYWHERE, .kind = PLAN_MOUNT_BIND, .where = "mounts[1]", .target = "a", .source = "/nowhere" },
  };

  (void) state;
  child_needs_root ("cloning a mount");
  child_plan.mounts = mounts;
  child_plan.n_mounts = 2;
  assert_int_equal (child_root_sources (&child, &child_err), -ENOENT);
  assert_string_equal (child_err.where, "mounts[1]");
  mounts[1].from_parent = true;
  err_clear (&child_err);
  assert_int_equal (child_root_sources (&child, &child_err), 0);
  assert_int_equal (child_root_mounts (&child, &child_err), -EPROTO);
  assert_string_equal (child_err.what, "the parent sent too few mounts");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    child_test (child_root_mounts_in_order),
    child_test (child_root_mounts_bind_a_file),
    child_test (child_root_mounts_over_links),
    child_test (child_root_mounts_without_fallback),
    child_test (child_root_mounts_say_which),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
