/* SPDX-License-Identifier: Apache-2.0 */
/* The layout of the machine's cgroups, from three sources at most: the file system type of
 * CGROUP_ROOT, the names in it, and /proc/self/cgroup.  Never mounts or makes anything. */
#include "cgroup/layout.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>

#include <linux/magic.h>

#include "base/err.h"
#include "base/file.h"
#include "base/own.h"
#include "base/str.h"

enum
{
  MOUNTS_MAX = 64 /* names below CGROUP_ROOT: hierarchies and links to them */
};

/* The names below CGROUP_ROOT.  */
struct mounts
{
  const char *names[MOUNTS_MAX];
  size_t n;
};

/* Keeps LEN bytes of TEXT in the layout.  Returns the copy, or NULL when there is no room.  */
static const char *
keep (struct cgroup_layout *l, const char *text, size_t len)
{
  char *copy = l->text + l->used;

  if (len >= sizeof l->text - l->used)
    return NULL;
  memcpy (copy, text, len);
  copy[len] = '\0';
  l->used += len + 1;
  return copy;
}

/* The name that equals the LEN bytes at WORD, or NULL.  */
static const char *
mount_named (const struct mounts *m, const char *word, size_t len)
{
  for (size_t i = 0; i < m->n; i++)
    if (strlen (m->names[i]) == len && memcmp (m->names[i], word, len) == 0)
      return m->names[i];
  return NULL;
}

/* Where the v1 hierarchy with the CONTROLLERS is mounted: at a directory of that name, or, for controllers that are mounted
 * together under another order of the names, behind the link of any of them.  Returns NULL if it is not mounted.  */
static const char *
mount_of (const struct mounts *m, const char *controllers)
{
  const char *named = str_after (controllers, "name=");
  const char *found = NULL;

  if (*controllers == '\0')
    return mount_named (m, "unified", strlen ("unified"));
  if (named)
    return mount_named (m, named, strlen (named));
  found = mount_named (m, controllers, strlen (controllers));
  for (const char *w = controllers; found == NULL && *w;)
    {
      size_t len = strcspn (w, ",");
      found = mount_named (m, w, len);
      w += len + (w[len] == ',');
    }
  return found;
}

static int
full (struct err *err)
{
  return err_host (err, E2BIG, "the cgroups of this machine have more text than %zu bytes",
                   sizeof ((struct cgroup_layout *) 0)->text);
}

/* Adds the hierarchy of one line of /proc/self/cgroup, LEN bytes `N:CONTROLLERS:PATH`, if it is mounted.  */
static int
add_line (struct cgroup_layout *l, const struct mounts *m, const char *line, size_t len, struct err *err)
{
  struct cgroup_hierarchy h = { .dir = "" };
  const char *controllers = memchr (line, ':', len);
  const char *path = controllers ? memchr (controllers + 1, ':', line + len - controllers - 1) : NULL;

  if (path == NULL || path + 1 == line + len || path[1] != '/')
    return err_host (err, EPROTO, "unknown line in /proc/self/cgroup: \"%.*s\"", (int) len, line);
  h.controllers = keep (l, controllers + 1, path - controllers - 1);
  h.own = keep (l, path + 1, line + len - path - 1);
  if (h.controllers == NULL || h.own == NULL)
    return full (err);
  if (l->mode == CGROUP_V2)
    {
      if (*h.controllers) /* hierarchies of v1 that are not mounted here */
        return 0;
    }
  else
    {
      const char *dir = mount_of (m, h.controllers);
      if (dir == NULL)
        return 0;
      h.dir = keep (l, dir, strlen (dir));
      if (h.dir == NULL)
        return full (err);
    }
  if (l->n_hierarchies == CGROUP_HIERARCHIES_MAX)
    return err_host (err, E2BIG, "more than %d cgroup hierarchies", CGROUP_HIERARCHIES_MAX);
  l->hierarchies[l->n_hierarchies++] = h;
  return 0;
}

/* Decides between v1 and hybrid, and v1 and nothing, when all hierarchies are known.  */
static void
settle_mode (struct cgroup_layout *l)
{
  if (l->mode == CGROUP_V2)
    return;
  if (l->n_hierarchies == 0)
    l->mode = CGROUP_NONE;
  else
    l->mode = cgroup_layout_find (l, "") ? CGROUP_HYBRID : CGROUP_V1;
}

/* Adds the hierarchies that /proc/self/cgroup tells of.  */
static int
read_own (struct cgroup_layout *l, const struct mounts *m, struct err *err)
{
  char text[sizeof l->text];
  ssize_t len = file_read_small (AT_FDCWD, "/proc/self/cgroup", text, sizeof text);

  if (len < 0)
    return err_sys (err, (int) -len, "read", "/proc/self/cgroup");
  if ((size_t) len == sizeof text - 1)
    return full (err);
  for (char *line = text, *end; (end = strchr (line, '\n')); line = end + 1)
    {
      int r = add_line (l, m, line, end - line, err);
      if (r < 0)
        return r;
    }
  return 0;
}

/* Takes the names of directories and links from LEN bytes that getdents64 gave.  They stay in BUF.  */
static void
take_names (struct mounts *m, const char *buf, ssize_t len)
{
  for (ssize_t at = 0; at < len && m->n < MOUNTS_MAX;)
    {
      const struct dirent64 *d = (const void *) (buf + at);
      if (d->d_name[0] != '.')
        m->names[m->n++] = d->d_name;
      at += d->d_reclen;
    }
}

/* Takes "unified" out of M unless cgroup v2 is mounted there: a plain directory would make every container fail.  */
static int
check_unified (struct mounts *m, struct err *err)
{
  struct statfs fs;

  for (size_t i = 0; i < m->n; i++)
    if (strcmp (m->names[i], "unified") == 0)
      {
        if (statfs (CGROUP_ROOT "/unified", &fs) < 0)
          return err_sys (err, errno, "statfs", CGROUP_ROOT "/unified");
        if (fs.f_type != CGROUP2_SUPER_MAGIC)
          m->names[i] = m->names[--m->n];
        break;
      }
  return 0;
}

/* Reads a directory of v1 mounts and our own places in them.  A directory of a v1 hierarchy that is no mount point is not told from
 * one that is: that would cost a call for each; joining such a "cgroup" fails, with an error that says so.  */
static int
read_v1 (struct cgroup_layout *l, struct err *err)
{
  char buf[8192] __attribute__ ((aligned (__alignof__(struct dirent64))));
  struct mounts m = { .n = 0 };
  own_fd int fd = open (CGROUP_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  size_t used = 0;

  if (fd < 0)
    return err_sys (err, errno, "open", CGROUP_ROOT);
  for (;;)
    {
      ssize_t n = getdents64 (fd, buf + used, sizeof buf - used);
      if (n < 0
          && errno
                 != EINVAL) /* EINVAL: no room for the next name; what follows 8 KiB of names is no hierarchy of ours */
        return err_sys (err, errno, "getdents64", CGROUP_ROOT);
      if (n <= 0)
        break;
      take_names (&m, buf + used, n);
      used += n;
    }
  int ret = check_unified (&m, err);
  return ret < 0 ? ret : read_own (l, &m, err);
}

/* Reads the controllers of the v2 hierarchy.  */
static int
read_controllers (struct cgroup_layout *l, struct err *err)
{
  const struct cgroup_hierarchy *h = cgroup_layout_find (l, "");
  const char *path
      = l->mode == CGROUP_V2 ? CGROUP_ROOT "/cgroup.controllers" : CGROUP_ROOT "/unified/cgroup.controllers";
  char *text = l->text + l->used;
  ssize_t len;

  if (h == NULL)
    return 0;
  len = file_read_small (AT_FDCWD, path, text, sizeof l->text - l->used);
  if (len < 0)
    return err_sys (err, (int) -len, "read", "%s", path);
  if (len > 0 && text[len - 1] == '\n')
    text[--len] = '\0';
  l->used += len + 1;
  l->controllers = text;
  return 0;
}

/* The one hierarchy of pure v2, for those who do not care where we are.  */
static void
add_unified (struct cgroup_layout *l)
{
  l->hierarchies[0] = (struct cgroup_hierarchy){ .dir = "", .controllers = "", .own = "/" };
  l->n_hierarchies = 1;
}

/* True if v1 lacks a controller that most machines have, so that it may be in the v2 hierarchy beside it: newer kernels can be without memory and
 * cpuset on v1 (CONFIG_MEMCG_V1, Linux 6.11; CONFIG_CPUSETS_V1, 6.12).  */
static bool
v1_is_partial (const struct cgroup_layout *l)
{
  static const char *const common[] = { "cpu", "cpuset", "memory", "pids", NULL };

  for (const char *const *name = common; *name; name++)
    if (cgroup_layout_find (l, *name) == NULL)
      return true;
  return false;
}

int
cgroup_layout_read (struct cgroup_layout *l, unsigned want, struct err *err)
{
  struct statfs fs;
  int r = 0;

  l->mode = CGROUP_NONE;
  l->n_hierarchies = l->used = 0;
  l->controllers = NULL;
  if (statfs (CGROUP_ROOT, &fs) < 0)
    return errno == ENOENT || errno == ENOTDIR ? 0 : err_sys (err, errno, "statfs", CGROUP_ROOT);
  l->mode = fs.f_type == CGROUP2_SUPER_MAGIC ? CGROUP_V2 : CGROUP_V1;
  if (l->mode == CGROUP_V1)
    r = read_v1 (l, err);
  else if (want & CGROUP_WANT_OWN)
    r = read_own (l, &(struct mounts){ .n = 0 }, err);
  if (l->mode == CGROUP_V2 && l->n_hierarchies == 0)
    add_unified (l);
  settle_mode (l);
  if (r >= 0 && (want & CGROUP_WANT_UNIFIED || (want & CGROUP_WANT_CONTROLLERS && (l->mode == CGROUP_V2 || v1_is_partial (l)))))
    r = read_controllers (l, err);
  return r;
}

/* Takes one line of the form described at cgroup_layout_parse.  */
static int
parse_line (struct cgroup_layout *l, struct mounts *m, const char *line, struct err *err)
{
  static const char *const modes[] = { "none", "v1", "hybrid", "v2" }; /* by enum cgroup_mode */
  const char *rest;

  if ((rest = str_after (line, "self ")))
    return add_line (l, m, rest, strlen (rest), err);
  if ((rest = str_after (line, "controllers ")))
    {
      l->controllers = keep (l, rest, strlen (rest));
      return l->controllers ? 0 : full (err);
    }
  if ((rest = str_after (line, "mount ")) && m->n < MOUNTS_MAX)
    {
      m->names[m->n] = keep (l, rest, strlen (rest));
      return m->names[m->n++] ? 0 : full (err);
    }
  if ((rest = str_after (line, "mode ")))
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
      if (strcmp (rest, modes[i]) == 0)
        {
          l->mode = (enum cgroup_mode) i;
          return 0;
        }
  return err_host (err, EINVAL, "unknown fact of cgroups: \"%s\"", line);
}

int
cgroup_layout_parse (const char *text, struct cgroup_layout *l, struct err *err)
{
  struct mounts m = { .n = 0 };

  l->mode = CGROUP_NONE;
  l->n_hierarchies = l->used = 0;
  l->controllers = NULL;
  while (*text)
    {
      char line[4096];
      size_t len = strcspn (text, "\n");
      int r;

      if (len >= sizeof line)
        return full (err);
      memcpy (line, text, len);
      line[len] = '\0';
      r = len == 0 || *line == '#' ? 0 : parse_line (l, &m, line, err);
      if (r < 0)
        return r;
      text += len + (text[len] == '\n');
    }
  if (l->mode == CGROUP_V2 && l->n_hierarchies == 0)
    add_unified (l);
  return 0;
}

const struct cgroup_hierarchy *
cgroup_layout_find (const struct cgroup_layout *l, const char *controller)
{
  for (size_t i = 0; i < l->n_hierarchies; i++)
    {
      const char *has = l->hierarchies[i].controllers;
      if (*controller ? cgroup_list_has (has, controller) : *has == '\0')
        return &l->hierarchies[i];
    }
  return NULL;
}

bool
cgroup_list_has (const char *list, const char *word)
{
  size_t len = strlen (word);

  while (*list)
    {
      size_t n = strcspn (list, " ,");
      if (n == len && memcmp (list, word, n) == 0)
        return true;
      list += n;
      list += strspn (list, " ,");
    }
  return false;
}
