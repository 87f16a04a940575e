/* SPDX-License-Identifier: Apache-2.0 */
/* How a process is scheduled: policy and priority, priority of its I/O, the processors it may use.  All act on one
 * thread, by its number or 0 for the caller.  child-safe, see sched(7), sched_setattr(2), ioprio_set(2), sched_setaffinity(2). */
#ifndef ORLOP_KERNEL_SCHED_H
#define ORLOP_KERNEL_SCHED_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/names.h"

struct bits;
struct err;

/* What sched_setattr(2) is told; the fields that the policy does not use are 0.  */
struct sched
{
  uint32_t policy;                    /* SCHED_* */
  uint64_t flags;                     /* SCHED_FLAG_* */
  int32_t nice;                       /* OTHER, BATCH */
  uint32_t priority;                  /* FIFO, RR: 1 to 99 */
  uint64_t runtime, deadline, period; /* DEADLINE: nanoseconds */
};

/* "SCHED_OTHER" to "SCHED_DEADLINE", "SCHED_FLAG_RESET_ON_FORK" and its like, "IOPRIO_CLASS_RT" and its like, by the kernel's numbers.  */
extern const struct name sched_policies[], sched_flags[], sched_io_classes[];

/* Sets policy and priority of PID.  Returns 0 or negative errno (-EPERM: CAP_SYS_NICE of the first user namespace, RLIMIT_RTPRIO or
 * RLIMIT_NICE, or the real-time time of a cgroup; -EBUSY: no bandwidth is left for SCHED_DEADLINE).  child-safe */
int sched_set (pid_t pid, const struct sched *s, struct err *err);

/* Sets class CLASS and priority LEVEL (0 to 7, 0 the first) of the I/O of PID.  Returns 0 or negative errno.  child-safe */
int sched_set_io (pid_t pid, unsigned class_, unsigned level, struct err *err);

/* Lets PID run on the processors CPUS only; those that the machine or the cpuset does not have are left out by the kernel.  Returns 0 or
 * negative errno (-EINVAL: none is left).  child-safe */
int sched_pin (pid_t pid, const struct bits *cpus, struct err *err);

/* Lets PID run wherever its cpuset allows.  Returns 0 or negative errno.  child-safe */
int sched_unpin (pid_t pid, struct err *err);

/* Reads where PID may run.  Returns 0 or negative errno.  child-safe */
int sched_pinned (pid_t pid, struct bits *ret_cpus, struct err *err);

#endif
