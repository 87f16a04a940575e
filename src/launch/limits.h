/* SPDX-License-Identifier: Apache-2.0 */
/* Resource limits of the container's process, set by whoever may raise them: the child for itself or the runtime from outside; and those that
 * wait until the end.  child-safe */
#ifndef ORLOP_LAUNCH_LIMITS_H
#define ORLOP_LAUNCH_LIMITS_H

#include <sys/types.h>

struct err;
struct plan_process;

/* Sets on PID (0: ourselves) all that takes privilege, and nothing that is in the way of the set-up.  Returns 0 or negative errno, ERR naming
 * the limit.  child-safe */
int limits_early (const struct plan_process *p, pid_t pid, struct err *err);

/* Sets the others on ourselves.  Returns as limits_early.  child-safe */
int limits_late (const struct plan_process *p, struct err *err);

#endif
