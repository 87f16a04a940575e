/* SPDX-License-Identifier: Apache-2.0 */
/* kill, pause, resume, ps: deeds on the processes of a container that exists. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/own.h"
#include "cgroup/cgroup.h"
#include "kernel/pid.h"
#include "kernel/signal.h"
#include "launch/known.h"
#include "launch/launch.h"
#include "launch/lifecycle.h"
#include "plan/annotations.h"

/* 0 if the container's cgroup has gone with its processes, as systemd's do, so that its name may be another's by now; 1 if not; or negative
 * errno.  */
static int
is_there (const struct record *rec, struct err *err)
{
  return rec->cgroup->unit == NULL || pid_alive (rec->pid, rec->start_time) ? 1 : cgroup_is_ours (rec->cgroup, err);
}

static int
kill_all (const struct record *rec, int signal, struct err *err)
{
  return signal == SIGKILL ? cgroup_kill (rec->cgroup, err) : cgroup_signal (rec->cgroup, signal, err);
}

/* SIGKILL reaches what is frozen as well: on v1 only once it is thawed.  And without a pid namespace of its own, the end of the first
 * process is not the end of the others.  */
static int
kill_rest (const struct record *rec, struct err *err)
{
  if (! cgroup_is_own (rec->cgroup))
    return 0;
  return rec->own_pid_ns ? cgroup_thaw (rec->cgroup, err) : cgroup_kill (rec->cgroup, err);
}

/* The signal by which the container's image wants to be stopped (config.md, "Annotations"; image-spec, "Pre-Defined Annotation Keys").  */
static int
stop_signal (const struct record *rec, struct err *err)
{
  static const char key[] = ANNOTATION_STOP_SIGNAL;

  for (size_t i = 0; i < rec->n_annotations; i++)
    if (strcmp (rec->annotations[i].key, key) == 0)
      {
        int signal = signal_number (rec->annotations[i].value);

        return signal > 0 ? signal
                          : err_state (err, EINVAL, "annotation %s: \"%.100s\" is no signal; name one", key, rec->annotations[i].value);
      }
  return SIGTERM;
}

static int
kill_known (const struct known *k, int signal, bool all, struct err *err)
{
  const struct record *rec = k->rec;
  own_fd int first = -1;
  int ret = lifecycle_open_first (rec, &first, err);

  if (all && cgroup_is_own (rec->cgroup))
    {
      if (ret < 0 && ret != -ESRCH)
        return ret;
      err_clear (err); /* what the first process left behind is meant too; with none left there is nothing to do */
      ret = is_there (rec, err);
      return ret > 0 ? kill_all (rec, signal, err) : ret;
    }
  if (ret < 0)
    return ret;
  ret = pid_signal (first, signal, err);
  if (ret == -ESRCH)
    return err_state (err, ESRCH, "container not running");
  return ret == 0 && signal == SIGKILL ? kill_rest (rec, err) : ret;
}

int
launch_kill (const char *root, const char *id, int signal, bool all, struct err *err)
{
  struct known k = KNOWN_NONE;
  int ret = known_open (&k, root, id, false, err);

  if (ret == 0 && signal < 0)
    ret = signal = stop_signal (k.rec, err);
  if (ret >= 0)
    ret = kill_known (&k, signal, all, err);
  known_close (&k);
  return ret;
}

/* What may be paused, and what may be resumed.  */
static int
check_freezable (const struct known *k, bool frozen, struct err *err)
{
  const char *status = record_status (&k->dir, k->rec);
  bool paused = strcmp (status, "paused") == 0;

  if (! frozen)
    return paused ? 0 : err_state (err, EINVAL, "container not paused: it is %s", status);
  if (paused)
    return err_state (err, EINVAL, "container is paused already");
  if (strcmp (status, "running") != 0 && strcmp (status, "created") != 0)
    return err_state (err, ESRCH, "container not running: it is %s", status);
  return 0;
}

int
launch_freeze (const char *root, const char *id, bool frozen, struct err *err)
{
  struct known k = KNOWN_NONE;
  int ret = known_open (&k, root, id, false, err); /* a `run` in the foreground has the lock */

  if (ret == 0)
    ret = check_freezable (&k, frozen, err);
  if (ret == 0 && ! cgroup_is_own (k.rec->cgroup))
    ret = err_host (err, ENOTSUP, "the container has no cgroup of its own that could be frozen");
  if (ret == 0)
    ret = cgroup_freeze (k.rec->cgroup, frozen, err);
  known_close (&k);
  return ret;
}

static int
by_number (const void *a, const void *b)
{
  pid_t x = *(const pid_t *) a, y = *(const pid_t *) b;

  return x < y ? -1 : x > y;
}

int
launch_pids (const char *root, const char *id, pid_t **ret_pids, size_t *ret_n, struct err *err)
{
  struct known k = KNOWN_NONE;
  pid_t *pids = NULL;
  size_t n = 0;
  int ret = known_open (&k, root, id, false, err);

  if (ret == 0 && ! cgroup_is_own (k.rec->cgroup))
    ret = err_host (err, ENOTSUP, "the container has no cgroup of its own, which would tell its processes");
  if (ret == 0)
    ret = is_there (k.rec, err);
  if (ret > 0)
    ret = cgroup_pids (k.rec->cgroup, &pids, &n, err);
  known_close (&k);
  if (ret < 0)
    return ret;
  if (n > 0)
    qsort (pids, n, sizeof *pids, by_number);
  *ret_pids = pids;
  *ret_n = n;
  return 0;
}
