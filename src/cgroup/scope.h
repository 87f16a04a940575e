/* SPDX-License-Identifier: Apache-2.0 */
/* Inside this room: a container's cgroup as a transient scope of systemd (systemd.scope(5)).  */
#ifndef ORLOP_CGROUP_SCOPE_H
#define ORLOP_CGROUP_SCOPE_H

#include <stdbool.h>
#include <sys/types.h>

#include "cgroup/limits.h" /* enum cgroup_limit_phase */

struct cgroup;
struct cgroup_undo;
struct err;
struct oci_resources;

/* Connects to systemd, which says below which cgroup its units are, and looks whether there is a unit of the name.  One that has failed is forgotten,
 * another one is -EBUSY, as of cgroup_survey, and so is a cgroup that is left of one and in use.  Returns 0 or negative errno.  */
int scope_survey (struct cgroup *cg, struct err *err);

/* Stops the unit, if it is ours, and waits for it.  Returns 0; -ENOENT: there is none of that name; -EEXIST, with ERR untouched: it is another's; or
 * negative errno.  */
int scope_stop (const struct cgroup *cg, struct err *err);

/* Sets the limits of R (may be NULL) for PHASE as properties of a new unit, but those that cgroup_start has set.  Returns 1 if there were any, 0 if
 * not, or negative errno.  */
int scope_limit (const struct cgroup *cg, const struct oci_resources *r, enum cgroup_limit_phase phase, struct err *err);

/* Sets the limits of R, and its device rules where systemd writes them, as properties of the unit, and notes in UNDO what these were.  Returns as
 * scope_limit.  */
int scope_update (const struct cgroup *cg, const struct oci_resources *r, struct cgroup_undo *undo, struct err *err);

/* Sets the unit's properties to what UNDO has noted; before files are written back, since systemd writes its own.  */
void scope_undo (const struct cgroup *cg, const struct cgroup_undo *undo);

/* Lets systemd move process PID into the cgroup.  Returns 0 or negative errno.  */
int scope_attach (const struct cgroup *cg, pid_t pid, struct err *err);

#endif
