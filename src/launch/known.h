/* SPDX-License-Identifier: Apache-2.0 */
/* A container that exists, opened for a deed: its record, and the hooks of its document when they are needed. */
#ifndef ORLOP_LAUNCH_KNOWN_H
#define ORLOP_LAUNCH_KNOWN_H

#include <stdbool.h>

#include "launch/record.h"
#include "plan/arena.h"
#include "plan/plan.h"

struct err;
struct oci_arena;

struct known
{
  struct record_dir dir;
  struct oci_arena *arena; /* holds the record */
  struct record *rec;
  struct plan_arena plan_arena; /* holds the hooks */
  struct plan_hooks hooks;
};

#define KNOWN_NONE { .dir = RECORD_DIR_NONE, .plan_arena = { .fd = -1 } }

/* Opens container ID below ROOT, with LOCK locked, and reads its record.  The caller closes K (KNOWN_NONE before) in any case.
 * Returns 0 or negative errno; -ENOENT: `container "ID" does not exist`.  */
int known_open (struct known *k, const char *root, const char *id, bool lock, struct err *err);

/* Reads the hooks of K from its copy of the document.  Returns 0 or negative errno.  */
int known_hooks (struct known *k, struct err *err);

/* Closes K, and so unlocks it.  */
void known_close (struct known *k);

#endif
