/* SPDX-License-Identifier: Apache-2.0 */
/* Names inside an attacker's root; see path.h.  The walk keeps one handle of each directory
 * on the way: ".." goes back along them, never through the file system, so a directory that
 * is moved meanwhile leads nowhere else.  child-safe */
#include "kernel/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/own.h"
#include "base/str.h"
#include "kernel/sys.h"

enum
{
  LINKS_MAX = 40,  /* as the kernel's own limit, path_resolution(7) */
  DEPTH_MAX = 128, /* directories deep */
  TEXT_MAX = 4096  /* PATH_MAX */
};

/* A walk on its way.  */
struct walk
{
  int dirs[DEPTH_MAX]; /* [0] is the root, borrowed; the others are ours */
  unsigned depth;      /* index of the current directory */
  unsigned links;      /* followed so far */
  bool make;           /* make missing directories */
  mode_t mode;
  char rest[TEXT_MAX]; /* what is still to be walked */
};

static void
go_back (struct walk *w, unsigned depth)
{
  while (w->depth > depth)
    own_close (&w->dirs[w->depth--]);
}

/* Cuts the next component off w->rest.  *RET_LAST: nothing but slashes follows it.  */
static bool
next_component (struct walk *w, char *name, size_t size, bool *ret_last)
{
  char *p = w->rest + strspn (w->rest, "/");
  size_t len = strcspn (p, "/");

  if (len == 0 || len >= size)
    return false;
  memcpy (name, p, len);
  name[len] = '\0';
  p += len;
  *ret_last = p[strspn (p, "/")] == '\0';
  memmove (w->rest, p, strlen (p) + 1);
  return true;
}

/* Replaces the link NAME in the current directory by its text, in front of the rest.  */
static int
splice_link (struct walk *w, const char *name)
{
  char text[TEXT_MAX];
  ssize_t n = readlinkat (w->dirs[w->depth], name, text, sizeof text - 1);
  size_t rest = strlen (w->rest);

  if (n < 0)
    return -errno;
  if (++w->links > LINKS_MAX)
    return -ELOOP;
  if ((size_t) n + rest >= sizeof w->rest)
    return -ENAMETOOLONG;
  memmove (w->rest + n, w->rest, rest + 1); /* empty, or begins with a slash, which counts: it asks for a directory */
  memcpy (w->rest, text, (size_t) n);
  if (text[0] == '/')
    go_back (w, 0);
  return 0;
}

/* Steps into the directory NAME, or over the link NAME.  */
static int
enter (struct walk *w, const char *name)
{
  int dir = w->dirs[w->depth], ret;
  struct stat st;
  own_fd int fd = openat (dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

  if (fd < 0 && errno == ENOENT && w->make)
    {
      if (mkdirat (dir, name, w->mode) < 0 && errno != EEXIST)
        return -errno;
      fd = openat (dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    }
  if (fd < 0)
    return -errno;
  if (fstat (fd, &st) < 0)
    return -errno;
  if (S_ISLNK (st.st_mode))
    return splice_link (w, name);
  if (! S_ISDIR (st.st_mode))
    return -ENOTDIR;
  if (w->depth + 1 == DEPTH_MAX)
    return -ENAMETOOLONG;
  ret = take_fd (&fd);
  w->dirs[++w->depth] = ret;
  return 0;
}

/* Walks until one component is left (in NAME, which is not "." or ".." then and may be a link), or none (NAME empty).  */
static int
walk_to_last (struct walk *w, char *name, size_t size)
{
  bool last = false;

  while (next_component (w, name, size, &last))
    {
      int ret = 0;

      if (strcmp (name, "..") == 0)
        go_back (w, w->depth ? w->depth - 1 : 0);
      else if (strcmp (name, ".") != 0)
        {
          if (last && w->rest[0] == '\0')
            return 0;
          ret = enter (w, name);
        }
      if (ret < 0)
        return ret;
    }
  name[0] = '\0';
  return w->rest[strspn (w->rest, "/")] ? -ENAMETOOLONG : 0;
}

static int
begin_walk (struct walk *w, int root, const char *path, bool make, mode_t mode)
{
  w->dirs[0] = root;
  w->depth = w->links = 0;
  w->make = make;
  w->mode = mode;
  return str_copy (w->rest, sizeof w->rest, path);
}

/* Opens what the walk came to: NAME in the current directory, or that directory itself.  A link there is followed (unless O_NOFOLLOW) by
 * walking on.  */
static int
open_last (struct walk *w, char *name, size_t size, int flags)
{
  for (;;)
    {
      struct stat st;
      int fd, ret;

      if (name[0] == '\0') /* ended with "/", ".." or "": reopen the handle as asked */
        fd = openat (w->dirs[w->depth], ".", flags | O_CLOEXEC);
      else if (flags & O_NOFOLLOW || fstatat (w->dirs[w->depth], name, &st, AT_SYMLINK_NOFOLLOW) < 0 || ! S_ISLNK (st.st_mode))
        fd = openat (w->dirs[w->depth], name, flags | O_NOFOLLOW | O_CLOEXEC);
      else
        {
          ret = splice_link (w, name);
          if (ret == 0)
            ret = walk_to_last (w, name, size);
          if (ret < 0)
            return ret;
          continue;
        }
      return fd < 0 ? -errno : fd;
    }
}

static int
walk_open (int root, const char *path, int flags)
{
  struct walk w;
  char name[256];
  int ret = begin_walk (&w, root, path, false, 0);

  if (ret == 0)
    ret = walk_to_last (&w, name, sizeof name);
  if (ret == 0)
    ret = open_last (&w, name, sizeof name, flags);
  go_back (&w, 0);
  return ret;
}

int
path_open_walk (int root, const char *path, int flags, struct err *err)
{
  int ret = walk_open (root, path, flags);

  return ret < 0 ? err_sys (err, -ret, "openat", "%s", path) : ret;
}

/* Returns a descriptor or negative errno, without an error for people.  */
static int
try_open (int root, const char *path, int flags)
{
  const struct open_how how = { .flags = (uint64_t) (flags | O_CLOEXEC),
                                .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
  int ret = -EAGAIN;

  /* EAGAIN: something was renamed meanwhile, so ".." could not be proven to stay inside (openat2(2)) */
  for (int i = 0; i < 64 && ret == -EAGAIN; i++)
    ret = sys_openat2 (root, path[0] ? path : ".", &how);
  return ret == -ENOSYS ? walk_open (root, path, flags) : ret;
}

int
path_open (int root, const char *path, int flags, struct err *err)
{
  int ret = try_open (root, path, flags);

  return ret < 0 ? err_sys (err, -ret, "openat2", "%s", path) : ret;
}

int
path_open_here (const char *path, int flags)
{
  const struct open_how how = { .flags = (uint64_t) (flags | O_CLOEXEC), .resolve = RESOLVE_NO_MAGICLINKS };
  int ret = sys_openat2 (AT_FDCWD, path, &how);

  if (ret != -ENOSYS)
    return ret;
  own_fd int root = open ("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  return root < 0 ? -errno : walk_open (root, path, flags);
}

int
path_make_dir (int root, const char *path, mode_t mode, struct err *err)
{
  struct walk w;
  char name[256];
  int ret = try_open (root, path, O_PATH | O_DIRECTORY);

  if (ret != -ENOENT)
    return ret < 0 ? err_sys (err, -ret, "openat2", "%s", path) : ret;
  ret = begin_walk (&w, root, path, true, mode);
  if (ret == 0)
    ret = walk_to_last (&w, name, sizeof name);
  while (ret == 0 && name[0] != '\0')
    {
      ret = enter (&w, name); /* a directory, or a link that leads on */
      if (ret == 0 && w.rest[strspn (w.rest, "/")] == '\0')
        break;
      if (ret == 0)
        ret = walk_to_last (&w, name, sizeof name);
    }
  if (ret == 0)
    {
      ret = w.depth ? w.dirs[w.depth] : openat (root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
      w.depth -= w.depth > 0; /* given away */
    }
  go_back (&w, 0);
  return ret < 0 ? err_sys (err, -ret, "mkdirat", "%s", path) : ret;
}

/* Makes the file that the walk came to; a dangling link: what it points to.  */
static int
make_file_here (struct walk *w, char *name, size_t size, mode_t mode)
{
  for (;;)
    {
      struct stat st;
      int ret;

      if (name[0] == '\0')
        return -EISDIR;
      if (mknodat (w->dirs[w->depth], name, S_IFREG | mode, 0) < 0 && errno != EEXIST)
        return -errno;
      ret = openat (w->dirs[w->depth], name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
      if (ret < 0)
        return -errno;
      own_fd int fd = ret;
      if (fstat (fd, &st) < 0)
        return -errno;
      if (S_ISDIR (st.st_mode))
        return -EISDIR;
      if (! S_ISLNK (st.st_mode))
        return take_fd (&fd);
      ret = splice_link (w, name);
      if (ret == 0)
        ret = walk_to_last (w, name, size);
      if (ret < 0)
        return ret;
    }
}

static int
open_file (int root, const char *path)
{
  struct stat st;
  own_fd int fd = try_open (root, path, O_PATH);

  if (fd < 0)
    return fd;
  if (fstat (fd, &st) < 0)
    return -errno;
  return S_ISDIR (st.st_mode) ? -EISDIR : take_fd (&fd);
}

int
path_make_file (int root, const char *path, mode_t mode, struct err *err)
{
  struct walk w;
  char name[256];
  int ret = open_file (root, path);

  if (ret != -ENOENT)
    return ret < 0 ? err_sys (err, -ret, "openat2", "%s", path) : ret;
  ret = begin_walk (&w, root, path, true, 0755);
  if (ret == 0)
    ret = walk_to_last (&w, name, sizeof name);
  if (ret == 0)
    ret = make_file_here (&w, name, sizeof name, mode);
  go_back (&w, 0);
  return ret < 0 ? err_sys (err, -ret, "mknodat", "%s", path) : ret;
}

int
path_parent (int root, const char *path, bool make, const char **ret_last, struct err *err)
{
  const char *slash = strrchr (path, '/'), *last = slash ? slash + 1 : path;
  char parent[TEXT_MAX];

  if (last[0] == '\0' || strcmp (last, ".") == 0 || strcmp (last, "..") == 0)
    return err_sys (err, EINVAL, "open", "%s", path);
  if ((size_t) (last - path) >= sizeof parent)
    return err_sys (err, ENAMETOOLONG, "open", "%s", path);
  memcpy (parent, path, (size_t) (last - path));
  parent[last - path] = '\0';
  *ret_last = last;
  return make ? path_make_dir (root, parent, 0755, err) : path_open (root, parent, O_PATH | O_DIRECTORY, err);
}
