/* SPDX-License-Identifier: Apache-2.0 */
/* start, delete: deeds on a container that exists. */
#include "launch/lifecycle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "base/log.h"
#include "base/own.h"
#include "base/str.h"
#include "kernel/pid.h"
#include "launch/hooks.h"
#include "launch/known.h"
#include "launch/launch.h"
#include "launch/notify.h"
#include "launch/parent.h"
#include "launch/teardown.h"
#include "ocispec/config.h"

int
lifecycle_hooks (const struct record *rec, const char *status, pid_t pid, const struct plan_hook *hooks, size_t n, int stop,
                 struct err *err)
{
  own_mem char *text = NULL;
  size_t len;
  int ret = record_state (rec, status, pid, &text, &len, err);

  if (ret < 0)
    return ret;
  own_fd int fd = hooks_state (text, len, err);
  return fd < 0 ? fd : hooks_run (hooks, n, fd, rec->bundle, stop, err);
}

void
lifecycle_poststop (const struct record *rec, const struct plan_hook *hooks, size_t n, int stop, const struct log *log)
{
  for (size_t i = 0; i < n; i++)
    {
      struct err err = { 0 };
      char text[4096];

      if (lifecycle_hooks (rec, "stopped", 0, &hooks[i], 1, stop, &err) < 0)
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
  if (strcmp (status, "paused") == 0)
    return err_state (err, EINVAL, "cannot start a container in the paused state: resume it first");
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
    lifecycle_poststop (k->rec, k->hooks.poststop, k->hooks.n_poststop, -1, log);
}

/* The child was not there to be woken: it has ended, or somebody else, who may have been killed, has just started it.  */
static int
not_waiting (const struct known *k, struct err *err)
{
  int ret;

  err_clear (err);
  ret = check_startable (k, err);
  return ret < 0 ? ret : err_state (err, EINVAL, "cannot start a container that has stopped");
}

/* Wakes the child and waits until its execve has closed the socket.  */
static int
wake (const struct known *k, struct err *err)
{
  int ret;
  own_fd int sock = fds_connect (k->dir.fd, RECORD_SOCKET, SOCK_SEQPACKET, err);

  if (sock < 0)
    return sock == -ECONNREFUSED ? not_waiting (k, err) : sock;
  ret = sync_expect (sock, SYNC_START, NULL, NULL, NULL, err);
  if (ret == -ECONNRESET)
    return not_waiting (k, err);
  if (ret == 0)
    ret = parent_started (sock, err);
  /* whatever came of it, the container waits no longer */
  (void) unlinkat (k->dir.fd, RECORD_SOCKET, 0);
  return ret;
}

/* Tells the service manager when the container is ready.  Others may stop and delete it meanwhile.  */
static void
wait_until_ready (struct known *k, struct notify *n)
{
  own_fd int first = -1;

  if (n->fd < 0 || lifecycle_open_first (k->rec, &first, NULL) < 0)
    return;
  n->pid = k->rec->pid;
  record_unlock (&k->dir);
  notify_wait (n, first);
}

static int
start (struct known *k, struct notify *n, const struct log *log, struct err *err)
{
  int ret = check_startable (k, err);

  if (ret == 0 && n->host && (n->fd = notify_bind (k->dir.fd, err)) < 0 && n->fd != -ENOENT)
    ret = n->fd;
  if (ret == 0)
    err_clear (err);
  if (ret == 0 && (k->rec->poststart || k->rec->poststop))
    ret = known_hooks (k, err);
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
    ret = lifecycle_hooks (k->rec, "running", k->rec->pid, k->hooks.poststart, k->hooks.n_poststart, -1, err);
  if (ret < 0)
    end_after_hook (k, log);
  else
    wait_until_ready (k, n);
  return ret;
}

int
launch_start (const char *root, const char *id, const char *notify, const struct log *log, struct err *err)
{
  struct known k = KNOWN_NONE;
  struct notify n = { .fd = -1, .host = notify, .log = log };
  struct err own = { 0 };
  int ret = known_open (&k, root, id, true, err);

  if (ret == 0)
    ret = start (&k, &n, log, err ? err : &own);
  own_close (&n.fd);
  known_close (&k);
  return ret;
}

static int
delete_known (struct known *k, bool force, const struct log *log, struct err *err)
{
  const char *status = record_status (&k->dir, k->rec);
  int ret;

  if (! force && strcmp (status, "stopped") != 0 && strcmp (status, "created") != 0)
    return err_state (err, EBUSY, "cannot delete container %s that is not stopped: %s", k->dir.id, status);
  if (k->rec->poststop && (ret = known_hooks (k, err)) < 0)
    {
      if (! force)
        return ret;
      err_clear (err); /* killed before its document was copied: it never ran */
    }
  ret = teardown (&k->dir, k->rec, err);
  if (ret == 0)
    lifecycle_poststop (k->rec, k->hooks.poststop, k->hooks.n_poststop, -1, log);
  return ret;
}

/* Takes the lock.  With FORCE a container in use is ended first: `run` in the foreground, or `start`, then comes to its end, and lets go.
 * One in creation is left to its creator for as long as the lock is waited for.  */
static int
lock_to_delete (struct known *k, bool force, struct err *err)
{
  int ret = record_lock (&k->dir, false, NULL);

  if (ret != -EBUSY)
    return ret < 0 ? record_lock (&k->dir, false, err) : 0;
  if (force && record_load (&k->dir, &k->arena, &k->rec, NULL) == 0 && strcmp (k->rec->status, "created") == 0)
    {
      ret = teardown_kill (k->rec, err);
      if (ret < 0)
        return ret;
    }
  return record_lock (&k->dir, true, err);
}

/* The record of K cannot be read, as ERR says, though there was one: what it started may run on, and where that is nobody knows any more.  */
static int
refuse_unknown (struct known *k, const char *root, int ret, struct err *err)
{
  struct oci_config *config = NULL;
  const char *cgroup = NULL;
  char why[512];

  if (err == NULL)
    return ret;
  (void) str_copy (why, sizeof why, ret == -ENOENT ? RECORD_STATE " is missing" : err->what[0] ? err->what : strerror (-ret));
  err_clear (err);
  if (record_config (&k->dir, &k->arena, &config, NULL) == 0 && config->linux_)
    cgroup = config->linux_->cgroups_path;
  (void) err_state (err, -ret,
                    "%s; what the container has is not known, and nothing was removed: end its processes, remove its cgroup (%s), and then the "
                    "directory %s/%s",
                    why, cgroup ? cgroup : k->dir.id, root, k->dir.id);
  return ret;
}

static int
delete_opened (struct known *k, const char *root, bool force, const struct log *log, struct err *err)
{
  int ret = lock_to_delete (k, force, err);

  if (ret < 0)
    return ret;
  ret = record_load (&k->dir, &k->arena, &k->rec, err);
  if (ret == 0)
    return delete_known (k, force, log, err);
  if (ret != -ENOENT && ! force)
    return ret;
  /* the copy of the document is made once the record is whole, and before anything else is, and is removed first */
  if (faccessat (k->dir.fd, RECORD_CONFIG, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
    return refuse_unknown (k, root, ret, err);
  /* killed between making the directory and writing the record, when nothing else was done yet; or deleted while we waited */
  err_clear (err);
  return record_remove (&k->dir, err);
}

int
launch_delete (const char *root, const char *id, bool force, const struct log *log, struct err *err)
{
  struct known k = KNOWN_NONE;
  int ret = record_open (root, id, false, &k.dir, err);

  if (ret == 0)
    ret = delete_opened (&k, root, force, log, err);
  else if (ret == -ENOENT && force)
    {
      err_clear (err);
      ret = 0;
    }
  known_close (&k);
  return ret;
}
