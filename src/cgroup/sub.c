/* SPDX-License-Identifier: Apache-2.0 */
/* Where one more process of a container goes: a cgroup below the container's, or the one its first process has moved to.  Pure but for
 * looking; paths are built of components that cannot lead out, and cgroupfs has no symbolic links that could (kernfs has no operation to make
 * one there). */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/own.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "cgroup/dir.h"
#include "cgroup/freezer.h"
#include "cgroup/layout.h"

enum
{
  PROC_TEXT_MAX = 64 << 10 /* of /proc/PID/cgroup */
};

/* A copy with room for a path in each hierarchy; one allocation.  */
struct copy
{
  struct cgroup cg;
  struct cgroup_dir dirs[CGROUP_HIERARCHIES_MAX];
  char paths[CGROUP_HIERARCHIES_MAX][PATH_MAX];
  bool set[CGROUP_HIERARCHIES_MAX];
};

static struct copy *
copy_of (const struct cgroup *cg, struct err *err)
{
  struct copy *c = calloc (1, sizeof *c);

  if (c == NULL || cg->n_dirs > CGROUP_HIERARCHIES_MAX)
    {
      free (c);
      (void) err_sys (err, ENOMEM, "calloc", "cgroup");
      return NULL;
    }
  c->cg = *cg;
  c->cg.dirs = c->dirs;
  memcpy (c->dirs, cg->dirs, cg->n_dirs * sizeof *c->dirs);
  return c;
}

/* Appends the components of PATH to the container's own in hierarchy I.  */
static int
set_below (struct copy *c, size_t i, const char *word, const char *path, struct err *err)
{
  char text[PATH_MAX];
  size_t used = strlen (c->dirs[i].path);

  if (used >= sizeof text)
    return err_sys (err, ENAMETOOLONG, "open", "%s", word);
  memcpy (text, c->dirs[i].path, used + 1);
  for (size_t len; path += strspn (path, "/"), (len = strcspn (path, "/")) > 0; path += len)
    {
      if (len == 1 && path[0] == '.')
        continue;
      if (len == 2 && path[0] == '.' && path[1] == '.')
        return err_usage (err, "--cgroup %s: must not contain \"..\"", word);
      if (len > NAME_MAX || used + len + 2 > sizeof text)
        return err_sys (err, ENAMETOOLONG, "open", "%s", word);
      used += (size_t) snprintf (text + used, sizeof text - used, "/%.*s", (int) len, path);
    }
  if (c->set[i] && strcmp (c->paths[i], text) != 0)
    return err_usage (err, "--cgroup %s: the hierarchy of %s has another path already", word, c->dirs[i].controllers);
  c->set[i] = true;
  memcpy (c->paths[i], text, used + 1);
  return 0;
}

/* "CTRL[,CTRL...]:PATH".  */
static int
set_controllers (struct copy *c, const char *word, const char *colon, struct err *err)
{
  for (const char *name = word; name <= colon; name += strcspn (name, ",:") + 1)
    {
      char controller[64];
      size_t len = strcspn (name, ",:"), i = 0;
      int ret;

      (void) snprintf (controller, sizeof controller, "%.*s", (int) len, name);
      while (i < c->cg.n_dirs && (c->dirs[i].controllers[0] == '\0' || ! cgroup_list_has (c->dirs[i].controllers, controller)))
        i++;
      if (len == 0 || i == c->cg.n_dirs)
        return err_usage (err, "--cgroup %s: the container has no hierarchy of cgroup v1 with the controller \"%s\"; what is to be given is "
                               "[CONTROLLER[,CONTROLLER...]:]PATH, and a PATH that has a colon needs its controllers", word, controller);
      if (c->dirs[i].skipped)
        return err_host (err, ENOTSUP, "--cgroup %s: the container has no cgroup of its own in the hierarchy of \"%s\"", word, controller);
      ret = set_below (c, i, word, colon + 1, err);
      if (ret < 0)
        return ret;
    }
  return 0;
}

/* "PATH": the same in every hierarchy.  */
static int
set_all (struct copy *c, const char *word, struct err *err)
{
  int ret = 0;

  for (size_t i = 0; ret == 0 && i < c->cg.n_dirs; i++)
    ret = set_below (c, i, word, word, err);
  return ret;
}

static int
check_there (const struct cgroup *cg, struct err *err)
{
  struct cgroup_path p;

  for (size_t i = 0; i < cg->n_dirs; i++)
    {
      int ret = cgroup_dir_path (&cg->dirs[i], NULL, &p, err);
      own_fd int fd = ret < 0 || cg->dirs[i].skipped ? -1 : open (p.text, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

      if (ret < 0)
        return ret;
      if (fd < 0 && ! cg->dirs[i].skipped)
        return err_sys (err, errno, "open", "%s", p.text);
    }
  return 0;
}

/* Makes the paths that are set those of the copy, which becomes the caller's.  */
static struct cgroup *
finish (struct copy **c)
{
  struct copy *done = take_ptr (*c);

  for (size_t i = 0; i < done->cg.n_dirs; i++)
    if (done->set[i])
      done->dirs[i].path = done->paths[i];
  return &done->cg;
}

int
cgroup_sub (const struct cgroup *cg, const char *const *words, struct cgroup **ret_sub, struct err *err)
{
  own_mem struct copy *c = copy_of (cg, err);
  int ret = 0;

  if (c == NULL)
    return -ENOMEM;
  if (! cgroup_is_own (cg))
    return err_host (err, ENOTSUP, "--cgroup %s: the container has no cgroup of its own", words[0]);
  for (const char *const *w = words; ret == 0 && *w; w++)
    {
      const char *colon = strchr (*w, ':');

      if (colon)
        ret = set_controllers (c, *w, colon, err);
      else if (w != words || w[1])
        ret = err_usage (err, "--cgroup %s: of several each needs its controllers and a colon", *w);
      else
        ret = set_all (c, *w, err);
    }
  if (ret < 0)
    return ret;
  *ret_sub = finish (&c);
  ret = check_there (*ret_sub, err);
  if (ret == 0)
    return 0;
  free (*ret_sub);
  *ret_sub = NULL;
  return err_doing (err, ret, "the container has no such cgroup for --cgroup");
}

/* Takes the path of one line "N:CONTROLLERS:PATH" of LEN bytes, if it is of one of our hierarchies.  */
static int
take_line (struct copy *c, const char *line, size_t len, struct err *err)
{
  const char *controllers = memchr (line, ':', len), *end = line + len, *path;

  path = controllers ? memchr (controllers + 1, ':', (size_t) (end - controllers - 1)) : NULL;
  if (path == NULL)
    return err_bug (err, EPROTO, "a line of /proc/PID/cgroup is not as expected: %.*s", (int) len, line);
  for (size_t i = 0; i < c->cg.n_dirs; i++)
    {
      const char *own = c->dirs[i].controllers;
      size_t own_len = strlen (own), path_len = (size_t) (end - path - 1);

      if (own_len != (size_t) (path - controllers - 1) || memcmp (own, controllers + 1, own_len) != 0)
        continue;
      if (path_len >= PATH_MAX || strncmp (path + 1, "/..", 3) == 0)
        continue; /* outside of our cgroup namespace, whose paths mean nothing below our mounts: the container's own is all we know */
      (void) snprintf (c->paths[i], PATH_MAX, "%.*s", (int) path_len, path + 1);
      c->set[i] = true;
    }
  return 0;
}

int
cgroup_of (const struct cgroup *cg, pid_t pid, struct cgroup **ret_cgroup, struct err *err)
{
  own_mem struct copy *c = copy_of (cg, err);
  own_mem char *text = NULL;
  char name[32];
  int ret = 0;

  if (c == NULL)
    return -ENOMEM;
  (void) snprintf (name, sizeof name, "/proc/%d/cgroup", (int) pid);
  if (file_read_at (AT_FDCWD, name, PROC_TEXT_MAX, &text, err) < 0)
    return err_sys (err, ESRCH, "open", "%s", name);
  for (const char *line = text; ret == 0 && *line; line += strcspn (line, "\n") + 1)
    ret = take_line (c, line, strcspn (line, "\n"), err);
  if (ret == 0)
    *ret_cgroup = finish (&c);
  return ret;
}

/* True if CG has the hierarchy and the path of one line "N:CONTROLLERS:PATH" of LEN bytes, or one above that.  */
static bool
holds_line (const struct cgroup *cg, const char *line, size_t len)
{
  const char *controllers = memchr (line, ':', len);

  for (size_t i = 0; controllers && i < cg->n_dirs; i++)
    {
      const struct cgroup_dir *d = &cg->dirs[i];
      size_t own = strlen (d->controllers), path = strlen (d->path), before = (size_t) (controllers + 1 - line) + own + 1 + path;

      if (! d->skipped && len >= before && strncmp (controllers + 1, d->controllers, own) == 0 && controllers[1 + own] == ':'
          && strncmp (controllers + 2 + own, d->path, path) == 0 && (len == before || line[before] == '/'))
        return true;
    }
  return false;
}

int
cgroup_holds (const struct cgroup *cg, pid_t pid, struct err *err)
{
  own_mem char *text = NULL;
  char name[32];

  (void) snprintf (name, sizeof name, "/proc/%d/cgroup", (int) pid);
  if (file_read_at (AT_FDCWD, name, PROC_TEXT_MAX, &text, err) < 0)
    return err_sys (err, ESRCH, "open", "%s", name);
  for (const char *line = text; *line; line += strcspn (line, "\n") + 1)
    if (! holds_line (cg, line, strcspn (line, "\n")))
      return 0;
  return 1;
}

int
cgroup_freezer_path (const struct cgroup *cg, char *buf, size_t size)
{
  const struct cgroup_dir *d = freezer_of (cg);
  struct cgroup_path p;

  if (d == NULL || cgroup_dir_path (d, NULL, &p, NULL) < 0 || str_copy (buf, size, p.text) < 0)
    return -ENOENT;
  return 0;
}

int
cgroup_is_inner (const struct cgroup *cg)
{
  const struct cgroup_dir *d = cgroup_dir_find (cg, "");
  char text[16] = "";

  return d && ! d->skipped && cgroup_dir_read (d, "cgroup.subtree_control", text, sizeof text) > 1;
}
