/* SPDX-License-Identifier: Apache-2.0 */
/* Making a container's cgroup.  Touches only what the struct says; whatever it made is in
 * `made`, on failure too, so undoing never removes what was there before. */
#include "cgroup/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/own.h"
#include "cgroup/dir.h"
#include "cgroup/layout.h"
#include "cgroup/tree.h"

/* A cgroup's path while its end is cut off and put back.  */
struct level
{
  struct cgroup_path path;
  size_t root;  /* length of the hierarchy's mount point */
};

/* Cuts the last component off PATH of length LEN.  Returns the new length.  */
static size_t
cut (char *path, size_t len)
{
  while (path[--len] != '/')
    continue;
  path[len] = '\0';
  return len;
}

static bool
exists (const char *path)
{
  return faccessat (AT_FDCWD, path, F_OK, 0) == 0;
}

/* Counts how many of D's last components do not exist, given that the last one does not.  */
static int
count_missing (struct cgroup_dir *d, struct err *err)
{
  struct cgroup_path p;
  size_t len, known;
  int r = cgroup_dir_path (d, NULL, &p, err);

  if (r < 0)
    return r;
  len = strlen (p.text);
  known = len - strlen (d->path) + d->known;
  d->made = 1;
  while ((len = cut (p.text, len)) > known && !exists (p.text))
    d->made++;
  return 0;
}

static int
visit_for_process (int dir, bool top, void *data)
{
  char buf[64];
  ssize_t n = file_read_small (dir, "cgroup.procs", buf, sizeof buf);

  (void) top;
  if (n > 0)
    *(long *) data = atol (buf);
  return n > 0 ? 1 : 0; /* what cannot be read (a threaded cgroup's cgroup.procs) shows up in its domain */
}

/* Fails if the existing cgroup D has processes or is frozen (config-linux.md lets us look, and then wants an error).  */
static int
check_idle (const struct cgroup_dir *d, struct err *err)
{
  struct cgroup_path p;
  char state[16];
  long pid = 0;
  int r = cgroup_dir_path (d, NULL, &p, err);

  if (r >= 0)
    r = cgroup_tree_walk (p.text, visit_for_process, &pid, err);
  if (r < 0)
    return r;
  if (pid > 0)
    return err_state (err, EBUSY, "cgroup is not empty: process %ld is in %s", pid, p.text);
  if ((cgroup_dir_read (d, "cgroup.freeze", state, sizeof state) > 0 && *state == '1')
      || (cgroup_dir_read (d, "freezer.state", state, sizeof state) > 0 && *state == 'F'))
    return err_state (err, EBUSY, "cgroup is frozen: %s", p.text);
  return 0;
}

/* Looks at the whole of an existing cgroup: every hierarchy may have it or not.  */
static int
survey_existing (struct cgroup_dir *d, struct err *err)
{
  struct cgroup_path p;
  int r = cgroup_dir_path (d, NULL, &p, err);

  if (r < 0)
    return r;
  if (!exists (p.text))
    return count_missing (d, err);
  d->made = 0;
  return check_idle (d, err);
}

int
cgroup_survey (struct cgroup *cg, struct err *err)
{
  struct cgroup_path p;
  bool there;
  int r;

  if (cg->n_dirs == 0)
    return 0;
  /* The hierarchies have the same cgroups for all practical purposes, so one is asked for all; cgroup_make finds out
   * about the others.  */
  r = cgroup_dir_path (&cg->dirs[0], NULL, &p, err);
  if (r < 0)
    return r;
  there = exists (p.text);
  for (size_t i = 0; i < cg->n_dirs; i++)
    {
      r = there ? survey_existing (&cg->dirs[i], err) : count_missing (&cg->dirs[i], err);
      if (r < 0)
        return r;
    }
  return 0;
}

/* Reads FILE of the cpuset whose path has the length LEN, or if it is empty there, of the nearest one above
 * that has it (then those between are filled: a cpuset can have only what its parent has).  */
static int
inherit (const char *path, size_t len, size_t root, const char *file, char *value, size_t size, struct err *err)
{
  char name[PATH_MAX + 32];
  ssize_t n;
  int r;

  memcpy (name, path, len);
  name[len] = '/';
  strcpy (name + len + 1, file);
  n = file_read_small (AT_FDCWD, name, value, size);
  if (n < 0)
    return err_sys (err, (int) -n, "read", "%s", name);
  if (n > 1) /* more than a line feed */
    return 0;
  if (len <= root)
    return err_host (err, ENOSPC, "%s is empty", name);
  for (n = len; path[--n] != '/';)
    continue;
  r = inherit (path, n, root, file, value, size, err);
  return r < 0 ? r : file_write_at (AT_FDCWD, name, value, strlen (value), err);
}

/* A new cpuset takes no process before it has cpus and mems (cpusets(7)).  */
static int
fill_cpuset (const struct level *l, size_t len, struct err *err)
{
  static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };

  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    {
      char value[4096], name[PATH_MAX + 32];
      size_t up = len;
      int r;

      while (l->path.text[--up] != '/')
        continue;
      r = inherit (l->path.text, up, l->root, files[i], value, sizeof value, err);
      if (r < 0)
        return r;
      memcpy (name, l->path.text, len);
      name[len] = '/';
      strcpy (name + len + 1, files[i]);
      r = file_write_at (AT_FDCWD, name, value, strlen (value), err);
      if (r < 0)
        return r;
    }
  return 0;
}

/* Makes the directories of D that are missing: `made` of them, by the survey.  One that appeared meanwhile is not ours.  */
static int
make_levels (struct cgroup_dir *d, struct err *err)
{
  struct cgroup_path p;
  size_t ends[PATH_MAX / 2];
  uint32_t missing = d->made, n = 0;
  int r = cgroup_dir_path (d, NULL, &p, err);
  size_t len;

  if (r < 0)
    return r;
  len = strlen (p.text);
  for (ends[n++] = len; n < missing; n++)
    ends[n] = cut (p.text, ends[n - 1]);
  d->made = 0;
  while (n-- > 0)
    {
      if (n + 1 < missing)
        p.text[ends[n + 1]] = '/';
      p.text[ends[n]] = '\0';
      if (mkdir (p.text, 0755) == 0)
        d->made = d->made ? d->made : n + 1;
      else if (errno != EEXIST)
        return err_sys (err, errno, "mkdir", "%s", p.text);
      if (d->made && cgroup_list_has (d->controllers, "cpuset"))
        {
          struct level l = { .root = strlen (CGROUP_ROOT) + 1 + strlen (d->mount) };
          memcpy (l.path.text, p.text, ends[n] + 1);
          r = fill_cpuset (&l, ends[n], err);
          if (r < 0)
            return r;
        }
    }
  return 0;
}

/* Errors for which an unprivileged runtime goes on without a cgroup of its own, as runc does.  */
static bool
may_skip (const struct cgroup *cg, int r)
{
  return cg->rootless && ! cg->explicit_path && (r == -EACCES || r == -EPERM || r == -EROFS);
}

/* Makes D.  Its survey may have been wrong: hierarchies need not have the same cgroups.  */
static int
make_dir (const struct cgroup *cg, struct cgroup_dir *d, struct err *err)
{
  int r = d->made ? make_levels (d, err) : 0;

  if (r == -ENOENT && d->made == 0)
    {
      /* a parent that other hierarchies have is missing in this one */
      r = count_missing (d, err);
      r = r < 0 ? r : make_levels (d, err);
    }
  if (may_skip (cg, r))
    {
      err_clear (err);
      d->skipped = true;
      d->made = 0;
      return 0;
    }
  if (r == 0 && d->made == 0) /* it was there: fit to be used? */
    return check_idle (d, err);
  return r;
}

int
cgroup_open (const struct cgroup *cg, int *ret_fd, struct err *err)
{
  struct cgroup_path p;
  int r;

  *ret_fd = -1;
  if (cg->n_dirs != 1 || ! cgroup_dir_is_v2 (&cg->dirs[0]) || cg->dirs[0].skipped)
    return 0;
  r = cgroup_dir_path (&cg->dirs[0], NULL, &p, err);
  if (r < 0)
    return r;
  *ret_fd = open (p.text, O_PATH | O_DIRECTORY | O_CLOEXEC);
  return *ret_fd < 0 ? err_sys (err, errno, "open", "%s", p.text) : 0;
}

int
cgroup_make (struct cgroup *cg, int *ret_fd, struct err *err)
{
  *ret_fd = -1;
  for (size_t i = 0; i < cg->n_dirs; i++)
    {
      int r = make_dir (cg, &cg->dirs[i], err);
      if (r < 0)
        {
          for (size_t j = i + 1; j < cg->n_dirs; j++)
            cg->dirs[j].made = 0; /* not come to */
          return r;
        }
    }
  return cgroup_open (cg, ret_fd, err);
}
