/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of a cgroup: listed, frozen, killed.  Works from the record alone.  Never leaves a cgroup half frozen,
 * and never waits without an end. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/own.h"
#include "cgroup/cgroup.h"
#include "cgroup/clock.h"
#include "cgroup/dir.h"
#include "cgroup/tree.h"

enum
{
  FREEZE_MS = 2000, /* for cgroup_freeze */
  KILL_FREEZE_MS
  = 100, /* for one round of killing: a process that cannot be frozen must not hold up the end of the others */
  KILL_MS = 10000, /* for all rounds */
  PIDS_TEXT_MAX = 64 << 20
};

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

/* Adds the numbers in TEXT, one a line.  0 stands for a process outside our pid namespace.  */
static int
add_pids (struct pid_list *l, const char *text)
{
  for (char *end; *text; text = end + (*end == '\n'))
    {
      long pid = strtol (text, &end, 10);
      int r = pid > 0 ? add_pid (l, (pid_t) pid) : 0;
      if (r < 0 || end == text)
        return r;
    }
  return 0;
}

static int
visit_pids (int dir, bool top, void *data)
{
  own_mem char *text = NULL;
  ssize_t n = file_read_at (dir, "cgroup.procs", PIDS_TEXT_MAX, &text, NULL);

  /* cgroups(7), "Thread mode": a threaded cgroup's processes are listed in its domain; if that is above the
   * container, its threads stand for them */
  if (n == -EOPNOTSUPP && top)
    n = file_read_at (dir, "cgroup.threads", PIDS_TEXT_MAX, &text, NULL);
  if (n == -EOPNOTSUPP || n == -ENOENT)
    return 0;
  return n < 0 ? (int) n : add_pids (data, text);
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
  struct pid_list l = { .pids = NULL };
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

/* v2: writes cgroup.freeze, and waits for cgroup.events to say so.  */
static int
freeze_v2 (const struct cgroup_dir *d, bool frozen, long until, struct err *err)
{
  struct cgroup_path p;
  char text[256];
  int r = cgroup_dir_write (d, "cgroup.freeze", frozen ? "1" : "0", err);

  if (r == 0)
    r = cgroup_dir_path (d, "cgroup.events", &p, err);
  if (r < 0)
    return r;
  own_fd int fd = open (p.text, O_RDONLY | O_CLOEXEC);
  for (;;)
    {
      struct pollfd event = { .fd = fd, .events = POLLPRI };
      long left = until - clock_ms ();
      ssize_t n = file_read_into (fd, text, sizeof text);

      if (n < 0)
        return err_sys (err, (int) -n, "read", "%s", p.text);
      if (strstr (text, frozen ? "frozen 1" : "frozen 0"))
        return 0;
      if (left <= 0)
        return -ETIMEDOUT;
      (void) poll (&event, 1, (int) left); /* reading again tells */
    }
}

/* v1: has no events.  What is forked while the freezer is at work may escape it, so it is told again
 * (cgroup-v1/freezer-subsystem.rst).  */
static int
freeze_v1 (const struct cgroup_dir *d, bool frozen, long until, struct err *err)
{
  const char *want = frozen ? "FROZEN" : "THAWED";

  for (long us = 100;; us = us < 10000 ? 2 * us : us)
    {
      char text[16];
      int r = cgroup_dir_write (d, "freezer.state", want, err);
      ssize_t n = r < 0 ? 0 : cgroup_dir_read (d, "freezer.state", text, sizeof text);

      if (r < 0 || n < 0)
        return r < 0 ? r : err_sys (err, (int) -n, "read", "freezer.state");
      if (strncmp (text, want, strlen (want)) == 0)
        return 0;
      if (clock_ms () >= until)
        return -ETIMEDOUT;
      clock_pause (us);
    }
}

/* Freezes or thaws D within MS.  Returns 0, -ETIMEDOUT with ERR untouched, or negative errno.  */
static int
set_frozen (const struct cgroup_dir *d, bool frozen, long ms, struct err *err)
{
  long until = clock_ms () + ms;
  return cgroup_dir_is_v2 (d) ? freeze_v2 (d, frozen, until, err) : freeze_v1 (d, frozen, until, err);
}

/* The freezer is a controller of v1 and a part of v2; on a hybrid machine everybody looks at the former.  */
static const struct cgroup_dir *
freezer_of (const struct cgroup *cg)
{
  const struct cgroup_dir *d = cgroup_dir_of (cg, "freezer");
  return d && ! d->skipped ? d : NULL;
}

int
cgroup_freeze (const struct cgroup *cg, bool frozen, struct err *err)
{
  const struct cgroup_dir *d = freezer_of (cg);
  int r;

  if (d == NULL)
    return err_host (err, ENOTSUP, "the container has no cgroup that can be frozen");
  r = set_frozen (d, frozen, FREEZE_MS, err);
  if (r != -ETIMEDOUT)
    return r;
  if (frozen)
    (void) set_frozen (d, false, 0, NULL); /* not half; whether it helped shows later */
  return err_host (err, ETIMEDOUT, "the cgroup could not be %s within %d ms", frozen ? "frozen" : "thawed", FREEZE_MS);
}

/* Kills once everyone who is there.  Frozen, nobody can fork meanwhile or give a number to another.  */
static int
kill_round (const struct cgroup *cg, struct pid_list *l, struct err *err)
{
  const struct cgroup_dir *freezer = freezer_of (cg);
  int r;

  if (freezer)
    (void) set_frozen (freezer, true, KILL_FREEZE_MS, NULL); /* if not, the next round gets who escaped */
  r = list_pids (cg, l, err);
  for (size_t i = 0; i < l->n; i++)
    (void) kill (l->pids[i], SIGKILL); /* it may have ended */
  if (freezer)
    (void) set_frozen (freezer, false, KILL_FREEZE_MS, NULL); /* tried again in the next round */
  return r;
}

static int
kill_by_number (const struct cgroup *cg, struct err *err)
{
  long until = clock_ms () + KILL_MS;

  for (long us = 500;; us = us < 20000 ? 2 * us : us)
    {
      struct pid_list l = { .pids = NULL };
      int r = kill_round (cg, &l, err);
      pid_t one = l.n > 0 ? l.pids[0] : 0;

      free (l.pids);
      if (r < 0 || one == 0)
        return r;
      if (clock_ms () >= until)
        return err_host (err, EBUSY, "process %d was killed %d s ago and still has not ended", one, KILL_MS / 1000);
      clock_pause (us);
    }
}

static int
visit_thaw (int dir, bool top, void *data)
{
  (void) top, (void) data;
  (void) file_write_at (dir, "freezer.state", "THAWED", strlen ("THAWED"), NULL); /* the next may be the frozen one */
  return 0;
}

/* Thaws the cgroup and those below it on v1, where a frozen process cannot die.  */
static int
thaw_all (const struct cgroup *cg, struct err *err)
{
  const struct cgroup_dir *d = cgroup_dir_find (cg, "freezer");
  struct cgroup_path p;
  int r = d && ! d->skipped ? cgroup_dir_path (d, NULL, &p, err) : 0;

  return d == NULL || d->skipped || r < 0 ? r : cgroup_tree_walk (p.text, visit_thaw, NULL, err);
}

int
cgroup_kill (const struct cgroup *cg, struct err *err)
{
  const struct cgroup_dir *d = cgroup_dir_find (cg, "");
  int r = d && ! d->skipped ? cgroup_dir_write (d, "cgroup.kill", "1", NULL) : -ENOENT;

  /* Without such a file the kernel is older than Linux 5.14, or it is v1, or a threaded cgroup (EOPNOTSUPP), or the
   * cgroup is gone, in which case no process will be found.  */
  if (r < 0 && r != -ENOENT && r != -EOPNOTSUPP && r != -ENODEV)
    return err_sys (err, -r, "write", "cgroup.kill of %s", d->path);
  if (r < 0)
    {
      r = thaw_all (cg, err);
      return r < 0 ? r : kill_by_number (cg, err);
    }
  return thaw_all (cg, err);
}
