/* SPDX-License-Identifier: Apache-2.0 */
/* Which mounts of a container come from outside; see external.h. */
#include "launch/external.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/own.h"
#include "base/str.h"

/* One line of mountinfo.  */
struct entry
{
  const char *dev, *root, *point, *type;
  bool inner; /* made in the container */
};

struct entries
{
  struct entry *list;
  size_t n;
};

/* Mounts of these are all alike in one set of namespaces.  */
static const char *const kernels_own[] = { "proc", "sysfs", "cgroup", "cgroup2", "mqueue", "securityfs", "debugfs", "tracefs", "bpf",
                                           "fusectl", "configfs", "pstore", "efivarfs", "hugetlbfs", "binfmt_misc", NULL };

/* "\040" and its like become the bytes that they stand for.  */
static void
unescape (char *text)
{
  char *to = text;

  for (const char *p = text; *p; to++)
    if (p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] && p[3])
      {
        *to = (char) ((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0'));
        p += 4;
      }
    else
      *to = *p++;
  *to = '\0';
}

/* Takes the word at *IN_OUT_P, which comes to stand behind it.  */
static char *
word (char **in_out_p)
{
  char *begin = *in_out_p, *end = begin + strcspn (begin, " ");

  *in_out_p = end + (*end != '\0');
  *end = '\0';
  return begin;
}

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw": fields of which only some are ours.  */
static int
parse_line (char *line, struct entry *e)
{
  char *root, *point;

  (void) word (&line);
  (void) word (&line);
  e->dev = word (&line);
  root = word (&line);
  point = word (&line);
  line = strstr (line, " - ");
  if (line == NULL || *root == '\0' || *point == '\0')
    return -EPROTO;
  line += 3;
  e->type = word (&line);
  unescape (root);
  unescape (point);
  e->root = root;
  e->point = point;
  return 0;
}

/* The lines of TEXT, whose list is the caller's to free.  */
static int
parse (char *text, struct entries *es, struct err *err)
{
  size_t lines = 1;

  for (const char *p = text; (p = strchr (p, '\n')) != NULL; p++)
    lines++;
  es->n = 0;
  es->list = calloc (lines, sizeof *es->list);
  if (es->list == NULL)
    return err_sys (err, ENOMEM, "calloc", "mounts");
  for (char *line = text, *next; *line; line = next)
    {
      next = line + strcspn (line, "\n");
      if (*next)
        *next++ = '\0';
      if (parse_line (line, &es->list[es->n++]) < 0)
        return err_bug (err, EPROTO, "a line of mountinfo is not as expected");
    }
  return 0;
}

static bool
is_one_of (const char *const *names, const char *name)
{
  while (*names && strcmp (*names, name) != 0)
    names++;
  return *names != NULL;
}

static bool
has_dev (const struct entries *es, const char *dev)
{
  for (size_t i = 0; i < es->n; i++)
    if (strcmp (es->list[i].dev, dev) == 0)
      return true;
  return false;
}

/* True if PATH is DIR or below it.  */
static bool
is_below (const char *path, const char *dir)
{
  const char *rest = str_after (path, dir);

  return strcmp (dir, "/") == 0 || (rest && (*rest == '\0' || *rest == '/'));
}

/* True if E stands on its own feet: the root, or a whole file system that is the container's own.  */
static bool
is_source (const struct entry *e, const struct entries *host, bool cgroup_ns)
{
  if (strcmp (e->point, "/") == 0 || (cgroup_ns && str_after (e->type, "cgroup")))
    return true;
  if (strcmp (e->root, "/") != 0)
    return false;
  return is_one_of (kernels_own, e->type) || ! has_dev (host, e->dev);
}

/* True if E shows a part of one that stands on its own feet.  */
static bool
is_part (const struct entry *e, const struct entries *inside)
{
  for (size_t i = 0; i < inside->n; i++)
    if (inside->list[i].inner && strcmp (inside->list[i].dev, e->dev) == 0 && is_below (e->root, inside->list[i].root))
      return true;
  return false;
}

int
external_mounts (char *inside, char *host, bool cgroup_ns, void (*found) (void *data, const char *point, const char *root), void *data,
                 struct err *err)
{
  struct entries in = { 0 }, out = { 0 };
  int ret = parse (inside, &in, err);

  if (ret == 0)
    ret = parse (host, &out, err);
  for (size_t i = 0; ret == 0 && i < in.n; i++)
    in.list[i].inner = is_source (&in.list[i], &out, cgroup_ns);
  for (size_t i = 0; ret == 0 && i < in.n; i++)
    if (! in.list[i].inner && ! is_part (&in.list[i], &in))
      found (data, in.list[i].point, in.list[i].root);
  free (in.list);
  free (out.list);
  return ret;
}

int
external_below (char *host, const char *dir, void (*found) (void *data, const char *point), void *data, struct err *err)
{
  struct entries out = { 0 };
  int ret = parse (host, &out, err);

  for (size_t i = 0; ret == 0 && i < out.n; i++)
    if (strcmp (out.list[i].point, dir) != 0 && is_below (out.list[i].point, dir))
      found (data, out.list[i].point);
  free (out.list);
  return ret;
}
