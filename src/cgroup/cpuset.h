/* SPDX-License-Identifier: Apache-2.0 */
/* Inside this room: cpusets of cgroup v1, which are born empty.  */
#ifndef ORLOP_CGROUP_CPUSET_H
#define ORLOP_CGROUP_CPUSET_H

#include <stddef.h>

struct err;

/* Gives the new cpuset at PATH the cpus and mems of its parent: without them it takes no process (cpuset(7)).  A
 * parent that has none itself gets them first.  ROOT is the length of the mount point within PATH.
 * Returns 0 or negative errno.  */
int cgroup_cpuset_fill (const char *path, size_t root, struct err *err);

#endif
