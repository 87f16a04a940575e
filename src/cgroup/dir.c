/* SPDX-License-Identifier: Apache-2.0 */
/* One directory of a cgroup.  Knows paths and files; decides nothing about containers.  */
#include "cgroup/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "cgroup/cgroup.h"
#include "cgroup/layout.h"

int
cgroup_dir_path (const struct cgroup_dir *d, const char *file, struct cgroup_path *p, struct err *err)
{
  int n = snprintf (p->text, sizeof p->text, CGROUP_ROOT "%s%s%s%s%s", *d->mount ? "/" : "", d->mount, d->path,
                    file ? "/" : "", file ? file : "");

  if (n < 0 || (size_t) n >= sizeof p->text)
    return err_sys (err, ENAMETOOLONG, "open", "%.200s", p->text);
  return 0;
}

bool
cgroup_dir_is_v2 (const struct cgroup_dir *d)
{
  return *d->controllers == '\0';
}

bool
cgroup_is_own (const struct cgroup *cg)
{
  for (size_t i = 0; cg && i < cg->n_dirs; i++)
    if (! cg->dirs[i].skipped)
      return true;
  return false;
}

struct cgroup_dir *
cgroup_dir_find (const struct cgroup *cg, const char *controller)
{
  for (size_t i = 0; i < cg->n_dirs; i++)
    {
      struct cgroup_dir *d = &cg->dirs[i];
      if (*controller ? cgroup_list_has (d->controllers, controller) : cgroup_dir_is_v2 (d))
        return d;
    }
  return NULL;
}

struct cgroup_dir *
cgroup_dir_of (const struct cgroup *cg, const char *controller)
{
  struct cgroup_dir *d = cgroup_dir_find (cg, controller);
  return d ? d : cgroup_dir_find (cg, "");
}

struct cgroup_dir *
cgroup_dir_with_pids (const struct cgroup *cg)
{
  static const char *const preferred[] = { "", "freezer", "pids", "devices" };

  for (size_t i = 0; i < sizeof preferred / sizeof *preferred; i++)
    {
      struct cgroup_dir *d = cgroup_dir_find (cg, preferred[i]);
      if (d && ! d->skipped)
        return d;
    }
  for (size_t i = 0; i < cg->n_dirs; i++)
    if (! cg->dirs[i].skipped)
      return &cg->dirs[i];
  return NULL;
}

int
cgroup_dir_write (const struct cgroup_dir *d, const char *file, const char *text, struct err *err)
{
  struct cgroup_path p;
  int r = cgroup_dir_path (d, file, &p, err);

  return r < 0 ? r : file_write_at (AT_FDCWD, p.text, text, strlen (text), err);
}

ssize_t
cgroup_dir_read (const struct cgroup_dir *d, const char *file, char *buf, size_t size)
{
  struct cgroup_path p;
  int r = cgroup_dir_path (d, file, &p, NULL);

  return r < 0 ? r : file_read_small (AT_FDCWD, p.text, buf, size);
}

/* Says what the errno of a refused cgroup.subtree_control means where that is known (cgroups(7), "no internal
 * processes" and "Thread mode").  WORD is the controller, "+NAME" and what follows.  */
static int
explain (const char *word, struct err *err, int r)
{
  int len = (int) strcspn (word + 1, " ");

  if (r == -EBUSY)
    return err_doing (err, r, "a cgroup that has processes of its own cannot hand controllers to its children");
  if (r == -EOPNOTSUPP)
    return err_doing (err, r, "a threaded cgroup cannot hand this controller to its children");
  if (r == -ENOENT)
    return err_doing (err, r, "the cgroup has no controller %.*s that it could hand to its children", len, word + 1);
  return err_doing (err, r, "cannot enable the controller %.*s", len, word + 1);
}

/* Writes CONTROLLERS to the subtree_control file at PATH: all at once, or, if one of them is refused, one by one.  *RET_WORD is the last refused.  */
static int
enable_level (const char *path, const char *controllers, const char **ret_word, struct err *err)
{
  int r = file_write_at (AT_FDCWD, path, controllers, strlen (controllers), err);
  int last = r;

  if (r < 0)
    *ret_word = controllers;
  if (r != -ENOENT && r != -EINVAL)
    return r;
  for (const char *w = controllers; *w;)
    {
      size_t n = strcspn (w, " ");
      r = file_write_at (AT_FDCWD, path, w, n, err);
      *ret_word = r < 0 ? w : *ret_word;
      last = r < 0 ? r : last;
      w += n + (w[n] == ' ');
    }
  return last;
}

int
cgroup_dir_enable (const struct cgroup_dir *d, const char *controllers, struct err *err)
{
  static const char file[] = "/cgroup.subtree_control";
  const char *word = controllers, *refused;
  struct cgroup_path p;
  size_t root;
  int last = 0;
  bool known;
  int r = cgroup_dir_path (d, file + 1, &p, err);

  if (r < 0)
    return r;
  root = strlen (CGROUP_ROOT) + (*d->mount != '\0') + strlen (d->mount);
  for (const char *slash = d->path; slash; slash = strchr (slash + 1, '/'))
    {
      size_t len = slash - d->path; /* of the part of the path above this slash; 0 is the root */
      memcpy (p.text + root + len, file, sizeof file);
      /* what a level further up has refused for a known reason is missing (ENOENT) in all below it, which explains nothing */
      known = last == -EBUSY || last == -EOPNOTSUPP || last == -ENOENT;
      r = enable_level (p.text, controllers, &refused, known ? NULL : err);
      word = r < 0 && ! known ? refused : word;
      last = r < 0 && ! known ? r : last;
      memcpy (p.text + root, d->path, strlen (d->path) + 1);
    }
  return last < 0 ? explain (word, err, last) : 0;
}
