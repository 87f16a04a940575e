/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts by mount(2); see mount_old.h.  child-safe */
#include "kernel/mount_old.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/err.h"
#include "base/own.h"
#include "kernel/mount_below.h"
#include "kernel/sys.h"

/* Every procfs has this directory, and nobody mounts or needs what lies in it.  */
#define CORNER "/proc/fs"
#define WAITING CORNER "/orlop"

enum
{
  PATH_SIZE = 48, /* "/proc/fs/orlop/d4294967295", "/proc/self/fd/4294967295" */
  WAITING_MAX = 4096
};

struct place
{
  char path[PATH_SIZE];
};

static struct place
by_handle (int fd)
{
  struct place p;

  (void) snprintf (p.path, sizeof p.path, "/proc/self/fd/%d", fd);
  return p;
}

static bool used;

bool
mount_old_used (void)
{
  return used;
}

/* Opens the directory in which mounts wait, making it before the first.  */
static int
open_waiting (struct err *err)
{
  int ret = open (WAITING, O_PATH | O_DIRECTORY | O_CLOEXEC);

  used = true;
  if (ret >= 0)
    return ret;
  if (errno != ENOENT)
    return err_sys (err, errno, "open", "%s", WAITING);
  /* nothing may be moved out of a shared mount (mount(2)), and nothing of this may be seen elsewhere; EINVAL: /proc is no mount here */
  ret = sys_mount (NULL, "/proc", NULL, MS_SLAVE, NULL);
  if (ret < 0 && ret != -EINVAL)
    return err_sys (err, -ret, "mount", "propagation of /proc");
  ret = sys_mount ("tmpfs", CORNER, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=700");
  if (ret == 0)
    ret = sys_mount (NULL, CORNER, NULL, MS_UNBINDABLE, NULL); /* private, and no part of what is bound with all below it */
  if (ret < 0)
    return err_sys (err, -ret, "mount", "tmpfs on %s", CORNER);
  if (mkdir (WAITING, 0700) < 0)
    return err_sys (err, errno, "mkdir", "%s", WAITING);
  ret = open (WAITING, O_PATH | O_DIRECTORY | O_CLOEXEC);
  return ret < 0 ? err_sys (err, errno, "open", "%s", WAITING) : ret;
}

static int
make_place (int waiting, const char *name, bool is_dir)
{
  return (is_dir ? mkdirat (waiting, name, 0700) : mknodat (waiting, name, S_IFREG | 0600, 0)) < 0 ? -errno : 0;
}

/* Finds a mount point that nothing waits on: what is stacked on another would be moved with it.  */
static int
find_place (bool is_dir, struct place *ret_place, struct err *err)
{
  static unsigned last[2]; /* places taken, by IS_DIR: the search goes on from there, as many may wait at once */
  own_fd int waiting = open_waiting (err);

  if (waiting < 0)
    return waiting;
  for (unsigned n = 0; n < WAITING_MAX; n++)
    {
      unsigned i = last[is_dir] = (last[is_dir] + 1) % WAITING_MAX;
      char name[16];
      int ret;

      (void) snprintf (name, sizeof name, "%c%u", is_dir ? 'd' : 'f', i);
      ret = make_place (waiting, name, is_dir);
      if (ret == -EEXIST && unlinkat (waiting, name, is_dir ? AT_REMOVEDIR : 0) < 0 && errno == EBUSY) /* something is mounted on it */
        continue;
      if (ret == -EEXIST)
        ret = make_place (waiting, name, is_dir);
      if (ret < 0)
        return err_sys (err, -ret, is_dir ? "mkdirat" : "mknodat", "%s/%s", WAITING, name);
      (void) snprintf (ret_place->path, sizeof ret_place->path, "%s/%s", WAITING, name);
      return 0;
    }
  return err_sys (err, EMFILE, "mount", "%s", WAITING);
}

static int
open_place (const struct place *p, struct err *err)
{
  int fd = open (p->path, O_PATH | O_NOFOLLOW | O_CLOEXEC); /* the mount may be a link */

  return fd < 0 ? err_sys (err, errno, "open", "%s", p->path) : fd;
}

int
mount_old_make (const char *fstype, const char *source, unsigned long flags, const char *data, struct err *err)
{
  struct place place;
  int ret = find_place (true, &place, err);

  if (ret < 0)
    return ret;
  ret = sys_mount (source ? source : "none", place.path, fstype, flags, data);
  return ret < 0 ? err_sys (err, -ret, "mount", data ? "%s with \"%s\"" : "%s%s", fstype, data ? data : "") : open_place (&place, err);
}

static int
clone_handle (int from, const char *path, bool recursive, struct err *err)
{
  struct place place;
  struct stat st;
  int ret;

  if (fstat (from, &st) < 0)
    return err_sys (err, errno, "fstat", "%s", path);
  ret = find_place (S_ISDIR (st.st_mode), &place, err);
  if (ret < 0)
    return ret;
  ret = sys_mount (by_handle (from).path, place.path, NULL, MS_BIND | (recursive ? MS_REC : 0), NULL);
  return ret < 0 ? err_sys (err, -ret, "mount", "bind %s", path) : open_place (&place, err);
}

int
mount_old_clone (int dirfd, const char *path, bool follow, bool recursive, struct err *err)
{
  int from, ret;

  if (path[0] == '\0')
    return clone_handle (dirfd, path, recursive, err);
  from = openat (dirfd, path, O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
  if (from < 0)
    return err_sys (err, errno, "openat", "%s", path);
  ret = clone_handle (from, path, recursive, err);
  (void) close (from); /* at once: it is the host's (CVE-2024-21626), and the child's other descriptors stay open until execve */
  return ret;
}

int
mount_old_attach (int mnt, int target, struct err *err)
{
  int ret = sys_mount (by_handle (mnt).path, by_handle (target).path, NULL, MS_MOVE, NULL);

  return ret < 0 ? err_sys (err, -ret, "mount", "move to %s", "target") : 0;
}

int
mount_old_attach_at (int mnt, int dirfd, const char *name, struct err *err)
{
  own_fd int target = openat (dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  int ret;

  if (target < 0)
    return err_sys (err, errno, "openat", "%s", name);
  /* the name in /proc leads to what the handle is, a link itself too */
  ret = sys_mount (by_handle (mnt).path, by_handle (target).path, NULL, MS_MOVE, NULL);
  return ret < 0 ? err_sys (err, -ret, "mount", "move to %s", name) : 0;
}

/* --- attributes */

/* One attribute in three languages: mount_setattr(2), mount(2), and f_flags of statfs(2).  */
static const struct
{
  uint64_t attr;
  unsigned long ms, st;
} words[] = {
  { MOUNT_ATTR_RDONLY, MS_RDONLY, 0x0001 },          { MOUNT_ATTR_NOSUID, MS_NOSUID, 0x0002 },
  { MOUNT_ATTR_NODEV, MS_NODEV, 0x0004 },            { MOUNT_ATTR_NOEXEC, MS_NOEXEC, 0x0008 },
  { MOUNT_ATTR_NODIRATIME, MS_NODIRATIME, 0x0800 },  { MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW, 0x2000 },
};

enum
{
  ST_NOATIME_FLAG = 0x0400,
  ST_RELATIME_FLAG = 0x1000
};

/* All flags that the mount is to have: remounting gives it these and no others.  */
static unsigned long
flags_after (unsigned long have, uint64_t set, uint64_t clear)
{
  unsigned long flags = 0;

  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if ((set & words[i].attr) || ((have & words[i].st) && ! (clear & words[i].attr)))
      flags |= words[i].ms;
  if (clear & MOUNT_ATTR__ATIME || set & MOUNT_ATTR__ATIME)
    return flags
           | (set & MOUNT_ATTR_NOATIME ? MS_NOATIME : set & MOUNT_ATTR_STRICTATIME ? MS_STRICTATIME : (unsigned long) MS_RELATIME);
  return flags | (have & ST_NOATIME_FLAG ? MS_NOATIME : have & ST_RELATIME_FLAG ? MS_RELATIME : (unsigned long) MS_STRICTATIME);
}

static int
remount_at (const char *path, int mnt, uint64_t set, uint64_t clear, struct err *err)
{
  struct place waiting;
  unsigned long flags;
  struct statfs fs;
  struct stat st;
  int ret;

  if (fstatfs (mnt, &fs) < 0)
    return err_sys (err, errno, "fstatfs", "mount");
  flags = flags_after ((unsigned long) fs.f_flags, set, clear);
  ret = sys_mount (NULL, path, NULL, MS_REMOUNT | MS_BIND | flags, NULL);
  if (ret == -EINVAL && fstat (mnt, &st) == 0 && find_place (S_ISDIR (st.st_mode), &waiting, NULL) == 0
      && sys_move_mount (mnt, "", AT_FDCWD, waiting.path, MOVE_MOUNT_F_EMPTY_PATH) == 0) /* it was detached: Linux 5.2 to 5.11 */
    ret = sys_mount (NULL, path, NULL, MS_REMOUNT | MS_BIND | flags, NULL);
  return ret < 0 ? err_sys (err, -ret, "mount", "remount with flags %#lx", flags) : 0;
}

static int
remount (int mnt, uint64_t set, uint64_t clear, struct err *err)
{
  return remount_at (by_handle (mnt).path, mnt, set, clear, err);
}

struct change
{
  uint64_t set, clear;
};

static int
remount_below (int mnt, const void *what, struct err *err)
{
  const struct change *c = what;

  return remount (mnt, c->set, c->clear, err);
}

/* File systems in which nobody moves a directory into another: what is mounted below stays where mountinfo has it.  */
static bool
names_stay (int mnt)
{
  static const unsigned magics[] = { PROC_SUPER_MAGIC, SYSFS_MAGIC, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC };
  struct statfs fs;

  if (fstatfs (mnt, &fs) < 0)
    return false;
  for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
    if ((unsigned) fs.f_type == magics[i])
      return true;
  return false;
}

/* Takes the waiting mount at PLACE away.  Private first: what is mounted on it would be unmounted with its peers, which may be the host's.  */
static int
drop_waiting (const char *place, struct err *err)
{
  int ret = sys_mount (NULL, place, NULL, MS_PRIVATE | MS_REC, NULL);

  if (ret == 0)
    ret = sys_umount2 (place, MNT_DETACH | UMOUNT_NOFOLLOW);
  return ret < 0 ? err_sys (err, -ret, "umount2", "%s", place) : 0;
}

/* Puts a clone of the waiting MNT alone in its place, under the same number.  Whoever owns the directories of its file system may have hidden what
 * is mounted on it, by moving one out of what was cloned and, later, back.  */
static int
leave_behind (int mnt, struct err *err)
{
  char place[PATH_SIZE];
  ssize_t n = readlink (by_handle (mnt).path, place, sizeof place - 1);

  if (n < 0)
    return err_sys (err, errno, "readlink", "%s", by_handle (mnt).path);
  place[n] = '\0';
  if (strncmp (place, WAITING "/", sizeof WAITING) != 0) /* it was there before us */
    return 0;
  own_fd int alone = mount_old_clone (mnt, "", false, false, err);
  if (alone < 0)
    return alone;
  if (dup3 (alone, mnt, O_CLOEXEC) < 0)
    return err_sys (err, errno, "dup3", "mount");
  return drop_waiting (place, err);
}

static int
remount_all (int mnt, uint64_t set, uint64_t clear, struct err *err)
{
  struct change change = { set, clear };
  bool any = false;
  int ret = remount (mnt, set, clear, err); /* and so attached, without which none is seen below it */

  if (ret == 0 && names_stay (mnt))
    return mount_below (mnt, NULL, remount_below, &change, err);
  if (ret == 0)
    ret = mount_below_any (mnt, &any, err);
  if (ret < 0)
    return ret;
  return any ? err_host (err, ENOTSUP, "attributes of mounts below another need mount_setattr (Linux 5.12)") : leave_behind (mnt, err);
}

int
mount_old_close_cgroups (int mnt, struct err *err)
{
  static const char *const types[] = { "cgroup", "cgroup2", NULL };
  const struct change change = { .set = MOUNT_ATTR_RDONLY };
  struct mount_kinds kinds = { .types = types };
  struct stat st;
  int ret = remount (mnt, MOUNT_ATTR_RDONLY, 0, err);

  if (stat ("/sys/fs/cgroup", &st) == 0) /* with cgroup v1 a tmpfs */
    kinds.dev = st.st_dev;
  for (int pass = 0; ret == 0 && pass < 2; pass++) /* before Linux 5.8 a mount that goes meanwhile can take the next line with it */
    ret = mount_below (mnt, &kinds, remount_below, &change, err);
  return ret;
}

static int
propagate (const char *path, uint64_t propagation, bool recursive, struct err *err)
{
  int ret = propagation ? sys_mount (NULL, path, NULL, (unsigned long) propagation | (recursive ? MS_REC : 0), NULL) : 0;

  return ret < 0 ? err_sys (err, -ret, "mount", "propagation %#llx", (unsigned long long) propagation) : 0;
}

int
mount_old_set (int mnt, uint64_t set, uint64_t clear, uint64_t propagation, bool recursive, struct err *err)
{
  int ret = 0;

  if (set || clear)
    ret = recursive ? remount_all (mnt, set, clear, err) : remount (mnt, set, clear, err);
  return ret < 0 ? ret : propagate (by_handle (mnt).path, propagation, recursive, err);
}

int
mount_old_set_root (int root, uint64_t set, uint64_t propagation, bool recursive, struct err *err)
{
  int ret = set ? remount_at ("/", root, set, 0, err) : 0;

  return ret < 0 ? ret : propagate ("/", propagation, recursive, err);
}
