/* SPDX-License-Identifier: Apache-2.0 */
/* What of a container's mounts was added to it while it ran: mounts.json in its directory, replaced atomically.  It has a lock of its own, since that of
 * the directory is held by a `run` in the foreground as long as the container lives. */
#ifndef ORLOP_LAUNCH_MOUNTED_H
#define ORLOP_LAUNCH_MOUNTED_H

#include <stddef.h>

#include "ocispec/table.h"
#include "plan/live.h"

struct err;
struct record_dir;

#define MOUNTED_FILE "mounts.json"
#define MOUNTED_LOCK "mounts.lock"

/* Contents of the file.  */
struct mounted
{
  struct live_mount *mounts;
  size_t n_mounts;
};

/* Waits, at most ten seconds, until nobody else adds or removes mounts.  The lock is held as long as the descriptor is open.  Returns it or negative
 * errno; -EBUSY.  */
int mounted_lock (const struct record_dir *dir, struct err *err);

/* Reads the list into *ARENA; none is an empty one.  Returns 0 or negative errno.  */
int mounted_load (const struct record_dir *dir, struct oci_arena **arena, struct mounted *ret_list, struct err *err);

/* Writes of LIST what is in the N mounts of TABLE still.  Whoever does so holds the lock.  Returns 0 or negative errno.  */
int mounted_save (const struct record_dir *dir, const struct mounted *list, const struct mountinfo *table, size_t n, struct err *err);

#endif
