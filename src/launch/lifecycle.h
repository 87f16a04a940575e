/* SPDX-License-Identifier: Apache-2.0 */
/* What several deeds share about a container that exists: its hooks after create, and its
 * first process by handle. */
#ifndef ORLOP_LAUNCH_LIFECYCLE_H
#define ORLOP_LAUNCH_LIFECYCLE_H

#include <stddef.h>
#include <sys/types.h>

struct err;
struct log;
struct plan_hook;
struct record;

/* Runs N hooks in the bundle with the state of REC as STATUS and PID; STOP as of hooks_run.  Returns 0 or the negative errno of the first that fails.  */
int lifecycle_hooks (const struct record *rec, const char *status, pid_t pid, const struct plan_hook *hooks, size_t n, int stop,
                     struct err *err);

/* Runs the poststop hooks: each of them, failures are only warned of (runtime.md, lifecycle step 13).  */
void lifecycle_poststop (const struct record *rec, const struct plan_hook *hooks, size_t n, int stop, const struct log *log);

/* Opens a pidfd of the first process, checked to be the recorded one.  -ESRCH: `container not running`.  */
int lifecycle_open_first (const struct record *rec, int *ret_pidfd, struct err *err);

#endif
