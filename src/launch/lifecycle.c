/* SPDX-License-Identifier: Apache-2.0 */
/* start, kill, delete: deeds on a container that exists. */
#include "launch/lifecycle.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "base/log.h"
#include "base/own.h"
#include "kernel/pid.h"
#include "launch/hooks.h"
#include "launch/launch.h"
#include "launch/parent.h"
#include "launch/record.h"
#include "launch/teardown.h"
#include "ocispec/config.h"
#include "plan/arena.h"
#include "plan/make.h"
#include "plan/plan.h"

/* A container's record, its memory, and the hooks of its document when they are needed.  */
struct known
{
  struct record_dir dir;
  struct oci_arena *arena;
  struct record *rec;
  struct plan_arena plan_arena;
  struct plan_hooks hooks;
};

#define KNOWN_NONE { .dir = RECORD_DIR_NONE, .plan_arena = { .fd = -1 } }

static void
forget (struct known *k)
{
  plan_arena_close (&k->plan_arena);
  oci_arena_free (k->arena);
  record_close (&k->dir);
}

static int
know (struct known *k, const char *root, const char *id, bool lock, struct err *err)
{
  int ret = record_open (root, id, lock, &k->dir, err);

  return ret < 0 ? ret : record_load (&k->dir, &k->arena, &k->rec, err);
}

static int
know_hooks (struct known *k, struct err *err)
{
  struct oci_config *config;
  int ret = record_config (&k->dir, &k->arena, &config, err);

  if (ret == 0)
    ret = plan_arena_open (&k->plan_arena, err);
  return ret < 0 ? ret : plan_make_hooks (&k->plan_arena, config, &k->hooks, err);
}

int
lifecycle_hooks (const struct record *rec, const char *status, pid_t pid, const struct plan_hook *hooks, size_t n,
                 struct err *err)
{
  own_mem char *text = NULL;
  size_t len;
  int ret = record_state (rec, status, pid, &text, &len, err);

  if (ret < 0)
    return ret;
  own_fd int fd = hooks_state (text, len, err);
  return fd < 0 ? fd : hooks_run (hooks, n, fd, rec->bundle, err);
}

void
lifecycle_poststop (const struct record *rec, const struct plan_hook *hooks, size_t n, const struct log *log)
{
  for (size_t i = 0; i < n; i++)
    {
      struct err err = { 0 };
      char text[4096];

      if (lifecycle_hooks (rec, "stopped", 0, &hooks[i], 1, &err) < 0)
        log_warn (log, "%s; the container is deleted all the same", err_text (&err, NULL, text, sizeof text));
    }
}

int
lifecycle_open_first (const struct record *rec, int *ret_pidfd, struct err *err)
{
  own_fd int fd = rec->pid > 0 ? pid_open (rec->pid, err) : -ESRCH;

  /* compared after opening: from then on the number cannot be another's */
  if (fd == -ESRCH || (fd >= 0 && ! pid_alive (rec->pid, rec->start_time)))
    {
      err_clear (err);
      return err_state (err, ESRCH, "container not running");
    }
  if (fd < 0)
    return fd;
  *ret_pidfd = take_fd (&fd);
  return 0;
}

static int
check_startable (const struct known *k, struct err *err)
{
  const char *status = record_status (&k->dir, k->rec);

  if (strcmp (status, "running") == 0)
    return err_state (err, EINVAL, "cannot start an already running container");
  if (strcmp (status, "created") != 0)
    return err_state (err, EINVAL, "cannot start a container that has stopped");
  if (k->rec->no_process)
    return err_in (err, err_state (err, EINVAL, "cannot start a container without a process"), "process");
  return 0;
}

/* A hook of start that fails ends the container (runtime.md, lifecycle steps 7, 9 and 12).  */
static void
end_after_hook (struct known *k, const struct log *log)
{
  teardown_failed (&k->dir, k->rec, log);
  if (k->rec->poststop)
    lifecycle_poststop (k->rec, k->hooks.poststop, k->hooks.n_poststop, log);
}

/* Wakes the child and waits until its execve has closed the socket.  */
static int
wake (const struct known *k, struct err *err)
{
  int ret;
  own_fd int sock = fds_connect (k->dir.fd, RECORD_SOCKET, SOCK_SEQPACKET, err);

  if (sock < 0)
    return sock == -ECONNREFUSED ? err_state (err, EINVAL, "cannot start a container that has stopped") : sock;
  ret = sync_expect (sock, SYNC_START, NULL, NULL, NULL, err);
  if (ret == 0)
    ret = parent_started (sock, err);
  /* whatever came of it, the container waits no longer */
  (void) unlinkat (k->dir.fd, RECORD_SOCKET, 0);
  return ret;
}

static int
start (struct known *k, const struct log *log, struct err *err)
{
  int ret = check_startable (k, err);

  if (ret == 0 && (k->rec->poststart || k->rec->poststop))
    ret = know_hooks (k, err);
  if (ret < 0)
    return ret;
  ret = wake (k, err);
  if (ret < 0)
    {
      if (err && strcmp (err->step, "hooks.start") == 0)
        end_after_hook (k, log);
      return ret;
    }
  if (k->rec->poststart)
    ret = lifecycle_hooks (k->rec, "running", k->rec->pid, k->hooks.poststart, k->hooks.n_poststart, err);
  if (ret < 0)
    end_after_hook (k, log);
  return ret;
}

int
launch_start (const char *root, const char *id, const struct log *log, struct err *err)
{
  struct known k = KNOWN_NONE;
  struct err own = { 0 };
  int ret = know (&k, root, id, true, err);

  if (ret == 0)
    ret = start (&k, log, err ? err : &own);
  forget (&k);
  return ret;
}

static int
kill_all (const struct record *rec, int signal, struct err *err)
{
  own_mem pid_t *pids = NULL;
  size_t n = 0;
  int ret;

  if (signal == SIGKILL)
    return cgroup_kill (rec->cgroup, err);
  ret = cgroup_pids (rec->cgroup, &pids, &n, err);
  for (size_t i = 0; ret == 0 && i < n; i++)
    if (kill (pids[i], signal) < 0 && errno != ESRCH)
      ret = err_sys (err, errno, "kill", "process %d", pids[i]);
  return ret;
}

static int
kill_known (const struct known *k, int signal, bool all, struct err *err)
{
  const struct record *rec = k->rec;
  own_fd int first = -1;
  int ret = lifecycle_open_first (rec, &first, err);

  if (all && rec->cgroup && rec->cgroup->n_dirs > 0)
    {
      if (ret < 0 && ret != -ESRCH)
        return ret;
      err_clear (err); /* what the first process left behind is meant too; with none left there is nothing to do */
      return kill_all (rec, signal, err);
    }
  if (ret < 0)
    return ret;
  ret = pid_signal (first, signal, err);
  if (ret == -ESRCH)
    return err_state (err, ESRCH, "container not running");
  /* without a pid namespace of its own, the end of the first process is not the end of the others */
  if (ret == 0 && signal == SIGKILL && ! rec->own_pid_ns && rec->cgroup)
    ret = cgroup_kill (rec->cgroup, err);
  return ret;
}

int
launch_kill (const char *root, const char *id, int signal, bool all, struct err *err)
{
  struct known k = KNOWN_NONE;
  int ret = know (&k, root, id, false, err);

  if (ret == 0)
    ret = kill_known (&k, signal, all, err);
  forget (&k);
  return ret;
}

static int
delete_known (struct known *k, bool force, const struct log *log, struct err *err)
{
  const char *status = record_status (&k->dir, k->rec);
  int ret;

  if (! force && strcmp (status, "stopped") != 0 && strcmp (status, "created") != 0)
    return err_state (err, EBUSY, "cannot delete container %s that is not stopped: %s", k->dir.id, status);
  if (k->rec->poststop && (ret = know_hooks (k, err)) < 0)
    {
      if (! force)
        return ret;
      err_clear (err); /* killed before its document was copied: it never ran */
    }
  ret = teardown (&k->dir, k->rec, err);
  if (ret == 0)
    lifecycle_poststop (k->rec, k->hooks.poststop, k->hooks.n_poststop, log);
  return ret;
}

int
launch_delete (const char *root, const char *id, bool force, const struct log *log, struct err *err)
{
  struct known k = KNOWN_NONE;
  int ret = record_open (root, id, true, &k.dir, err);

  if (ret == 0)
    {
      ret = record_load (&k.dir, &k.arena, &k.rec, err);
      if (ret == 0)
        ret = delete_known (&k, force, log, err);
      else if (ret == -ENOENT || force)
        {
          /* killed between making the directory and writing the record: nothing else was done yet */
          err_clear (err);
          ret = record_remove (&k.dir, err);
        }
    }
  else if (ret == -ENOENT && force)
    {
      err_clear (err);
      ret = 0;
    }
  forget (&k);
  return ret;
}
