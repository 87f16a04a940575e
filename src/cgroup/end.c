/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of a cgroup: listed, frozen, killed; and its removal.  Works from the record alone. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/own.h"
#include "cgroup/cgroup.h"
#include "cgroup/dir.h"
#include "cgroup/tree.h"

enum
{
  FREEZE_MS = 2000,
  REMOVE_MS = 10000,
  KILL_ROUNDS = 1000
};

static void
pause_ms (long ms)
{
  const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
  (void) nanosleep (&t, NULL);
}

struct pid_list
{
  pid_t *pids;
  size_t n, size;
};

static int
add_pid (struct pid_list *l, pid_t pid)
{
  if (l->n == l->size)
    {
      size_t size = l->size ? 2 * l->size : 64;
      pid_t *pids = realloc (l->pids, size * sizeof *pids);
      if (pids == NULL)
        return -ENOMEM;
      l->pids = pids;
      l->size = size;
    }
  l->pids[l->n++] = pid;
  return 0;
}

static int
visit_pids (int dir, bool top, void *data)
{
  struct pid_list *l = data;
  own_mem char *text = NULL;
  ssize_t n = file_read_at (dir, "cgroup.procs", 1 << 24, &text, NULL);
  int r = n == -EOPNOTSUPP || n == -ENOENT ? 0 : (int) (n < 0 ? n : 0); /* threaded cgroups: their domain has the processes */

  (void) top;
  for (char *p = text, *end; n > 0 && r == 0 && *p; p = end + (*end == '\n'))
    {
      pid_t pid = (pid_t) strtol (p, &end, 10);
      if (end == p)
        break;
      if (pid > 0)
        r = add_pid (l, pid);
    }
  return r;
}

static int
list_pids (const struct cgroup *cg, struct pid_list *l, struct err *err)
{
  const struct cgroup_dir *d = cgroup_dir_with_pids (cg);
  struct cgroup_path p;
  int r = d ? cgroup_dir_path (d, NULL, &p, err) : 0;

  return d == NULL || r < 0 ? r : cgroup_tree_walk (p.text, visit_pids, l, err);
}

int
cgroup_pids (const struct cgroup *cg, pid_t **ret_pids, size_t *ret_n, struct err *err)
{
  struct pid_list l = { 0 };
  int r = list_pids (cg, &l, err);

  if (r < 0)
    {
      free (l.pids);
      return r;
    }
  *ret_pids = l.pids;
  *ret_n = l.n;
  return 0;
}

static bool
is_frozen (const struct cgroup_dir *d, bool frozen)
{
  char text[512];
  ssize_t n = cgroup_dir_read (d, cgroup_dir_is_v2 (d) ? "cgroup.events" : "freezer.state", text, sizeof text);

  if (n <= 0)
    return n == -ENOENT;
  if (cgroup_dir_is_v2 (d))
    return strstr (text, frozen ? "frozen 1" : "frozen 0") != NULL;
  return strncmp (text, frozen ? "FROZEN" : "THAWED", 6) == 0;
}

int
cgroup_freeze (const struct cgroup *cg, bool frozen, struct err *err)
{
  const struct cgroup_dir *d = cgroup_dir_find (cg, "freezer");
  bool v1 = d != NULL;
  int r;

  if (d == NULL)
    d = cgroup_dir_find (cg, "");
  if (d == NULL || d->skipped)
    return err_host (err, ENOTSUP, "the container has no cgroup that can be frozen");
  for (int waited = 0;; waited++)
    {
      /* v1: what is forked while the freezer is at work may escape it, so it is told again (freezer-subsystem.txt) */
      r = v1 ? cgroup_dir_write (d, "freezer.state", frozen ? "FROZEN" : "THAWED", err)
             : waited ? 0 : cgroup_dir_write (d, "cgroup.freeze", frozen ? "1" : "0", err);
      if (r < 0 || is_frozen (d, frozen))
        return r;
      if (waited == FREEZE_MS)
        break;
      pause_ms (1);
    }
  if (frozen) /* never leave it half frozen */
    (void) cgroup_dir_write (d, v1 ? "freezer.state" : "cgroup.freeze", v1 ? "THAWED" : "0", NULL);
  return err_host (err, ETIMEDOUT, "the cgroup could not be %s within %d ms", frozen ? "frozen" : "thawed", FREEZE_MS);
}

/* Kills by number until none is left: a frozen cgroup cannot fork, and the signal is there when it thaws.  */
static int
kill_by_number (const struct cgroup *cg, struct err *err)
{
  for (int i = 0; i < KILL_ROUNDS; i++)
    {
      struct pid_list l = { 0 };
      bool frozen = cgroup_dir_find (cg, "freezer") && cgroup_freeze (cg, true, NULL) == 0;
      int r = list_pids (cg, &l, err);

      for (size_t j = 0; j < l.n; j++)
        (void) kill (l.pids[j], SIGKILL); /* it may have ended */
      if (frozen)
        (void) cgroup_freeze (cg, false, NULL);
      free (l.pids);
      if (r < 0 || l.n == 0)
        return r;
      pause_ms (i < 10 ? 1 : 10);
    }
  return err_host (err, EBUSY, "processes of the cgroup do not end");
}

int
cgroup_kill (const struct cgroup *cg, struct err *err)
{
  const struct cgroup_dir *d = cgroup_dir_find (cg, "");
  int r;

  if (d && ! d->skipped)
    {
      r = cgroup_dir_write (d, "cgroup.kill", "1", err);
      if (r == 0)
        return 0;
      err_clear (err);
      if (r == -ENOENT && cgroup_dir_read (d, "cgroup.procs", (char[8]){ 0 }, 8) == -ENOENT)
        return 0; /* it is gone */
    }
  return kill_by_number (cg, err);
}

/* Removes one directory, once what is in it has died.  */
static int
remove_waiting (const char *path, struct err *err)
{
  for (int waited = 0;; waited++)
    {
      int r = 0;

      if (rmdir (path) == 0 || errno == ENOENT)
        return 0;
      if (errno != EBUSY && errno != ENOTEMPTY)
        return err_sys (err, errno, "rmdir", "%s", path);
      r = cgroup_tree_prune (path);
      if (r < 0 && r != -EBUSY)
        return err_sys (err, -r, "rmdir", "%s", path);
      if (r == 0 && (rmdir (path) == 0 || errno == ENOENT))
        return 0;
      if (waited == REMOVE_MS)
        return err_sys (err, EBUSY, "rmdir", "%s", path);
      /* a process that was killed leaves its cgroups a moment after its end is told */
      pause_ms (1);
    }
}

static int
remove_dir (const struct cgroup_dir *d, struct err *err)
{
  struct cgroup_path p;
  char *slash;
  int r = d->made ? cgroup_dir_path (d, NULL, &p, err) : 0;

  if (d->made == 0 || r < 0)
    return r;
  r = remove_waiting (p.text, err);
  for (uint32_t i = 1; r == 0 && i < d->made; i++)
    {
      slash = strrchr (p.text, '/');
      *slash = '\0';
      if (rmdir (p.text) < 0) /* another container lives below it by now, or it is gone */
        break;
    }
  return r;
}

int
cgroup_remove (const struct cgroup *cg, struct err *err)
{
  int last = 0;

  for (size_t i = 0; i < cg->n_dirs; i++)
    {
      int r = remove_dir (&cg->dirs[i], last < 0 ? NULL : err);
      last = r < 0 ? r : last;
    }
  return last;
}
