/* SPDX-License-Identifier: Apache-2.0 */
/* Which mounts of a container come from outside of it: those CRIU cannot make anew and must be told of.  Pure: works on the text of
 * /proc/PID/mountinfo (proc_pid_mountinfo(5)). */
#ifndef ORLOP_LAUNCH_EXTERNAL_H
#define ORLOP_LAUNCH_EXTERNAL_H

#include <stdbool.h>

struct err;

/* Calls FOUND with the mount point of each mount of INSIDE (and its root in its file system), the container's mountinfo as seen from the host, that shows something of the host: a part of a
 * file system that is not mounted whole in the container, or one that HOST, our own mountinfo, has too.  File systems of which every mount is the same or is
 * the kernel's own (proc, sysfs ...) are made anew.  With CGROUP_NS those of cgroups are, too: their root is that of the namespace.
 * Both texts are changed.  Returns 0 or negative errno.  */
int external_mounts (char *inside, char *host, bool cgroup_ns, void (*found) (void *data, const char *point, const char *root), void *data,
                     struct err *err);

/* Calls FOUND with each mount point of HOST below DIR (absolute, not "/"): what a recursive bind of DIR brings along.  HOST is changed.  */
int external_below (char *host, const char *dir, void (*found) (void *data, const char *point), void *data, struct err *err);

#endif
