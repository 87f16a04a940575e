/* SPDX-License-Identifier: Apache-2.0 */
/* What a cgroup uses: plain numbers, read from the kernel's files of every hierarchy at once.  The members are those that runc's `events`
 * tells, since engines decode it; what cgroup v2 tells otherwise is put into its terms.  A file that is not there leaves its members 0 or
 * NULL.  The length of a list follows the list.  Changes nothing. */
#ifndef ORLOP_CGROUP_USAGE_H
#define ORLOP_CGROUP_USAGE_H

#include <stddef.h>
#include <stdint.h>

#include "ocispec/table.h"

struct cgroup;
struct err;

/* Pressure stall information (the kernel's accounting/psi.rst).  */
struct usage_stall
{
  uint64_t avg10, avg60, avg300; /* hundredths of a percent */
  uint64_t total;                /* microseconds */
};

struct usage_psi
{
  struct usage_stall some, full;
};

struct usage_throttling
{
  uint64_t periods, throttled_periods, throttled_time /* ns */;
};

/* Nanoseconds.  */
struct usage_cpu_time
{
  uint64_t total, kernel, user;
  uint64_t *percpu; /* v1, as the next two */
  size_t n_percpu;
  uint64_t *percpu_kernel;
  size_t n_percpu_kernel;
  uint64_t *percpu_user;
  size_t n_percpu_user;
};

struct usage_cpu
{
  struct usage_cpu_time usage;
  struct usage_throttling throttling;
  struct usage_psi *psi;
};

/* On v2 cpus and mems alone.  */
struct usage_cpuset
{
  uint16_t *cpus;
  size_t n_cpus;
  uint16_t *mems;
  size_t n_mems;
  uint64_t cpu_exclusive, mem_hardwall, mem_exclusive, memory_migrate, memory_spread_page, memory_spread_slab,
      memory_pressure, sched_load_balance;
  int64_t sched_relax_domain_level;
};

/* Bytes; failcnt is how often the limit was hit.  No limit is UINT64_MAX on v2, and on v1 a number near INT64_MAX.  */
struct usage_memory_entry
{
  uint64_t limit, usage, max, failcnt;
};

struct usage_memory
{
  uint64_t cache;
  struct usage_memory_entry usage, swap /* memory and swap */, kernel, kernel_tcp;
  struct oci_number *raw; /* memory.stat */
  size_t n_raw;
  struct usage_psi *psi;
};

/* limit 0: none.  */
struct usage_pids
{
  uint64_t current, limit;
};

struct usage_io_entry
{
  uint64_t major, minor, value;
  const char *op; /* "Read", "Write", "Discard", ... or NULL */
};

struct usage_blkio
{
  struct usage_io_entry *bytes;
  size_t n_bytes;
  struct usage_io_entry *served;
  size_t n_served;
  struct usage_io_entry *queued; /* v1, as the rest */
  size_t n_queued;
  struct usage_io_entry *service_time;
  size_t n_service_time;
  struct usage_io_entry *wait_time;
  size_t n_wait_time;
  struct usage_io_entry *merged;
  size_t n_merged;
  struct usage_io_entry *time;
  size_t n_time;
  struct usage_io_entry *sectors;
  size_t n_sectors;
  struct usage_psi *psi;
};

struct usage_hugetlb
{
  const char *size; /* "2MB" */
  uint64_t usage, max, failcnt;
};

struct usage_rdma_entry
{
  const char *device;
  uint32_t handles, objects; /* UINT32_MAX: no limit */
};

struct usage_rdma
{
  struct usage_rdma_entry *limit;
  size_t n_limit;
  struct usage_rdma_entry *current;
  size_t n_current;
};

struct cgroup_usage
{
  struct usage_cpu cpu;
  struct usage_cpuset cpuset;
  struct usage_memory memory;
  struct usage_pids pids;
  struct usage_blkio blkio;
  struct usage_hugetlb *hugetlb; /* by size; never NULL after reading */
  size_t n_hugetlb;
  struct usage_rdma rdma;
  struct usage_memory_entry swap_alone; /* v2: swap without memory */
};

/* Their form as JSON, with runc's names.  */
extern const struct oci_type usage_cpu_type, usage_cpuset_type, usage_memory_type, usage_pids_type, usage_blkio_type,
    usage_hugetlb_type, usage_rdma_type;

/* Reads what CG uses with all below it.  *RET_USAGE points into *ARENA.  Returns 0; -ENODEV: the cgroup is gone; -ENOTSUP:
 * the container has none of its own; or negative errno.  */
int cgroup_usage_read (const struct cgroup *cg, struct oci_arena **arena, struct cgroup_usage *ret_usage, struct err *err);

/* The same from one directory, DIR, of the hierarchy that has the v1 CONTROLLERS ("" is v2), adding to USAGE, zeroed at first: what it
 * has already stays.  Returns 0 or negative errno.  */
int cgroup_usage_add (int dir, const char *controllers, struct oci_arena **arena, struct cgroup_usage *usage, struct err *err);

#endif
