/* SPDX-License-Identifier: Apache-2.0 */
/* Inside this room: what is below a cgroup.  Processes in a container may have made cgroups of
 * their own, any number and any depth, and may make more while we look: one descriptor is open at a time. */
#ifndef ORLOP_CGROUP_TREE_H
#define ORLOP_CGROUP_TREE_H

#include <stdbool.h>

struct err;

/* Called for a cgroup by its directory DIR; TOP for the one where the walk began.  Returns 0 or negative errno, which ends the walk.  */
typedef int cgroup_tree_visit (int dir, bool top, void *data);

/* Calls VISIT for the cgroup at PATH and every one below it, parents before children.  Cgroups that vanish meanwhile are passed
 * over; if PATH itself is gone, nothing happens.  Returns 0 or negative errno.  */
int cgroup_tree_walk (const char *path, cgroup_tree_visit *visit, void *data, struct err *err);

/* Finds a process in the cgroup at PATH or below it.  Returns 1 with its number (0: it is outside our pid namespace) in *RET_PID,
 * 0 if there is none, or negative errno.  */
int cgroup_tree_process (const char *path, long *ret_pid);

/* Removes every cgroup below PATH, not PATH itself.  Returns 0 (also if PATH is gone); -EBUSY at the first one that
 * still has processes; or negative errno.  */
int cgroup_tree_prune (const char *path);

#endif
