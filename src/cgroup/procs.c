/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of a cgroup: listed, signalled, killed.  Works from the record alone.  Never waits without an end. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/own.h"
#include "cgroup/cgroup.h"
#include "cgroup/clock.h"
#include "cgroup/dir.h"
#include "cgroup/freezer.h"
#include "cgroup/tree.h"
#include "kernel/pid.h"

enum
{
  KILL_FREEZE_MS
  = 100, /* for one round of killing: a process that cannot be frozen must not hold up the end of the others */
  KILL_MS = 10000, /* for all rounds */
  SIGNAL_BATCH = 64, /* pidfds open at a time */
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

static int
by_number (const void *a, const void *b)
{
  pid_t x = *(const pid_t *) a, y = *(const pid_t *) b;
  return x < y ? -1 : x > y;
}

/* Signals PID through FD, its pidfd.  A thread that stands for its process (add_pids) has none: -EINVAL, since Linux 6.9 -ENOENT.  */
static int
signal_one (pid_t pid, int fd, int sig, struct err *err)
{
  int r = fd >= 0 ? pid_signal (fd, sig, NULL) : fd;

  if (r == -EINVAL || r == -ENOENT)
    r = kill (pid, sig) < 0 ? -errno : 0;
  return r < 0 && r != -ESRCH ? err_sys (err, -r, "pidfd_send_signal", "signal %d to process %d", sig, pid) : 0;
}

/* Signals N processes that were in the cgroup a moment ago.  Those that still are there when their pidfds are open are meant: the
 * number of one that ended before may be another's by now.  */
static int
signal_batch (const struct cgroup *cg, const pid_t *pids, size_t n, int sig, struct err *err)
{
  struct pid_list now = { .pids = NULL };
  int fds[SIGNAL_BATCH], first = 0, r;

  for (size_t i = 0; i < n; i++)
    fds[i] = pid_open (pids[i], NULL);
  r = list_pids (cg, &now, err);
  if (now.n > 0)
    qsort (now.pids, now.n, sizeof *now.pids, by_number);
  for (size_t i = 0; i < n; i++)
    {
      if (r == 0 && now.n > 0 && bsearch (&pids[i], now.pids, now.n, sizeof *now.pids, by_number))
        {
          int one = signal_one (pids[i], fds[i], sig, first < 0 ? NULL : err);
          first = first < 0 ? first : one; /* the others are signalled all the same */
        }
      own_close (&fds[i]);
    }
  free (now.pids);
  return r < 0 ? r : first;
}

/* Lists into L and signals whoever is there once; frozen meanwhile nobody can fork.  KEEP leaves them frozen.  */
static int
signal_round (const struct cgroup *cg, struct pid_list *l, int sig, bool keep, struct err *err)
{
  const struct cgroup_dir *freezer = freezer_of (cg);
  int r, first = 0;
  sigset_t old;

  freezer_hold_signals (&old);
  if (freezer && ! keep)
    (void) freezer_set (freezer, true, KILL_FREEZE_MS, NULL); /* if not, somebody may escape: killing is repeated */
  r = list_pids (cg, l, err);
  for (size_t i = 0; r == 0 && i < l->n; i += SIGNAL_BATCH)
    {
      size_t n = l->n - i < SIGNAL_BATCH ? l->n - i : SIGNAL_BATCH;
      int one = signal_batch (cg, l->pids + i, n, sig, first < 0 ? NULL : err);
      first = first < 0 ? first : one;
    }
  if (freezer && ! keep)
    (void) freezer_set (freezer, false, KILL_FREEZE_MS, NULL); /* if not yet, it is on its way */
  freezer_release_signals (&old);
  return r < 0 ? r : first;
}

int
cgroup_signal (const struct cgroup *cg, int sig, struct err *err)
{
  struct pid_list l = { .pids = NULL };
  int r = signal_round (cg, &l, sig, cgroup_frozen (cg) != 0, err);

  free (l.pids);
  return r;
}

static int
kill_by_number (const struct cgroup *cg, struct err *err)
{
  long until = clock_ms () + KILL_MS;

  for (long us = 500;; us = us < 20000 ? 2 * us : us)
    {
      struct pid_list l = { .pids = NULL };
      int r = signal_round (cg, &l, SIGKILL, false, err);
      pid_t one = l.n > 0 ? l.pids[0] : 0;

      free (l.pids);
      if (r < 0 || one == 0)
        return r;
      if (clock_ms () >= until)
        return err_host (err, EBUSY, "process %d was killed %d s ago and still has not ended", one, KILL_MS / 1000);
      clock_pause (us);
    }
}

int
cgroup_kill (const struct cgroup *cg, struct err *err)
{
  const struct cgroup_dir *d = cgroup_dir_find (cg, "");
  int r = d && ! d->skipped ? cgroup_dir_write (d, "cgroup.kill", "1", NULL) : -ENOENT;

  if (r == -ENOTDIR) /* a file of the kernel's has its name, so it was never made */
    return 0;
  /* Without such a file the kernel is older than Linux 5.14, or it is v1, or a threaded cgroup (EOPNOTSUPP), or the
   * cgroup is gone, in which case no process will be found.  */
  if (r < 0 && r != -ENOENT && r != -EOPNOTSUPP && r != -ENODEV)
    return err_sys (err, -r, "write", "cgroup.kill of %s", d->path);
  if (r < 0)
    {
      r = cgroup_thaw (cg, err);
      return r < 0 ? r : kill_by_number (cg, err);
    }
  return cgroup_thaw (cg, err);
}
