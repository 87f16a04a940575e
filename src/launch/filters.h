/* SPDX-License-Identifier: Apache-2.0 */
/* Filters of system calls, compiled: from the cache or by libseccomp.  Parent only */
#ifndef ORLOP_LAUNCH_FILTERS_H
#define ORLOP_LAUNCH_FILTERS_H

struct err;
struct filter;
struct log;
struct oci_arena;
struct oci_seccomp;

/* Gets the program of profile S, which has passed the rules.  ROOT is the directory of all containers, which holds the cache; NULL: no cache, for
 * who must change nothing.  Scratch memory comes from *ARENA.  ret_filter->code is the caller's to free (3).  Returns 0 or negative errno.  */
int filters_get (const char *root, const struct oci_seccomp *s, struct oci_arena **arena, const struct log *log,
                 struct filter *ret_filter, struct err *err);

#endif
