/* SPDX-License-Identifier: Apache-2.0 */
/* Inside this room: from cpu.shares of v1 to cpu.weight of v2.  */
#ifndef ORLOP_CGROUP_WEIGHT_H
#define ORLOP_CGROUP_WEIGHT_H

#include <stdint.h>

/* The weight (1 to 10000) for SHARES: 2 is 1, 1024 is 100, 262144 is 10000, and between them a curve through these three points, quadratic in
 * the logarithms; the conversion that runc and crun have used since 2025 (opencontainers/cgroups).  */
uint64_t cgroup_weight (uint64_t shares);

#endif
