/* SPDX-License-Identifier: Apache-2.0 */
/* Stage 3 of the child: session, terminal, ids and capabilities.  Privilege goes in one
 * direction; a step that fails ends the child.  child-safe */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/mount.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fds.h"
#include "base/own.h"
#include "base/str.h"
#include "kernel/creds.h"
#include "kernel/lsm.h"
#include "kernel/mount.h"
#include "kernel/mount_old.h"
#include "kernel/path.h"
#include "kernel/signal.h"
#include "kernel/sys.h"
#include "kernel/tty.h"
#include "launch/child.h"
#include "launch/limits.h"

int
child_session (void *self, struct err *err)
{
  struct child *c = self;
  int ret = signal_reset_ignored (c->ignored); /* the caller may ignore, and the runtime block, what the program is to receive */

  if (ret < 0)
    return err_sys (err, -ret, "rt_sigaction", "default signals");
  if (! c->plan->process.terminal && setsid () < 0 && errno != EPERM) /* EPERM: leads one already */
    return err_sys (err, errno, "setsid", "session");
  return 0;
}

int
child_keyring (void *self, struct err *err)
{
  struct child *c = self;
  const char *label = c->plan->process.selinux;
  int ret = label ? lsm_label_keys (c->proc, label, err) : 0, joined;

  if (ret < 0)
    return err_in (err, ret, "process.selinuxLabel");
  joined = (int) sys_keyctl (KEYCTL_JOIN_SESSION_KEYRING, (unsigned long) c->plan->keyring, 0, 0, 0);
  ret = label ? lsm_label_keys (c->proc, NULL, err) : 0;
  if (ret < 0)
    return err_in (err, ret, "process.selinuxLabel");
  c->without_keyring = joined == -EDQUOT;
  /* ENOSYS: a kernel without keys; EDQUOT: the user's keys are used up: such a container runs all the same, in the caller's keyring, and
   * the runtime warns */
  return joined < 0 && joined != -ENOSYS && joined != -EDQUOT ? err_sys (err, -joined, "keyctl", "%s", c->plan->keyring) : 0;
}

/* Makes a terminal in the container's devpts below ROOT and hands its master over.  Returns the slave.  */
static int
open_terminal (struct child *c, int root, struct err *err)
{
  const struct plan_process *p = &c->plan->process;
  char name[64];
  int ret;
  own_fd int master = -1, owned = -1;
  own_fd int pts = path_open (root, "dev/pts", O_PATH | O_DIRECTORY | O_CLOEXEC, err);

  if (pts < 0)
    return pts;
  ret = tty_open (pts, &master, &owned, err);
  if (ret == 0)
    ret = tty_name (master, name, sizeof name, err);
  if (ret == 0 && (p->rows || p->columns))
    ret = tty_size (master, p->rows, p->columns, err);
  if (ret == 0)
    ret = tty_send (c->console, master, name, err);
  /* the program's user must be able to open its own terminal again */
  if (ret == 0 && p->uid != 0 && fchown (owned, p->uid, (gid_t) -1) < 0)
    ret = err_sys (err, errno, "fchown", "%s", name);
  (void) close (take_fd (&master)); /* now: as long as it is open nobody sees a hangup */
  return ret < 0 ? ret : take_fd (&owned);
}

/* Shows the terminal as /dev/console: made beneath /dev's handle, never through a link that the image left there.  */
static int
bind_console (struct child *c, int slave, struct err *err)
{
  own_fd int dev = path_open (c->root, "dev", O_PATH | O_DIRECTORY | O_CLOEXEC, err);

  if (dev < 0)
    return dev;
  /* not opened: a descriptor for writing would keep /dev from becoming read-only */
  if (mknodat (dev, "console", S_IFREG | 0600, 0) < 0 && errno != EEXIST)
    return err_sys (err, errno, "mknodat", "/dev/console");
  own_fd int mnt = mount_clone (slave, "", false, err);
  if (mnt < 0)
    return mnt;
  return mount_attach_at (mnt, dev, "console", err); /* a link there is not followed */
}

int
child_root_console (void *self, struct err *err)
{
  struct child *c = self;
  int slave = open_terminal (c, c->root, err), ret;

  if (slave < 0)
    return err_in (err, slave, "process.terminal");
  own_fd int owned = slave;
  ret = bind_console (c, slave, err);
  return ret < 0 ? err_in (err, ret, "process.terminal") : tty_take (slave, err);
}

int
child_exec_tty (void *self, struct err *err)
{
  struct child *c = self;
  int slave = -1;
  own_fd int root = openat (AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);

  if (root < 0)
    return err_sys (err, errno, "open", "/");
  slave = open_terminal (c, root, err);
  if (slave < 0)
    return err_in (err, slave, "process.terminal");
  own_fd int owned = slave;
  return tty_take (slave, err);
}

int
child_rlimits (void *self, struct err *err)
{
  return limits_early (&((struct child *) self)->plan->process, 0, err);
}

int
child_late_rlimits (void *self, struct err *err)
{
  return limits_late (&((struct child *) self)->plan->process, err);
}

int
child_bound (void *self, struct err *err)
{
  const struct plan_process *p = &((struct child *) self)->plan->process;

  return p->set_caps ? err_in (err, capset_bound (p->caps.bounding, p->last_cap, err), "process.capabilities.bounding") : 0;
}

/* The working directory is real and inside: a handle that leaked from the host shows as "(unreachable)" (CVE-2024-21626).
 * The raw call, since the C library may turn such an answer into something else.  */
static int
check_cwd (const char *cwd, struct err *err)
{
  char now[4096];
  long n = syscall (SYS_getcwd, now, sizeof now);

  if (n < 0 && errno != ERANGE && errno != ENAMETOOLONG)
    return err_sys (err, errno, "getcwd", "%s", cwd);
  if (n >= 0 && now[0] != '/')
    return err_sys (err, ENOENT, "getcwd", "%s", cwd);
  return 0;
}

/* Enters the working directory: with the privileges of root where they are enough, else with the user's own, for either may be the only
 * one that is let in (a private home directory; a network file system that squashes root).  */
static int
enter_cwd (const char *cwd, bool last_try, struct err *err)
{
  if (chdir (cwd) == 0)
    return check_cwd (cwd, err);
  if (! last_try && (errno == EACCES || errno == EPERM))
    return 1;
  return err_sys (err, errno, "chdir", "%s", cwd);
}

/* Entering the root of a new container has left us in "/": that is only seen to be so.  */
static int
begin_cwd (enum plan_action action, const char *cwd, struct err *err)
{
  return action == PLAN_CREATE && strcmp (cwd, "/") == 0 ? check_cwd (cwd, err) : enter_cwd (cwd, false, err);
}

/* Becomes the user, unless that is who we are since this program was executed: only joining or unsharing a user namespace changes that.  */
static int
set_ids (const struct plan *plan, struct err *err)
{
  const struct plan_process *p = &plan->process;
  int ret;

  if (plan->action == PLAN_CREATE && ! plan->ns.staged && creds_executed_as (p->uid, p->gid))
    return creds_set_groups (p->groups, p->n_groups, p->keep_groups, err);
  ret = creds_set (p->uid, p->gid, p->groups, p->n_groups, p->keep_groups, err);
  return ret < 0 ? ret : creds_not_dumpable (err); /* which fs.suid_dumpable may have undone */
}

/* Sets the capabilities; with KEEP_ADMIN CAP_SYS_ADMIN beside them, which loading the filter takes and execve, for which what is permitted before
 * counts for nothing (capabilities(7)), takes away.  */
static int
apply_caps (const struct plan_process *p, bool keep_admin, struct err *err)
{
  struct caps caps = p->caps;

  if (keep_admin)
    {
      caps.permitted |= 1ULL << CAP_SYS_ADMIN;
      caps.effective |= 1ULL << CAP_SYS_ADMIN;
    }
  return capset_apply (&caps, err);
}

/* Closes what leads to the host: close-on-exec is too late for working directory, program and interpreter, of which each may be a link of the image to
 * /proc/self/fd/N (CVE-2024-21626).  Nothing does unless its procfs was opened, or mounts were made by mount(2).  */
static void
leave_host (struct child *c)
{
  const int keep[] = { c->sync, c->listen, c->state_created };

  if (c->proc < 0 && ! mount_old_used ())
    return;
  fds_close_but (3 + c->plan->preserve_fds, keep, sizeof keep / sizeof *keep);
  c->proc = c->root = c->console = c->pidfd = c->state_creating = -1;
}

int
child_creds (void *self, struct err *err)
{
  struct child *c = self;
  const struct plan_process *p = &c->plan->process;
  int again, ret;

  leave_host (c);
  again = p->cwd == NULL ? 0 : begin_cwd (c->plan->action, p->cwd, err);

  if (again < 0)
    return err_in (err, again, "process.cwd");
  ret = set_ids (c->plan, err);
  if (ret < 0)
    return err_in (err, ret, "process.user");
  if (p->set_caps && (ret = apply_caps (p, c->plan->seccomp.keep_admin, err)) < 0)
    return err_in (err, ret, "process.capabilities");
  if (p->set_umask)
    umask (p->umask);
  return again ? err_in (err, enter_cwd (p->cwd, true, err), "process.cwd") : 0;
}

int
child_no_new_privs (void *self, struct err *err)
{
  (void) self;
  return creds_no_new_privs (err);
}
