/* SPDX-License-Identifier: Apache-2.0 */
/* Lengths of time as people and engines write them.  */
#ifndef ORLOP_BASE_DURATION_H
#define ORLOP_BASE_DURATION_H

#include <stdint.h>

/* Reads a duration as Go's time.ParseDuration has it: numbers, each with a unit (ns, us, µs, ms, s, m, h) and maybe a fraction, one after the
 * other: "5s", "1m30s", "1.5h"; "0" alone needs no unit.  A leading '+' is fine, '-' is not.  What is beyond a nanosecond is left out.
 * *RET_NS is at most that of 292 years (INT64_MAX).  Returns 0, -EINVAL (no duration) or -ERANGE (too long).  */
int duration_parse (const char *text, uint64_t *ret_ns);

#endif
