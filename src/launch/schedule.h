/* SPDX-License-Identifier: Apache-2.0 */
/* Policy, priority and I/O priority of the container's process, set by whoever has the privilege: the child for itself or the
 * runtime from outside.  child-safe */
#ifndef ORLOP_LAUNCH_SCHEDULE_H
#define ORLOP_LAUNCH_SCHEDULE_H

#include <sys/types.h>

struct err;
struct plan_process;

/* Sets what P asks for on PID (0: ourselves).  Returns 0 or negative errno, ERR naming the property.  child-safe */
int schedule_set (const struct plan_process *p, pid_t pid, struct err *err);

#endif
