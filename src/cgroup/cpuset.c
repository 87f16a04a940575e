/* SPDX-License-Identifier: Apache-2.0 */
/* Filling new cpusets of cgroup v1 from above.  Never touches one that has something.  */
#include "cgroup/cpuset.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"

/* One of the two files of a cpuset, at whatever level LEN of PATH.  */
struct cpuset
{
  const char *path;
  const char *file;
  char value[4096];         /* the list that goes down */
  char name[PATH_MAX + 32]; /* of the file at some level */
};

static const char *
name_at (struct cpuset *c, size_t len)
{
  (void) snprintf (c->name, sizeof c->name, "%.*s/%s", (int) len, c->path, c->file);
  return c->name;
}

static size_t
parent (const char *path, size_t len)
{
  while (path[--len] != '/')
    continue;
  return len;
}

/* Reads the file of the level LEN, or, where it is empty, of the nearest level above.  Returns that level's length,
 * or 0 with ERR filled.  */
static size_t
find (struct cpuset *c, size_t len, size_t root, struct err *err)
{
  for (;; len = parent (c->path, len))
    {
      ssize_t n = file_read_small (AT_FDCWD, name_at (c, len), c->value, sizeof c->value);

      if (n > 1) /* more than a line feed */
        return len;
      if (n < 0)
        {
          (void) err_sys (err, (int) -n, "read", "%s", c->name);
          return 0;
        }
      if (len <= root)
        {
          (void) err_host (err, ENOSPC, "%s is empty", c->name);
          return 0;
        }
    }
}

/* The levels between FROM, which has the value, and TO get it, from above: a cpuset can have only what its parent has.  */
static int
hand_down (struct cpuset *c, size_t from, size_t to, struct err *err)
{
  while (from < to)
    {
      int r;

      from += 1 + strcspn (c->path + from + 1, "/");
      r = file_write_at (AT_FDCWD, name_at (c, from), c->value, strlen (c->value), err);
      if (r < 0)
        return r;
    }
  return 0;
}

int
cgroup_cpuset_fill (const char *path, size_t root, struct err *err)
{
  static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };
  size_t len = strlen (path);

  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    {
      struct cpuset c = { .path = path, .file = files[i] };
      size_t from = find (&c, parent (path, len), root, err);
      int r = from ? hand_down (&c, from, len, err) : -EIO;

      if (r < 0)
        return r;
    }
  return 0;
}
