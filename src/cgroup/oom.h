/* SPDX-License-Identifier: Apache-2.0 */
/* Being told by the kernel when a cgroup runs out of memory: by memory.events of v2, whose change wakes a poll, or by an eventfd of v1
 * (cgroup-v1/memory.rst, "OOM Control"). */
#ifndef ORLOP_CGROUP_OOM_H
#define ORLOP_CGROUP_OOM_H

#include <stdbool.h>
#include <stdint.h>

struct cgroup;
struct err;

struct cgroup_oom
{
  int fd;          /* to be polled for `events`; -1: nothing will be told any more */
  short events;    /* POLLPRI or POLLIN */
  int dir;         /* v1: the cgroup */
  uint64_t killed; /* oom_kill when it was read last */
  int64_t due;     /* when to ask once more though nothing is polled, in ms of CLOCK_MONOTONIC; 0: no need */
  int64_t step;    /* v1: ms between the last look and `due` */
  int64_t until;   /* v1: the end of looking again */
  int64_t echo;    /* v1: a wake-up before this is one more of the kill that was told last */
  bool open;       /* v1: there was a wake-up of which it is not known yet whether it means a kill */
};

#define CGROUP_OOM_NONE { .fd = -1, .dir = -1 }

/* Begins to watch CG.  Where nobody counts its memory, O->fd is -1.  The caller closes O (CGROUP_OOM_NONE before) in any case.  Returns 0;
 * or negative errno (-EACCES: v1 lets only root be told).  */
int cgroup_oom_open (const struct cgroup *cg, struct cgroup_oom *o, struct err *err);

/* After O->fd was polled or at O->due, or at the end: 1 if the cgroup, or one below it, has run out of memory since it was asked last, else 0.
 * Once the cgroup is gone, O->fd is -1.  */
int cgroup_oom_take (struct cgroup_oom *o);

/* True if the kernel has killed a process in CG (may be NULL), or below it, for want of memory.  */
bool cgroup_oom_happened (const struct cgroup *cg);

/* Ends watching.  */
void cgroup_oom_close (struct cgroup_oom *o);

#endif
