/* SPDX-License-Identifier: Apache-2.0 */
/* A container that exists with what is mounted in it, and the change of that. */
#ifndef ORLOP_LAUNCH_LIVE_H
#define ORLOP_LAUNCH_LIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "kernel/mountinfo.h"
#include "launch/known.h"
#include "launch/mounted.h"

struct err;
struct launch_args;

struct live
{
  struct known known;
  int first; /* pidfd of its first process */
  int lock;  /* of the list, or -1 */
  struct oci_arena *arena; /* holds the list */
  struct mounted list;     /* what was added */
  char *text;              /* of the table */
  struct mountinfo *table; /* what is mounted */
  size_t n_table;
};

#define LIVE_NONE { .known = KNOWN_NONE, .first = -1, .lock = -1 }

/* Opens container ID below ROOT, created, running or paused, with CHANGE for changing its mounts, and reads what is mounted in it.  The caller closes LIVE
 * (LIVE_NONE before) in any case.  Returns 0 or negative errno; -ESRCH: it does not run.  */
int live_open (struct live *live, const char *root, const char *id, bool change, struct err *err);

/* What is mounted and what was added, as the planning floor wants it; pieces of LIVE.  */
struct live_state live_state (const struct live *live);

/* Carries PLAN out in LIVE, opened for that.  Of mounts that are added all are there afterwards, or none.  Returns 0 or negative errno; -ETIMEDOUT: a
 * file system of the container does not answer.  */
int launch_mounts (const struct launch_args *args, struct plan_arena *arena, const struct plan *plan, struct live *live, struct err *err);

/* Closes LIVE.  */
void live_close (struct live *live);

#endif
