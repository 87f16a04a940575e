/* SPDX-License-Identifier: Apache-2.0 */
/* What resctrl says of a container: what the hardware can share out, what its group has of that, and what it uses.  In the words of runc's events.  */
#ifndef ORLOP_LAUNCH_USAGE_RDT_H
#define ORLOP_LAUNCH_USAGE_RDT_H

#include <stddef.h>
#include <stdint.h>

#include "ocispec/table.h"

struct err;
struct record_rdt;

/* Of the machine's L3 caches.  */
struct usage_rdt_cache
{
  const char *cbm_mask;
  uint64_t min_cbm_bits, num_closids;
};

/* Of its memory bandwidth.  */
struct usage_rdt_bandwidth
{
  uint64_t bandwidth_gran, delay_linear, min_bandwidth, num_closids;
};

/* Of one L3 cache: bytes that were moved, and bytes that are there.  */
struct usage_rdt_moved
{
  uint64_t total, local;
};

struct usage_rdt_held
{
  uint64_t occupancy;
};

/* What the machine or the container has not is NULL.  */
struct usage_rdt
{
  struct usage_rdt_cache *cache;
  const char *cache_root, *cache_schema; /* lines "L3:..." of the default group and of the container's */
  struct usage_rdt_bandwidth *bandwidth;
  const char *bandwidth_root, *bandwidth_schema; /* likewise "MB:..." */
  struct usage_rdt_moved *moved;
  size_t n_moved;
  struct usage_rdt_held *held;
  size_t n_held;
};

extern const struct oci_type usage_rdt_type;

/* Reads what resctrl says of the group of RDT (may be NULL: nothing); what is used is that of the container's monitoring group, if it has one.  A
 * group that is gone tells nothing.  *RET_USAGE points into *ARENA.  Returns 0 or negative errno.  */
int usage_rdt_read (const struct record_rdt *rdt, struct oci_arena **arena, struct usage_rdt *ret_usage, struct err *err);

#endif
