/* SPDX-License-Identifier: Apache-2.0 */
/* mounts add, mounts remove: the parent's side.  The child (child_live.c) works in the container's namespaces; here it is started, waited for, but not for
 * ever, and what it did is written down before it is told that it may end. */
#include "launch/live.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/own.h"
#include "cgroup/cgroup.h"
#include "kernel/pid.h"
#include "launch/lifecycle.h"
#include "launch/parent.h"
#include "plan/plan.h"

enum
{
  PATIENCE_MS = 10000 /* what the container's own file systems (FUSE) may take to answer */
};

/* Waits until the child says something, or ends.  */
static int
wait_child (struct launch *l, int ms)
{
  struct pollfd p = { .fd = l->sync, .events = POLLIN };
  int ret;

  do
    ret = poll (&p, 1, ms);
  while (ret < 0 && errno == EINTR);
  return ret;
}

static int
expect (struct launch *l, enum sync_what what, struct sync_packet *packet, struct err *err)
{
  int ret;

  if (wait_child (l, PATIENCE_MS) == 0)
    return err_host (err, ETIMEDOUT, "the container's file systems do not answer within %d s", PATIENCE_MS / 1000);
  ret = sync_expect (l->sync, what, packet, NULL, NULL, err);
  if (ret != -ECONNRESET)
    return ret;
  err_clear (err);
  return err_host (err, ECONNRESET, "the process that changes the mounts was ended before it was done");
}

/* The list with the mounts of MOUNTED, in the order of the plan, at its end.  What they are the kernel tells.  */
static int
append (struct live *live, const struct plan *plan, const struct sync_mounted *mounted, const struct mountinfo *table, size_t n, struct err *err)
{
  struct mounted *list = &live->list;
  struct live_mount *all = oci_alloc (&live->arena, (list->n_mounts + mounted->n) * sizeof *all);
  size_t next = 0;

  if (all == NULL)
    return err_sys (err, ENOMEM, "malloc", "list of mounts");
  if (list->n_mounts)
    memcpy (all, list->mounts, list->n_mounts * sizeof *all);
  list->mounts = all;
  for (size_t i = 0; i < plan->n_mounts && next < mounted->n; i++)
    {
      const struct plan_mount *m = &plan->mounts[i];
      const struct mountinfo *info;
      char *name;

      if (m->kind == PLAN_MOUNT_REMOUNT)
        continue;
      info = mountinfo_by_id (table, n, mounted->id[next++]);
      if (info == NULL)
        return err_in (err, err_state (err, EBUSY, "the mount at \"/%s\" was removed from inside at once", m->target), "%s", m->where);
      name = oci_alloc (&live->arena, strlen (m->target) + 2);
      if (name == NULL)
        return err_sys (err, ENOMEM, "malloc", "list of mounts");
      name[0] = '/';
      memcpy (name + 1, m->target, strlen (m->target) + 1);
      all[list->n_mounts++]
          = (struct live_mount){ .id = info->id, .destination = name, .device = info->device, .type = info->type, .source = info->source };
    }
  return 0;
}

/* Writes the list as it is once MOUNTED (NULL: nothing) are there.  */
static int
write_down (struct launch *l, const struct sync_mounted *mounted, struct err *err)
{
  own_mem char *text = NULL;
  own_mem struct mountinfo *table = NULL;
  size_t n;
  int ret = mountinfo_read (l->rec->pid, &text, &table, &n, err);

  if (ret == 0)
    ret = pid_signal (l->pidfd, 0, err); /* so it was no later process of its number */
  if (ret == 0 && mounted)
    ret = append (l->live, l->plan, mounted, table, n, err);
  return ret < 0 ? ret : mounted_save (l->dir, &l->live->list, table, n, err);
}

int
parent_live_cgroup (void *self, struct err *err)
{
  struct launch *l = self;

  if (l->rec->cgroup && cgroup_frozen (l->rec->cgroup) == 1)
    return err_state (err, EBUSY, "the container is paused, and tmpcopyup takes its memory: resume it first");
  return parent_cgroup_open (l, err);
}

int
parent_live_attached (void *self, struct err *err)
{
  struct launch *l = self;
  struct sync_packet p;
  int ret = expect (l, SYNC_MOUNTED, &p, err);

  if (ret == 0 && p.mounted.n > PLAN_LIVE_MAX)
    return err_bug (err, EPROTO, "MOUNTED brought too many mounts");
  return ret < 0 ? ret : write_down (l, &p.mounted, err);
}

int
parent_live_end (void *self, struct err *err)
{
  struct launch *l = self;
  const struct sync_ready ready = { 0 };
  int ret = expect (l, SYNC_READY, NULL, err);

  if (ret < 0)
    return ret;
  if (l->plan->n_unmounts > 0 && write_down (l, NULL, NULL) < 0)
    log_warn (l->args->log, "the list of added mounts could not be written; what it has too many is not taken for mounts");
  return sync_send (l->sync, SYNC_READY, &ready, sizeof ready, NULL, 0, err);
}

/* Lets the child come to its end, which is soon unless it HANGS: whether it learns of our failure by end of file or has failed itself, it detaches what
 * it attached.  */
static void
end_child (struct launch *l, bool hangs)
{
  struct pollfd p = { .fd = l->child, .events = POLLIN };

  if (l->sync >= 0)
    (void) close (take_fd (&l->sync));
  if (! hangs && l->child >= 0)
    while (poll (&p, 1, PATIENCE_MS) < 0 && errno == EINTR)
      ;
  parent_kill (l);
}

int
launch_mounts (const struct launch_args *args, struct plan_arena *arena, const struct plan *plan, struct live *live, struct err *err)
{
  struct launch l;
  int ret;

  parent_init (&l, args, arena, plan, &live->known.dir, live->known.rec);
  l.live = live;
  l.pidfd = live->first;
  ret = step_run (parent_mounts, &l, plan, NULL, err);
  if (ret == -ESRCH && pid_signal (live->first, 0, NULL) == -ESRCH)
    {
      err_clear (err);
      ret = err_state (err, ESRCH, "container not running");
    }
  end_child (&l, ret == -ETIMEDOUT);
  l.pidfd = -1;
  parent_close (&l);
  return ret;
}

int
live_open (struct live *live, const char *root, const char *id, bool change, struct err *err)
{
  int ret = known_open (&live->known, root, id, false, err);
  const char *status;

  if (ret < 0)
    return ret;
  status = record_status (&live->known.dir, live->known.rec);
  if (strcmp (status, "stopped") == 0 || strcmp (status, "creating") == 0)
    return err_state (err, ESRCH, "the mounts of a %s container are not there: container not running", status);
  if (change && (live->lock = mounted_lock (&live->known.dir, err)) < 0)
    return live->lock;
  ret = lifecycle_open_first (live->known.rec, &live->first, err);
  if (ret == 0)
    ret = mounted_load (&live->known.dir, &live->arena, &live->list, err);
  if (ret == 0)
    ret = mountinfo_read (live->known.rec->pid, &live->text, &live->table, &live->n_table, err);
  if (ret < 0)
    return ret;
  return pid_signal (live->first, 0, NULL) < 0 ? err_state (err, ESRCH, "container not running") : 0;
}

struct live_state
live_state (const struct live *live)
{
  return (struct live_state){ .mounts = live->table, .n_mounts = live->n_table, .added = live->list.mounts, .n_added = live->list.n_mounts };
}

void
live_close (struct live *live)
{
  free (live->table);
  free (live->text);
  oci_arena_free (live->arena);
  own_close (&live->first);
  own_close (&live->lock);
  known_close (&live->known);
}
