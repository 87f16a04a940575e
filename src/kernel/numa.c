/* SPDX-License-Identifier: Apache-2.0 */
/* Memory policy; see numa.h.  Numbers are those of the kernel's <linux/mempolicy.h>, of which older headers lack some. */
#include "kernel/numa.h"

#include <errno.h>
#include <stddef.h>

#include "base/bits.h"
#include "base/err.h"
#include "kernel/sys.h"

const struct name numa_modes[] = {
  { "MPOL_DEFAULT", 0 }, { "MPOL_PREFERRED", 1 }, { "MPOL_BIND", 2 }, { "MPOL_INTERLEAVE", 3 }, { "MPOL_LOCAL", 4 },
  { "MPOL_PREFERRED_MANY", 5 },      /* Linux 5.15 */
  { "MPOL_WEIGHTED_INTERLEAVE", 6 }, /* Linux 6.9 */
  { NULL, 0 },
};

const struct name numa_flags[] = {
  { "MPOL_F_STATIC_NODES", 1 << 15 }, { "MPOL_F_RELATIVE_NODES", 1 << 14 },
  { "MPOL_F_NUMA_BALANCING", 1 << 13 }, /* Linux 5.12 */
  { NULL, 0 },
};

int
numa_set (unsigned mode, unsigned flags, const struct bits *nodes, struct err *err)
{
  size_t n = bits_words (nodes);
  const char *name = value_name (numa_modes, mode);
  /* the kernel takes one bit less than it is told (set_mempolicy(2), BUGS) */
  int ret = sys_set_mempolicy ((int) (mode | flags), n ? nodes->word : NULL, n ? n * BITS_PER_WORD + 1 : 0);

  return ret < 0 ? err_sys (err, -ret, "set_mempolicy", "%s", name ? name : "mode") : 0;
}
