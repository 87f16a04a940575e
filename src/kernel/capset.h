/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities as masks: what we hold, dropping from the bounding set, setting the other four.  child-safe, see capabilities(7),
 * capset(2), PR_CAPBSET_DROP and PR_CAP_AMBIENT in prctl(2). */
#ifndef ORLOP_KERNEL_CAPSET_H
#define ORLOP_KERNEL_CAPSET_H

#include <stdint.h>

struct err;

/* The five sets; bit N is capability N.  */
struct caps
{
  uint64_t bounding, effective, permitted, inheritable, ambient;
};

/* Drops every capability that is not in BOUNDING from the bounding set: those up to LAST_CAP, or fewer when the kernel says
 * that there are no more (-EINVAL of it is the end, not an error), so 63 is right for "all".  One call for each one dropped; the
 * kernel has no way to drop several.  Needs CAP_SETPCAP; without it, one that is missing already is passed over.
 * Returns 0 or negative errno.  child-safe */
int capset_bound (uint64_t bounding, unsigned last_cap, struct err *err);

/* Sets effective, permitted and inheritable by one capset(2), then ambient: the kernel itself keeps ambient within permitted and
 * inheritable, so nothing is called when those have nothing in common, and one clear and one raise for each otherwise (a clear only if
 * something might have to go).  C->bounding is not looked at.  Bits that this kernel does not have are
 * ignored by it.  Returns 0 or negative errno (-EPERM: more than we hold, or ambient beyond permitted and inheritable).  child-safe */
int capset_apply (const struct caps *c, struct err *err);

/* What we hold: the permitted and the bounding set.  Either may be NULL; with bounding NULL this is one capget(2), else one reading of
 * /proc/self/status (without procfs, one call for each capability).  Returns 0 or negative errno.  child-safe */
int capset_have (uint64_t *ret_permitted, uint64_t *ret_bounding);

/* The highest capability of the running kernel.  HELD are capabilities known to exist, such as our own permitted ones, or 0: one call when the
 * one that we were built for is among them, else two.  Returns it or negative errno.  child-safe */
int capset_last (uint64_t held);

#endif
