/* SPDX-License-Identifier: Apache-2.0 */
/* Starting the child: its program in a sealed memfd, one clone3 into its namespaces and its
 * cgroup, its ids, and HELLO with the plan and its descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/fds.h"
#include "base/file.h"
#include "base/log.h"
#include "base/own.h"
#include "cgroup/cgroup.h"
#include "kernel/idmap.h"
#include "kernel/image.h"
#include "kernel/ns.h"
#include "kernel/pid.h"
#include "kernel/sched.h"
#include "kernel/sys.h"
#include "launch/init_image.h"
#include "launch/parent.h"
#include "plan/arena.h"
#include "plan/plan.h"

static int
open_image (const struct launch *l, struct err *err)
{
  size_t len = (size_t) (orlop_init_image_end - orlop_init_image_start);
  int fd = image_open (orlop_init_image_start, len, err);

  if (fd != -EACCES && fd != -ENOSYS)
    return fd;
  err_clear (err); /* vm.memfd_noexec, or no memfd at all: an unnamed file beside the record */
  return image_open_at (l->dir->fd, orlop_init_image_start, len, err);
}

/* The mapped ids appear with HELLO: then root of the new namespace is who we must be to keep its capabilities through
 * execve (user_namespaces(7)).  */
static int
wait_for_maps (int sync, struct err *err)
{
  struct pollfd p = { .fd = sync, .events = POLLIN };
  int ret;

  do
    ret = poll (&p, 1, -1);
  while (ret < 0 && errno == EINTR);
  if (ret < 0)
    return err_sys (err, errno, "poll", "sync");
  ret = sys_setresgid (0, 0, 0);
  if (ret < 0)
    return err_sys (err, -ret, "setresgid", "0");
  ret = sys_setresuid (0, 0, 0);
  return ret < 0 ? err_sys (err, -ret, "setresuid", "0") : 0;
}

/* In the child, still a copy of ourselves: joins its cgroup and becomes orlop-init.  Never returns.  */
static void __attribute__ ((noreturn))
become_init (const struct launch *l, int image, const char *arg)
{
  char *argv[] = { (char *) "orlop-init", (char *) arg, NULL }, *envp[] = { NULL };
  struct err err = { 0 };
  int ret = cgroup_join (l->join_fds, l->n_join_fds, &err);

  if (ret == 0 && l->plan->ns.new_user && ! l->plan->ns.staged)
    {
      (void) close (l->sync); /* the parent's end, of which we are a copy: its death must be end of file for us */
      ret = wait_for_maps (l->child_sync, &err);
    }
  if (ret == 0 && fcntl (l->child_sync, F_SETFD, 0) < 0)
    ret = err_sys (&err, errno, "fcntl", "sync");
  if (ret == 0)
    {
      ret = sys_execveat (image, "", argv, envp, AT_EMPTY_PATH);
      (void) err_sys (&err, -ret, "execveat", "orlop-init");
    }
  sync_fail (l->child_sync, &err);
  _exit (1);
}

/* Clones, with INTO into the cgroup.  Returns as clone3 does.  */
static int
clone_once (struct launch *l, bool into)
{
  struct clone_args args = { .flags = l->plan->ns.clone_flags | CLONE_PIDFD, .pidfd = (uintptr_t) &l->child,
                             .exit_signal = SIGCHLD };

  if (into)
    {
      args.flags |= CLONE_INTO_CGROUP;
      args.cgroup = (uint64_t) l->cgroup_fd;
    }
  return sys_clone3 (&args);
}

/* True if NUM says that the container's cgroup cannot be joined, while the one that its first process has moved to perhaps can: since that one hands
 * controllers to its children (cgroups(7), "no internal processes"), is a part of a threaded subtree, or is gone.  */
static bool
may_follow (const struct launch *l, int num)
{
  return l->plan->action != PLAN_CREATE && l->args->cgroups == NULL && l->elsewhere == NULL
         && (num == -EBUSY || num == -EOPNOTSUPP || num == -ENODEV || num == -ENOENT);
}

/* Clones, into the cgroup if the kernel can (Linux 5.7) and lets us, else the cgroup is entered afterwards: which may be allowed, and otherwise says
 * what it is that refuses.  Returns as clone3 does.  */
static int
clone_child (struct launch *l, bool *ret_in_cgroup)
{
  int pid;

  *ret_in_cgroup = l->cgroup_fd >= 0;
  pid = clone_once (l, *ret_in_cgroup);
  if (*ret_in_cgroup && may_follow (l, pid) && parent_follow_first (l, NULL) == 0)
    pid = clone_once (l, true);
  if (! *ret_in_cgroup || (pid != -EINVAL && pid != -E2BIG && pid != -EACCES && pid != -EOPNOTSUPP && pid != -EBUSY))
    return pid;
  *ret_in_cgroup = false;
  return clone_once (l, false);
}

/* As clone_child, on the processors where the child is to begin (process.execCPUAffinity.initial); ours again afterwards.  */
static int
clone_pinned (struct launch *l, bool *ret_in_cgroup, struct err *err)
{
  const struct bits *initial = l->plan->process.initial_cpus;
  struct bits ours;
  int ret = initial ? sched_pinned (0, &ours, err) : 0, pid;

  if (ret == 0 && initial)
    ret = err_in (err, sched_pin (0, initial, err), "process.execCPUAffinity.initial");
  if (ret < 0)
    return ret;
  pid = clone_child (l, ret_in_cgroup);
  if (pid != 0 && initial)
    (void) sched_pin (0, &ours, NULL); /* it was ours a moment ago */
  if (pid >= 0)
    return pid;
  return err_in (err, err_sys (err, -pid, "clone3", "%s", l->plan->ns.clone_flags & CLONE_NEWTIME ? "first process, with a time namespace" : "first process"),
                 "linux.namespaces");
}

/* Moves the child that could not be cloned into its cgroup.  */
static int
enter_cgroup (struct launch *l, struct err *err)
{
  int ret = cgroup_add_pid (l->cgroup, l->cloned, err);

  if (ret == -EOPNOTSUPP && l->plan->action == PLAN_CREATE && cgroup_make_threaded (l->cgroup, NULL) == 0)
    {
      err_clear (err);
      return cgroup_add_pid (l->cgroup, l->cloned, err);
    }
  if (! may_follow (l, ret))
    return ret;
  ret = parent_follow_first (l, err);
  return ret < 0 ? ret : cgroup_add_pid (l->cgroup, l->cloned, err);
}

int
parent_write_maps (const struct plan *plan, pid_t pid, int proc_pid, struct err *err)
{
  const struct plan_ns *ns = &plan->ns;
  bool helper = geteuid () != 0
                && ! (idmap_is_own (ns->uid_maps, ns->n_uid_maps, geteuid ())
                      && idmap_is_own (ns->gid_maps, ns->n_gid_maps, getegid ()));
  int ret;

  if (! helper)
    ret = idmap_write (proc_pid, ns->uid_maps, ns->n_uid_maps, ns->gid_maps, ns->n_gid_maps, ns->setgroups, err);
  else
    {
      ret = err_in (err, idmap_helper (pid, NULL, 0, ns->gid_maps, ns->n_gid_maps, err), "linux.gidMappings");
      if (ret == 0)
        ret = idmap_helper (pid, ns->uid_maps, ns->n_uid_maps, NULL, 0, err);
    }
  return err_in (err, ret, "linux.uidMappings");
}

static int
set_oom (const struct launch *l, int proc_pid, struct err *err)
{
  const char *text = l->plan->process.oom_score_adj;
  int ret = file_write_at (proc_pid, "oom_score_adj", text, strlen (text), err);

  if ((ret == -EACCES || ret == -EPERM) && geteuid () != 0)
    {
      /* lowering it needs CAP_SYS_RESOURCE; an unprivileged user's container runs with what it may have */
      log_warn (l->args->log, "process.oomScoreAdj: %s may not be set without privilege, left as it is", text);
      err_clear (err);
      return 0;
    }
  return err_in (err, ret, "process.oomScoreAdj");
}

/* What must be done to the child's /proc before it goes on: it waits for HELLO.  */
static int
prepare_child (struct launch *l, struct err *err)
{
  const struct plan *p = l->plan;
  bool maps = p->ns.new_user && ! p->ns.staged;
  char path[32];
  int ret = 0;

  if (! maps && p->process.oom_score_adj == NULL)
    return 0;
  (void) snprintf (path, sizeof path, "/proc/%d", l->cloned);
  own_fd int proc = open (path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (proc < 0)
    return err_sys (err, errno, "open", "%s", path);
  if (maps)
    ret = parent_write_maps (p, l->cloned, proc, err);
  if (ret == 0 && p->process.oom_score_adj)
    ret = set_oom (l, proc, err);
  return ret;
}

/* A namespace that is listed by path may be one that nothing may change: our own, and that of the machine's first process, which is another where a
 * service manager has given us one of our own.  Who may not look at the latter (EACCES), or has no number 1 in his /proc (ENOENT), cannot have joined it
 * either, but for a privileged runtime that has lost CAP_SYS_PTRACE.  */
static int
check_foreign (const struct plan_join *j, int fd, struct err *err)
{
  static const struct
  {
    const char *process, *whose;
  } hosts[] = { { "self", "the runtime's own" }, { "1", "that of process 1" } };
  struct stat theirs, ours;
  char path[64];

  if (j->foreign == NULL)
    return 0;
  if (fstat (fd, &theirs) < 0)
    return err_sys (err, errno, "fstat", "%s", j->path);
  for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
    {
      (void) snprintf (path, sizeof path, "/proc/%s/ns/%s", hosts[i].process, ns_by_flag (j->flag)->proc);
      if (stat (path, &ours) < 0)
        {
          if (i > 0 && (errno == EACCES || errno == EPERM || errno == ENOENT))
            continue;
          return err_sys (err, errno, "stat", "%s", path);
        }
      if (theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino)
        return err_spec (err, j->foreign, "the %s namespace at %s is %s: it would change the host", j->name, j->path, hosts[i].whose);
    }
  return 0;
}

int
parent_open_namespaces (void *self, struct err *err)
{
  struct launch *l = self;
  const struct plan_ns *ns = &l->plan->ns;
  int ret = 0;

  for (; ret == 0 && l->n_namespaces < ns->n_joins; l->n_namespaces++)
    {
      const struct plan_join *j = &ns->joins[l->n_namespaces];
      int fd = ns_open (j->path, j->flag, err);

      if (fd < 0)
        return err_in (err, fd, "%s", j->where);
      l->namespaces[l->n_namespaces] = fd;
      ret = check_foreign (j, fd, err);
    }
  return ret;
}

/* What /proc says of the process just cloned.  If it is the container's first one, that is its start in the record.  */
static int
look_at_child (struct launch *l, uint64_t *ret_ignored, struct err *err)
{
  uint64_t start;
  int ret = pid_birth (l->cloned, &start, ret_ignored, err);

  if (ret == 0 && l->plan->action == PLAN_CREATE && ! l->plan->ns.fork)
    {
      l->rec->pid = l->pid;
      l->rec->start_time = start;
    }
  return ret;
}

static int
send_hello (struct launch *l, struct err *err)
{
  struct sync_hello hello = { .address = (uintptr_t) l->arena->base, .size = l->arena->used,
                              .plan = (uintptr_t) l->plan, .n_later = (uint32_t) l->plan->n_from_parent };
  const int known[] = { [SYNC_FD_PLAN] = l->arena->fd, [SYNC_FD_LISTEN] = l->listen,
                        [SYNC_FD_CONSOLE] = l->console, [SYNC_FD_PIDFD] = l->pidfd };
  int fds[FDS_MAX], ret;
  size_t n = 0;

  for (size_t role = 0; role < SYNC_FD_JOIN; role++)
    if (known[role] >= 0)
      {
        hello.present |= 1u << role;
        fds[n++] = known[role];
      }
  ret = look_at_child (l, &hello.ignored, err);
  for (size_t i = 0; i < l->n_namespaces; i++)
    fds[n++] = l->namespaces[i];
  return ret < 0 ? ret : sync_send (l->sync, SYNC_HELLO, &hello, sizeof hello, fds, n, err);
}

int
parent_spawn (void *self, struct err *err)
{
  struct launch *l = self;
  int pair[2], ret;
  char arg[16];
  bool in_cgroup;
  own_fd int image = open_image (l, err);

  if (image < 0)
    return image;
  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
    return err_sys (err, errno, "socketpair", "sync");
  l->sync = pair[0];
  l->child_sync = pair[1];
  (void) snprintf (arg, sizeof arg, "%d", l->child_sync);
  ret = clone_pinned (l, &in_cgroup, err);
  if (ret == 0)
    become_init (l, image, arg);
  if (ret < 0)
    return ret;
  l->cloned = l->pid = ret;
  (void) close (take_fd (&l->child_sync)); /* so that the child's end is end of file */
  if (l->plan->action == PLAN_CREATE && cgroup_needs_process (l->rec->cgroup))
    ret = parent_cgroup_start (l, l->cloned, err);
  else
    ret = l->cgroup_fd >= 0 && ! in_cgroup ? enter_cgroup (l, err) : 0;
  if (ret == 0)
    ret = prepare_child (l, err);
  if (ret == 0)
    ret = parent_explain (l, send_hello (l, err), err);
  return ret < 0 ? ret : parent_explain (l, parent_send_trees (l, err), err);
}
