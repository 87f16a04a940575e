/* SPDX-License-Identifier: Apache-2.0 */
/* Which mounts of a container come from outside of it: those CRIU cannot make anew and must be told of.  Pure: works on the text of
 * /proc/PID/mountinfo (proc_pid_mountinfo(5)). */
#ifndef ORLOP_LAUNCH_EXTERNAL_H
#define ORLOP_LAUNCH_EXTERNAL_H

struct err;

/* Mounts of cgroups.  */
enum external_cgroups
{
  EXTERNAL_CGROUPS_PARTS, /* only whole hierarchies are made anew, as with other file systems of the kernel */
  EXTERNAL_CGROUPS_NONE,  /* all are made anew: their root is that of a cgroup namespace */
  EXTERNAL_CGROUPS_ALL    /* none is: in a user namespace CRIU's cgroup namespace, which is the host's, may not be mounted */
};

/* Calls FOUND with the mount point of each mount of INSIDE (and its root in its file system), the container's mountinfo as seen from the host, that shows something of the host: a part of a
 * file system that is not mounted whole in the container, or one that HOST, our own mountinfo, has too.  File systems of which every mount is the same or is
 * the kernel's own (proc, sysfs ...) are made anew.  Both texts are changed.  Returns 0 or negative errno.  */
int external_mounts (char *inside, char *host, enum external_cgroups cgroups, void (*found) (void *data, const char *point, const char *root), void *data,
                     struct err *err);

/* Calls FOUND with each mount point of HOST below DIR (absolute, not "/"): what a recursive bind of DIR brings along.  HOST is changed.  */
int external_below (char *host, const char *dir, void (*found) (void *data, const char *point), void *data, struct err *err);

#endif
