/* SPDX-License-Identifier: Apache-2.0 */
/* Running hooks: in listed order, state text on standard input, argv and envp exactly
 * as planned, with a time limit.  Used by parent and child.  child-safe */
#ifndef ORLOP_LAUNCH_HOOKS_H
#define ORLOP_LAUNCH_HOOKS_H

#include <stddef.h>

struct err;
struct plan_hook;

/* Makes the memfd that hooks read TEXT of LEN bytes from.  Returns it (close-on-exec) or negative errno.  */
int hooks_state (const char *text, size_t len, struct err *err);

/* Runs N hooks in CWD, one after the other, stopping at the first that fails (exit status, signal, time limit, cannot be executed): ERR
 * then has its JSON path, status and the end of what it wrote.  STATE_FD comes from hooks_state.  When STOP (or -1) can be read the one that runs is killed: -EINTR.  Returns 0 or negative errno.  */
int hooks_run (const struct plan_hook *hooks, size_t n, int state_fd, const char *cwd, int stop, struct err *err);

#endif
