/* SPDX-License-Identifier: Apache-2.0 */
/* The environment of the container's program.  */
#ifndef ORLOP_PLAN_ENVIRONMENT_H
#define ORLOP_PLAN_ENVIRONMENT_H

#include <stddef.h>

struct err;
struct plan_arena;
struct plan_process;

/* Where programs are looked for when the environment has no PATH.  */
#define ENVIRONMENT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Fills envp, n_envp, path_env and add_home of TO from the N entries ENV and the NULL-terminated EXTRA (may be NULL), which come
 * after them.  Of entries with the same name the last one stays, as in runc: libc's getenv would find the first.
 * Returns 0 or -ENOMEM.  */
int environment_make (struct plan_arena *arena, const char *const *env, size_t n, const char *const *extra,
                      struct plan_process *to, struct err *err);

#endif
