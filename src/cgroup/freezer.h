/* SPDX-License-Identifier: Apache-2.0 */
/* Inside this room: the freezer of a container, for those who need processes to hold still for a moment.  */
#ifndef ORLOP_CGROUP_FREEZER_H
#define ORLOP_CGROUP_FREEZER_H

#include <signal.h>
#include <stdbool.h>

struct cgroup;
struct cgroup_dir;
struct err;

/* The cgroup with the container's freezer, a controller of v1 and a part of v2; on a hybrid machine everybody looks at the former.
 * Returns NULL if it has none.  */
const struct cgroup_dir *freezer_of (const struct cgroup *cg);

/* Freezes or thaws D within MS milliseconds.  Returns 0, -ETIMEDOUT with ERR untouched, or negative errno.  */
int freezer_set (const struct cgroup_dir *d, bool frozen, long ms, struct err *err);

/* Lets signals wait: who is ended by one while a container holds still for him leaves it frozen.  */
void freezer_hold_signals (sigset_t *ret_old);

/* Sets the mask *OLD again.  */
void freezer_release_signals (const sigset_t *old);

#endif
