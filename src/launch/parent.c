/* SPDX-License-Identifier: Apache-2.0 */
/* Adapters of the parent's steps: each calls one lower floor.  The order is in
 * parent_steps.c, the child's cloning in parent_spawn.c. */
#include "launch/parent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fds.h"
#include "base/file.h"
#include "base/log.h"
#include "base/own.h"
#include "cgroup/limits.h"
#include "cgroup/oom.h"
#include "kernel/pid.h"
#include "kernel/sys.h"
#include "kernel/tty.h"
#include "launch/hooks.h"
#include "launch/limits.h"
#include "launch/notify.h"
#include "launch/schedule.h"
#include "ocispec/config.h"
#include "plan/bundle.h"
#include "plan/plan.h"

void
parent_init (struct launch *l, const struct launch_args *args, struct plan_arena *arena, const struct plan *plan,
             struct record_dir *dir, struct record *rec)
{
  *l = (struct launch){ .args = args, .arena = arena, .plan = plan, .dir = dir, .rec = rec, .cgroup = rec->cgroup, .cgroup_fd = -1,
                        .sync = -1, .child_sync = -1, .listen = -1, .notify = -1, .stop = -1, .console = -1, .terminal = -1, .master = -1, .pidfd = -1,
                        .net_inside = -1, .net_outside = -1,
                        .child = -1 };
}

void
parent_close (struct launch *l)
{
  parent_net_close (l);
  cgroup_close (l->rec->cgroup);
  cgroup_close_fds (l->namespaces, l->n_namespaces);
  l->n_namespaces = 0;
  cgroup_close_fds (l->join_fds, l->n_join_fds);
  l->n_join_fds = 0;
  free (l->elsewhere);
  l->elsewhere = NULL;
  own_close (&l->cgroup_fd);
  own_close (&l->sync);
  own_close (&l->child_sync);
  own_close (&l->listen);
  own_close (&l->notify);
  own_close (&l->stop);
  own_close (&l->console);
  own_close (&l->terminal);
  own_close (&l->master);
  own_close (&l->pidfd);
  own_close (&l->child);
  l->cgroup_fd = l->sync = l->child_sync = l->listen = l->notify = l->stop = l->console = l->terminal = l->master = l->pidfd = l->child = -1;
}

/* The child of start_holder.  */
static void
end_holder (struct launch *l)
{
  if (l->holder <= 0)
    return;
  (void) kill (l->holder, SIGKILL); /* not yet waited for, so the number is still its own */
  while (waitpid (l->holder, NULL, 0) < 0 && errno == EINTR)
    ;
  l->holder = 0;
}

void
parent_kill (struct launch *l)
{
  end_holder (l);
  if (l->child >= 0)
    (void) pid_signal (l->child, SIGKILL, NULL);
  if (l->cloned > 0)
    {
      (void) kill (l->cloned, SIGKILL); /* not yet waited for, so the number is still its own */
      while (waitpid (l->cloned, NULL, 0) < 0 && errno == EINTR)
        ;
    }
  l->cloned = l->pid = 0;
}

/* True if the child, which has ended, has said why: its failure and our message may cross, and then the kernel tells of that first.  */
static bool
has_told (const struct launch *l, int *ret, struct err *err)
{
  struct pollfd p = { .fd = l->sync, .events = POLLIN };
  struct err told = { 0 };
  int r = poll (&p, 1, 0) == 1 && p.revents & POLLIN ? sync_expect (l->sync, SYNC_NONE, NULL, NULL, NULL, &told) : 0;

  if (r == 0 || r == -ECONNRESET || r == -EPROTO)
    return false;
  *err = told;
  *ret = r;
  return true;
}

int
parent_explain (struct launch *l, int ret, struct err *err)
{
  siginfo_t info = { 0 };
  bool memory;

  if ((ret != -ECONNRESET && ret != -EPIPE) || l->cloned <= 0)
    return ret;
  if (waitid (P_PID, (id_t) l->cloned, &info, WEXITED | WNOWAIT) < 0)
    return ret;
  if (has_told (l, &ret, err))
    return ret;
  err_clear (err);
  if (info.si_code == CLD_EXITED)
    return err_bug (err, ECONNRESET, "the container's first process ended with status %d before it was ready", info.si_status);
  memory = info.si_status == SIGKILL && cgroup_oom_happened (l->cgroup);
  if (memory && l->plan->action == PLAN_CREATE)
    return err_host (err, ENOMEM, "the kernel killed the container's first process, before it was ready, for want of memory");
  return err_host (err, ECONNRESET, "the container's first process was ended by signal %d before it was ready%s", info.si_status,
                   memory ? ": the container has run out of memory, now or before" : "");
}

int
parent_wait (const struct launch *l, struct err *err)
{
  struct pollfd p[] = { { .fd = l->sync, .events = POLLIN }, { .fd = l->stop, .events = POLLIN } };
  int ret = 1;

  if (l->stop < 0)
    return 0;
  do
    ret = poll (p, 2, -1);
  while (ret < 0 && errno == EINTR);
  if (ret < 0)
    return err_sys (err, errno, "poll", "container");
  return p[0].revents ? 0 : err_state (err, EINTR, "a signal ended the waiting for the container and its hooks");
}

int
parent_started (int sock, struct err *err)
{
  int ret = sync_expect (sock, SYNC_START, NULL, NULL, NULL, err);

  if (ret == -ECONNRESET)
    {
      err_clear (err); /* end of file: execve closed it */
      return 0;
    }
  return ret;
}

/* Fills what the record can know before anything is done.  */
int
parent_reserve (void *self, struct err *err)
{
  struct launch *l = self;
  int ret = record_reserve (l->args->root, l->args->id, l->dir, err);

  if (ret < 0)
    return ret;
  /* says what of the cgroup will be ours to undo.  One that another container uses is found here, before there is a record by which
   * that one's processes could be taken for ours */
  ret = err_in (err, cgroup_survey (l->rec->cgroup, err), "linux.cgroupsPath");
  if (ret == 0 && l->plan->rdt)
    ret = parent_rdt_survey (l, err);
  if (ret < 0)
    {
      (void) record_remove (l->dir, NULL);
      return ret;
    }
  l->reserved = true;
  ret = record_save (l->dir, l->rec, true, err);
  if (ret == 0)
    ret = file_create_at (l->dir->fd, RECORD_CONFIG, l->bundle->text, l->bundle->len, 0600, err);
  return ret;
}

/* Limits for the cgroup that there is now, and whose it is.  */
static int
limit_cgroup (struct launch *l, struct err *err)
{
  const struct oci_linux *x = l->bundle->config->linux_;
  int ret = cgroup_limit (l->rec->cgroup, x ? x->resources : NULL, l->cgroup_fd, CGROUP_LIMIT_EARLY, err);

  return ret == 0 && l->plan->cgroup_given ? cgroup_give (l->rec->cgroup, l->plan->cgroup_uid, err) : ret;
}

int
parent_cgroup_start (struct launch *l, pid_t pid, struct err *err)
{
  const struct oci_linux *x = l->bundle->config->linux_;
  int ret = cgroup_start (l->rec->cgroup, x ? x->resources : NULL, pid, err);

  if (ret == 0)
    ret = cgroup_open (l->rec->cgroup, &l->cgroup_fd, err);
  return ret < 0 ? err_in (err, ret, "linux.cgroupsPath") : limit_cgroup (l, err);
}

/* A child that does nothing: systemd makes no scope without a process, and CRIU joins one that is there.  Gone with us at the latest.  */
static int
start_holder (struct launch *l, struct err *err)
{
  pid_t parent = getpid (), pid = fork ();

  if (pid < 0)
    return err_sys (err, errno, "fork", "process that holds the cgroup");
  if (pid == 0)
    {
      (void) prctl (PR_SET_PDEATHSIG, SIGKILL);
      while (getppid () == parent)
        (void) pause ();
      _exit (0);
    }
  l->holder = pid;
  return parent_cgroup_start (l, pid, err);
}

int
parent_cgroup_make (void *self, struct err *err)
{
  struct launch *l = self;
  int ret = cgroup_make (l->rec->cgroup, &l->cgroup_fd, err);

  if (ret < 0)
    return err_in (err, ret, "linux.cgroupsPath");
  if (cgroup_needs_process (l->rec->cgroup))
    return l->args->criu ? start_holder (l, err) : 0;
  ret = limit_cgroup (l, err);
  if (ret == 0 && l->args->criu && l->cgroup_fd >= 0) /* CRIU is not cloned into it, which would tell that it has to be (enter_cgroup) */
    ret = cgroup_make_threaded (l->rec->cgroup, err);
  if (ret < 0 || l->cgroup_fd >= 0)
    return ret;
  ret = cgroup_join_fds (l->rec->cgroup, l->join_fds, LAUNCH_MAX_JOIN_FDS, err);
  l->n_join_fds = ret > 0 ? (size_t) ret : 0;
  return ret < 0 ? ret : 0;
}

/* Opens what the child needs to join l->cgroup.  */
static int
open_cgroup (struct launch *l, struct err *err)
{
  int ret = cgroup_open (l->cgroup, &l->cgroup_fd, err);

  if (ret < 0 || l->cgroup_fd >= 0)
    return ret;
  ret = cgroup_join_fds (l->cgroup, l->join_fds, LAUNCH_MAX_JOIN_FDS, err);
  l->n_join_fds = ret > 0 ? (size_t) ret : 0;
  return ret < 0 ? ret : 0;
}

int
parent_follow_first (struct launch *l, struct err *err)
{
  int ret;

  err_clear (err); /* of why it is needed */
  cgroup_close_fds (l->join_fds, l->n_join_fds);
  l->n_join_fds = 0;
  own_close (&l->cgroup_fd);
  l->cgroup_fd = -1;
  free (l->elsewhere);
  l->elsewhere = NULL;
  ret = cgroup_of (l->rec->cgroup, l->rec->pid, &l->elsewhere, err);
  if (ret == 0)
    ret = pid_signal (l->pidfd, 0, err); /* so it was not a later process of its number that we asked about */
  if (ret < 0)
    return ret;
  l->cgroup = l->elsewhere;
  return open_cgroup (l, err);
}

int
parent_cgroup_open (void *self, struct err *err)
{
  struct launch *l = self;
  int ret;

  if (l->args->cgroups)
    {
      ret = cgroup_sub (l->rec->cgroup, l->args->cgroups, &l->elsewhere, err);
      if (ret < 0)
        return ret;
      l->cgroup = l->elsewhere;
      return open_cgroup (l, err);
    }
  ret = open_cgroup (l, err);
  /* what clone3 would say on v2 (see clone_child) is not said before the child joins by writing */
  if (ret == -ENOENT || (ret == 0 && l->n_join_fds > 0 && cgroup_is_inner (l->cgroup)))
    ret = parent_follow_first (l, err);
  return ret;
}

int
parent_cgroup_late (void *self, struct err *err)
{
  struct launch *l = self;
  const struct oci_linux *x = l->bundle->config->linux_;

  int ret;

  end_holder (l);
  ret = cgroup_limit (l->rec->cgroup, x ? x->resources : NULL, l->cgroup_fd, CGROUP_LIMIT_LATE, err);
  if (ret < 0 || l->args->criu) /* CRIU has put the processes where they were */
    return ret;
  return cgroup_delegate (l->rec->cgroup, l->pid, l->plan->cgroup_given, l->plan->cgroup_uid, err);
}

/* `start` makes the socket itself: it may come in another service, or again.  */
int
parent_ready_socket (void *self, struct err *err)
{
  struct launch *l = self;
  int ret = l->args->notify ? notify_make (l->dir->fd, err) : 0;

  if (ret < 0 || l->args->notify == NULL || ! l->args->run)
    return ret;
  l->notify = notify_bind (l->dir->fd, err);
  return l->notify < 0 ? l->notify : 0;
}

int
parent_listen (void *self, struct err *err)
{
  struct launch *l = self;

  l->listen = fds_listen (l->dir->fd, RECORD_SOCKET, SOCK_SEQPACKET, err);
  return l->listen < 0 ? l->listen : 0;
}

int
parent_console (void *self, struct err *err)
{
  struct launch *l = self;
  int pair[2];

  if (l->args->console_socket)
    {
      l->console = fds_connect (AT_FDCWD, l->args->console_socket, SOCK_STREAM, err);
      return l->console < 0 ? l->console : 0;
    }
  /* in the foreground we are the engine: the master comes to ourselves */
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
    return err_sys (err, errno, "socketpair", "console");
  l->console = pair[0];
  l->terminal = pair[1];
  return 0;
}

int
parent_map_ids (void *self, struct err *err)
{
  struct launch *l = self;
  char path[32];
  int ret = parent_explain (l, sync_expect (l->sync, SYNC_MAP_IDS, NULL, NULL, NULL, err), err);

  if (ret < 0)
    return ret;
  (void) snprintf (path, sizeof path, "/proc/%d", l->cloned);
  own_fd int proc = open (path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (proc < 0)
    return err_sys (err, errno, "open", "%s", path);
  ret = parent_write_maps (l->plan, l->cloned, proc, err);
  return ret < 0 ? ret : parent_explain (l, sync_send (l->sync, SYNC_MAP_IDS, NULL, 0, NULL, 0, err), err);
}

/* Waits until the go-between has said something or ended.  Its death is no end of file: who comes after it has the same socket, and waits
 * for us.  */
static int
wait_go_between (const struct launch *l, struct err *err)
{
  struct pollfd p[] = { { .fd = l->sync, .events = POLLIN }, { .fd = l->child, .events = POLLIN } };
  int ret;

  do
    ret = poll (p, 2, -1);
  while (ret < 0 && errno == EINTR);
  if (ret < 0)
    return err_sys (err, errno, "poll", "first process");
  if (p[0].revents == 0 && poll (p, 1, 0) <= 0) /* asked again: it ends right after it has spoken */
    return -ECONNRESET;
  return 0;
}

int
parent_take_pid (void *self, struct err *err)
{
  struct launch *l = self;
  struct sync_packet p;
  int pidfd = -1, ret;
  size_t n = 1;

  ret = wait_go_between (l, err);
  if (ret == 0)
    ret = sync_expect (l->sync, SYNC_PID, &p, &pidfd, &n, err);
  ret = parent_explain (l, ret, err);
  if (ret < 0)
    return ret;
  if (n != 1 || p.pid.pid <= 0)
    return err_bug (err, EPROTO, "PID brought no process");
  while (waitpid (l->cloned, NULL, 0) < 0 && errno == EINTR) /* the go-between has done its part */
    ;
  own_close (&l->child);
  l->child = pidfd;
  l->cloned = l->pid = p.pid.pid;
  /* back as it came: taken */
  return parent_explain (l, sync_send (l->sync, SYNC_PID, &p.pid, sizeof p.pid, NULL, 0, err), err);
}

/* The first process's number inside its own pid namespace: the last of NSpid in /proc/PID/status (proc(5)).  */
static pid_t
inner_pid (const struct launch *l)
{
  char path[32], buf[4096], *p, *end;

  if (l->plan->ns.new_pid)
    return 1;
  if (! l->plan->ns.fork)
    return l->pid;
  (void) snprintf (path, sizeof path, "/proc/%d/status", l->pid);
  if (file_read_small (AT_FDCWD, path, buf, sizeof buf) < 0 || (p = strstr (buf, "\nNSpid:")) == NULL)
    return l->pid;
  end = strchr (p + 1, '\n');
  if (end)
    *end = '\0';
  p = strrchr (p, '\t');
  return p ? (pid_t) strtol (p + 1, NULL, 10) : l->pid;
}

/* Memfd with the state text for hooks; PID as the reader sees it.  */
static int
state_fd (const struct launch *l, const char *status, pid_t pid, struct err *err)
{
  own_mem char *text = NULL;
  size_t len;
  int ret = record_state (l->rec, status, pid, &text, &len, err);

  return ret < 0 ? ret : hooks_state (text, len, err);
}

/* Puts the first process into the record, unless it is there since it was cloned.  */
static int
take_pid (struct launch *l, struct err *err)
{
  int ret = 0;

  if (l->rec->pid != l->pid)
    ret = pid_starttime (l->pid, &l->rec->start_time, NULL, err);
  l->rec->pid = l->pid;
  return ret;
}

int
parent_hooks (void *self, struct err *err)
{
  struct launch *l = self;
  const struct plan_hooks *h = &l->plan->hooks;
  int ret = parent_explain (l, sync_expect (l->sync, SYNC_HOOKS, NULL, NULL, NULL, err), err);

  if (ret < 0)
    return ret;
  ret = take_pid (l, err);
  if (ret == 0)
    ret = record_save (l->dir, l->rec, false, err); /* a hook may ask for the state */
  if (ret < 0)
    return ret;
  own_fd int outer = state_fd (l, "creating", l->pid, err);
  if (outer < 0)
    return outer;
  ret = hooks_run (h->prestart, h->n_prestart, outer, l->rec->bundle, l->stop, err);
  if (ret == 0)
    ret = hooks_run (h->create_runtime, h->n_create_runtime, outer, l->rec->bundle, l->stop, err);
  if (ret < 0)
    return ret;
  own_fd int creating = state_fd (l, "creating", inner_pid (l), err);
  own_fd int created = state_fd (l, "created", inner_pid (l), err);
  if (creating < 0 || created < 0)
    return creating < 0 ? creating : created;
  return parent_explain (l, sync_send (l->sync, SYNC_HOOKS, NULL, 0, (int[]){ creating, created }, 2, err), err);
}

int
parent_ready (void *self, struct err *err)
{
  struct launch *l = self;
  struct sync_packet p;
  int ret = parent_wait (l, err);

  if (ret == 0)
    ret = parent_explain (l, sync_expect (l->sync, SYNC_READY, &p, NULL, NULL, err), err);

  if (ret == 0 && p.ready.without_keyring)
    log_warn (l->args->log, "the user's quota of keys is used up (/proc/sys/kernel/keys/maxkeys and maxbytes): the container has no session keyring "
              "of its own and shares its caller's; --no-new-keyring asks for that");
  return ret;
}

int
parent_terminal (void *self, struct err *err)
{
  struct launch *l = self;
  char name[64];
  size_t n = 1;
  ssize_t len;

  if (l->terminal < 0)
    return 0; /* it went to the console socket */
  len = fds_recv (l->terminal, name, sizeof name, &l->master, &n);
  if (len < 0)
    return err_sys (err, (int) -len, "recvmsg", "terminal");
  return n == 1 ? tty_fit (l->master, STDIN_FILENO, STDOUT_FILENO, err) : err_bug (err, EPROTO, "no terminal came");
}

/* From outside: the child may be in a user namespace that must not raise limits, and our own stay as they are.  */
int
parent_rlimits (void *self, struct err *err)
{
  struct launch *l = self;

  return limits_early (&l->plan->process, l->pid, err);
}

int
parent_scheduling (void *self, struct err *err)
{
  struct launch *l = self;

  return schedule_set (&l->plan->process, l->pid, err);
}

int
parent_save (void *self, struct err *err)
{
  struct launch *l = self;
  int ret = take_pid (l, err);

  l->rec->status = "created";
  return ret < 0 ? ret : record_save (l->dir, l->rec, false, err);
}

/* In the form in which terminals go to console sockets.  */
int
parent_pidfd (void *self, struct err *err)
{
  static const char name[] = "pidfd";
  struct launch *l = self;
  int ret;

  if (l->args->pidfd_socket == NULL)
    return 0;
  own_fd int sock = fds_connect (AT_FDCWD, l->args->pidfd_socket, SOCK_STREAM, err);
  if (sock < 0)
    return sock;
  ret = fds_send (sock, name, sizeof name - 1, &l->child, 1);
  return ret < 0 ? err_sys (err, -ret, "sendmsg", "%s", l->args->pidfd_socket) : 0;
}

int
parent_pid_file (void *self, struct err *err)
{
  struct launch *l = self;
  char text[16];

  if (l->args->pid_file == NULL)
    return 0;
  /* no line feed: go-runc takes the bytes as they are */
  return file_replace_at (AT_FDCWD, l->args->pid_file, text, (size_t) snprintf (text, sizeof text, "%d", l->pid), 0644, err);
}

int
parent_go (void *self, struct err *err)
{
  struct launch *l = self;

  const struct sync_ready go = { 0 };

  return parent_explain (l, sync_send (l->sync, SYNC_READY, &go, sizeof go, NULL, 0, err), err);
}
