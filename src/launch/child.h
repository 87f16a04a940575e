/* SPDX-License-Identifier: Apache-2.0 */
/* The child program: what its stages share, and the adapters that the step tables name.
 * Everything here is child-safe: no allocation, no streams, no lookup of names, no
 * decision that the plan has not taken. */
#ifndef ORLOP_LAUNCH_CHILD_H
#define ORLOP_LAUNCH_CHILD_H

#include <stddef.h>
#include <stdint.h>

#include "launch/step.h"
#include "plan/plan.h"

enum
{
  CHILD_MAX_MOUNTS = PLAN_MOUNTS_MAX,
  CHILD_MAX_JOINS = 8
};

struct child
{
  const struct plan *plan;
  int sync;                         /* to the parent; -1 once it is gone */
  int listen;                       /* `start` connects here */
  int start;                        /* the connected `start` */
  int console;                      /* wants the terminal's master */
  bool without_keyring;             /* the quota of keys is used up */
  uint64_t ignored;                 /* signals that the caller ignores */
  int pidfd;                        /* exec: the container's first process */
  int joins[CHILD_MAX_JOINS];
  int proc;                         /* a procfs of the runtime's; made or opened when a step needs it */
  int root;                         /* the container's root, attached */
  int state_creating, state_created; /* memfds: the state text for hooks */
  size_t n_received, n_taken;       /* mount trees from the parent */
  int received[CHILD_MAX_MOUNTS + 1];
  int mounts[CHILD_MAX_MOUNTS];     /* handle of each mount made, by its index in the plan, or before that of a clone of its source; -1: none.  MOUNTS: or of each that is to go */
  int targets[2 * PLAN_LIVE_MAX];   /* MOUNTS: what they are attached to */
  const char **envp;                /* the plan's environment, or env with HOME added */
  char home[512];                   /* "HOME=..." */
  const char *env[4096];
  char exec_path[4096];             /* what execve is given */
};

/* Tables of the child, for create, exec and mounts.  */
extern const struct step child_create[];
extern const struct step child_exec[];
extern const struct step child_mounts[];

/* Stage 1, child_ns.c: become the right process in the right namespaces.  */
int child_ns_join (void *self, struct err *err);
int child_ns_user (void *self, struct err *err);
int child_ns_unshare (void *self, struct err *err);
int child_ns_time (void *self, struct err *err);
int child_ns_fork (void *self, struct err *err);
int child_ns_cgroup (void *self, struct err *err);
int child_net_loopback (void *self, struct err *err);
int child_net_devices (void *self, struct err *err);
int child_names (void *self, struct err *err);

/* Stage 2, child_rootfs.c and child_mounts.c: build and enter the root file system.  */
int child_root_propagation (void *self, struct err *err);
int child_root_sources (void *self, struct err *err);
int child_root_attach (void *self, struct err *err);
int child_root_mounts (void *self, struct err *err);
int child_root_late_mounts (void *self, struct err *err);
int child_root_devices (void *self, struct err *err);
int child_root_links (void *self, struct err *err);
int child_root_console (void *self, struct err *err);
int child_root_cwd (void *self, struct err *err);
int child_root_masked (void *self, struct err *err);
int child_root_readonly_paths (void *self, struct err *err);
int child_root_enter (void *self, struct err *err);
int child_root_attributes (void *self, struct err *err);
int child_exec_root (void *self, struct err *err);
int child_sysctl (void *self, struct err *err);

/* Mounts of a container that exists, child_live.c.  */
int child_live_join (void *self, struct err *err);
int child_live_make (void *self, struct err *err);
int child_live_attach (void *self, struct err *err);
int child_live_remove (void *self, struct err *err);
int child_live_end (void *self, struct err *err);

/* Hooks, child_hooks.c.  */
int child_hooks_runtime (void *self, struct err *err);
int child_hooks_container (void *self, struct err *err);
int child_hooks_start (void *self, struct err *err);

/* Stage 3, child_security.c: session, terminal, ids, limits, capabilities.  */
int child_session (void *self, struct err *err);
int child_keyring (void *self, struct err *err);
int child_tty (void *self, struct err *err);
int child_exec_tty (void *self, struct err *err);
int child_rlimits (void *self, struct err *err);
int child_late_rlimits (void *self, struct err *err);
int child_bound (void *self, struct err *err);
int child_creds (void *self, struct err *err);
int child_no_new_privs (void *self, struct err *err);

/* Labels, child_label.c.  */
int child_label_open (void *self, struct err *err);
int child_label (void *self, struct err *err);

/* Stage 3, child_task.c: processors, priorities, memory policy, personality, pipes.  */
int child_cpus (void *self, struct err *err);
int child_scheduling (void *self, struct err *err);
int child_memory_policy (void *self, struct err *err);
int child_personality (void *self, struct err *err);
int child_stdio (void *self, struct err *err);

/* HOME of the user, child_home.c.  */
int child_home (void *self, struct err *err);

/* Filters of system calls, child_seccomp.c.  */
int child_seccomp_check (void *self, struct err *err);
int child_seccomp_notify (void *self, struct err *err);
int child_seccomp_load (void *self, struct err *err);

/* Stage 4, child_exec.c: find the program, wait for start, execve.  */
int child_exec_resolve (void *self, struct err *err);
int child_exec_ready (void *self, struct err *err);
int child_exec_wait_start (void *self, struct err *err);
int child_exec_go (void *self, struct err *err);

/* Says in BUF why execve of PATH failed with NUM, as far as the file tells; else "".  */
void child_why (const char *path, int num, char *buf, size_t size);

/* The handle of the mount that holds PLACE, or -1: to be resolved inside the root.  */
int child_holder (const struct child *c, const struct plan_place *place);

/* Joins those of the first process's namespaces that FLAGS (CLONE_NEW*) are, and becomes root of the user namespace if that is among them.  */
int child_join_first (struct child *c, int flags, struct err *err);

/* The next mount that the parent made.  */
int child_take_mount (struct child *c, struct err *err);

/* Gives the clone MNT the attributes and propagation of M.  */
int child_set_bind (const struct plan_mount *m, int mnt, struct err *err);

/* Opens the target of M inside the root, made if it is missing, for what is a directory or not as IS_DIR says.  Returns an O_PATH descriptor or negative errno.  */
int child_make_target (const struct child *c, const struct plan_mount *m, bool is_dir, struct err *err);

/* Fills MNT, which is attached nowhere yet, with what lies at its target.  */
int child_copy_up (const struct child *c, const struct plan_mount *m, int mnt, struct err *err);

/* Makes or opens (once) and returns the runtime's procfs, with kernel parameters if the plan has any to set; negative errno otherwise.  */
int child_proc (struct child *c, struct err *err);

/* Covers the host's procfs and sysfs mounts in our mount namespace, while the host's paths still resolve.  Returns 0 or negative errno.  */
int child_hide_host (struct child *c, struct err *err);

#endif
