/* SPDX-License-Identifier: Apache-2.0 */
/* Filling a root: links, the working directory, nodes, covers, and entering it.  What mounts happens in a private mount namespace. */
#include "child.h"

#include <linux/mount.h>
#include <sched.h>
#include <sys/sysmacros.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#include "kernel/sys.h"

/* Takes the room as the root.  */
static void
take_root (void **state)
{
  child.root = open (((struct room *) *state)->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  assert_true (child.root >= 0);
}

static const char *
link_text (void **state, const char *path)
{
  static char buf[256];
  ssize_t n = readlink (room_path (state, path), buf, sizeof buf - 1);

  buf[n > 0 ? n : 0] = '\0';
  return buf;
}

static void
child_root_links_are_made (void **state)
{
  static struct plan_link links[] = {
    { .place = { .parent = -1 }, .path = "dev/fd", .to = "/proc/self/fd" },
    { .place = { .parent = -1 }, .path = "dev/stdin", .to = "/proc/self/fd/0" },
    { .place = { .parent = -1 }, .path = "dev/ptmx", .to = "pts/ptmx", .replace = true },
    { .place = { .parent = -1 }, .path = "top", .to = "dev" },
  };

  take_root (state);
  assert_int_equal (mkdir (room_path (state, "dev"), 0755), 0);
  assert_int_equal (symlink ("of the image", room_path (state, "dev/stdin")), 0);
  room_write (state, "dev/ptmx", "", 0600);
  child_plan.links = links;
  child_plan.n_links = 4;
  assert_int_equal (child_root_links (&child, NULL), 0);
  assert_string_equal (link_text (state, "dev/fd"), "/proc/self/fd");
  assert_string_equal (link_text (state, "dev/stdin"), "of the image"); /* left alone */
  assert_string_equal (link_text (state, "dev/ptmx"), "pts/ptmx");      /* replaced */
  assert_string_equal (link_text (state, "top"), "dev");
  assert_int_equal (child_root_links (&child, NULL), 0); /* again */
  close (child.root);
}

/* The image's own links lead nowhere but into the root.  */
static void
child_root_links_stay_inside (void **state)
{
  static struct plan_link links[] = { { .place = { .parent = -1 }, .path = "dev/made", .to = "x" } };

  assert_int_equal (mkdir (room_path (state, "root"), 0755), 0);
  assert_int_equal (mkdir (room_path (state, "outside"), 0755), 0);
  assert_int_equal (mkdir (room_path (state, "root/outside"), 0755), 0);
  assert_int_equal (symlink ("../../../outside", room_path (state, "root/dev")), 0);
  child.root = open (room_path (state, "root"), O_PATH | O_DIRECTORY | O_CLOEXEC);
  child_plan.links = links;
  child_plan.n_links = 1;
  assert_int_equal (child_root_links (&child, NULL), 0);
  assert_string_equal (link_text (state, "root/outside/made"), "x");
  assert_string_equal (link_text (state, "outside/made"), "");
  close (child.root);
}

static void
child_root_cwd_is_made_inside (void **state)
{
  struct stat st;

  take_root (state);
  assert_int_equal (symlink ("/", room_path (state, "link")), 0);
  child_plan.process.cwd = "/link/work/dir";
  assert_int_equal (child_root_cwd (&child, NULL), 0);
  assert_int_equal (stat (room_path (state, "work/dir"), &st), 0);
  assert_true (S_ISDIR (st.st_mode));
  assert_int_equal (child_root_cwd (&child, NULL), 0); /* there already */
  child_plan.process.cwd = "/";
  assert_int_equal (child_root_cwd (&child, NULL), 0);
  child_plan.process.cwd = NULL;
  assert_int_equal (child_root_cwd (&child, NULL), 0);
  room_write (state, "file", "", 0644);
  child_plan.process.cwd = "/file";
  assert_true (child_root_cwd (&child, &child_err) < 0);
  assert_string_equal (child_err.where, "process.cwd");
  close (child.root);
}

static void
child_root_devices_are_made (void **state)
{
  static struct plan_device devices[] = {
    { .place = { .parent = -1 }, .where = "linux.devices[0]",
      .device = { .path = "dev/null", .mode = S_IFCHR | 0666, .major = 1, .minor = 3 } },
    { .place = { .parent = -1 }, .where = "linux.devices[1]",
      .device = { .path = "dev/sub/pipe", .mode = S_IFIFO | 0640 } },
  };
  struct stat st;

  child_needs_root ("making nodes");
  take_root (state);
  umask (077);
  child_plan.devices = devices;
  child_plan.n_devices = 2;
  int ret = child_root_devices (&child, &child_err);
  assert_int_equal (umask (022), 077); /* as it was */
  if (ret == -EPERM)
    skip ();
  assert_int_equal (ret, 0);
  assert_int_equal (stat (room_path (state, "dev/null"), &st), 0);
  assert_true (S_ISCHR (st.st_mode) && st.st_rdev == makedev (1, 3));
  assert_int_equal (st.st_mode & 07777, 0666);
  assert_int_equal (stat (room_path (state, "dev/sub/pipe"), &st), 0);
  assert_true (S_ISFIFO (st.st_mode));
  assert_int_equal (st.st_mode & 07777, 0640);
  close (child.root);
}

static void
child_root_attach_what_is_not_there (void **state)
{
  child_plan.root.path = room_path (state, "absent");
  assert_int_equal (child_root_attach (&child, &child_err), -ENOENT);
  assert_string_equal (child_err.where, "root.path");
  err_clear (&child_err);
  child_plan.root.enter = true;
  child_plan.root.from_parent = true;
  assert_int_equal (child_root_attach (&child, &child_err), -EPROTO);
  assert_string_equal (child_err.what, "the parent sent no root");
}

/* --- with mounts */

static int
in_private_mounts (void)
{
  CHILD_SKIP_UNLESS (geteuid () == 0 && unshare (CLONE_NEWNS) == 0, "a mount namespace needs root");
  child_plan.root.propagation = MS_PRIVATE;
  child_plan.root.propagation_recursive = true;
  CHECK (child_root_propagation (&child, &child_err) == 0);
  return 0;
}

static struct plan_path hidden[] = {
  { .place = { .parent = -1 }, .where = "linux.maskedPaths[0]", .path = "secret" },
  { .place = { .parent = -1 }, .where = "linux.maskedPaths[1]", .path = "absent" },
  { .place = { .parent = -1 }, .where = "linux.maskedPaths[2]", .path = "secrets" },
  { .place = { .parent = -1 }, .where = "linux.maskedPaths[3]", .path = "secret2" },
};
static struct plan_path kept[] = {
  { .place = { .parent = -1 }, .where = "linux.readonlyPaths[0]", .path = "kept" },
  { .place = { .parent = -1 }, .where = "linux.readonlyPaths[1]", .path = "absent/too" },
};

static int
enter (void *arg)
{
  struct stat st, null;
  struct statfs fs;
  int ret = in_private_mounts ();

  if (ret != 0)
    return ret;
  child_plan.root.path = arg;
  child_plan.root.enter = true;
  child_plan.masked = hidden;
  child_plan.n_masked = 4;
  child_plan.readonly = kept;
  child_plan.n_readonly = 2;
  child_plan.root.readonly = true;
  CHECK (child_root_attach (&child, &child_err) == 0);
  CHECK (child_root_masked (&child, &child_err) == 0);
  CHECK (child_root_readonly_paths (&child, &child_err) == 0);
  CHECK (stat ("/dev/null", &null) == 0); /* the host's, still */
  CHECK (child_root_enter (&child, &child_err) == 0);
  CHECK (stat ("/secret", &st) == 0 && S_ISCHR (st.st_mode) && st.st_rdev == null.st_rdev);
  CHECK (stat ("/secret2", &st) == 0 && S_ISCHR (st.st_mode));
  CHECK (access ("/secrets/inner", F_OK) < 0 && errno == ENOENT);
  CHECK (open ("/secrets/new", O_WRONLY | O_CREAT, 0600) < 0 && errno == EROFS);
  CHECK (open ("/kept/new", O_WRONLY | O_CREAT, 0600) < 0 && errno == EROFS);
  CHECK (access ("/kept/inner", F_OK) == 0);
  CHECK (access ("/proc/self", F_OK) < 0); /* nothing of the host is left */
  CHECK (mkdir ("/before", 0755) == 0);    /* hooks may write until here */
  CHECK (child_root_attributes (&child, &child_err) == 0);
  CHECK (statfs ("/", &fs) == 0 && fs.f_flags & ST_RDONLY);
  CHECK (mkdir ("/after", 0755) < 0 && errno == EROFS);
  return 0;
}

/* What cannot be hidden, or made read-only, for another reason than that it is not there: a link to itself.  */
static int
fail_to_hide (void *arg)
{
  struct plan_path path = { .place = { .parent = -1 }, .where = "linux.maskedPaths[0]", .path = "loop" };
  int ret = in_private_mounts (), dir = open (arg, O_PATH | O_DIRECTORY | O_CLOEXEC);

  if (ret != 0)
    return ret;
  child_plan.root.path = arg;
  child_plan.root.enter = true;
  child_plan.masked = child_plan.readonly = &path;
  child_plan.n_masked = child_plan.n_readonly = 1;
  CHECK (symlinkat ("loop", dir, "loop") == 0);
  CHECK (child_root_attach (&child, &child_err) == 0);
  CHECK (child_root_masked (&child, &child_err) == -ELOOP && strcmp (child_err.where, path.where) == 0);
  err_clear (&child_err);
  CHECK (child_root_readonly_paths (&child, &child_err) == -ELOOP && strcmp (child_err.where, path.where) == 0);
  return 0;
}

static void
child_root_masked_failing (void **state)
{
  struct room *r = *state;

  assert_child_arg (fail_to_hide, r->path, "fail_to_hide");
}

static void
child_root_enter_with_covers (void **state)
{
  struct room *r = *state;

  room_write (state, "secret", "s", 0644);
  room_write (state, "secret2", "s", 0644);
  assert_int_equal (mkdir (room_path (state, "secrets"), 0755), 0);
  room_write (state, "secrets/inner", "s", 0644);
  assert_int_equal (mkdir (room_path (state, "kept"), 0755), 0);
  room_write (state, "kept/inner", "k", 0644);
  assert_child_arg (enter, r->path, "enter");
  assert_int_equal (access (room_path (state, "before"), F_OK), 0); /* and nothing of ours was covered outside */
  assert_string_equal (room_read (state, "secret"), "s");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    child_test (child_root_links_are_made),
    child_test (child_root_links_stay_inside),
    child_test (child_root_cwd_is_made_inside),
    child_test (child_root_devices_are_made),
    child_test (child_root_attach_what_is_not_there),
    child_test (child_root_enter_with_covers),
    child_test (child_root_masked_failing),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
