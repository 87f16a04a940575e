/* SPDX-License-Identifier: Apache-2.0 */
/* Resource limits by name and number.  child-safe, see getrlimit(2). */
#ifndef ORLOP_KERNEL_RLIMIT_H
#define ORLOP_KERNEL_RLIMIT_H

#include <stdint.h>

#include "base/names.h"

struct err;

/* All 16: "RLIMIT_NOFILE" and its number on this architecture.  */
extern const struct name rlimit_names[];

/* Sets limit WHICH of this process by prlimit64 (64 bits everywhere); UINT64_MAX is "unlimited".
 * Returns 0 or negative errno (-EPERM: raising the hard limit needs CAP_SYS_RESOURCE in the first user namespace).  child-safe */
int rlimit_set (unsigned which, uint64_t soft, uint64_t hard, struct err *err);

#endif
