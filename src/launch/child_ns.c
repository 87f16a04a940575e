/* SPDX-License-Identifier: Apache-2.0 */
/* Stage 1 of the child: become the right process in the right namespaces.  The order
 * is the plan's (user first); why it matters is told in docs/kernel-order.md.
 * Never looks at anything inside the container.  child-safe */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/own.h"
#include "kernel/creds.h"
#include "kernel/netif.h"
#include "kernel/ns.h"
#include "kernel/proc.h"
#include "kernel/sys.h"
#include "launch/child.h"

int
child_proc (struct child *c, struct err *err)
{
  if (c->proc < 0)
    {
      int fd = proc_own (c->plan->n_sysctls > 0, "/proc", err);

      if (fd < 0)
        return fd;
      c->proc = fd;
    }
  return c->proc;
}

/* A process without a mapped uid loses its capabilities at the next change of ids: become root of the namespace.
 * Where 0 is not mapped (EINVAL) the capabilities gained by entering are kept and nothing needs to change.  Entering, and the change, have
 * made us as dumpable as fs.suid_dumpable says, which may be much (proc_sys_fs(5)).  */
static int
become_ns_root (struct err *err)
{
  int ret = sys_setresgid (0, 0, 0);

  if (ret < 0 && ret != -EINVAL)
    return err_sys (err, -ret, "setresgid", "0");
  ret = sys_setresuid (0, 0, 0);
  if (ret < 0 && ret != -EINVAL)
    return err_sys (err, -ret, "setresuid", "0");
  return creds_not_dumpable (err);
}

/* Before Linux 5.8: one after the other, by their files in the runtime's procfs.  */
static int
join_files (struct child *c, int flags, struct err *err)
{
  int fds[NS_KINDS], proc = child_proc (c, err), n, i = 0, ret = 0;

  if (proc < 0)
    return proc;
  (void) prctl (PR_SET_DUMPABLE, 1, 0, 0, 0); /* else our own files in procfs are root's; and undone before anybody of the container sees us */
  n = ns_open_process (c->pidfd, flags, proc, fds, err);
  (void) prctl (PR_SET_DUMPABLE, 0, 0, 0, 0);
  for (const struct ns_type *t = ns_types; i < n && ret == 0 && t->name; t++)
    if (flags & t->flag)
      ret = ns_join (fds[i++], t->flag, t->name, err);
  return n < 0 ? n : ret;
}

int
child_join_first (struct child *c, int flags, struct err *err)
{
  int ret = sys_setns (c->pidfd, flags);

  if (ret == -EINVAL)
    {
      ret = join_files (c, flags, err);
      return ret == 0 && (flags & CLONE_NEWUSER) ? become_ns_root (err) : ret;
    }
  if (ret < 0)
    return err_sys (err, -ret, "setns", "namespaces of the container's first process");
  return flags & CLONE_NEWUSER ? become_ns_root (err) : 0;
}

int
child_ns_join (void *self, struct err *err)
{
  struct child *c = self;
  const struct plan_ns *ns = &c->plan->ns;
  int ret;

  /* sysctls and clocks are written through the runtime's /proc, which a joined mount namespace hides */
  if (ns->join_mnt && (c->plan->n_sysctls > 0 || ns->time_offsets) && (ret = child_proc (c, err)) < 0)
    return ret;
  if (ns->pidfd_flags != 0)
    return child_join_first (c, ns->pidfd_flags, err); /* exec: there are no others */
  for (size_t i = 0; i < ns->n_joins; i++)
    {
      ret = ns_join (c->joins[i], ns->joins[i].flag, ns->joins[i].path, err);
      if (ret < 0)
        return err_in (err, ret, "%s", ns->joins[i].where);
      if (ns->joins[i].flag == CLONE_NEWUSER && (ret = become_ns_root (err)) < 0)
        return ret;
    }
  return 0;
}

int
child_ns_user (void *self, struct err *err)
{
  struct child *c = self;
  int ret = ns_unshare (CLONE_NEWUSER, err);

  if (ret < 0)
    return err_in (err, ret, "linux.namespaces");
  /* the parent, perhaps unprivileged, must be able to open our uid_map */
  (void) prctl (PR_SET_DUMPABLE, 1, 0, 0, 0);
  ret = sync_send (c->sync, SYNC_MAP_IDS, NULL, 0, NULL, 0, err);
  if (ret == 0)
    ret = sync_expect (c->sync, SYNC_MAP_IDS, NULL, NULL, NULL, err);
  return ret < 0 ? ret : become_ns_root (err); /* and undumpable again */
}

int
child_ns_unshare (void *self, struct err *err)
{
  struct child *c = self;

  return err_in (err, ns_unshare (c->plan->ns.unshare_flags, err), "linux.namespaces");
}

/* Our own file in /proc belongs to the host's root as long as we are undumpable, and a user namespace's root may not open it then.  */
static int
open_offsets (int proc, struct err *err)
{
  int fd;

  (void) prctl (PR_SET_DUMPABLE, 1, 0, 0, 0);
  fd = proc_open_file (proc, "self/timens_offsets", O_WRONLY);
  (void) prctl (PR_SET_DUMPABLE, 0, 0, 0, 0);
  return fd < 0 ? err_sys (err, -fd, "openat2", "/proc/self/timens_offsets") : fd;
}

int
child_ns_time (void *self, struct err *err)
{
  struct child *c = self;
  const char *text = c->plan->ns.time_offsets;
  int proc = child_proc (c, err);

  if (proc < 0)
    return proc;
  own_fd int fd = open_offsets (proc, err);
  if (fd < 0)
    return err_in (err, fd, "linux.timeOffsets");
  if (write (fd, text, strlen (text)) < 0)
    return err_in (err, err_sys (err, errno, "write", "/proc/self/timens_offsets"), "linux.timeOffsets");
  return 0;
}

/* Tells the parent who the first process is, and ends: its part is done.  */
static void __attribute__ ((noreturn))
hand_over (struct child *c, pid_t pid, int pidfd)
{
  struct sync_pid msg = { .pid = pid };

  _exit (sync_send (c->sync, SYNC_PID, &msg, sizeof msg, &pidfd, 1, NULL) < 0);
}

int
child_ns_fork (void *self, struct err *err)
{
  struct child *c = self;
  int pidfd = -1, ret;
  /* CLONE_PARENT: the runtime, not this go-between, is the first process's parent and can wait for it */
  struct clone_args args = { .flags = CLONE_PARENT | CLONE_PIDFD, .pidfd = (uintptr_t) &pidfd };

  ret = sys_clone3 (&args);
  if (ret < 0)
    return err_sys (err, -ret, "clone3", "first process");
  if (ret > 0)
    hand_over (c, ret, pidfd);
  return sync_expect (c->sync, SYNC_PID, NULL, NULL, NULL, err);
}

int
child_ns_cgroup (void *self, struct err *err)
{
  (void) self;
  return err_in (err, ns_unshare (CLONE_NEWCGROUP, err), "linux.namespaces");
}

int
child_net_loopback (void *self, struct err *err)
{
  (void) self;
  return netif_up ("lo", err);
}

/* What the parent says to our socket it says in our network namespace.  */
int
child_net_devices (void *self, struct err *err)
{
  struct child *c = self;
  int fd = netif_socket (err), ret;

  if (fd < 0)
    return fd;
  ret = sync_send (c->sync, SYNC_NET, NULL, 0, &fd, 1, err);
  (void) close (fd);
  return ret < 0 ? ret : sync_expect (c->sync, SYNC_NET, NULL, NULL, NULL, err);
}

int
child_names (void *self, struct err *err)
{
  struct child *c = self;
  const char *host = c->plan->hostname, *domain = c->plan->domainname;
  int ret = host ? sys_sethostname (host, strlen (host)) : 0;

  if (ret < 0)
    return err_in (err, err_sys (err, -ret, "sethostname", "%s", host), "hostname");
  ret = domain ? sys_setdomainname (domain, strlen (domain)) : 0;
  if (ret < 0)
    return err_in (err, err_sys (err, -ret, "setdomainname", "%s", domain), "domainname");
  return 0;
}
