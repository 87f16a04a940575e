/* SPDX-License-Identifier: Apache-2.0 */
/* Walks through the cgroups below one.  Depth is the container's choice, so nothing here recurses
 * or keeps a descriptor per level. */
#include "cgroup/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/own.h"

enum
{
  OPEN_DIR = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
};

/* Where a walk is: the directory it is in, and how far it has read those above.  */
struct walk
{
  DIR *dir;
  long *read; /* telldir of each level above */
  size_t depth, size;
};

static void
walk_end (struct walk *w)
{
  if (w->dir)
    (void) closedir (w->dir); /* nothing was written */
  free (w->read);
}

/* Goes to the directory NAME of the current one, or to the first if there is none.  Returns 0 or negative errno,
 * and is where it was then.  */
static int
walk_to (struct walk *w, const char *name)
{
  own_fd int fd = openat (w->dir ? dirfd (w->dir) : AT_FDCWD, name, OPEN_DIR);
  DIR *dir;

  if (fd < 0)
    return -errno;
  dir = fdopendir (fd);
  if (dir == NULL)
    return -errno;
  (void) take_fd (&fd); /* closedir closes it */
  if (w->dir)
    (void) closedir (w->dir); /* nothing was written */
  w->dir = dir;
  return 0;
}

/* Goes down to NAME, remembering the place in the current directory.  */
static int
walk_down (struct walk *w, const char *name)
{
  long at = telldir (w->dir);

  if (w->depth == w->size)
    {
      size_t size = w->size ? 2 * w->size : 16;
      long *read = realloc (w->read, size * sizeof *read);
      if (read == NULL)
        return -ENOMEM;
      w->read = read;
      w->size = size;
    }
  int r = walk_to (w, name);
  if (r == 0)
    w->read[w->depth++] = at;
  return r;
}

/* Goes up, to where the directory above had been read.  */
static int
walk_up (struct walk *w)
{
  int r = walk_to (w, "..");

  if (r == 0)
    seekdir (w->dir, w->read[--w->depth]);
  return r;
}

/* True if the current directory has directories: kernfs counts them in the number of links.  */
static bool
walk_has_children (const struct walk *w)
{
  struct stat st;
  return fstat (dirfd (w->dir), &st) == 0 && st.st_nlink > 2;
}

/* Reads on to the next directory in the current one.  Returns its name or NULL at the end.  */
static const char *
walk_next (struct walk *w)
{
  const struct dirent *e;

  while ((e = readdir (w->dir)))
    if (e->d_type == DT_DIR && strcmp (e->d_name, ".") != 0 && strcmp (e->d_name, "..") != 0)
      return e->d_name;
  return NULL;
}

/* Goes on to the next cgroup in order.  Returns 1, 0 at the end, or negative errno.  */
static int
walk_on (struct walk *w)
{
  bool look = walk_has_children (w);

  for (;;)
    {
      const char *name = look ? walk_next (w) : NULL;
      int r;

      if (name == NULL && w->depth == 0)
        return 0;
      r = name ? walk_down (w, name) : walk_up (w);
      if (name && r == 0)
        return 1;
      if (r < 0 && ! (name && r == -ENOENT)) /* it vanished: on to the next */
        return r;
      look = true;
    }
}

int
cgroup_tree_walk (const char *path, cgroup_tree_visit *visit, void *data, struct err *err)
{
  __attribute__ ((cleanup (walk_end))) struct walk w = { .dir = NULL };
  int r = walk_to (&w, path);

  if (r == -ENOENT)
    return 0;
  if (r < 0)
    return err_sys (err, -r, "open", "%s", path);
  do
    {
      r = visit (dirfd (w.dir), w.depth == 0, data);
      if (r == -ENODEV) /* the cgroup was removed while we were in it */
        r = 0;
      if (r == 0)
        r = walk_on (&w);
    }
  while (r > 0);
  if (r == -ENOENT) /* all of it was removed */
    r = 0;
  return r < 0 ? err_sys (err, -r, "read", "cgroups below %s", path) : 0;
}

static int
visit_for_process (int dir, bool top, void *data)
{
  char buf[64];
  ssize_t n = file_read_small (dir, "cgroup.procs", buf, sizeof buf);

  (void) top;
  if (n <= 0) /* what cannot be read (cgroup.procs of a threaded cgroup) shows up in its domain */
    return 0;
  *(long *) data = strtol (buf, NULL, 10);
  return -EEXIST; /* ends the walk */
}

int
cgroup_tree_process (const char *path, long *ret_pid)
{
  int r = cgroup_tree_walk (path, visit_for_process, ret_pid, NULL);
  return r == -EEXIST ? 1 : r;
}

/* Removes the directories in the current one.  One that has directories itself is entered instead.
 * Returns 1 if it entered one, 0 if none is left, or negative errno.  */
static int
prune_level (struct walk *w)
{
  const char *name;

  while ((name = walk_next (w)))
    {
      int r;

      if (unlinkat (dirfd (w->dir), name, AT_REMOVEDIR) == 0 || errno == ENOENT)
        continue;
      if (errno != EBUSY && errno != ENOTEMPTY)
        return -errno;
      r = walk_to (w, name);
      if (r < 0 && r != -ENOENT)
        return r;
      if (r == 0)
        return walk_has_children (w) ? 1 : -EBUSY;
    }
  return 0;
}

int
cgroup_tree_prune (const char *path)
{
  __attribute__ ((cleanup (walk_end))) struct walk w = { .dir = NULL };
  size_t depth = 0;
  int r = walk_to (&w, path);

  while (r == 0)
    {
      r = prune_level (&w);
      if (r == 1)
        {
          depth++;
          r = 0;
          continue;
        }
      if (r < 0 || depth == 0)
        break;
      depth--;
      r = walk_to (&w, ".."); /* and read it from its beginning: the one we come from can go now */
    }
  return r == -ENOENT || r == -ENODEV ? 0 : r;
}
