/* SPDX-License-Identifier: Apache-2.0 */
/* Which mounts of a container come from outside; see external.h. */
#include "launch/external.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "kernel/mountinfo.h"

/* The mounts of one text.  */
struct entries
{
  struct mountinfo *list;
  size_t n;
};

/* Mounts of these are all alike in one set of namespaces.  */
static const char *const kernels_own[] = { "proc", "sysfs", "cgroup", "cgroup2", "mqueue", "securityfs", "debugfs", "tracefs", "bpf",
                                           "fusectl", "configfs", "pstore", "efivarfs", "hugetlbfs", "binfmt_misc", NULL };

/* The lines of TEXT, whose list is the caller's to free.  Each must be a mount: what is not understood could be one of the host.  */
static int
parse (char *text, struct entries *es, struct err *err)
{
  size_t lines = 0;

  for (const char *p = text; *p; p += strcspn (p, "\n"), p += *p == '\n')
    lines++;
  if (mountinfo_parse (text, &es->list, &es->n) < 0)
    return err_sys (err, ENOMEM, "calloc", "mounts");
  return es->n == lines ? 0 : err_bug (err, EPROTO, "a line of mountinfo is not as expected");
}

static bool
has_dev (const struct entries *es, const char *dev)
{
  for (size_t i = 0; i < es->n; i++)
    if (strcmp (es->list[i].device, dev) == 0)
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
is_source (const struct mountinfo *e, const struct entries *host, enum external_cgroups cgroups)
{
  if (strcmp (e->point, "/") == 0)
    return true;
  if (cgroups != EXTERNAL_CGROUPS_PARTS && str_after (e->type, "cgroup"))
    return cgroups == EXTERNAL_CGROUPS_NONE;
  if (strcmp (e->root, "/") != 0)
    return false;
  return str_is_one_of (kernels_own, e->type) || ! has_dev (host, e->device);
}

/* True if E shows a part of one that stands on its own feet, or is one.  */
static bool
is_inner (const struct mountinfo *e, const struct entries *inside, const struct entries *host, enum external_cgroups cgroups)
{
  if (is_source (e, host, cgroups))
    return true;
  for (const struct mountinfo *of = inside->list; of < inside->list + inside->n; of++)
    if (strcmp (of->device, e->device) == 0 && is_below (e->root, of->root) && is_source (of, host, cgroups))
      return true;
  return false;
}

int
external_mounts (char *inside, char *host, enum external_cgroups cgroups, void (*found) (void *data, const char *point, const char *root), void *data,
                 struct err *err)
{
  struct entries in = { 0 }, out = { 0 };
  int ret = parse (inside, &in, err);

  if (ret == 0)
    ret = parse (host, &out, err);
  for (size_t i = 0; ret == 0 && i < in.n; i++)
    if (! is_inner (&in.list[i], &in, &out, cgroups))
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
