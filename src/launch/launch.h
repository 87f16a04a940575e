/* SPDX-License-Identifier: Apache-2.0 */
/* The deeds of the runtime: create, start, run, exec, kill, pause, resume, update, ps, delete.  Each takes a record
 * directory's place (root, id) and leaves either the wanted state or nothing. */
#ifndef ORLOP_LAUNCH_LAUNCH_H
#define ORLOP_LAUNCH_LAUNCH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct bundle;
struct cgroup;
struct criu_args;
struct err;
struct log;
struct node;
struct oci_resources;
struct plan;
struct plan_arena;
struct record;
struct record_dir;

/* What create, run and exec are given besides the plan.  */
struct launch_args
{
  const char *root;           /* directory of all containers */
  const char *id;
  const char *console_socket; /* or NULL */
  const char *pidfd_socket;   /* or NULL */
  const char *const *cgroups; /* exec: words of cgroup_sub, or NULL */
  const char *pid_file;       /* absolute, or NULL */
  const char *notify;         /* socket of the service manager that is told when the container is ready, or NULL */
  const struct criu_args *criu; /* restore: where the images are, and how; else NULL */
  bool run, detach, keep;     /* run: start at once; detach: do not wait; keep: do not delete afterwards */
  bool exiting;               /* the process ends after this: descriptors are left to that */
  uid_t uid;                  /* ours: the owner of the container */
  const struct log *log;
};

/* Creates (and with args->run starts) the container of PLAN.  BUNDLE is where it comes from.  With run and without detach it
 * waits, relays, deletes, and sets *RET_STATUS.  On failure nothing is left.  */
int launch_create (const struct launch_args *args, const struct bundle *bundle, struct plan_arena *arena,
                   const struct plan *plan, struct cgroup *cgroup, int *ret_status, struct err *err);

/* Dumps the processes of a running container into images by which launch_create with args->criu makes them again.  Unless they are to run on, the
 * container is deleted then.  On failure it runs on.  */
int launch_checkpoint (const char *root, const char *id, const struct criu_args *args, const struct log *log, struct err *err);

/* Starts a created container: startContainer hooks, execve, poststart hooks.  Reports the errno of execve.  With NOTIFY (or NULL), the socket of a
 * service manager, and a container that was created with one, it then waits until the program says that it is ready, or ends.  */
int launch_start (const char *root, const char *id, const char *notify, const struct log *log, struct err *err);

/* Signals the container's first process, or with ALL every process of it.  SIGNAL -2 is the one that its annotations name to stop it, else SIGTERM.  SIGKILL also ends what is paused, and all of a container
 * without a pid namespace of its own.  */
int launch_kill (const char *root, const char *id, int signal, bool all, struct err *err);

/* Freezes or thaws all processes of a container, and waits until they are.  */
int launch_freeze (const char *root, const char *id, bool frozen, struct err *err);

/* What update changes; NULL: nothing.  */
struct launch_update
{
  const struct oci_resources *resources;
  const char *l3_cache_schema, *mem_bw_schema; /* for the container's resctrl group */
  struct node *nodes; /* devices to add and to remove, with their rules; at most NODES_MAX */
  size_t n_nodes;
};

/* Changes the limits of a container that is created, running or paused, all or none of them as far as the kernel lets.  The error's JSON path is
 * that of config.json.  */
int launch_update (const char *root, const char *id, const struct launch_update *u, struct err *err);

/* The numbers of the container's processes, ascending; *RET_PIDS is the caller's to free (3).  One that has ended has none.  */
int launch_pids (const char *root, const char *id, pid_t **ret_pids, size_t *ret_n, struct err *err);

/* Deletes a container; with FORCE kills it first, and one that does not exist is no error.  */
int launch_delete (const char *root, const char *id, bool force, const struct log *log, struct err *err);

/* Runs one more process, by PLAN, in a running container.  *RET_STATUS as of launch_create with run.  */
int launch_exec (const struct launch_args *args, struct plan_arena *arena, const struct plan *plan,
                 struct record_dir *dir, struct record *rec, int *ret_status, struct err *err);

#endif
