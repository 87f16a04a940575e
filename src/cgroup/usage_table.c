/* SPDX-License-Identifier: Apache-2.0 */
/* The use of a cgroup as JSON, with the names that runc gives it: containerd's go-runc decodes them.  */
#include "cgroup/usage.h"

static OCI_TYPE (usage_stall,
  OCI_HUNDREDTHS (usage_stall, avg10,  "avg10",  OCI_REQUIRED),
  OCI_HUNDREDTHS (usage_stall, avg60,  "avg60",  OCI_REQUIRED),
  OCI_HUNDREDTHS (usage_stall, avg300, "avg300", OCI_REQUIRED),
  OCI_NUM        (usage_stall, total,  "total",  OCI_REQUIRED));

static OCI_TYPE (usage_psi,
  OCI_PART (usage_psi, some, "some", usage_stall),
  OCI_PART (usage_psi, full, "full", usage_stall));

static OCI_TYPE (usage_cpu_time,
  OCI_NUM  (usage_cpu_time, total,         "total",         0),
  OCI_NUMS (usage_cpu_time, percpu,        "percpu",        0),
  OCI_NUMS (usage_cpu_time, percpu_kernel, "percpu_kernel", 0),
  OCI_NUMS (usage_cpu_time, percpu_user,   "percpu_user",   0),
  OCI_NUM  (usage_cpu_time, kernel,        "kernel",        OCI_REQUIRED),
  OCI_NUM  (usage_cpu_time, user,          "user",          OCI_REQUIRED));

static OCI_TYPE (usage_throttling,
  OCI_NUM (usage_throttling, periods,           "periods",          0),
  OCI_NUM (usage_throttling, throttled_periods, "throttledPeriods", 0),
  OCI_NUM (usage_throttling, throttled_time,    "throttledTime",    0));

OCI_TYPE (usage_cpu,
  OCI_PART (usage_cpu, usage,      "usage",      usage_cpu_time),
  OCI_PART (usage_cpu, throttling, "throttling", usage_throttling),
  OCI_OBJ  (usage_cpu, psi,        "psi",        0, usage_psi));

OCI_TYPE (usage_cpuset,
  OCI_NUMS (usage_cpuset, cpus,                     "cpus",                     0),
  OCI_NUM  (usage_cpuset, cpu_exclusive,            "cpu_exclusive",            OCI_REQUIRED),
  OCI_NUMS (usage_cpuset, mems,                     "mems",                     0),
  OCI_NUM  (usage_cpuset, mem_hardwall,             "mem_hardwall",             OCI_REQUIRED),
  OCI_NUM  (usage_cpuset, mem_exclusive,            "mem_exclusive",            OCI_REQUIRED),
  OCI_NUM  (usage_cpuset, memory_migrate,           "memory_migrate",           OCI_REQUIRED),
  OCI_NUM  (usage_cpuset, memory_spread_page,       "memory_spread_page",       OCI_REQUIRED),
  OCI_NUM  (usage_cpuset, memory_spread_slab,       "memory_spread_slab",       OCI_REQUIRED),
  OCI_NUM  (usage_cpuset, memory_pressure,          "memory_pressure",          OCI_REQUIRED),
  OCI_NUM  (usage_cpuset, sched_load_balance,       "sched_load_balance",       OCI_REQUIRED),
  OCI_NUM  (usage_cpuset, sched_relax_domain_level, "sched_relax_domain_level", OCI_REQUIRED));

static OCI_TYPE (usage_memory_entry,
  OCI_NUM (usage_memory_entry, limit,   "limit",   OCI_REQUIRED),
  OCI_NUM (usage_memory_entry, usage,   "usage",   0),
  OCI_NUM (usage_memory_entry, max,     "max",     0),
  OCI_NUM (usage_memory_entry, failcnt, "failcnt", OCI_REQUIRED));

OCI_TYPE (usage_memory,
  OCI_NUM    (usage_memory, cache,      "cache",     0),
  OCI_PART   (usage_memory, usage,      "usage",     usage_memory_entry),
  OCI_PART   (usage_memory, swap,       "swap",      usage_memory_entry),
  OCI_PART   (usage_memory, kernel,     "kernel",    usage_memory_entry),
  OCI_PART   (usage_memory, kernel_tcp, "kernelTCP", usage_memory_entry),
  OCI_NUMMAP (usage_memory, raw,        "raw",       0),
  OCI_OBJ    (usage_memory, psi,        "psi",       0, usage_psi));

OCI_TYPE (usage_pids,
  OCI_NUM (usage_pids, current, "current", 0),
  OCI_NUM (usage_pids, limit,   "limit",   0));

static OCI_TYPE (usage_io_entry,
  OCI_NUM (usage_io_entry, major, "major", 0),
  OCI_NUM (usage_io_entry, minor, "minor", 0),
  OCI_STR (usage_io_entry, op,    "op",    0),
  OCI_NUM (usage_io_entry, value, "value", 0));

OCI_TYPE (usage_blkio,
  OCI_OBJS (usage_blkio, bytes,        "ioServiceBytesRecursive", 0, usage_io_entry),
  OCI_OBJS (usage_blkio, served,       "ioServicedRecursive",     0, usage_io_entry),
  OCI_OBJS (usage_blkio, queued,       "ioQueueRecursive",        0, usage_io_entry),
  OCI_OBJS (usage_blkio, service_time, "ioServiceTimeRecursive",  0, usage_io_entry),
  OCI_OBJS (usage_blkio, wait_time,    "ioWaitTimeRecursive",     0, usage_io_entry),
  OCI_OBJS (usage_blkio, merged,       "ioMergedRecursive",       0, usage_io_entry),
  OCI_OBJS (usage_blkio, time,         "ioTimeRecursive",         0, usage_io_entry),
  OCI_OBJS (usage_blkio, sectors,      "sectorsRecursive",        0, usage_io_entry),
  OCI_OBJ  (usage_blkio, psi,          "psi",                     0, usage_psi));

OCI_TYPE (usage_hugetlb,
  OCI_NUM (usage_hugetlb, usage,   "usage",   0),
  OCI_NUM (usage_hugetlb, max,     "max",     0),
  OCI_NUM (usage_hugetlb, failcnt, "failcnt", OCI_REQUIRED));

static OCI_TYPE (usage_rdma_entry,
  OCI_STR (usage_rdma_entry, device,  "device",      OCI_REQUIRED),
  OCI_NUM (usage_rdma_entry, handles, "hca_handles", 0),
  OCI_NUM (usage_rdma_entry, objects, "hca_objects", 0));

OCI_TYPE (usage_rdma,
  OCI_OBJS (usage_rdma, limit,   "rdma_limit",   0, usage_rdma_entry),
  OCI_OBJS (usage_rdma, current, "rdma_current", 0, usage_rdma_entry));
