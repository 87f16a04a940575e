/* SPDX-License-Identifier: Apache-2.0 */
/* The options of cgroup v2 (nsdelegate, memory_recursiveprot ...), which are the machine's, whoever mounts it where.  CRIU mounts it without any, and so
 * takes them from everybody (its issue 3029): what was there is put back.  */
#ifndef ORLOP_LAUNCH_HOST_CGROUPS_H
#define ORLOP_LAUNCH_HOST_CGROUPS_H

struct log;

struct host_cgroups
{
  char options[256]; /* as /proc/self/mountinfo has them; "": cgroup v2 is not mounted, or not seen */
};

/* Remembers them in H.  */
void host_cgroups_look (struct host_cgroups *h);

/* Sets those of BEFORE again if they have changed.  A failure is a warning in LOG: what was asked for is done.  */
void host_cgroups_put_back (const struct host_cgroups *before, const struct log *log);

#endif
