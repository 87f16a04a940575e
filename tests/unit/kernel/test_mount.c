/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts in a mount namespace of the test's own, each case by the new calls, without mount_setattr, and by mount(2) alone. */
#include "in_child.h"

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "base/err.h"
#include "kernel/mount.h"
#include "kernel/mount_old.h"
#include "kernel/sys.h"

enum kernel
{
  NEW,          /* this one */
  NO_TREE_ATTR, /* before Linux 6.15 */
  NO_SETATTR,   /* Linux 5.2 to 5.11 */
  OLD           /* before 5.2 */
};

static enum kernel kernel; /* of this child */

/* A tmpfs on /mnt in a private mount namespace, and the calls that K lacks gone.  */
static bool
prepare (enum kernel k)
{
  static const int gone[] = { 467 /* open_tree_attr */, 442 /* mount_setattr */, SYS_open_tree, SYS_move_mount, SYS_fsopen, SYS_fsconfig, SYS_fsmount };

  kernel = k;
  if (geteuid () != 0 || unshare (CLONE_NEWNS) < 0 || sys_mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0
      || sys_mount ("tmpfs", "/mnt", "tmpfs", 0, NULL) < 0)
    return false;
  umask (0);
  for (size_t i = 0; i < (k == NEW ? 0 : k == NO_TREE_ATTR ? 1 : k == NO_SETATTR ? 2 : sizeof gone / sizeof *gone); i++)
    if (deny_call (gone[i], 0, 0, ENOSYS) < 0)
      return false;
  return true;
}

#define PREPARE(arg) CHILD_SKIP_UNLESS (prepare (*(enum kernel *) (arg)), "needs root, a mount namespace and seccomp")

static bool
has_setattr (void)
{
  return kernel == NEW || kernel == NO_TREE_ATTR;
}

/* A new tmpfs as the child of the runtime makes it.  */
static int
make (const char *size)
{
  const struct mount_opt opts[] = { { "size", size }, { "mode", "750" } };
  char data[64];
  struct err err = { 0 };
  int ret = mount_make ("tmpfs", "from", opts, 2, MOUNT_ATTR_NOSUID, &err);

  if (ret != -ENOSYS || kernel != OLD)
    return ret;
  snprintf (data, sizeof data, "size=%s,mode=750", size);
  return mount_old_make ("tmpfs", "from", MS_NOSUID, data, NULL);
}

/* The first line of mountinfo that has TEXT, or "".  */
static const char *
info (const char *text)
{
  static char line[1024];
  FILE *f = fopen ("/proc/self/mountinfo", "r");

  while (f && fgets (line, sizeof line, f))
    if (strstr (line, text))
      {
        fclose (f);
        return line;
      }
  if (f)
    fclose (f);
  return "";
}

static int
makes (void *arg)
{
  struct stat st;

  PREPARE (arg);
  CHECK (mkdir ("/mnt/a", 0755) == 0 && mkdir ("/mnt/b", 0755) == 0);
  int target = open ("/mnt/a", O_PATH), mnt = make ("1m"), second = make ("2m");
  CHECK (mnt >= 0 && second >= 0 && fcntl (mnt, F_GETFD) == FD_CLOEXEC);
  CHECK (strcmp (info (" /mnt/a "), "") == 0);
  CHECK (mkdirat (mnt, "inside", 0700) == 0); /* before it is attached */
  CHECK (mount_attach (mnt, target, NULL) == 0);
  CHECK (mount_attach_at (second, open ("/mnt", O_PATH), "b", NULL) == 0);
  CHECK (stat ("/mnt/a/inside", &st) == 0 && stat ("/mnt/a", &st) == 0 && (st.st_mode & 07777) == 0750);
  CHECK (strstr (info (" /mnt/a "), "nosuid") && strstr (info (" /mnt/a "), "size=1024k") && strstr (info (" /mnt/a "), " from "));
  CHECK (strstr (info (" /mnt/b "), "size=2048k"));
  CHECK (mkdirat (mnt, "after", 0700) == 0 && stat ("/mnt/a/after", &st) == 0); /* the handle still means the mount */
  return 0;
}

static int
refuses_options (void *arg)
{
  const struct mount_opt bad = { "nonsense", NULL };
  struct err err = { 0 };

  PREPARE (arg);
  int ret = mount_make ("tmpfs", NULL, &bad, 1, 0, &err);
  if (kernel == OLD)
    ret = mount_old_make ("tmpfs", NULL, 0, "nonsense", &err);
  CHECK (ret == -EINVAL && (strstr (err.object, "nonsense") || strstr (err.what, "nonsense")));
  return 0;
}

static int
clones (void *arg)
{
  struct stat st, null;

  PREPARE (arg);
  CHECK (mkdir ("/mnt/from", 0711) == 0 && mkdir ("/mnt/to", 0755) == 0 && mkdir ("/mnt/from/below", 0755) == 0);
  CHECK (mknod ("/mnt/file", S_IFREG | 0600, 0) == 0 && sys_mount ("tmpfs", "/mnt/from/below", "tmpfs", 0, "mode=701") == 0);
  int one = mount_clone (AT_FDCWD, "/mnt/from", false, NULL), all = mount_clone (AT_FDCWD, "/mnt/from", true, NULL);
  int file = mount_clone (AT_FDCWD, "/dev/null", false, NULL), dir = open ("/mnt", O_PATH);
  CHECK (one >= 0 && all >= 0 && file >= 0);
  CHECK (mount_clone (AT_FDCWD, "/mnt/none", false, NULL) == -ENOENT);
  CHECK (mount_attach_at (one, dir, "to", NULL) == 0 && stat ("/mnt/to/below", &st) == 0 && (st.st_mode & 07777) == 0755);
  CHECK (mount_attach_at (all, dir, "to", NULL) == 0 && stat ("/mnt/to/below", &st) == 0 && (st.st_mode & 07777) == 0701);
  CHECK (mount_attach_at (file, dir, "file", NULL) == 0);
  CHECK (stat ("/mnt/file", &st) == 0 && stat ("/dev/null", &null) == 0 && st.st_rdev == null.st_rdev && st.st_ino == null.st_ino);
  int again = mount_clone (file, "", false, NULL); /* of a handle that is attached */
  CHECK (mknod ("/mnt/file2", S_IFREG | 0600, 0) == 0 && mount_attach_at (again, dir, "file2", NULL) == 0);
  CHECK (stat ("/mnt/file2", &st) == 0 && st.st_rdev == null.st_rdev);
  return 0;
}

/* All of it read-only from the beginning, in one call or two.  */
static int
clones_readonly (void *arg)
{
  bool two_calls = false;

  PREPARE (arg);
  CHECK (mkdir ("/mnt/from", 0711) == 0 && mkdir ("/mnt/to", 0755) == 0 && mkdir ("/mnt/from/below", 0755) == 0);
  if (has_setattr ())
    CHECK (sys_mount ("tmpfs", "/mnt/from/below", "tmpfs", 0, NULL) == 0);
  int mnt = mount_clone_readonly (AT_FDCWD, "/mnt/from", &two_calls, NULL), dir = open ("/mnt", O_PATH);
  CHECK (mnt >= 0 && mount_attach_at (mnt, dir, "to", NULL) == 0);
  CHECK (mkdir ("/mnt/to/x", 0700) < 0 && errno == EROFS && mkdir ("/mnt/to/below/x", 0700) < 0 && errno == EROFS);
  CHECK (mkdir ("/mnt/from/x", 0700) == 0 && mkdir ("/mnt/from/below/x", 0700) == 0);
  int again = mount_clone_readonly (mnt, "", &two_calls, NULL);
  CHECK (again >= 0 && mkdirat (again, "y", 0700) < 0 && errno == EROFS);
  CHECK (mount_clone_readonly (AT_FDCWD, "/mnt/none", &two_calls, NULL) == -ENOENT);
  return 0;
}

/* A link in the place of the name is not followed, and kinds must fit.  */
static int
refuses_targets (void *arg)
{
  PREPARE (arg);
  CHECK (mkdir ("/mnt/real", 0755) == 0 && symlink ("real", "/mnt/link") == 0 && mknod ("/mnt/file", S_IFREG | 0600, 0) == 0);
  int dir = open ("/mnt", O_PATH), mnt = make ("1m"), ret = mount_attach_at (mnt, dir, "link", NULL);
  CHECK (ret == -EINVAL || ret == -ENOTDIR || ret == -ELOOP);
  ret = mount_attach_at (mnt, dir, "file", NULL);
  CHECK (ret == -EINVAL || ret == -ENOTDIR);
  CHECK (mount_attach_at (mnt, dir, "none", NULL) == -ENOENT);
  CHECK (strcmp (info (" /mnt/real "), "") == 0);
  CHECK (mount_attach_at (mnt, dir, "real", NULL) == 0 && strcmp (info (" /mnt/real "), "") != 0); /* still good */
  return 0;
}

static int
changes (void *arg)
{
  PREPARE (arg);
  CHECK (mkdir ("/mnt/a", 0755) == 0);
  int mnt = make ("1m"), dir = open ("/mnt", O_PATH);
  CHECK (mount_set (mnt, 0, 0, 0, true, NULL) == 0); /* nothing, and no call */
  CHECK (mount_set (mnt, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOATIME, 0, 0, false, NULL) == 0); /* before it is attached */
  CHECK (mount_attach_at (mnt, dir, "a", NULL) == 0);
  CHECK (strstr (info (" /mnt/a "), "nosuid,nodev,noatime"));
  CHECK (mount_set (mnt, MOUNT_ATTR_RDONLY, 0, 0, true, NULL) == 0);
  CHECK (mkdirat (mnt, "x", 0700) < 0 && errno == EROFS && strstr (info (" /mnt/a "), "ro,nosuid,nodev,noatime"));
  CHECK (mount_set (mnt, MOUNT_ATTR_STRICTATIME, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV, 0, false, NULL) == 0);
  CHECK (mkdirat (mnt, "x", 0700) == 0);
  CHECK (strstr (info (" /mnt/a "), "nosuid") && ! strstr (info (" /mnt/a "), "nodev") && ! strstr (info (" /mnt/a "), "atime"));
  CHECK (mount_set (mnt, 0, 0, MS_SHARED, true, NULL) == 0 && strstr (info (" /mnt/a "), "shared:"));
  CHECK (mount_set (mnt, 0, 0, MS_PRIVATE, false, NULL) == 0 && ! strstr (info (" /mnt/a "), "shared:"));
  return 0;
}

/* Attributes of all mounts below.  Without mount_setattr that is refused, for their owner could hide some, and none is left as it is unnoticed.  */
static int
changes_all (void *arg)
{
  struct err err = { 0 };

  PREPARE (arg);
  CHECK (mkdir ("/mnt/a", 0755) == 0 && sys_mount ("tmpfs", "/mnt/a", "tmpfs", 0, NULL) == 0);
  CHECK (mkdir ("/mnt/a/b", 0755) == 0 && sys_mount ("tmpfs", "/mnt/a/b", "tmpfs", 0, NULL) == 0);
  for (int detached = 0; detached < 2; detached++)
    {
      int fd = detached ? mount_clone (AT_FDCWD, "/mnt/a", true, NULL) : open ("/mnt/a", O_PATH);
      int ret = mount_set (fd, MOUNT_ATTR_RDONLY, 0, 0, true, &err);
      if (has_setattr ())
        CHECK (ret == 0 && mkdirat (fd, "b/x", 0700) < 0 && errno == EROFS);
      else
        CHECK (ret == -ENOTSUP && strstr (err.what, "attributes of mounts below another need mount_setattr (Linux 5.12)"));
    }
  return 0;
}

/* The mount below is out of sight while attributes are set: it is read-only as well, or not there.  */
static int
changes_hidden (void *arg)
{
  PREPARE (arg);
  CHECK (mkdir ("/mnt/out", 0755) == 0 && mkdir ("/mnt/from", 0755) == 0 && mkdir ("/mnt/to", 0755) == 0);
  CHECK (mkdir ("/mnt/from/a", 0755) == 0 && mkdir ("/mnt/from/a/b", 0755) == 0);
  CHECK (sys_mount ("tmpfs", "/mnt/from/a/b", "tmpfs", 0, NULL) == 0);
  int mnt = mount_clone (AT_FDCWD, "/mnt/from", true, NULL), dir = open ("/mnt", O_PATH);
  CHECK (mnt >= 0 && rename ("/mnt/from/a", "/mnt/out/a") == 0);
  CHECK (mount_set (mnt, MOUNT_ATTR_RDONLY, 0, 0, true, NULL) == 0);
  CHECK (rename ("/mnt/out/a", "/mnt/from/a") == 0 && mount_attach_at (mnt, dir, "to", NULL) == 0);
  CHECK (mkdir ("/mnt/to/x", 0700) < 0 && errno == EROFS && mkdir ("/mnt/to/a/b/x", 0700) < 0 && errno == EROFS);
  CHECK (fcntl (mnt, F_GETFD) == FD_CLOEXEC && mkdir ("/mnt/from/a/b/x", 0700) == 0);
  return strcmp (info (" /proc/fs/orlop/"), "") != 0;
}

/* In procfs and its like nobody moves directories: what is below is changed on all kernels, whatever its name, and nothing else.  */
static int
changes_below_proc (void *arg)
{
  PREPARE (arg);
  CHECK (mkdir ("/mnt/p", 0755) == 0 && sys_mount ("proc", "/mnt/p", "proc", 0, NULL) == 0);
  CHECK (sys_mount ("tmpfs", "/mnt/p/tty", "tmpfs", MS_NOEXEC, NULL) == 0);
  CHECK (mkdir ("/mnt/p/tty/b \\040", 0755) == 0 && sys_mount ("tmpfs", "/mnt/p/tty/b \\040", "tmpfs", 0, NULL) == 0);
  CHECK (sys_mount ("/dev/zero", "/mnt/p/uptime", NULL, MS_BIND, NULL) == 0);
  CHECK (mkdir ("/mnt/pb", 0755) == 0 && sys_mount ("tmpfs", "/mnt/pb", "tmpfs", 0, NULL) == 0);
  int fd = open ("/mnt/p", O_PATH);
  CHECK (mount_set (fd, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV, 0, 0, true, NULL) == 0 && strstr (info (" /mnt/p "), "ro,nodev"));
  CHECK (mkdir ("/mnt/p/tty/x", 0700) < 0 && errno == EROFS && mkdir ("/mnt/p/tty/b \\040/x", 0700) < 0 && errno == EROFS);
  CHECK (mkdir ("/mnt/pb/x", 0700) == 0 && strstr (info (" /mnt/p/tty "), "ro,nodev,noexec"));
  CHECK (open ("/mnt/p/uptime", O_RDONLY) < 0 && errno == EACCES);
  CHECK (mount_set (fd, 0, MOUNT_ATTR_RDONLY, 0, true, NULL) == 0 && mkdir ("/mnt/p/tty/b \\040/x", 0700) == 0);
  CHECK (strstr (info (" /mnt/p/tty "), "rw,nodev,noexec"));
  return 0;
}

/* Over "/" stands another root, in which the same names are: nothing of what it covers is changed, and nothing in it is missed.  */
static int
changes_in_the_root (void *arg)
{
  PREPARE (arg);
  CHECK (mkdir ("/mnt/a", 0755) == 0 && sys_mount ("proc", "/mnt/a", "proc", 0, NULL) == 0);
  CHECK (sys_mount ("tmpfs", "/mnt/a/tty", "tmpfs", 0, NULL) == 0);
  CHECK (mkdir ("/mnt/new", 0755) == 0 && mkdir ("/mnt/new/mnt", 0755) == 0 && mkdir ("/mnt/new/mnt/a", 0755) == 0);
  CHECK (sys_mount ("proc", "/mnt/new/mnt/a", "proc", 0, NULL) == 0);
  CHECK (sys_mount ("tmpfs", "/mnt/new/mnt/a/tty", "tmpfs", 0, NULL) == 0);
  int root = mount_clone (AT_FDCWD, "/mnt/new", true, NULL), fd;
  CHECK (root >= 0 && mount_attach_at (root, AT_FDCWD, "/", NULL) == 0 && (fd = openat (root, "mnt/a", O_PATH)) >= 0);
  CHECK (mount_set (fd, MOUNT_ATTR_RDONLY, 0, 0, true, NULL) == 0 && mkdir ("/mnt/a/tty/x", 0700) == 0);
  CHECK (mkdirat (root, "mnt/a/tty/x", 0700) < 0 && errno == EROFS && mkdirat (root, "mnt/y", 0700) == 0);
  return 0;
}

/* A mount that another covers is not reached by mount(2): refused, never left as it is.  */
static int
changes_covered (void *arg)
{
  struct err err = { 0 };

  PREPARE (arg);
  CHECK (mkdir ("/mnt/p", 0755) == 0 && sys_mount ("proc", "/mnt/p", "proc", 0, NULL) == 0);
  CHECK (sys_mount ("tmpfs", "/mnt/p/tty", "tmpfs", 0, NULL) == 0);
  int below = open ("/mnt/p/tty", O_PATH), fd = open ("/mnt/p", O_PATH);
  CHECK (sys_mount ("tmpfs", "/mnt/p/tty", "tmpfs", 0, NULL) == 0);
  int ret = mount_set (fd, MOUNT_ATTR_RDONLY, 0, 0, true, &err);
  if (has_setattr ())
    CHECK (ret == 0 && mkdirat (below, "x", 0700) < 0 && errno == EROFS);
  else
    CHECK (ret == -ENOTSUP && strstr (err.what, "/mnt/p/tty is covered") && strstr (err.what, "5.12"));
  return 0;
}

/* A sysfs with a hierarchy of cgroups in it, and other mounts, of which one covers another.  */
static bool
host_sysfs (void)
{
  return mkdir ("/mnt/s", 0755) == 0 && sys_mount ("sysfs", "/mnt/s", "sysfs", 0, NULL) == 0
         && sys_mount ("tmpfs", "/mnt/s/module", "tmpfs", 0, NULL) == 0 && sys_mount ("tmpfs", "/mnt/s/module", "tmpfs", 0, NULL) == 0
         && sys_mount ("tmpfs", "/mnt/s/kernel", "tmpfs", 0, "mode=700") == 0 && mkdir ("/mnt/s/kernel/deep", 0755) == 0
         && sys_mount ("cgroup", "/mnt/s/fs/cgroup", "cgroup2", 0, NULL) == 0;
}

#define HOST_SYSFS() CHILD_SKIP_UNLESS (host_sysfs (), "needs a cgroup2 that can be mounted")

/* The cgroups below a sysfs, wherever it is; what else is there does not keep from it.  Nothing is done to other file systems.  */
static int
closes_cgroups (void *arg)
{
  PREPARE (arg);
  HOST_SYSFS ();
  CHECK (sys_mount ("tmpfs", "/mnt/s/kernel/deep", "tmpfs", 0, NULL) == 0 && mkdir ("/mnt/to", 0755) == 0);
  int mnt = mount_clone (AT_FDCWD, "/mnt/s", true, NULL), dir = open ("/mnt", O_PATH), all = mount_clone (AT_FDCWD, "/mnt", true, NULL);
  CHECK (mnt >= 0 && all >= 0 && setfsuid (65534) == 0); /* to whom kernel/deep is closed */
  int ret = mount_close_cgroups (mnt, NULL);
  CHECK (ret == 0 && mount_close_cgroups (all, NULL) == 0 && setfsuid (0) == 65534);
  CHECK (mount_attach_at (mnt, dir, "to", NULL) == 0 && strstr (info (" /mnt/to/fs/cgroup "), " ro,") && strstr (info (" /mnt/to "), " ro,"));
  CHECK (strstr (info (" /mnt/s/fs/cgroup "), " rw,") && mkdirat (all, "x", 0700) == 0);
  return 0;
}

/* A hierarchy that is not reached is named, with the reason.  */
static int
closes_no_cgroups (void *arg)
{
  struct err closed = { 0 }, covered = { 0 };

  PREPARE (arg);
  HOST_SYSFS ();
  int fd = open ("/mnt/s", O_PATH);
  CHECK (sys_mount ("cgroup", "/mnt/s/kernel/deep", "cgroup2", 0, NULL) == 0 && setfsuid (65534) == 0);
  int ret = mount_close_cgroups (fd, &closed);
  CHECK (setfsuid (0) == 65534 && sys_mount ("tmpfs", "/mnt/s/kernel", "tmpfs", 0, NULL) == 0);
  if (has_setattr ())
    {
      CHECK (ret == 0 && mount_close_cgroups (fd, NULL) == 0);
      return 0;
    }
  CHECK (ret == -EACCES && strstr (closed.object, "/mnt/s/kernel/deep") && strstr (info (" /mnt/s/kernel/deep "), " rw,"));
  CHECK (mount_close_cgroups (fd, &covered) == -ENOTSUP && strstr (covered.what, "/mnt/s/kernel/deep is covered"));
  return 0;
}

/* SHARED: as where mounts of the old root may be shared with another namespace.  */
static int
pivot (void *arg, bool shared)
{
  char cwd[64];
  struct stat st;

  PREPARE (arg);
  CHECK (mkdir ("/mnt/root", 0755) == 0 && mkdir ("/mnt/root/marker", 0755) == 0 && mkdir ("/mnt/root/proc", 0755) == 0);
  CHECK (mount_propagate_root (MS_SLAVE, true, NULL) == 0);
  int root = mount_clone (AT_FDCWD, "/mnt/root", true, NULL);
  CHECK (root >= 0 && mount_attach_at (root, AT_FDCWD, "/", NULL) == 0);
  int proc = kernel == OLD ? mount_old_make ("proc", "proc", 0, NULL, NULL) : mount_make ("proc", "proc", NULL, 0, 0, NULL);
  CHECK (proc >= 0 && mount_attach_at (proc, root, "proc", NULL) == 0);
  CHECK (mount_pivot (root, shared, NULL) == 0);
  CHECK (getcwd (cwd, sizeof cwd) && strcmp (cwd, "/") == 0 && stat ("/marker", &st) == 0 && stat ("/mnt", &st) < 0);
  CHECK (stat ("/../../mnt", &st) < 0 && stat ("marker", &st) == 0 && stat ("mnt", &st) < 0);
  int n = 0; /* nothing is left of what was: the root and its proc are all */
  FILE *f = fopen ("/proc/self/mountinfo", "r");
  for (int ch; f && (ch = fgetc (f)) != EOF;)
    n += ch == '\n';
  CHECK (n == 2);
  return 0;
}

static int
pivots (void *arg)
{
  return pivot (arg, false);
}

static int
pivots_shared (void *arg)
{
  return pivot (arg, true);
}

/* What waits is seen by nobody else, and one that is left waiting does not ride on the next.  */
static int
waits (void *arg)
{
  PREPARE (arg);
  CHECK (mkdir ("/mnt/a", 0755) == 0 && mkdir ("/mnt/b", 0755) == 0);
  int left = mount_old_make ("tmpfs", "left", 0, NULL, NULL), taken = mount_old_make ("tmpfs", "taken", 0, NULL, NULL);
  int below = mount_old_clone (AT_FDCWD, "/dev/null", true, false, NULL), dir = open ("/mnt", O_PATH);
  CHECK (left >= 0 && taken >= 0 && below >= 0);
  CHECK (mount_old_attach_at (left, dir, "a", NULL) == 0);
  CHECK (strstr (info (" /mnt/a "), " left ") && strstr (info (" taken "), " /proc/fs/"));
  CHECK (mount_old_attach_at (taken, dir, "b", NULL) == 0 && strstr (info (" /mnt/b "), " taken "));
  return 0;
}

/* By the handle of its root, a directory's and a file's, though links are in the place of its path; a handle below it is no mount's root.  */
static int
detaches (void *arg)
{
  int proc, mnt, file;
  uint32_t id = 0, other = 0;
  char text[32];

  PREPARE (arg);
  CHECK (mkdir ("/mnt/a", 0755) == 0 && mknod ("/mnt/f", S_IFREG | 0644, 0) == 0);
  CHECK ((proc = open ("/proc", O_PATH | O_DIRECTORY)) >= 0);
  CHECK ((mnt = make ("1m")) >= 0 && mkdirat (mnt, "inside", 0700) == 0);
  CHECK (mount_attach_at (mnt, open ("/mnt", O_PATH), "a", NULL) == 0);
  CHECK (mount_number (mnt, &id, NULL) == 0 && id > 0);
  CHECK (mount_number (open ("/mnt", O_PATH), &other, NULL) == 0 && other != id);
  snprintf (text, sizeof text, "%u ", id);
  CHECK (strncmp (info (" /mnt/a "), text, strlen (text)) == 0);
  CHECK (mount_detach (proc, openat (mnt, "inside", O_PATH), NULL) == -EINVAL);
  CHECK (strcmp (info (" /mnt/a "), "") != 0);
  CHECK (mount_detach (proc, mnt, NULL) == 0);
  CHECK (strcmp (info (" /mnt/a "), "") == 0);
  CHECK (sys_mount ("/mnt/f", "/mnt/f", NULL, MS_BIND, NULL) == 0);
  CHECK ((file = open ("/mnt/f", O_PATH)) >= 0 && mount_detach (proc, file, NULL) == 0);
  CHECK (strcmp (info (" /mnt/f "), "") == 0);
  return 0;
}

#define CASE(name, body)                                                                                               \
  static void name (void **state)                                                                                      \
  {                                                                                                                    \
    (void) state;                                                                                                      \
    for (enum kernel k = NEW; k <= OLD; k++)                                                                           \
      assert_child_arg (body, &k, k == NEW ? #body : k == OLD ? #body " by mount(2)" : #body " without a call"); \
  }

CASE (mount_make_attached, makes)
CASE (mount_make_unknown_option, refuses_options)
CASE (mount_clone_kinds, clones)
CASE (mount_clone_readonly_all, clones_readonly)
CASE (mount_attach_at_errors, refuses_targets)
CASE (mount_set_one, changes)
CASE (mount_set_recursive, changes_all)
CASE (mount_set_hidden, changes_hidden)
CASE (mount_set_below_proc, changes_below_proc)
CASE (mount_set_in_the_root, changes_in_the_root)
CASE (mount_set_covered, changes_covered)
CASE (mount_close_cgroups_below, closes_cgroups)
CASE (mount_close_cgroups_unreached, closes_no_cgroups)
CASE (mount_pivot_leaves_nothing, pivots)
CASE (mount_pivot_from_shared, pivots_shared)
CASE (mount_old_waits, waits)
CASE (mount_detach_by_handle, detaches)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (mount_make_attached),      cmocka_unit_test (mount_make_unknown_option),    cmocka_unit_test (mount_clone_kinds),
    cmocka_unit_test (mount_attach_at_errors),   cmocka_unit_test (mount_set_one),                cmocka_unit_test (mount_set_recursive),
    cmocka_unit_test (mount_set_covered),        cmocka_unit_test (mount_set_in_the_root),        cmocka_unit_test (mount_set_hidden),
    cmocka_unit_test (mount_set_below_proc),     cmocka_unit_test (mount_close_cgroups_below),    cmocka_unit_test (mount_close_cgroups_unreached),
    cmocka_unit_test (mount_clone_readonly_all), cmocka_unit_test (mount_pivot_leaves_nothing),   cmocka_unit_test (mount_pivot_from_shared),
    cmocka_unit_test (mount_old_waits),          cmocka_unit_test (mount_detach_by_handle),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
