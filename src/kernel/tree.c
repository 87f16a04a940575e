/* SPDX-License-Identifier: Apache-2.0 */
/* Copying a tree; see tree.h.  child-safe */
#include "kernel/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/err.h"
#include "base/own.h"
#include "kernel/sys.h"

enum
{
  TREE_DEPTH_MAX = 100, /* each level holds two descriptors */
  NAMES_MAX = 8192,     /* of one file's extended attributes */
  VALUE_MAX = 65536     /* XATTR_SIZE_MAX */
};

/* A copy on its way.  */
struct copy
{
  unsigned depth;
  char names[NAMES_MAX];
  char data[VALUE_MAX];
};

/* getdents64(2).  */
struct entry
{
  uint64_t inode;
  int64_t offset;
  uint16_t size;
  uint8_t type;
  char name[];
};

static int copy_below (struct copy *c, int from, int to, struct err *err);

/* Attributes that the file system of TO does not take, or that only the host's root may set, stay behind.  */
static int
copy_xattrs (struct copy *c, int from, int to, const char *name, struct err *err)
{
  ssize_t n = flistxattr (from, c->names, sizeof c->names);

  if (n < 0)
    return errno == ENOTSUP ? 0 : err_sys (err, errno, "flistxattr", "%s", name);
  for (const char *a = c->names; a < c->names + n; a += strlen (a) + 1)
    {
      ssize_t len = fgetxattr (from, a, c->data, sizeof c->data);

      if (len < 0 && errno != ENODATA && errno != ENOTSUP && errno != EPERM)
        return err_sys (err, errno, "fgetxattr", "%s: %s", name, a);
      if (len >= 0 && fsetxattr (to, a, c->data, (size_t) len, 0) < 0 && errno != ENOTSUP && errno != EPERM)
        return err_sys (err, errno, "fsetxattr", "%s: %s", name, a);
    }
  return 0;
}

/* Owner first: a change of it takes set-user-ID bits and capabilities away.  EINVAL: the owner has no id in this user namespace.  */
static int
copy_attributes (struct copy *c, int from, int to, const char *name, const struct stat *st, struct err *err)
{
  const struct timespec times[2] = { st->st_atim, st->st_mtim };
  int ret;

  if (fchown (to, st->st_uid, st->st_gid) < 0 && errno != EINVAL)
    return err_sys (err, errno, "fchown", "%s", name);
  if (fchmod (to, st->st_mode & 07777) < 0)
    return err_sys (err, errno, "fchmod", "%s", name);
  ret = copy_xattrs (c, from, to, name, err);
  if (ret < 0)
    return ret;
  return futimens (to, times) < 0 ? err_sys (err, errno, "futimens", "%s", name) : 0;
}

static int
copy_dir (struct copy *c, int from_dir, int to_dir, const char *name, struct err *err)
{
  const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  own_fd int from = openat (from_dir, name, flags);
  struct stat st;
  int ret;

  if (from < 0 || fstat (from, &st) < 0)
    return err_sys (err, errno, "openat", "%s", name);
  if (c->depth == TREE_DEPTH_MAX)
    return err_sys (err, ELOOP, "openat", "%s", name);
  if (mkdirat (to_dir, name, 0700) < 0)
    return err_sys (err, errno, "mkdirat", "%s", name);
  own_fd int to = openat (to_dir, name, flags);
  if (to < 0)
    return err_sys (err, errno, "openat", "%s", name);
  c->depth++;
  ret = copy_below (c, from, to, err);
  c->depth--;
  return ret < 0 ? ret : copy_attributes (c, from, to, name, &st, err);
}

static int
copy_file (struct copy *c, int from_dir, int to_dir, const char *name, struct err *err)
{
  own_fd int from = openat (from_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  struct stat st;
  ssize_t n;
  int ret;

  if (from < 0 || fstat (from, &st) < 0)
    return err_sys (err, errno, "openat", "%s", name);
  if (! S_ISREG (st.st_mode)) /* it was, a moment ago */
    return err_sys (err, EAGAIN, "openat", "%s", name);
  own_fd int to = openat (to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (to < 0)
    return err_sys (err, errno, "openat", "%s", name);
  do
    n = sendfile (to, from, NULL, 1 << 30);
  while (n > 0 || (n < 0 && errno == EINTR));
  ret = n < 0 ? err_sys (err, errno, "sendfile", "%s", name) : copy_attributes (c, from, to, name, &st, err);
  (void) close (take_fd (&to)); /* as long as it is open to be written, the mount cannot become read-only */
  return ret;
}

/* What has no contents: links, fifos and devices.  */
static int
copy_node (struct copy *c, int from_dir, int to_dir, const char *name, const struct stat *st, struct err *err)
{
  const struct timespec times[2] = { st->st_atim, st->st_mtim };

  if (S_ISLNK (st->st_mode))
    {
      ssize_t n = readlinkat (from_dir, name, c->data, sizeof c->data - 1);

      if (n < 0)
        return err_sys (err, errno, "readlinkat", "%s", name);
      c->data[n] = '\0';
      if (symlinkat (c->data, to_dir, name) < 0)
        return err_sys (err, errno, "symlinkat", "%s", name);
    }
  else if (mknodat (to_dir, name, st->st_mode & (S_IFMT | 0777), st->st_rdev) < 0)
    return err_sys (err, errno, "mknodat", "%s", name);
  if (fchownat (to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 && errno != EINVAL)
    return err_sys (err, errno, "fchownat", "%s", name);
  /* nobody but us can replace it: TO is not to be seen yet */
  if (! S_ISLNK (st->st_mode) && fchmodat (to_dir, name, st->st_mode & 07777, 0) < 0)
    return err_sys (err, errno, "fchmodat", "%s", name);
  return utimensat (to_dir, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? err_sys (err, errno, "utimensat", "%s", name) : 0;
}

static int
copy_entry (struct copy *c, int from, int to, const char *name, struct err *err)
{
  struct stat st;

  if (strcmp (name, ".") == 0 || strcmp (name, "..") == 0)
    return 0;
  if (fstatat (from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
    return err_sys (err, errno, "fstatat", "%s", name);
  if (S_ISDIR (st.st_mode))
    return copy_dir (c, from, to, name, err);
  if (S_ISREG (st.st_mode))
    return copy_file (c, from, to, name, err);
  return S_ISSOCK (st.st_mode) ? 0 : copy_node (c, from, to, name, &st, err);
}

static int
copy_below (struct copy *c, int from, int to, struct err *err)
{
  _Alignas(struct entry) char entries[2048];
  int n;

  while ((n = sys_getdents64 (from, entries, sizeof entries)) > 0)
    for (int at = 0; at < n;)
      {
        const struct entry *e = (const struct entry *) (const void *) (entries + at);
        int ret = copy_entry (c, from, to, e->name, err);

        if (ret < 0)
          return ret;
        at += e->size;
      }
  return n < 0 ? err_sys (err, -n, "getdents64", "directory") : 0;
}

int
tree_copy (int from, int target, bool mode, bool owner, struct err *err)
{
  struct copy c = { .depth = 0 };
  own_fd int to = openat (target, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* the handle of a mount is O_PATH */
  struct stat st;
  mode_t old;
  int ret;

  if (to < 0)
    return err_sys (err, errno, "openat", "directory");
  if (fstat (from, &st) < 0)
    return err_sys (err, errno, "fstat", "directory");
  old = umask (0);
  ret = copy_below (&c, from, to, err);
  umask (old);
  if (ret < 0)
    return ret;
  if (owner && fchown (to, st.st_uid, st.st_gid) < 0 && errno != EINVAL)
    return err_sys (err, errno, "fchown", "directory");
  return mode && fchmod (to, st.st_mode & 07777) < 0 ? err_sys (err, errno, "fchmod", "directory") : 0;
}
