/* SPDX-License-Identifier: Apache-2.0 */
/* Plans of mounts that are added to a container that exists, or removed from it.  Pure, as make.h: the documents, the container's table of
 * mounts and what was added before are given. */
#ifndef ORLOP_PLAN_LIVE_H
#define ORLOP_PLAN_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "kernel/mountinfo.h"
#include "ocispec/table.h"
#include "plan/make.h"

/* The document of `mounts`: an array in the file, which is read as the one member of an object.  */
struct live_document
{
  struct oci_mount *mounts;
  size_t n_mounts;
};

extern const struct oci_type live_document_type;

/* A mount that was added: it is there as long as the container's table has one of this number and file system.  Where that is may change, as whoever
 * may rename a directory above it likes; and the number of one that is gone is given to another.  */
struct live_mount
{
  uint32_t id;
  const char *destination; /* of the document, cleaned, with a leading slash */
  const char *device, *type, *source; /* as the table has them */
};

/* What is mounted in a container, and what of it was added.  */
struct live_state
{
  const struct mountinfo *mounts;
  size_t n_mounts;
  const struct live_mount *added;
  size_t n_added;
};

/* The mount among the N of TABLE that A is, or NULL: it is gone.  */
const struct mountinfo *live_find (const struct live_mount *a, const struct mountinfo *table, size_t n);

/* True if M is in S's list; else it was there from the beginning, or made by somebody else.  */
bool live_is_added (const struct live_state *s, const struct mountinfo *m);

/* Makes the plan of adding CONFIG->mounts to the container whose document CONFIG is otherwise and whose first process is FIRST.  CONFIG has passed
 * rules_check.  Refuses what can be mounted by create alone (ERR_SPEC), and kernels before Linux 5.12 (ERR_HOST).  Returns 0 or negative
 * errno.  */
int live_plan_add (struct plan_arena *arena, const struct oci_config *config, const struct host *host, const struct plan_args *args,
                   pid_t first, const struct log *log, struct plan **ret_plan, struct err *err);

/* Makes the plan of removing what is mounted at the destinations of CONFIG->mounts: by name what was added, else what has its mount point exactly
 * there, except the root and what confines the container: /proc, /sys and what is below them, and masked and read-only paths.  -ENOENT (ERR_STATE): nothing
 * is mounted there.  Returns 0 or negative errno.  */
int live_plan_remove (struct plan_arena *arena, const struct oci_config *config, const struct host *host, const struct plan_args *args,
                      const struct live_state *state, const struct log *log, struct plan **ret_plan, struct err *err);

#endif
