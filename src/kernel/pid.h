/* SPDX-License-Identifier: Apache-2.0 */
/* Processes from outside: by pidfd, and told from later ones of the same number by their start time.  See pidfd_open(2), proc(5). */
#ifndef ORLOP_KERNEL_PID_H
#define ORLOP_KERNEL_PID_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

/* Opens a pidfd (close-on-exec) of PID.  Returns it or negative errno; -ESRCH: no such process.  */
int pid_open (pid_t pid, struct err *err);

/* Sends SIG (0: test only) through PIDFD.  Returns 0 or negative errno; -ESRCH: it has ended.  */
int pid_signal (int pidfd, int sig, struct err *err);

/* Reads when PID started, in clock ticks after boot (field 22 of /proc/PID/stat), and its state letter; either may be NULL.
 * Returns 0 or negative errno; -ESRCH: no such process.  */
int pid_starttime (pid_t pid, uint64_t *ret_ticks, char *ret_state, struct err *err);

/* As pid_starttime, and which signals it ignores (field 33; bit N - 1 is signal N, up to 31).  Either may be NULL.  */
int pid_birth (pid_t pid, uint64_t *ret_ticks, uint64_t *ret_ignored, struct err *err);

/* True if PID is the process that started at STARTTIME and it runs.  A zombie is dead, unless it is the first thread alone that has
 * ended and others go on.  */
bool pid_alive (pid_t pid, uint64_t starttime);

/* True if PID is on its way out of the kernel and never comes back to its program: all that it may still wait for are others, such as whoever
 * is to collect the processes of its pid namespace (PF_EXITING, field 9).  */
bool pid_exiting (pid_t pid);

/* True if PID is ANCESTOR or was forked by it, or by one that was, as far as their parents live; also if PID has ended.  */
bool pid_descends (pid_t pid, pid_t ancestor);

/* Facts about ourselves, from one reading of /proc/self/status.  */
struct pid_self
{
  uint64_t permitted, effective, bounding; /* capability sets, bit N is capability N */
  uint64_t blocked, ignored;               /* signals, bit N - 1 is signal N */
};

/* Reads them.  Returns 0 or negative errno; -EPROTO when the text is not as expected (or its lists too long).  child-safe */
int pid_self (struct pid_self *ret_self);

#endif
