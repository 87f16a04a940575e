/* SPDX-License-Identifier: Apache-2.0 */
/* linux.seccomp as plain values: what must be so of it, and what the compiler of filters takes.  Pure.  */
#ifndef ORLOP_PLAN_PROFILE_H
#define ORLOP_PLAN_PROFILE_H

#include <stdbool.h>

struct err;
struct filter_profile;
struct oci_arena;
struct oci_seccomp;
struct report;

/* Adds a breach to REPORT for each rule of the specification that S breaks, or that keeps it from working.  S may be NULL.  */
void profile_check (const struct oci_seccomp *s, struct report *report);

/* True if S may ask an agent: a rule has SCMP_ACT_NOTIFY.  */
bool profile_notifies (const struct oci_seccomp *s);

/* True if S ends a process for some call, or lets it wait for a tracer or an agent.  */
bool profile_is_strict (const struct oci_seccomp *s);

/* Makes the profile of S, which has passed profile_check, in *ARENA; it points into S.  Returns 0 or -ENOMEM.  */
int profile_make (const struct oci_seccomp *s, struct oci_arena **arena, struct filter_profile *ret_profile,
                  struct err *err);

/* SECCOMP_FILTER_FLAG_* for S: what it lists and makes a difference, with NEW_LISTENER if it notifies.  */
unsigned profile_flags (const struct oci_seccomp *s);

#endif
