/* SPDX-License-Identifier: Apache-2.0 */
/* The parent's side of create and exec: what its steps share, and the adapters that the
 * step tables name. */
#ifndef ORLOP_LAUNCH_PARENT_H
#define ORLOP_LAUNCH_PARENT_H

#include <stddef.h>
#include <sys/types.h>

#include "kernel/netdev.h" /* struct netdev */
#include "launch/launch.h"
#include "launch/record.h"
#include "launch/step.h"

enum
{
  LAUNCH_MAX_JOIN_FDS = 24,
  LAUNCH_MAX_NAMESPACES = 8 /* there are no more kinds */
};

/* A network device in its new place.  */
struct parent_moved
{
  struct netdev device;
  bool was_up; /* in the old one */
};

struct launch
{
  const struct launch_args *args;
  const struct bundle *bundle; /* create only */
  struct plan_arena *arena;
  const struct plan *plan;
  struct record_dir *dir;
  struct record *rec;
  bool reserved;     /* the directory of a new container is ours: undo must remove it */
  const struct cgroup *cgroup; /* which the child joins: the record's or `elsewhere` */
  struct cgroup *elsewhere;    /* exec: one below it, or where the first process is now; owned */
  int cgroup_fd;     /* for clone3 (cgroup v2), or -1 */
  int join_fds[LAUNCH_MAX_JOIN_FDS]; /* files into which the child writes "0" (cgroup v1) */
  size_t n_join_fds;
  int sync;          /* our end of the pair */
  int child_sync;    /* the child's, until it is cloned */
  int listen;        /* start.sock */
  int notify;        /* run: the socket on which the container says that it is ready */
  int stop;          /* run with hooks: can be read when a signal wants us to end; or -1 */
  int console;       /* connected console socket, or the child's end of our own pair */
  int terminal;      /* our end of it: the master arrives here (foreground) */
  int master;        /* the terminal itself, from then on */
  struct live *live; /* mounts: the container with what is mounted in it */
  int pidfd;         /* exec, mounts: the container's first process */
  int namespaces[LAUNCH_MAX_NAMESPACES]; /* those to join, in the order of plan->ns.joins */
  size_t n_namespaces;
  int net_inside, net_outside; /* routing sockets in the container's and the runtime's network namespace; -1 without linux.netDevices */
  struct parent_moved *moved;  /* what of plan->net_devices was moved so far */
  size_t n_moved;
  struct record_rdt rdt; /* create: the record's, if the plan has one */
  pid_t holder;      /* restore: keeps a cgroup of systemd alive until CRIU's processes do, not yet waited for; or 0 */
  pid_t cloned;      /* the process that we cloned, not yet waited for */
  pid_t pid;         /* the first process of the container, or the one exec made */
  int child;         /* its pidfd */
};

/* The tables of the parent.  */
extern const struct step parent_create[];
extern const struct step parent_exec[];
extern const struct step parent_restored[];
extern const struct step parent_mounts[];

/* A launch with nothing open.  */
void parent_init (struct launch *l, const struct launch_args *args, struct plan_arena *arena, const struct plan *plan,
                  struct record_dir *dir, struct record *rec);

/* Closes what is open.  */
void parent_close (struct launch *l);

/* Kills and waits for the child of a launch that failed.  */
void parent_kill (struct launch *l);

/* Says why the child ended when a message was awaited: exit status or signal instead of "the other side ended".  Returns RET.  */
int parent_explain (struct launch *l, int ret, struct err *err);

/* Waits until the child says something, which hooks that it runs may keep it from.  -EINTR: a signal wants us to end.  No call without L->stop.  */
int parent_wait (const struct launch *l, struct err *err);

/* After the last row: waits until execve has closed the child's end (0), or takes its failure.  */
int parent_started (int sock, struct err *err);

/* Adapters of parent.c, parent_spawn.c, parent_seccomp.c and parent_restore.c.  */
int parent_reserve (void *self, struct err *err);
int parent_cgroup_make (void *self, struct err *err);
int parent_cgroup_open (void *self, struct err *err);
int parent_ready_socket (void *self, struct err *err);
int parent_listen (void *self, struct err *err);
int parent_console (void *self, struct err *err);
int parent_open_namespaces (void *self, struct err *err);
int parent_spawn (void *self, struct err *err);
int parent_map_ids (void *self, struct err *err);
int parent_take_pid (void *self, struct err *err);
int parent_rdt_make (void *self, struct err *err);
int parent_rdt_join (void *self, struct err *err);
int parent_net_devices (void *self, struct err *err);
int parent_hooks (void *self, struct err *err);
int parent_seccomp_agent (void *self, struct err *err);
int parent_ready (void *self, struct err *err);
int parent_terminal (void *self, struct err *err);
int parent_cgroup_late (void *self, struct err *err);
int parent_rlimits (void *self, struct err *err);
int parent_scheduling (void *self, struct err *err);
int parent_restore (void *self, struct err *err);
int parent_save (void *self, struct err *err);
int parent_pidfd (void *self, struct err *err);
int parent_pid_file (void *self, struct err *err);
int parent_go (void *self, struct err *err);

/* Lets systemd make the cgroup with PID, a child, in it, and sets its limits: what cgroup.make does for others.  Returns 0 or negative
 * errno.  */
int parent_cgroup_start (struct launch *l, pid_t pid, struct err *err);

/* Adapters of live.c.  */
int parent_live_cgroup (void *self, struct err *err);
int parent_live_attached (void *self, struct err *err);
int parent_live_end (void *self, struct err *err);

/* Makes the cgroup in which the container's first process is now the one that exec's child joins, and opens it.  Returns 0 or negative
 * errno.  */
int parent_follow_first (struct launch *l, struct err *err);

/* Sends the root and the mounts that only the parent can make, in the order of the plan.  Returns 0 or negative errno.  */
int parent_send_trees (struct launch *l, struct err *err);

/* Looks which resctrl group is there, and says in the record what of it will be ours to undo.  Returns 0 or negative errno: -ENOENT, -EEXIST.  */
int parent_rdt_survey (struct launch *l, struct err *err);

/* After a failure: brings back the network devices that were moved.  Before the child is undone, or after it.  */
void parent_net_undo (struct launch *l);

/* Lets go of the container's network namespace; its devices stay there.  */
void parent_net_close (struct launch *l);

/* Writes the id maps of PLAN for process PID, whose /proc directory is PROC_PID.  */
int parent_write_maps (const struct plan *plan, pid_t pid, int proc_pid, struct err *err);

#endif
