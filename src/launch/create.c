/* SPDX-License-Identifier: Apache-2.0 */
/* create, run and exec: the parent's tables run, and what follows them. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "base/file.h"
#include "base/log.h"
#include "base/own.h"
#include "base/when.h"
#include "launch/bound.h"
#include "launch/hooks.h"
#include "launch/launch.h"
#include "launch/lifecycle.h"
#include "launch/notify.h"
#include "launch/parent.h"
#include "launch/teardown.h"
#include "launch/wait.h"
#include "launch/want.h"
#include "ocispec/config.h"
#include "plan/bundle.h"
#include "plan/plan.h"

#define OCI_VERSION "1.3.0"

static void
log_step (void *data, const char *name, int ret)
{
  log_debug (data, "step %s: %s", name, ret < 0 ? "failed" : "done");
}

/* Time and owner of the container, into buffers of the caller.  */
static void
stamp (struct record *rec, uid_t uid, char *when, char *owner, size_t owner_size)
{
  when_now (when, WHEN_SIZE);
  rec->created = when;
  /* no lookup of names: that would load the host's name service at every start */
  (void) snprintf (owner, owner_size, "%u", uid);
  rec->owner = uid == 0 ? "root" : owner;
}

static void
fill_record (struct record *rec, const struct launch_args *args, const struct bundle *bundle, const struct plan *plan,
             struct cgroup *cgroup)
{
  const struct oci_config *config = bundle->config;

  *rec = (struct record){ .oci_version = OCI_VERSION, .id = args->id, .status = "creating", .bundle = bundle->path,
                          .rootfs = plan->root.path, .annotations = config->annotations,
                          .n_annotations = config->n_annotations, .pid_file = args->pid_file, .cgroup = cgroup,
                          .own_pid_ns = plan->ns.new_pid, .no_process = ! plan->process.given, .no_keyring = plan->keyring == NULL,
                          .poststart = plan->hooks.n_poststart > 0, .poststop = plan->hooks.n_poststop > 0 };
}

/* What is to be moved, for whoever finds this create killed.  */
static int
record_net (struct record *rec, const struct plan *plan, struct err *err)
{
  if (plan->n_net_devices == 0)
    return 0;
  rec->net_devices = calloc (plan->n_net_devices, sizeof *rec->net_devices);
  if (rec->net_devices == NULL)
    return err_sys (err, ENOMEM, "calloc", "network devices");
  for (; rec->n_net_devices < plan->n_net_devices; rec->n_net_devices++)
    {
      const struct plan_net_device *d = &plan->net_devices[rec->n_net_devices];

      rec->net_devices[rec->n_net_devices] = (struct record_net_device){ d->host, d->name };
    }
  for (size_t i = 0; i < plan->ns.n_joins; i++)
    if (strcmp (plan->ns.joins[i].name, "network") == 0)
      rec->net_path = plan->ns.joins[i].path;
  return 0;
}

/* `run`: the child was let go; waits for execve, then poststart hooks.  */
static int
start_now (struct launch *l, struct err *err)
{
  int ret = parent_wait (l, err);

  if (ret == 0)
    ret = parent_started (l->sync, err);
  if (ret < 0 || l->plan->hooks.n_poststart == 0)
    return ret;
  return lifecycle_hooks (l->rec, "running", l->pid, l->plan->hooks.poststart, l->plan->hooks.n_poststart, l->stop, err);
}

static void
take_message (void *notify)
{
  notify_step (notify);
}

/* `run --detach` for a service manager: comes back when the container is ready or has ended.  */
static void
wait_until_ready (struct launch *l)
{
  struct notify notify = { .fd = l->notify, .pid = l->pid, .host = l->args->notify, .log = l->args->log };

  if (l->notify < 0)
    return;
  record_unlock (l->dir);
  notify_wait (&notify, l->child);
  l->notify = notify.fd;
}

/* Waits in the foreground for what was started.  */
static int
attend (struct launch *l, struct wait_signals *signals, int *ret_status, struct err *err)
{
  struct notify notify = { .fd = l->notify, .pid = l->pid, .host = l->args->notify, .log = l->args->log };
  const struct wait_also also = { .fd = &notify.fd, .step = take_message, .data = &notify };
  int ret;

  signals->also = &also;
  ret = wait_foreground (signals, l->pid, l->child, l->master, ret_status, err);
  signals->also = NULL;
  l->notify = notify.fd;

  if (ret == 0)
    l->cloned = l->pid = 0; /* waited for */
  return ret;
}

/* The whole of create after the record is filled; on failure the child is ended, the rest is the caller's.  */
static int
create (struct launch *l, struct wait_signals *signals, int *ret_status, struct err *err)
{
  const struct launch_args *a = l->args;
  const struct step_watch watch = { log_step, (void *) a->log };
  int ret = 0;

  if (a->run && ! a->detach)
    ret = wait_block (signals, err);
  if (ret == 0 && a->run && ! a->detach && want_any_hook (l->plan))
    ret = l->stop = wait_stop (err);
  if (ret >= 0)
    ret = record_net (l->rec, l->plan, err);
  bound_warn (l->plan, a->log);
  if (ret == 0)
    ret = step_run (a->criu ? parent_restored : parent_create, l, l->plan, a->log ? &watch : NULL, err);
  if (ret == 0 && a->run && a->criu == NULL)
    ret = start_now (l, err);
  if (ret == 0)
    parent_net_close (l);
  if (ret == 0 && a->run && a->detach)
    wait_until_ready (l);
  if (ret < 0 || ! a->run || a->detach)
    return ret;
  return attend (l, signals, ret_status, err);
}

/* The end of a container that `run` attended.  */
static int
finish (const struct launch *l, struct err *err)
{
  const struct plan_hooks *h = &l->plan->hooks;
  int ret;

  if (l->args->keep)
    return 0;
  ret = teardown_ended (l->dir, l->rec, err);
  if (ret == 0)
    lifecycle_poststop (l->rec, h->poststop, h->n_poststop, l->stop, l->args->log);
  return ret;
}

int
launch_create (const struct launch_args *args, const struct bundle *bundle, struct plan_arena *arena,
               const struct plan *plan, struct cgroup *cgroup, int *ret_status, struct err *err)
{
  struct record_dir dir = RECORD_DIR_NONE;
  struct wait_signals signals = { .fd = -1 };
  struct record rec;
  struct launch l;
  char when[WHEN_SIZE], owner[16];
  int ret;

  fill_record (&rec, args, bundle, plan, cgroup);
  stamp (&rec, args->uid, when, owner, sizeof owner);
  parent_init (&l, args, arena, plan, &dir, &rec);
  l.bundle = bundle;
  ret = create (&l, &signals, ret_status, err);
  if (ret < 0)
    {
      if (ret == -EINTR && l.stop >= 0)
        wait_stopped (l.stop); /* another may end the hooks that run now */
      rec.status = "creating"; /* whatever was written: all of it is to be undone */
      parent_net_undo (&l);
      parent_kill (&l);
      if (l.reserved)
        {
          teardown_failed (&dir, &rec, args->log);
          lifecycle_poststop (&rec, plan->hooks.poststop, l.rec->pid > 0 ? plan->hooks.n_poststop : 0, l.stop, args->log);
        }
    }
  else if (args->run && ! args->detach)
    ret = finish (&l, err);
  if (args->exiting)
    return ret;
  parent_close (&l);
  free (rec.net_devices);
  wait_unblock (&signals);
  record_close (&dir);
  return ret;
}

int
launch_exec (const struct launch_args *args, struct plan_arena *arena, const struct plan *plan, struct record_dir *dir,
             struct record *rec, int *ret_status, struct err *err)
{
  const struct step_watch watch = { log_step, (void *) args->log };
  struct wait_signals signals = { .fd = -1 };
  struct launch l;
  int ret;

  parent_init (&l, args, arena, plan, dir, rec);
  ret = lifecycle_open_first (rec, &l.pidfd, err);
  if (ret == 0 && ! args->detach)
    ret = wait_block (&signals, err);
  if (ret == 0)
    ret = step_run (parent_exec, &l, plan, args->log ? &watch : NULL, err);
  if (ret == 0)
    ret = parent_started (l.sync, err);
  if (ret == 0 && ! args->detach)
    ret = attend (&l, &signals, ret_status, err);
  if (ret < 0)
    {
      parent_kill (&l);
      teardown_pid_file (args->pid_file, l.pid);
    }
  if (args->exiting)
    return ret;
  parent_close (&l);
  wait_unblock (&signals);
  return ret;
}
