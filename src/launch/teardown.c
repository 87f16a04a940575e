/* SPDX-License-Identifier: Apache-2.0 */
/* Undoing a container; see teardown.h.  Mounts and namespaces need no undoing: the
 * kernel drops them with the last process in them. */
#include "launch/teardown.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/own.h"
#include "kernel/pid.h"
#include "kernel/rdt.h"
#include "launch/netreturn.h"
#include "launch/record.h"

enum
{
  STEP_MS = 500,   /* after which is asked whether it is only waiting for others */
  DEATH_MS = 10000 /* how long a killed process may take; one in uninterruptible sleep takes for ever */
};

/* A pidfd of the record's process, or -ESRCH if that one has ended.  The start time is compared after opening: from then on
 * the number cannot be another's.  */
static int
open_first (const struct record *rec, struct err *err)
{
  own_fd int fd = -1;

  if (rec->pid <= 0)
    return -ESRCH;
  fd = pid_open (rec->pid, err);
  if (fd >= 0 && ! pid_alive (rec->pid, rec->start_time))
    return -ESRCH;
  return fd >= 0 ? take_fd (&fd) : fd;
}

/* The first process of a pid namespace cannot end before all others of it are collected, also those that `exec --detach` left to a parent
 * that does not care.  It runs no more, has left its cgroup, and goes when that parent does.  */
static int
wait_death (int pidfd, pid_t pid, struct err *err)
{
  struct pollfd p = { .fd = pidfd, .events = POLLIN };
  int ret, waited = 0;

  while ((ret = poll (&p, 1, STEP_MS)) <= 0)
    {
      if (ret < 0 && errno == EINTR)
        continue;
      if (ret < 0)
        return err_sys (err, errno, "poll", "process %d", pid);
      if (pid_exiting (pid))
        return 0;
      waited += STEP_MS;
      if (waited >= DEATH_MS)
        return err_host (err, EBUSY, "process %d was killed %d s ago and still has not ended (uninterruptible sleep?)", pid,
                         DEATH_MS / 1000);
    }
  return 0;
}

int
teardown_kill (const struct record *rec, struct err *err)
{
  own_fd int first = open_first (rec, err);
  int ret;

  if (first < 0 && first != -ESRCH)
    return first;
  err_clear (err);
  if (first >= 0)
    {
      ret = pid_signal (first, SIGKILL, err);
      if (ret < 0 && ret != -ESRCH)
        return ret;
    }
  /* a pid namespace of its own ends with its first process; otherwise, or where that process is unknown because its creator was
   * killed, the cgroup tells who belongs to the container */
  if (rec->cgroup && (! rec->own_pid_ns || rec->pid <= 0))
    {
      /* systemd's go with their last process, and the name may be another's by now */
      ret = first < 0 ? cgroup_is_ours (rec->cgroup, err) : 1;
      if (ret > 0)
        ret = cgroup_kill (rec->cgroup, err);
      if (ret < 0)
        return ret;
    }
  else if (rec->cgroup && first >= 0 && (ret = cgroup_thaw (rec->cgroup, err)) < 0) /* a paused one dies only then on v1 */
    return ret;
  return first >= 0 ? wait_death (first, rec->pid, err) : 0;
}

/* The resctrl groups that we made; one that the document names goes only with a create that failed.  */
static int
remove_rdt (const struct record *rec, struct err *err)
{
  const struct record_rdt *r = rec->rdt;
  bool failed = strcmp (rec->status, "creating") == 0;
  int ret = r->monitor ? rdt_remove (r->root, r->group, r->monitor, err) : 0;

  if (ret == 0 && r->made && (! r->named || failed))
    ret = rdt_remove (r->root, r->group, NULL, err);
  return err_in (err, ret, "linux.intelRdt");
}

static int
remove_all (struct record_dir *dir, const struct record *rec, struct err *err)
{
  int ret = rec->cgroup ? cgroup_remove (rec->cgroup, err) : 0;

  netreturn (rec);
  if (ret == 0 && rec->rdt)
    ret = remove_rdt (rec, err);
  return ret < 0 ? ret : record_remove (dir, err);
}

int
teardown (struct record_dir *dir, const struct record *rec, struct err *err)
{
  int ret = teardown_kill (rec, err);

  return ret < 0 ? ret : remove_all (dir, rec, err);
}

int
teardown_ended (struct record_dir *dir, const struct record *rec, struct err *err)
{
  /* without a pid namespace of its own, others of the container may live on */
  return rec->own_pid_ns ? remove_all (dir, rec, err) : teardown (dir, rec, err);
}

void
teardown_pid_file (const char *path, pid_t pid)
{
  char text[32], ours[32];

  if (path == NULL || pid <= 0 || file_read_small (AT_FDCWD, path, text, sizeof text) < 0)
    return;
  (void) snprintf (ours, sizeof ours, "%d", (int) pid);
  if (strcmp (text, ours) == 0)
    (void) unlink (path);
}

void
teardown_failed (struct record_dir *dir, const struct record *rec, const struct log *log)
{
  struct err err = { 0 };
  char text[4096];

  teardown_pid_file (rec->pid_file, rec->pid);
  if (teardown (dir, rec, &err) < 0)
    log_warn (log, "undoing a failed create: %s", err_text (&err, NULL, text, sizeof text));
}
