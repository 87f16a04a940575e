/* SPDX-License-Identifier: Apache-2.0 */
/* Making a container's cgroup.  Touches only what the struct says; whatever it made is in
 * `made`, on failure too, so undoing never removes what was there before. */
#include "cgroup/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "cgroup/cpuset.h"
#include "cgroup/dir.h"
#include "cgroup/layout.h"
#include "cgroup/scope.h"
#include "cgroup/tree.h"

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

int
cgroup_dir_count (struct cgroup_dir *d, struct err *err)
{
  struct cgroup_path p;
  size_t len, known;
  int r = cgroup_dir_path (d, NULL, &p, err);

  if (r < 0)
    return r;
  len = strlen (p.text);
  known = len - strlen (d->path) + d->known;
  d->made = 1;
  while ((len = cut (p.text, len)) > known && ! exists (p.text))
    d->made++;
  return 0;
}

/* config-linux.md lets us look, and then wants an error.  */
int
cgroup_dir_check_idle (const struct cgroup_dir *d, struct err *err)
{
  struct cgroup_path p;
  char state[16];
  long pid = 0;
  int r = cgroup_dir_path (d, NULL, &p, err);

  if (r < 0)
    return r;
  r = cgroup_tree_process (p.text, &pid);
  if (r < 0)
    return err_sys (err, -r, "read", "%s", p.text);
  if (r > 0)
    return err_state (err, EBUSY, "cgroup is not empty: process %ld is in %s", pid, p.text);
  if ((cgroup_dir_read (d, "cgroup.freeze", state, sizeof state) > 0 && *state == '1')
      || (cgroup_dir_read (d, "freezer.state", state, sizeof state) > 0 && *state == 'F'))
    return err_state (err, EBUSY, "cgroup is frozen: %s", p.text);
  return 0;
}

/* True if D, which exists, is one that an unprivileged runtime could not have made: another's of the name that its container happens to have.  */
static bool
is_out_of_reach (const struct cgroup *cg, const char *path)
{
  return cg->rootless && ! cg->explicit_path && faccessat (AT_FDCWD, path, W_OK, AT_EACCESS) < 0
         && (errno == EACCES || errno == EPERM || errno == EROFS);
}

/* Takes the existing cgroup D for the container's, or skips it.  */
static int
take_existing (const struct cgroup *cg, struct cgroup_dir *d, struct err *err)
{
  struct cgroup_path p;
  int r = cgroup_dir_path (d, NULL, &p, err);

  if (r < 0)
    return r;
  d->made = 0;
  d->skipped = is_out_of_reach (cg, p.text);
  return d->skipped ? 0 : cgroup_dir_check_idle (d, err);
}

/* Looks at the whole of an existing cgroup: every hierarchy may have it or not.  */
static int
survey_existing (const struct cgroup *cg, struct cgroup_dir *d, struct err *err)
{
  struct cgroup_path p;
  int r = cgroup_dir_path (d, NULL, &p, err);

  if (r < 0)
    return r;
  return exists (p.text) ? take_existing (cg, d, err) : cgroup_dir_count (d, err);
}

/* Leaves out of CG the cgroups from I on: they are not the container's, so undoing must not touch what is in them.  */
static int
disown (struct cgroup *cg, size_t i, int r)
{
  cg->n_dirs = i;
  cg->unit = i ? cg->unit : NULL;
  return r;
}

int
cgroup_survey (struct cgroup *cg, struct err *err)
{
  struct cgroup_path p;
  bool there;
  int r;

  if (cg->n_dirs == 0)
    return 0;
  if (cg->unit)
    {
      r = scope_survey (cg, err);
      return r < 0 ? disown (cg, 0, r) : 0;
    }
  /* The hierarchies have the same cgroups for all practical purposes, so one is asked for all; cgroup_make finds out
   * about the others.  */
  r = cgroup_dir_path (&cg->dirs[0], NULL, &p, err);
  if (r < 0)
    return disown (cg, 0, r);
  there = exists (p.text);
  for (size_t i = 0; i < cg->n_dirs; i++)
    {
      r = there ? survey_existing (cg, &cg->dirs[i], err) : cgroup_dir_count (&cg->dirs[i], err);
      if (r < 0)
        return disown (cg, 0, r);
    }
  return 0;
}

/* False for a file of the kernel's, which a cgroup may be called like.  */
static bool
is_directory (const char *path)
{
  struct stat st;

  return stat (path, &st) == 0 && S_ISDIR (st.st_mode);
}

/* Makes the directory at PATH, level N from the end (0: the cgroup itself) of D.  One that appeared meanwhile is not ours.  */
static int
make_level (struct cgroup_dir *d, const char *path, uint32_t n, struct err *err)
{
  if (mkdir (path, 0755) < 0)
    {
      if (errno != EEXIST)
        return err_sys (err, errno, "mkdir", "%s", path);
      if (! is_directory (path))
        return err_sys (err, ENOTDIR, "mkdir", "%s", path);
      d->made = 0;
      return 0;
    }
  d->made = d->made ? d->made : n + 1;
  if (! cgroup_list_has (d->controllers, "cpuset"))
    return 0;
  return cgroup_cpuset_fill (path, strlen (CGROUP_ROOT "/") + strlen (d->mount), err);
}

/* Removes what was made above PATH, level N from the end, which is no cgroup: then nothing of D is the container's.  */
static void
take_back (struct cgroup_dir *d, char *path, uint32_t n)
{
  size_t len = strlen (path);

  for (uint32_t i = n + 1; i < d->made; i++)
    {
      len = cut (path, len);
      (void) rmdir (path); /* another container may live below it by now */
    }
  d->made = 0;
}

/* Makes the directories of D that are missing: `made` of them, by the survey.  */
static int
make_levels (struct cgroup_dir *d, struct err *err)
{
  struct cgroup_path p;
  uint32_t missing = d->made;
  int r = cgroup_dir_path (d, NULL, &p, err);
  size_t len;

  if (r < 0)
    return r;
  len = strlen (p.text);
  for (uint32_t i = 1; i < missing; i++)
    len = cut (p.text, len);
  d->made = 0;
  for (uint32_t n = missing; n-- > 0;)
    {
      r = make_level (d, p.text, n, err);
      if (r == -ENOTDIR)
        take_back (d, p.text, n);
      if (r < 0)
        return r;
      if (n > 0)
        p.text[strlen (p.text)] = '/'; /* one cut undone */
    }
  return 0;
}

/* The same, counted anew if that was wrong: a parent that other hierarchies have is missing in this one, or was removed just now; or our own place is not
 * below this mount (the cgroup mounts of a container without a cgroup namespace).  */
static int
make_missing (struct cgroup_dir *d, struct err *err)
{
  int r = make_levels (d, err);

  if (r != -ENOENT || d->made)
    return r;
  err_clear (err);
  d->known = 0;
  r = cgroup_dir_count (d, err);
  return r < 0 ? r : make_levels (d, err);
}

int
cgroup_dir_make (struct cgroup_dir *d, struct err *err)
{
  uint32_t least = d->made;
  int r = make_missing (d, err);

  d->made = d->made > least ? d->made : least;
  return r;
}

/* Errors for which an unprivileged runtime goes on without a cgroup of its own, as runc does.  */
static bool
may_skip (const struct cgroup *cg, int r)
{
  return cg->rootless && ! cg->explicit_path && (r == -EACCES || r == -EPERM || r == -EROFS);
}

/* Makes D.  One that was there is looked at again.  */
static int
make_dir (const struct cgroup *cg, struct cgroup_dir *d, struct err *err)
{
  int r = d->made ? make_missing (d, err) : 0;

  if (may_skip (cg, r))
    {
      err_clear (err);
      d->skipped = true; /* what was made of its parents stays in `made` */
      return 0;
    }
  return r == 0 && d->made == 0 ? take_existing (cg, d, err) : r;
}

int
cgroup_make (struct cgroup *cg, int *ret_fd, struct err *err)
{
  *ret_fd = -1;
  if (cgroup_needs_process (cg))
    return 0;
  for (size_t i = 0; i < cg->n_dirs; i++)
    {
      int r = make_dir (cg, &cg->dirs[i], err);
      if (r < 0) /* what was made of this one is still to be removed */
        return disown (cg, cg->dirs[i].made ? i + 1 : i, r);
    }
  return cgroup_open (cg, ret_fd, err);
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
