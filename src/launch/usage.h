/* SPDX-License-Identifier: Apache-2.0 */
/* What a container uses, by its record: its cgroup and its network interfaces; and the events that tell of it, in the words of runc's. */
#ifndef ORLOP_LAUNCH_USAGE_H
#define ORLOP_LAUNCH_USAGE_H

#include <stddef.h>
#include <stdint.h>

#include "cgroup/usage.h"
#include "launch/usage_rdt.h"

struct err;
struct record;

/* Of one network interface; its name is UTF-8.  */
struct usage_network
{
  const char *name;
  uint64_t rx_bytes, rx_packets, rx_errors, rx_dropped, tx_bytes, tx_packets, tx_errors, tx_dropped;
};

struct usage
{
  struct usage_cpu cpu;
  struct usage_cpuset cpuset;
  struct usage_memory memory;
  struct usage_pids pids;
  struct usage_blkio blkio;
  struct usage_hugetlb *hugetlb;
  size_t n_hugetlb;
  struct usage_rdma *rdma; /* or NULL */
  struct usage_rdt intel_rdt;
  struct usage_network *networks; /* NULL: it has the host's */
  size_t n_networks;
};

/* Reads what the container of REC uses.  *RET_USAGE points into *ARENA.  Returns 0; -ENODEV: its cgroup is gone, as it is being deleted;
 * -ENOTSUP: it has none of its own, or no longer though it runs; or negative errno.  */
int usage_read (const struct record *rec, struct oci_arena **arena, struct usage *ret_usage, struct err *err);

/* An event of container ID as one line of JSON, line feed included, for free (3): of TYPE "stats" with USAGE, or "oom" with NULL.  Returns 0 or
 * negative errno.  */
int usage_event (const char *type, const char *id, struct usage *usage, char **ret_text, struct err *err);

#endif
