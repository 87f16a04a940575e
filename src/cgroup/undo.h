/* SPDX-License-Identifier: Apache-2.0 */
/* Inside this room: what files of a cgroup said before they were written, so that an update that fails can set them back.  */
#ifndef ORLOP_CGROUP_UNDO_H
#define ORLOP_CGROUP_UNDO_H

#include <stdbool.h>
#include <stddef.h>

#include "cgroup/unit_props.h"

struct cgroup;
struct cgroup_dir;
struct err;
struct oci_arena;
struct oci_resources;

/* One file, or one line of it, as it was.  */
struct cgroup_undo_step
{
  const struct cgroup_dir *d; /* borrowed */
  char *file, *text;          /* one allocation each */
  bool was_empty;             /* a cpuset that had what its parent has: left alone if it still does */
};

/* Zero-initialise; freed with cgroup_undo_free.  */
struct cgroup_undo
{
  struct cgroup_undo_step *steps;
  size_t n;
  struct unit_properties unit; /* what sets those of the unit back that were changed, or tried to; in ARENA */
  struct oci_arena *arena;
};

/* Remembers what FILE of D says before TEXT is written to it: the line that TEXT changes if the file has one for each device, else its first
 * line; of cpu.idle the weight, too, which goes with it.  What cannot be read (no such file yet, one that is for writing only, no memory) is passed over.  */
void cgroup_undo_note (struct cgroup_undo *u, const struct cgroup_dir *d, const char *file, const char *text);

/* What has to be written to cgroup.subtree_control, which says OLD, to take back that TEXT ("+pids -cpu") is written to it, into BUF.  Returns the
 * length; 0: nothing.  Pure.  */
size_t cgroup_undo_controllers (const char *old, const char *text, char *buf, size_t size);

/* What has to be written to a file that says OLD to take back that TEXT is written to it, into BUF: a value, or the line of one device.  V2 is its
 * version of cgroups.  Returns the length; 0: nothing can be.  Pure.  */
size_t cgroup_undo_text (const char *old, const char *text, bool v2, char *buf, size_t size);

/* Writes all files back, the last first; the unit is told before (scope_undo), since systemd writes its own.  What the kernel refuses stays as it is.  */
void cgroup_undo_all (const struct cgroup_undo *u);

/* Writes the limits of R, but not its device rules, to a cgroup that is not new, and notes in UNDO what was there; that is complete whatever comes of
 * it.  Returns as cgroup_limit.  */
int cgroup_limit_again (const struct cgroup *cg, const struct oci_resources *r, struct cgroup_undo *undo, struct err *err);

/* Frees what U holds.  */
void cgroup_undo_free (struct cgroup_undo *u);

#endif
