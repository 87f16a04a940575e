/* SPDX-License-Identifier: Apache-2.0 */
/* Paths below handles; see at.h.  */
#include "image/at.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/own.h"

enum
{
  NAME_BYTES = 255 /* of one component, as every file system of Linux has it */
};

const char *
at_clean (const char *path, char *buf)
{
  size_t used = 0, depth = 0;

  if (path[0] == '/')
    return "is absolute";
  while (*path)
    {
      size_t len = strcspn (path, "/");

      if (len == 2 && memcmp (path, "..", 2) == 0)
        return "has \"..\" in it";
      if (len > NAME_BYTES || used + len + 2 > AT_PATH_MAX)
        return "is too long";
      if (len > 0 && ! (len == 1 && path[0] == '.'))
        {
          if (++depth > AT_DEPTH_MAX)
            return "is too deep";
          if (used > 0)
            buf[used++] = '/';
          memcpy (buf + used, path, len);
          used += len;
        }
      path += len + (path[len] == '/');
    }
  buf[used] = '\0';
  return NULL;
}

int
at_open (int dir, const char *path, int flags, enum at_links links, struct err *err)
{
  static const uint64_t resolve[] = {
    [AT_NO_LINKS] = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
    [AT_BENEATH] = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    [AT_IN_ROOT] = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
  };
  const struct open_how how = { .flags = (uint64_t) (flags | O_CLOEXEC), .resolve = resolve[links] };
  long fd;

  do
    fd = syscall (SYS_openat2, dir, path[0] ? path : ".", &how, sizeof how);
  while (fd < 0 && errno == EAGAIN); /* a rename beside us: the kernel asks for another try */
  if (fd < 0 && errno == ENOSYS)
    return err_host (err, ENOSYS, "this kernel has no openat2: Linux 5.6 or later is needed");
  return fd < 0 ? err_sys (err, errno, "openat2", "%s", path[0] ? path : ".") : (int) fd;
}

/* Opens the directory NAME in DIR for reading; one that is closed to its owner, who may be no superuser, is opened first.  */
static int
open_to_empty (int dir, const char *name, struct err *err)
{
  int fd = at_open (dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, AT_NO_LINKS, NULL);

  if (fd == -EACCES && fchmodat (dir, name, 0700, 0) == 0)
    fd = at_open (dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, AT_NO_LINKS, NULL);
  /* what may be read need not be writable, and what is emptied must be both */
  if (fd >= 0 && geteuid () != 0)
    (void) fchmod (fd, 0700);
  return fd < 0 ? err_sys (err, -fd, "openat2", "%s", name) : fd;
}

/* Moves the directory NAME of FROM into TO under a number that is free there.  */
static int
move_up (int from, const char *name, int to, uint64_t *in_out_number, struct err *err)
{
  char fresh[32];

  if (geteuid () != 0 && fchmodat (from, name, 0700, 0) < 0) /* a directory that changes its parent must be writable */
    return err_sys (err, errno, "fchmodat", "%s", name);
  do
    {
      (void) snprintf (fresh, sizeof fresh, "%llu", (unsigned long long) ++*in_out_number);
      if (renameat2 (from, name, to, fresh, RENAME_NOREPLACE) == 0)
        return 0;
    }
  while (errno == EEXIST);
  return err_sys (err, errno, "renameat2", "%s", name);
}

static bool
is_dots (const char *name)
{
  return strcmp (name, ".") == 0 || strcmp (name, "..") == 0;
}

static DIR *
read_dir (int fd, struct err *err)
{
  int again = openat (fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *d = again < 0 ? NULL : fdopendir (again);

  if (d)
    return d;
  (void) err_sys (err, errno, "openat", ".");
  if (again >= 0)
    (void) close (again);
  return NULL;
}

/* Empties the directory NAME of DIR into nothing (files) and DIR (directories), then removes it.  */
static int
remove_one_dir (int dir, const char *name, uint64_t *in_out_number, struct err *err)
{
  own_fd int fd = open_to_empty (dir, name, err);
  DIR *d = fd < 0 ? NULL : read_dir (fd, err);
  struct dirent *e;
  int ret = d ? 0 : fd < 0 ? fd : -EIO;

  while (ret == 0 && (e = readdir (d)))
    if (is_dots (e->d_name) || unlinkat (fd, e->d_name, 0) == 0)
      continue;
    else if (errno == EISDIR || errno == EPERM)
      ret = move_up (fd, e->d_name, dir, in_out_number, err);
    else
      ret = err_sys (err, errno, "unlinkat", "%s", e->d_name);
  if (d)
    (void) closedir (d);
  if (ret == 0 && unlinkat (dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT && errno != ENOTEMPTY && errno != EEXIST)
    ret = err_sys (err, errno, "rmdir", "%s", name);
  return ret; /* what is not empty yet is seen again in the next pass */
}

int
at_remove_all (int dir, struct err *err)
{
  uint64_t number = 0;
  int ret = 0;

  for (bool found = true; found && ret == 0;)
    {
      DIR *d = read_dir (dir, err);
      struct dirent *e;

      found = false;
      if (d == NULL)
        return -EIO;
      while (ret == 0 && (e = readdir (d)))
        {
          if (is_dots (e->d_name))
            continue;
          found = true;
          if (unlinkat (dir, e->d_name, 0) < 0 && errno != ENOENT)
            ret = errno == EISDIR || errno == EPERM ? remove_one_dir (dir, e->d_name, &number, err)
                                                    : err_sys (err, errno, "unlinkat", "%s", e->d_name);
        }
      (void) closedir (d);
    }
  return ret;
}

int
at_make_dir (int dir, const char *name, mode_t mode, struct err *err)
{
  int fd;

  if (mkdirat (dir, name, mode) < 0 && errno != EEXIST)
    return err_sys (err, errno, "mkdirat", "%s", name);
  fd = openat (dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  return fd < 0 ? err_sys (err, errno, "openat", "%s", name) : fd;
}

static void
fresh_name (char *name, size_t size)
{
  uint64_t number;
  struct timespec now;

  if (getrandom (&number, sizeof number, GRND_NONBLOCK) != sizeof number) /* early in a machine's life: others are asked for anyway */
    {
      (void) clock_gettime (CLOCK_MONOTONIC, &now);
      number = ((uint64_t) getpid () << 32) ^ (uint64_t) now.tv_nsec;
    }
  (void) snprintf (name, size, "%016llx", (unsigned long long) number);
}

int
at_make_fresh (int dir, char *name, size_t size, struct err *err)
{
  do
    fresh_name (name, size);
  while (mkdirat (dir, name, 0700) < 0 && errno == EEXIST);
  return at_make_dir (dir, name, 0700, err);
}

int
at_flush (int dir, const char *name, struct err *err)
{
  own_fd int fd = openat (dir, name, O_RDONLY | O_CLOEXEC);

  return fd < 0 || fsync (fd) < 0 ? err_sys (err, errno, "fsync", "%s", name) : 0;
}

int
at_discard (int dir, const char *name, int trash, struct err *err)
{
  char fresh[32];
  own_fd int fd = at_make_fresh (trash, fresh, sizeof fresh, err);
  int ret;

  if (fd < 0)
    return fd;
  if (renameat (dir, name, fd, "x") < 0 && errno != ENOENT)
    ret = err_sys (err, errno, "renameat", "%s", name);
  else
    ret = at_remove_all (fd, err);
  (void) unlinkat (trash, fresh, AT_REMOVEDIR); /* what could not be removed has been told */
  return ret;
}
