/* SPDX-License-Identifier: Apache-2.0 */
/* liborlop: run OCI containers from a program.
 *
 * 1. orlop_new () gives a handle; set what differs from the defaults (orlop_set_*).
 * 2. orlop_create () makes a container from a bundle, orlop_start () runs its program,
 *    orlop_kill () signals it, orlop_delete () removes it; orlop_run () does it all.
 * 3. Every function returns 0 (or what it says) on success and a negative errno on
 *    failure; orlop_error () then tells what was being done, on what, and why.
 * 4. orlop_free () the handle.
 *
 * The library keeps no global state, prints nothing and never exits.  A handle is used by
 * one thread at a time; different threads use different handles.  Strings handed out are
 * the caller's and freed with free (3), unless said otherwise.
 */
#ifndef ORLOP_H
#define ORLOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A user of the library: options and the last error.  */
struct orlop;

/* Which part of the world an error blames.  */
enum orlop_error_kind
{
  ORLOP_ERROR_NONE,
  ORLOP_ERROR_USAGE, /* an argument of the call */
  ORLOP_ERROR_SPEC,  /* config.json or another document */
  ORLOP_ERROR_HOST,  /* this machine lacks something */
  ORLOP_ERROR_SYS,   /* the kernel refused */
  ORLOP_ERROR_STATE, /* the container is not in the right state */
  ORLOP_ERROR_BUG    /* a mistake of the library */
};

/* The last error of a handle.  Strings are never NULL, may be empty, and live until the next call on the handle.  */
struct orlop_error
{
  enum orlop_error_kind kind;
  int num;             /* errno, or 0 */
  unsigned line, column; /* in `file`, or 0 */
  const char *file;    /* the document at fault */
  const char *step;    /* step of create, start or exec: "root.mounts" */
  const char *call;    /* kernel call: "move_mount" */
  const char *where;   /* JSON path: "mounts[3].destination" */
  const char *object;  /* what the call was given */
  const char *what;    /* one sentence */
  const char *hint;    /* what to do about it, where we know */
  const char *text;    /* all of it in one line */
};

/* Importance of a log message.  */
enum orlop_log_level
{
  ORLOP_LOG_DEBUG,
  ORLOP_LOG_WARNING,
  ORLOP_LOG_ERROR
};

/* Which driver makes cgroups.  */
enum orlop_cgroup_manager
{
  ORLOP_CGROUP_CGROUPFS,
  ORLOP_CGROUP_SYSTEMD,
  ORLOP_CGROUP_DISABLED
};

/* Makes a handle with the default root directory (/run/orlop for root, $XDG_RUNTIME_DIR/orlop otherwise, and for
 * root of a user namespace to whom /run does not belong).
 * Returns NULL only when memory is short.  */
struct orlop *orlop_new (void);

/* Frees a handle; NULL is fine.  Containers are not touched.  */
void orlop_free (struct orlop *o);

/* Sets the directory that holds the state of containers.  Made (0700) at the first create.  Returns 0, -ENOMEM, or -EINVAL for none.  */
int orlop_set_root (struct orlop *o, const char *dir);

/* Sets who is told of messages at LEVEL and above; WRITE NULL silences.  */
void orlop_set_log (struct orlop *o, enum orlop_log_level level,
                    void (*write) (void *data, enum orlop_log_level level, const char *message), void *data);

/* Sets the cgroup driver for containers made from now on.  A container remembers its own.  */
void orlop_set_cgroup_manager (struct orlop *o, enum orlop_cgroup_manager manager);

/* Sets the socket of a service manager (NOTIFY_SOCKET of sd_notify(3): a path, or '@' and an abstract name) that is told when the program of a
 * container says that it is ready; NULL: none.  A container made with it gets a socket of its own for that, in its variable NOTIFY_SOCKET; orlop_start and
 * a detached orlop_run of such a container come back when it is ready or has ended.  Returns 0, -ENOMEM, or -EINVAL for no such name.  */
int orlop_set_notify_socket (struct orlop *o, const char *path);

/* Says that the process ends after the next call: create, run and exec then leave descriptors and memory to that, which spares their
 * closing.  */
void orlop_set_exiting (struct orlop *o);

/* The last error; kind is ORLOP_ERROR_NONE when the last call succeeded.  Owned by the handle.  */
const struct orlop_error *orlop_error (const struct orlop *o);

/* Options of create and run.  Zero-initialise; set what is needed.  NULL in their place is the same as all zeros.  */
struct orlop_create_options
{
  const char *bundle;         /* directory with config.json; NULL: the current one */
  const char *config;         /* name of the document; NULL: config.json in the bundle */
  const char *console_socket; /* unix socket that receives the terminal's master side, or NULL */
  const char *pidfd_socket;   /* unix socket that receives a pidfd of the first process, or NULL */
  const char *pid_file;       /* file to write the pid into, or NULL */
  unsigned listen_fds;        /* keep descriptors 3 .. 3+n-1, and tell the program of them as sd_listen_fds (3) has it */
  const char *listen_fdnames; /* their names, with colons between them, or NULL */
  unsigned preserve_fds;      /* keep as many descriptors after those */
  bool no_pivot;              /* enter the root with MS_MOVE and chroot instead of pivot_root */
  bool no_new_keyring;        /* keep the caller's session keyring */
  /* run only */
  bool detach;                /* return once the program runs */
  bool keep;                  /* do not delete the container after it ended */
  bool no_subreaper;          /* accepted for compatibility; orlop never needs to be one */
};

/* Makes container ID: everything but the user's program stands when it returns.  On failure nothing is left.  */
int orlop_create (struct orlop *o, const char *id, const struct orlop_create_options *options);

/* Runs the program of a created container.  Fails with the errno of execve when the program cannot be executed.  */
int orlop_start (struct orlop *o, const char *id);

/* create, start, and unless `detach`: relay signals and the terminal, wait, delete (unless `keep`).  *RET_STATUS is the program's exit
 * status, 128 + the signal that ended it, or 0 when detached; it may be NULL.  Blocks and forwards the caller's signals while it waits.  */
int orlop_run (struct orlop *o, const char *id, const struct orlop_create_options *options, int *ret_status);

/* The signal that the container's annotation org.opencontainers.image.stopSignal names, else SIGTERM.  */
enum
{
  ORLOP_STOP_SIGNAL = -2
};

/* Sends SIGNAL (number, or ORLOP_STOP_SIGNAL) to the container's first process, or with ALL to every process in its cgroup, also when the first one has ended
 * already; it is no error then if there is none.  SIGKILL ends a paused container, too, and always every process of one that has no
 * pid namespace of its own.  */
int orlop_kill (struct orlop *o, const char *id, int signal, bool all);

/* orlop_kill for each container whose id REGEX matches, an extended regular expression (regex(7)) that may match any part of it; stopped ones are
 * passed over, and it is no error if there is none.  All are tried; the first failure is returned, others are warnings in the log.  */
int orlop_kill_matching (struct orlop *o, const char *regex, int signal, bool all);

/* Freezes every process of a created or running container and returns when they are frozen.  Its status is "paused" then.  */
int orlop_pause (struct orlop *o, const char *id);

/* Lets a paused container go on.  */
int orlop_resume (struct orlop *o, const char *id);

/* Options of update.  Zero-initialise; set what is to change.  */
struct orlop_update_options
{
  const char *resources; /* file ("-": standard input) with a JSON document as linux.resources of config.json is; or NULL */
  const char *json;      /* the same as text, in its place; or NULL */
  const char *l3_cache_schema, *mem_bw_schema; /* lines for the schemata of the container's resctrl group, as in linux.intelRdt; or NULL */
  const char *const *devices; /* NULL-terminated, each "HOST[:PATH][:ACCESS]": a device of the host that the container gets at PATH (without it: as
                               * on the host) and may use as ACCESS says ("rwm"); or NULL */
  const char *const *devices_removed; /* likewise "HOST[:PATH]": one that it may not use any more */
};

/* Changes limits of a created, running or paused container to those that are given; the others stay as they are.  All are checked before the
 * first is changed; if the kernel refuses one, those that were changed before it are set back.  */
int orlop_update (struct orlop *o, const char *id, const struct orlop_update_options *options);

/* The processes of a container by their number in the caller's pid namespace, ascending.  *RET_PIDS is freed with free (3), and is NULL for none.  */
int orlop_ps (struct orlop *o, const char *id, pid_t **ret_pids, size_t *ret_n);

/* Translates "TERM", "SIGTERM", "15", "RTMIN+3" to a number; -EINVAL if it is none.  */
int orlop_signal (const char *name);

/* Deletes a stopped (or created) container; with FORCE a running one too, killing it, and an unknown one is no error.  */
int orlop_delete (struct orlop *o, const char *id, bool force);

/* orlop_delete for each container whose id REGEX matches, as in orlop_kill_matching; without FORCE those that run are failures.  */
int orlop_delete_matching (struct orlop *o, const char *regex, bool force);

/* orlop_delete for each of the N containers IDS.  All are tried; the first failure is returned, others are warnings in the log.  */
int orlop_delete_several (struct orlop *o, const char *const *ids, size_t n, bool force);

/* The container's state as the OCI state document (JSON text in *RET_JSON).  */
int orlop_state (struct orlop *o, const char *id, char **ret_json);

/* One row of orlop_list.  */
struct orlop_container
{
  const char *id, *status, *bundle, *rootfs, *created /* RFC 3339 */, *owner;
  pid_t pid; /* 0 when stopped */
};

/* Lists the containers below the root directory, sorted by id.  One free (*ret_list) frees all of it.  Returns 0; an unreadable record is a
 * warning in the log.  */
int orlop_list (struct orlop *o, struct orlop_container **ret_list, size_t *ret_n);

/* The list as a JSON array of state documents.  */
int orlop_list_json (struct orlop *o, char **ret_json);

/* Options of exec.  Zero-initialise.  Either `process` or `args` is given.  */
struct orlop_exec_options
{
  const char *process;        /* file, or pipe, with an OCI process document; or NULL */
  const char *const *args;    /* NULL-terminated: the container's process with other arguments */
  const char *const *env;     /* NULL-terminated NAME=VALUE added to it, or NULL */
  const char *cwd;            /* or NULL: the container's */
  const char *user;           /* "UID" or "UID:GID", numbers only; NULL: the container's */
  const unsigned *additional_gids;
  size_t n_additional_gids;
  const char *const *caps;    /* NULL-terminated capability names to add, or NULL */
  bool tty;                   /* wants a terminal */
  bool no_new_privs;
  const char *console_socket, *pidfd_socket, *pid_file;
  unsigned preserve_fds;
  bool detach;
  bool ignore_paused;         /* in a paused container, too: the process waits until that is resumed */
  const char *const *cgroups; /* NULL-terminated, each "[CTRL[,CTRL...]:]PATH": an existing cgroup below the container's; or NULL */
  const char *process_label;  /* SELinux; NULL: the container's */
  const char *apparmor;       /* profile of AppArmor; NULL: the container's */
};

/* Runs one more process in a running container.  *RET_STATUS as for orlop_run.  */
int orlop_exec (struct orlop *o, const char *id, const struct orlop_exec_options *options, int *ret_status);

/* Options of orlop_events.  Zero-initialise; `event` is needed.  */
struct orlop_events_options
{
  bool once;            /* tell what each container uses now, and come back */
  uint64_t interval_ns; /* nanoseconds between two tellings of that; 0: five seconds */
  int stop_fd;          /* come back when this descriptor can be read; 0: none */
  int (*event) (void *data, const char *json); /* is given one event, a line of JSON with its line feed, valid during the call; anything
                                                  but 0 ends */
  void *data;           /* for `event` */
};

/* Tells what the N containers IDS use, at once and then at each interval, and each time when one of them has run out of memory, until all have ended.  An
 * event is the JSON object that runc's `events` prints: {"type":"stats","id":...,"data":{...}} or {"type":"oom","id":...}, see orlop-events(1); bytes,
 * nanoseconds and counts.  At first all are looked at: if one does not exist (-ENOENT), has ended (-ESRCH) or has no cgroup of its own
 * (-ENOTSUP), nothing is told.  One that runs though a cgroup of it was removed from outside is -ENOTSUP with `once`, else a warning, and left out.
 * Returns 0 when all have ended, or once was told, or stop_fd can be read; else what `event` returned, or a negative errno.  */
int orlop_events (struct orlop *o, const char *const *ids, size_t n, const struct orlop_events_options *options);

/* Options of checkpoint and restore.  Zero-initialise.  See criu(8) for what is CRIU's.  */
struct orlop_criu_options
{
  const char *image_path;      /* directory of the images; NULL: "checkpoint" in the current one */
  const char *work_path;       /* directory of CRIU's log; NULL: that of the images */
  const char *manage_cgroups;  /* "soft", "full", "strict" or "ignore": how cgroups below the container's are dealt with; NULL: soft, or ignore where
                                  CRIU would reach cgroups of others */
  const char *const *empty_ns; /* NULL-terminated: namespaces ("network") that are restored without what was in them; or NULL */
  bool tcp_established;        /* with open TCP connections */
  bool ext_unix_sk;            /* with unix sockets whose other end is outside */
  bool shell_job;              /* with a session leader or a terminal outside */
  bool file_locks;             /* with file locks */
  bool auto_dedup;             /* memory that a later image has is taken out of the parent's */
  bool lazy_pages;             /* memory is served when it is used (userfaultfd) */
  /* checkpoint only */
  const char *parent_path;     /* images of an earlier pre_dump, relative to image_path; or NULL */
  const char *page_server;     /* "ADDRESS:PORT" of who stores the memory, or NULL */
  const char *network_lock;    /* "iptables", "nftables" or "skip"; NULL: CRIU's default */
  bool leave_running;          /* the container goes on, and is not deleted */
  bool pre_dump;               /* memory alone; the container goes on */
  bool tcp_skip_in_flight;     /* connections that are not established yet are left out */
  bool link_remap;             /* with open files that have no name any more */
  unsigned status_fd;          /* with lazy_pages: descriptor that gets a zero byte when memory is served; 0: none */
  /* restore only */
  const char *lsm_profile;     /* "TYPE:NAME" instead of the dumped one, or NULL */
  const char *lsm_mount_context; /* SELinux context for mounts, or NULL */
  bool tcp_close;              /* TCP connections are closed */
};

/* Sets the program of CRIU: a path, or a name to be looked up in PATH (default: "criu").  Returns 0 or -ENOMEM.  */
int orlop_set_criu (struct orlop *o, const char *program);

/* Writes the state of a running container's processes into images, and unless it is to go on, deletes the container.  When it fails the container runs
 * on.  Needs CRIU and root.  */
int orlop_checkpoint (struct orlop *o, const char *id, const struct orlop_criu_options *options);

/* Makes container ID from images and the bundle of OPTIONS, whose config.json must be as it was at the checkpoint but for what may differ: the id, the
 * cgroup, sources of mounts, namespaces that are joined.  Otherwise as orlop_run.  On failure nothing is left.  */
int orlop_restore (struct orlop *o, const char *id, const struct orlop_create_options *options, const struct orlop_criu_options *criu,
                   int *ret_status);

/* One row of orlop_mounts_list, in the words of config.json.  */
struct orlop_mount
{
  const char *destination; /* as seen from the root of the container's first process */
  const char *type, *source;
  const char *root;        /* what of the file system is shown: "/" or a directory or file in it */
  const char *options;     /* with commas between them: those of the mount, of the file system, and how it spreads */
  bool added;              /* by orlop_mounts_add */
};

/* Mounts in a created, running or paused container what FILE says, an array of mounts as in config.json ("-": standard input): all of them or none.  They
 * are made as create makes them, missing mount points included, which stay.  Sources are those of the caller's mount namespace, relative ones below
 * the bundle.  Linux 5.12.  */
int orlop_mounts_add (struct orlop *o, const char *id, const char *file);

/* Removes, with all that is mounted below it, what is mounted at the destinations of FILE, an array of objects of which nothing else is looked at: what was
 * added by that name, or else what is mounted exactly there, except what confines the container (in /proc and /sys, and masked and read-only
 * paths).  None is removed unless all are there.  */
int orlop_mounts_remove (struct orlop *o, const char *id, const char *file);

/* Lists the mounts of a container in the kernel's order.  One free (*ret_list) frees all of it.  */
int orlop_mounts_list (struct orlop *o, const char *id, struct orlop_mount **ret_list, size_t *ret_n);

/* The list as a JSON array.  */
int orlop_mounts_list_json (struct orlop *o, const char *id, char **ret_json);

/* A member of struct orlop_usage that the kernel does not tell, or a limit that there is not.  */
#define ORLOP_UNKNOWN UINT64_MAX

/* What a container uses, in short; orlop_events tells the whole.  Sums of time, bytes and so on are since its cgroup was made.  */
struct orlop_usage
{
  uint64_t at_ns;                /* when it was read, by CLOCK_MONOTONIC */
  uint64_t cpu_ns;               /* time used on processors, all of them together */
  uint64_t memory, memory_limit; /* bytes */
  uint64_t pids, pids_limit;     /* tasks; processes, where the kernel does not count tasks */
  uint64_t io_read, io_written;  /* bytes from and to disks */
  uint64_t net_received, net_sent; /* bytes of its network interfaces but lo; ORLOP_UNKNOWN in the network namespace of the host */
};

/* Reads what container ID uses.  -ENOENT: there is no such container; -ESRCH: it has stopped; -ENODEV: it is just being deleted; -ENOTSUP: it has
 * no cgroup of its own, or runs though a cgroup of it was removed from outside.  */
int orlop_usage (struct orlop *o, const char *id, struct orlop_usage *ret_usage);

/* What all containers use, as OpenMetrics text (version 1.0.0, UTF-8), see orlop-metrics(1).  A container that cannot be read, as it is being made or
 * deleted, is left out, and is a warning in the log.  *RET_TEXT is the caller's.  */
int orlop_metrics (struct orlop *o, char **ret_text);

/* What orlop_create with these options would do, as text, changing nothing.  */
int orlop_plan (struct orlop *o, const char *id, const struct orlop_create_options *options, char **ret_text);

/* A default config.json (JSON text); ROOTLESS gives one for an unprivileged user.  */
int orlop_spec (struct orlop *o, bool rootless, char **ret_json);

/* What this build supports, as the OCI features document.  */
int orlop_features (struct orlop *o, char **ret_json);

/* Version of the library: "0.1.0".  Static text.  */
const char *orlop_version (void);

#ifdef __cplusplus
}
#endif

#endif
