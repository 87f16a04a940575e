/* SPDX-License-Identifier: Apache-2.0 */
/* What the runtime remembers of a container: one directory below the root directory,
 * state.json in it (written before the first effect, replaced atomically), a private copy of config.json,
 * and start.sock while the container waits to be started.  The directory (0700) is also the lock. */
#ifndef ORLOP_LAUNCH_RECORD_H
#define ORLOP_LAUNCH_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cgroup/cgroup.h"
#include "ocispec/table.h"

struct err;
struct oci_config;
struct oci_device_rule;

#define RECORD_STATE "state.json"
#define RECORD_CONFIG "config.json"
#define RECORD_SOCKET "start.sock"
#define RECORD_DEVICES "devices.json"

/* A network device that create moves: its name outside and inside.  */
struct record_net_device
{
  const char *host, *name;
};

/* The container's resctrl group.  */
struct record_rdt
{
  const char *root, *group; /* where resctrl is mounted; "" is its default group */
  bool made;                /* by us */
  bool named;               /* by the document: it stays, unless create fails */
  const char *monitor;      /* the monitoring group that we made in it, or NULL */
};

/* Contents of state.json: the spec's state and what it takes to undo the container.  */
struct record
{
  const char *oci_version, *id, *status; /* status: "creating" or "created"; what it is now is asked with record_status */
  int32_t pid;              /* of the first process, in the runtime's pid namespace; 0 until known */
  const char *bundle, *rootfs, *created /* RFC 3339 */, *owner;
  struct oci_pair *annotations;
  size_t n_annotations;
  uint64_t start_time;      /* of pid, clock ticks after boot: tells a later process of the same number */
  const char *pid_file;     /* absolute, or NULL; removed when create fails */
  struct cgroup *cgroup;
  struct record_rdt *rdt;   /* or NULL */
  struct record_net_device *net_devices;
  size_t n_net_devices;
  const char *net_path;     /* with net_devices: the network namespace that is joined, or NULL */
  bool own_pid_ns;          /* the first process takes all others with it */
  bool no_keyring;          /* --no-new-keyring: of exec, too */
  bool time_ns;             /* it was restored, into a time namespace that the document does not have */
  bool no_process;          /* process was not given: start is an error */
  bool poststart, poststop; /* there are such hooks: only then is config.json read again */
};

extern const struct oci_type record_type;

/* An opened container directory.  */
struct record_dir
{
  int root; /* of all containers */
  int fd;   /* this one's; holds the lock if it was asked for */
  const char *id; /* borrowed */
  bool locked;
};

#define RECORD_DIR_NONE { .root = -1, .fd = -1 }

/* Opens the directory of all containers; MAKE makes it (0700) with its parents.  With MAKE it
 * refuses one that belongs to another user or that others may write to.  Returns an O_PATH descriptor or negative errno (-ENOENT without MAKE: no containers).  */
int record_root (const char *path, bool make, struct err *err);

/* Makes and locks the directory of a new container.  -EEXIST: the id is in use.  The caller closes DIR in any case.  */
int record_reserve (const char *root, const char *id, struct record_dir *dir, struct err *err);

/* Opens the directory of an existing container and, with LOCK, waits for its lock (at most ten seconds: -EBUSY).  -ENOENT: `container "ID" does
 * not exist`; -EPERM: its directory belongs to another user or others may write to it, so the record is not to be
 * believed.  The caller closes DIR in any case.  */
int record_open (const char *root, const char *id, bool lock, struct record_dir *dir, struct err *err);

/* Takes the lock of DIR, opened without it; with WAIT within ten seconds.  -EBUSY: another command has it.  */
int record_lock (struct record_dir *dir, bool wait, struct err *err);

/* Gives the lock back, for who waits with DIR open.  */
void record_unlock (struct record_dir *dir);

/* Takes the lock of those who change what limits the container, or dump it: one at a time, also while another has the lock of DIR.  Returns a
 * descriptor to close; -EBUSY: not within ten seconds; or negative errno.  */
int record_lock_update (const struct record_dir *dir, struct err *err);

/* Closes DIR and so unlocks it.  */
void record_close (struct record_dir *dir);

/* Writes state.json, FIRST: into a directory that has none yet.  A directory without a whole record is one of a create that was killed before
 * its first effect.  Returns 0 or negative errno.  */
int record_save (const struct record_dir *dir, const struct record *rec, bool first, struct err *err);

/* Reads state.json into *ARENA.  -ENOENT: killed before it could be written; what there is is just a directory.  */
int record_load (const struct record_dir *dir, struct oci_arena **arena, struct record **ret_record, struct err *err);

/* Reads the private copy of config.json into *ARENA.  */
int record_config (const struct record_dir *dir, struct oci_arena **arena, struct oci_config **ret_config, struct err *err);

/* Reads the device rules that hold, into *ARENA: those of the last update that had some, else of the document.  Those that every container has are not among
 * them.  For who has the lock of record_lock_update.  */
int record_devices (const struct record_dir *dir, struct oci_arena **arena, struct oci_device_rule **ret_rules, size_t *ret_n, struct err *err);

/* Remembers the N device RULES for record_devices.  Returns 0 or negative errno.  */
int record_save_devices (const struct record_dir *dir, struct oci_device_rule *rules, size_t n, struct err *err);

/* Removes all files of the container and its directory.  Returns 0 or negative errno.  */
int record_remove (const struct record_dir *dir, struct err *err);

/* What the container is now: "creating", "created", "running", "paused" (created or running, and its cgroup frozen) or "stopped".  A container
 * whose creator was killed is "stopped", and so is one whose first process has ended while others live on.  */
const char *record_status (const struct record_dir *dir, const struct record *rec);

/* The state document of REC with STATUS and PID as JSON text, owned by the caller.  */
int record_state (const struct record *rec, const char *status, pid_t pid, char **ret_text, size_t *ret_len, struct err *err);

/* Names of the containers below ROOT (an O_PATH descriptor), sorted.  *RET_NAMES (NULL-terminated) is one allocation for free (3).  */
int record_names (int root, char ***ret_names, size_t *ret_n, struct err *err);

#endif
