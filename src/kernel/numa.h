/* SPDX-License-Identifier: Apache-2.0 */
/* On which nodes memory is taken: the policy of the calling thread, which execve keeps.  child-safe, see set_mempolicy(2), numa(7). */
#ifndef ORLOP_KERNEL_NUMA_H
#define ORLOP_KERNEL_NUMA_H

#include "base/names.h"

struct bits;
struct err;

/* "MPOL_BIND" and its like, "MPOL_F_STATIC_NODES" and its like, by the kernel's numbers.  */
extern const struct name numa_modes[], numa_flags[];

/* Sets MODE with FLAGS for NODES.  Returns 0 or negative errno (-EINVAL: the machine or the cpuset has none of the nodes, or the kernel does
 * not know the mode; -ENOSYS: a kernel without NUMA).  child-safe */
int numa_set (unsigned mode, unsigned flags, const struct bits *nodes, struct err *err);

#endif
