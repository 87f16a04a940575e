/* SPDX-License-Identifier: Apache-2.0 */
/* Limits as a table; see limits.h.  A property is one row: where it is in the document, its files on
 * v1 and v2, its properties of a systemd unit, and its text.  Row order is write order.  The comment that ends a row is its
 * conversion as docs/cgroups.md tells it (tests/lint/limits.py).  Writes nothing. */
#include "cgroup/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cgroup/weight.h"
#include "ocispec/linux.h"

static const struct oci_memory no_memory;
static const struct oci_cpu no_cpu;
static const struct oci_block_io no_block_io;
static const struct oci_network no_network;

static const struct oci_memory *
mem (const struct cgroup_limit_ask *a)
{
  return a->r->memory ? a->r->memory : &no_memory;
}

static const struct oci_cpu *
cpu (const struct cgroup_limit_ask *a)
{
  return a->r->cpu ? a->r->cpu : &no_cpu;
}

static const struct oci_block_io *
block (const struct cgroup_limit_ask *a)
{
  return a->r->block_io ? a->r->block_io : &no_block_io;
}

static const struct oci_network *
network (const struct cgroup_limit_ask *a)
{
  return a->r->network ? a->r->network : &no_network;
}

/* 0 is how engines write that nothing was asked for.  */
static int
unsigned_number (const uint64_t *value, char *buf, size_t size)
{
  return value && *value ? snprintf (buf, size, "%" PRIu64, *value) : 0;
}

static int
signed_number (const int64_t *value, char *buf, size_t size)
{
  return value && *value ? snprintf (buf, size, "%" PRId64, *value) : 0;
}

/* A limit where -1 means none: "max" on v2.  */
static int
bytes (const int64_t *value, bool v2, char *buf, size_t size)
{
  return v2 && value && *value < 0 ? snprintf (buf, size, "max") : signed_number (value, buf, size);
}

/* --- memory */

/* The least that the use is to fit into.  */
static int
memory_check (const struct cgroup_limit_ask *a, char *buf, size_t size)
{
  const struct oci_memory *m = mem (a);
  const int64_t *least = m->limit && *m->limit > 0 ? m->limit : m->swap;

  if (m->check_before_update == NULL || ! *m->check_before_update || least == NULL || *least <= 0)
    return 0;
  return signed_number (least, buf, size);
}

/* What v2 does anyway, and v1 since Linux 5.11.  */
static int
memory_use_hierarchy (const struct cgroup_limit_ask *a, char *buf, size_t size)
{
  const bool *use = mem (a)->use_hierarchy;

  return use && *use && ! a->v2 ? snprintf (buf, size, "1") : 0;
}

static int
memory_limit (const struct cgroup_limit_ask *a, char *buf, size_t size)
{
  return bytes (mem (a)->limit, a->v2, buf, size);
}

/* The document's number is memory and swap together; on v2 swap is a limit of its own.  Unlimited memory without a word about
 * swap means both (as runc).  */
static int
memory_swap (const struct cgroup_limit_ask *a, char *buf, size_t size)
{
  const struct oci_memory *m = mem (a);

  if (m->swap == NULL || *m->swap == 0)
    return m->limit && *m->limit < 0 ? bytes (m->limit, a->v2, buf, size) : 0;
  if (a->v2 && *m->swap > 0 && m->limit && *m->limit > 0)
    return snprintf (buf, size, "%" PRId64, *m->swap - *m->limit);
  return bytes (m->swap, a->v2, buf, size);
}

static int
memory_reservation (const struct cgroup_limit_ask *a, char *buf, size_t size)
{
  return bytes (mem (a)->reservation, a->v2, buf, size);
}

static int
memory_kernel (const struct cgroup_limit_ask *a, char *buf, size_t size)
{
  return bytes (mem (a)->kernel, a->v2, buf, size);
}

static int
memory_kernel_tcp (const struct cgroup_limit_ask *a, char *buf, size_t size)
{
  return bytes (mem (a)->kernel_tcp, a->v2, buf, size);
}

/* 0 is a setting; the greatest number is -1 in the words of runc and Docker, "none given".  */
static int
memory_swappiness (const struct cgroup_limit_ask *a, char *buf, size_t size)
{
  const uint64_t *value = mem (a)->swappiness;

  return value && *value != UINT64_MAX ? snprintf (buf, size, "%" PRIu64, *value) : 0;
}

/* A new cgroup has an OOM killer, and on v2 each has.  */
static int
memory_disable_oom_killer (const struct cgroup_limit_ask *a, char *buf, size_t size)
{
  const bool *off = mem (a)->disable_oom_killer;

  if (off == NULL || (! *off && (a->v2 || ! a->update)))
    return 0;
  return snprintf (buf, size, "%d", *off);
}

/* --- cpu */

/* An idle cgroup has no weight: it cannot be set while it is idle (which on v2 systemd makes it first), and is lost when it becomes so.  */
static int
cpu_shares (const struct cgroup_limit_ask *a, char *buf, size_t size)
{
  bool idle = (a->v2 || a->update) && cpu (a)->idle && *cpu (a)->idle == 1;
  const uint64_t *shares = idle ? NULL : cpu (a)->shares;
  uint64_t weight = shares && *shares && a->v2 ? cgroup_weight (*shares) : 0;

  return unsigned_number (weight ? &weight : shares, buf, size);
}

static int
cpu_idle (const struct cgroup_limit_ask *a, char *buf, size_t size)
{
  const int64_t *idle = cpu (a)->idle;

  return idle && (*idle || a->update) ? snprintf (buf, size, "%" PRId64, *idle) : 0;
}

static int
cpu_period (const struct cgroup_limit_ask *a, char *buf, size_t size)
{
  return a->v2 ? 0 : unsigned_number (cpu (a)->period, buf, size);
}

static int
cpu_burst (const struct cgroup_limit_ask *a, char *buf, size_t size)
{
  const uint64_t *burst = cpu (a)->burst;

  return burst && (*burst || a->update) ? snprintf (buf, size, "%" PRIu64, *burst) : 0;
}

/* v2 has both in one file, which keeps the period if it is told a quota alone.  */
static int
cpu_quota (const struct cgroup_limit_ask *a, char *buf, size_t size)
{
  const struct oci_cpu *c = cpu (a);
  bool quota = c->quota && *c->quota != 0, period = c->period && *c->period != 0;
  char amount[24] = "max";

  if (! a->v2 || (! quota && ! period))
    return a->v2 ? 0 : quota && *c->quota < 0 ? snprintf (buf, size, "-1") : signed_number (c->quota, buf, size);
  if (quota && *c->quota > 0)
    (void) snprintf (amount, sizeof amount, "%" PRId64, *c->quota);
  return period ? snprintf (buf, size, "%s %" PRIu64, amount, *c->period) : snprintf (buf, size, "%s", amount);
}

static int
cpu_realtime_period (const struct cgroup_limit_ask *a, char *buf, size_t size)
{
  return unsigned_number (cpu (a)->realtime_period, buf, size);
}

static int
cpu_realtime_runtime (const struct cgroup_limit_ask *a, char *buf, size_t size)
{
  return signed_number (cpu (a)->realtime_runtime, buf, size);
}

static int
cpuset_cpus (const struct cgroup_limit_ask *a, char *buf, size_t size)
{
  return cpu (a)->cpus ? snprintf (buf, size, "%s", cpu (a)->cpus) : 0;
}

static int
cpuset_mems (const struct cgroup_limit_ask *a, char *buf, size_t size)
{
  return cpu (a)->mems ? snprintf (buf, size, "%s", cpu (a)->mems) : 0;
}

/* --- blockIO */

/* The scales of io.weight (1 to 10000) and of the others (10 to 1000), laid upon each other.  */
static unsigned
io_weight (unsigned weight)
{
  return 1 + (weight - 10) * 9999 / 990;
}

/* blkio.weight, io.bfq.weight */
static int
block_weight (const struct cgroup_limit_ask *a, char *buf, size_t size)
{
  const uint16_t *weight = block (a)->weight;

  return weight && *weight ? snprintf (buf, size, "%u", *weight) : 0;
}

/* blkio.bfq.weight, io.weight */
static int
block_weight_other (const struct cgroup_limit_ask *a, char *buf, size_t size)
{
  const uint16_t *weight = block (a)->weight;

  return weight && *weight ? snprintf (buf, size, "%u", a->v2 ? io_weight (*weight) : *weight) : 0;
}

static int
block_leaf_weight (const struct cgroup_limit_ask *a, char *buf, size_t size)
{
  const uint16_t *weight = block (a)->leaf_weight;

  return weight && *weight ? snprintf (buf, size, "%u", *weight) : 0;
}

static size_t
n_weight_device (const struct oci_resources *r)
{
  return r->block_io ? r->block_io->n_weight_device : 0;
}

static int
device_weight (const struct oci_weight_device *d, unsigned weight, char *buf, size_t size)
{
  return snprintf (buf, size, "%" PRId64 ":%" PRId64 " %u", d->major, d->minor, weight);
}

static int
block_weight_device (const struct cgroup_limit_ask *a, char *buf, size_t size)
{
  const struct oci_weight_device *d = &block (a)->weight_device[a->i];

  return d->weight && *d->weight ? device_weight (d, *d->weight, buf, size) : 0;
}

static int
block_weight_device_other (const struct cgroup_limit_ask *a, char *buf, size_t size)
{
  const struct oci_weight_device *d = &block (a)->weight_device[a->i];

  return d->weight && *d->weight ? device_weight (d, a->v2 ? io_weight (*d->weight) : *d->weight, buf, size) : 0;
}

static int
block_leaf_weight_device (const struct cgroup_limit_ask *a, char *buf, size_t size)
{
  const struct oci_weight_device *d = &block (a)->weight_device[a->i];

  return d->leaf_weight && *d->leaf_weight ? device_weight (d, *d->leaf_weight, buf, size) : 0;
}

/* A rate of 0 takes the limit away: v2 says "max" for it.  So does one above MOST, which the kernel has no room for: of what is written to v1 it would
 * take the lower bits, and let next to nothing through.  */
static int
throttle (const struct oci_throttle_device *d, bool v2, const char *key, uint64_t most, char *buf, size_t size)
{
  uint64_t rate = d->rate > most ? 0 : d->rate;

  if (! v2)
    return snprintf (buf, size, "%" PRId64 ":%" PRId64 " %" PRIu64, d->major, d->minor, rate);
  if (rate == 0)
    return snprintf (buf, size, "%" PRId64 ":%" PRId64 " %s=max", d->major, d->minor, key);
  return snprintf (buf, size, "%" PRId64 ":%" PRId64 " %s=%" PRIu64, d->major, d->minor, key, rate);
}

#define THROTTLE(list, key, most)                                                                                          \
  static size_t n_##list (const struct oci_resources *r) { return r->block_io ? r->block_io->n_##list : 0; }          \
  static int list (const struct cgroup_limit_ask *a, char *buf, size_t size)                                          \
  {                                                                                                                   \
    return throttle (&block (a)->list[a->i], a->v2, key, most, buf, size);                                                \
  }

THROTTLE (throttle_read_bps_device, "rbps", UINT64_MAX)
THROTTLE (throttle_write_bps_device, "wbps", UINT64_MAX)
THROTTLE (throttle_read_iops_device, "riops", UINT32_MAX)
THROTTLE (throttle_write_iops_device, "wiops", UINT32_MAX)

/* --- hugepageLimits, rdma, network */

static size_t
n_hugepages (const struct oci_resources *r)
{
  return r->n_hugepage_limits;
}

static const char *
hugepage_size (const struct oci_resources *r, size_t i)
{
  return r->hugepage_limits[i].page_size;
}

static int
hugepage_limit (const struct cgroup_limit_ask *a, char *buf, size_t size)
{
  return snprintf (buf, size, "%" PRIu64, a->r->hugepage_limits[a->i].limit);
}

static size_t
n_rdma (const struct oci_resources *r)
{
  return r->n_rdma;
}

static const char *
rdma_device (const struct oci_resources *r, size_t i)
{
  return r->rdma[i].device;
}

static int
rdma_limit (const struct cgroup_limit_ask *a, char *buf, size_t size)
{
  const struct oci_rdma *d = &a->r->rdma[a->i];
  char handles[32] = "", objects[32] = "";

  if (d->hca_handles)
    (void) snprintf (handles, sizeof handles, " hca_handle=%" PRIu32, *d->hca_handles);
  if (d->hca_objects)
    (void) snprintf (objects, sizeof objects, " hca_object=%" PRIu32, *d->hca_objects);
  return *handles || *objects ? snprintf (buf, size, "%s%s%s", d->device, handles, objects) : 0;
}

static int
network_class (const struct cgroup_limit_ask *a, char *buf, size_t size)
{
  const uint32_t *class_id = network (a)->class_id;

  return class_id && *class_id ? snprintf (buf, size, "%" PRIu32, *class_id) : 0;
}

static size_t
n_priorities (const struct oci_resources *r)
{
  return r->network ? r->network->n_priorities : 0;
}

static int
network_priority (const struct cgroup_limit_ask *a, char *buf, size_t size)
{
  const struct oci_interface_priority *p = &network (a)->priorities[a->i];

  return snprintf (buf, size, "%s %" PRIu32, p->name, p->priority);
}

/* 0 is a limit, -1 is none (runtime-spec 1.3).  */
static int
pids_limit (const struct cgroup_limit_ask *a, char *buf, size_t size)
{
  const int64_t *limit = a->r->pids ? a->r->pids->limit : NULL;

  if (limit == NULL)
    return 0;
  return *limit < 0 ? snprintf (buf, size, "max") : snprintf (buf, size, "%" PRId64, *limit);
}

/* A row is two lines, and its comment ends it.  */
static const struct cgroup_limit_row rows[] = {
  { "memory.checkBeforeUpdate", "memory.usage_in_bytes", "memory.current", NULL, NULL,
    .text = memory_check, .flags = CGROUP_ROW_CHECK }, /* not written: a new limit that is below the use is refused */
  { "memory.useHierarchy", "memory.use_hierarchy", NULL, NULL, NULL,
    .text = memory_use_hierarchy }, /* true: 1; v2 cannot be without, so it asks for nothing there; false asks
       for nothing */
  { "memory.limit", "memory.limit_in_bytes", "memory.max", "MemoryLimit", "MemoryMax",
    .text = memory_limit, .unit_v1_kind = CGROUP_UNIT_NUMBER, .unit_kind = CGROUP_UNIT_NUMBER, .flags = CGROUP_ROW_RETRY }, /* -1: max on v2; 0 asks for nothing */
  { "memory.swap", "memory.memsw.limit_in_bytes", "memory.swap.max", NULL, "MemorySwapMax",
    .text = memory_swap, .unit_kind = CGROUP_UNIT_NUMBER, .flags = CGROUP_ROW_ZERO_MAY_LACK }, /* memory and swap together; on v2 swap alone, so memory.limit
       is subtracted; -1: max; -1 too if memory.limit is -1 and this is not given */
  { "memory.reservation", "memory.soft_limit_in_bytes", "memory.low", NULL, "MemoryLow",
    .text = memory_reservation, .unit_kind = CGROUP_UNIT_NUMBER }, /* -1: max on v2 */
  { "memory.kernel", "memory.kmem.limit_in_bytes", NULL, NULL, NULL,
    .text = memory_kernel }, /* not recommended by the specification; Linux 5.16 and later limit nothing by it */
  { "memory.kernelTCP", "memory.kmem.tcp.limit_in_bytes", NULL, NULL, NULL,
    .text = memory_kernel_tcp }, /* not recommended by the specification */
  { "memory.swappiness", "memory.swappiness", NULL, NULL, NULL,
    .text = memory_swappiness }, /* 0 to 100 */
  { "memory.disableOOMKiller", "memory.oom_control", NULL, NULL, NULL,
    .text = memory_disable_oom_killer }, /* true: 1; false: 0 by an update, and nothing at create */
  { "cpu.shares", "cpu.shares", "cpu.weight", "CPUShares", "CPUWeight",
    .text = cpu_shares, .unit_v1_kind = CGROUP_UNIT_SHARES, .unit_kind = CGROUP_UNIT_NUMBER, .flags = CGROUP_ROW_RETRY }, /* on v2 a curve through 2 = 1, 1024 = 100 and 262144 = 10000, quadratic
       in the logarithms, as runc and crun have it; 0 asks for nothing; an idle cgroup has none */
  { "cpu.idle", "cpu.idle", "cpu.idle", NULL, "CPUWeight",
    .text = cpu_idle, .unit_kind = CGROUP_UNIT_IDLE, .flags = CGROUP_ROW_ZERO_MAY_LACK }, /* 0 or 1; for systemd 1 is CPUWeight=idle */
  { "cpu.period", "cpu.cfs_period_us", "cpu.max", "CPUQuotaPeriodUSec", "CPUQuotaPeriodUSec",
    .text = cpu_period, .flags = CGROUP_ROW_RETRY }, /* on v2 the second word; see cpu.quota */
  { "cpu.burst", "cpu.cfs_burst_us", "cpu.max.burst", NULL, NULL,
    .text = cpu_burst, .flags = CGROUP_ROW_RETRY | CGROUP_ROW_ZERO_MAY_LACK }, /* not above a quota */
  { "cpu.quota", "cpu.cfs_quota_us", "cpu.max", "CPUQuotaPerSecUSec", "CPUQuotaPerSecUSec",
    .text = cpu_quota, .unit_v1_kind = CGROUP_UNIT_QUOTA, .unit_kind = CGROUP_UNIT_QUOTA }, /* -1: max on v2; 0 asks for nothing; a period alone leaves the quota alone */
  { "cpu.realtimePeriod", "cpu.rt_period_us", NULL, NULL, NULL,
    .text = cpu_realtime_period, .flags = CGROUP_ROW_RETRY }, /* 0 asks for nothing */
  { "cpu.realtimeRuntime", "cpu.rt_runtime_us", NULL, NULL, NULL,
    .text = cpu_realtime_runtime }, /* 0 asks for nothing */
  { "cpu.cpus", "cpuset.cpus", "cpuset.cpus", NULL, "AllowedCPUs",
    .text = cpuset_cpus, .unit_kind = CGROUP_UNIT_LIST }, /* as it is; empty asks for nothing */
  { "cpu.mems", "cpuset.mems", "cpuset.mems", NULL, "AllowedMemoryNodes",
    .text = cpuset_mems, .unit_kind = CGROUP_UNIT_LIST }, /* as it is; empty asks for nothing */
  { "blockIO.weight", "blkio.weight", "io.bfq.weight", NULL, NULL,
    .text = block_weight, .flags = CGROUP_ROW_OR_NEXT }, /* 10 to 1000; 0 asks for nothing */
  { "blockIO.weight", "blkio.bfq.weight", "io.weight", "BlockIOWeight", "IOWeight",
    .text = block_weight_other, .unit_v1_kind = CGROUP_UNIT_BLOCK, .unit_kind = CGROUP_UNIT_WEIGHT }, /* if the file above is missing; io.weight: 1 + (weight - 10) * 9999 / 990;
       BlockIOWeight above 100: 100 + (weight - 100) * 11, at most 1000, of which systemd makes the weight again */
  { "blockIO.leafWeight", "blkio.leaf_weight", NULL, NULL, NULL,
    .text = block_leaf_weight }, /* 10 to 1000; Linux 5.0 and later have no such file */
  { "blockIO.weightDevice[]", "blkio.weight_device", "io.bfq.weight", NULL, NULL,
    .text = block_weight_device, .flags = CGROUP_ROW_OR_NEXT, .count = n_weight_device }, /* `MAJOR:MINOR WEIGHT` */
  { "blockIO.weightDevice[]", "blkio.bfq.weight_device", "io.weight", "BlockIODeviceWeight", "IODeviceWeight",
    .text = block_weight_device_other, .unit_v1_kind = CGROUP_UNIT_DEVICE, .unit_kind = CGROUP_UNIT_WEIGHT, .count = n_weight_device }, /* if the file above is missing; for io.weight
       as blockIO.weight */
  { "blockIO.weightDevice[].leafWeight", "blkio.leaf_weight_device", NULL, NULL, NULL,
    .text = block_leaf_weight_device, .count = n_weight_device }, /* as blockIO.leafWeight */
  { "blockIO.throttleReadBpsDevice[]", "blkio.throttle.read_bps_device", "io.max", "BlockIOReadBandwidth", "IOReadBandwidthMax",
    .text = throttle_read_bps_device, .unit_v1_kind = CGROUP_UNIT_RATE, .unit_kind = CGROUP_UNIT_RATES, .count = n_throttle_read_bps_device }, /* `MAJOR:MINOR RATE`; on v2
       `MAJOR:MINOR rbps=RATE`, where 0 is max */
  { "blockIO.throttleWriteBpsDevice[]", "blkio.throttle.write_bps_device", "io.max", "BlockIOWriteBandwidth", "IOWriteBandwidthMax",
    .text = throttle_write_bps_device, .unit_v1_kind = CGROUP_UNIT_RATE, .unit_kind = CGROUP_UNIT_RATES, .count = n_throttle_write_bps_device }, /* likewise, wbps */
  { "blockIO.throttleReadIOPSDevice[]", "blkio.throttle.read_iops_device", "io.max", NULL, "IOReadIOPSMax",
    .text = throttle_read_iops_device, .unit_kind = CGROUP_UNIT_RATES, .count = n_throttle_read_iops_device }, /* likewise, riops; above 4294967295: none */
  { "blockIO.throttleWriteIOPSDevice[]", "blkio.throttle.write_iops_device", "io.max", NULL, "IOWriteIOPSMax",
    .text = throttle_write_iops_device, .unit_kind = CGROUP_UNIT_RATES, .count = n_throttle_write_iops_device }, /* likewise, wiops; above 4294967295: none */
  { "hugepageLimits[]", "hugetlb.*.limit_in_bytes", "hugetlb.*.max", NULL, NULL,
    .text = hugepage_limit, .count = n_hugepages, .part = hugepage_size }, /* bytes; `*` is pageSize */
  { "hugepageLimits[]", "hugetlb.*.rsvd.limit_in_bytes", "hugetlb.*.rsvd.max", NULL, NULL,
    .text = hugepage_limit, .flags = CGROUP_ROW_MAY_LACK, .count = n_hugepages, .part = hugepage_size }, /* reservations too,
       where the kernel counts them (Linux 5.7) */
  { "rdma[]", "rdma.max", "rdma.max", NULL, NULL,
    .text = rdma_limit, .count = n_rdma, .key = rdma_device }, /* `DEVICE hca_handle=N hca_object=N` */
  { "network.classID", "net_cls.classid", NULL, NULL, NULL,
    .text = network_class }, /* 0 asks for nothing */
  { "network.priorities[]", "net_prio.ifpriomap", NULL, NULL, NULL,
    .text = network_priority, .count = n_priorities }, /* `NAME PRIORITY` */
  { "pids.limit", "pids.max", "pids.max", "TasksMax", "TasksMax",
    .text = pids_limit, .unit_v1_kind = CGROUP_UNIT_TASKS, .unit_kind = CGROUP_UNIT_TASKS, .flags = CGROUP_ROW_LATE }, /* 0 is a limit; -1: max; written when the set-up forks no more */
  { .where = NULL },
};

const struct cgroup_limit_row *
cgroup_limit_rows (void)
{
  return rows;
}

size_t
cgroup_limit_count (const struct cgroup_limit_row *row, const struct oci_resources *r)
{
  return row->count ? row->count (r) : 1;
}

void
cgroup_limit_where (const struct cgroup_limit_row *row, const struct oci_resources *r, size_t i, char *buf, size_t size)
{
  const char *list = strstr (row->where, "[]");
  int before = list ? (int) (list - row->where) : 0;

  if (list == NULL)
    (void) snprintf (buf, size, "linux.resources.%s", row->where);
  else if (row->key)
    (void) snprintf (buf, size, "linux.resources.%.*s[\"%.64s\"]%s", before, row->where, row->key (r, i), list + 2);
  else
    (void) snprintf (buf, size, "linux.resources.%.*s[%zu]%s", before, row->where, i, list + 2);
}

int
cgroup_limit_file (const struct cgroup_limit_row *row, const struct cgroup_limit_ask *a, char *buf, size_t size)
{
  const char *file = a->v2 ? row->v2 : row->v1, *star = file ? strchr (file, '*') : NULL;
  int n;

  if (file == NULL)
    return -ENOTSUP;
  n = star ? snprintf (buf, size, "%.*s%s%s", (int) (star - file), file, row->part (a->r, a->i), star + 1)
           : snprintf (buf, size, "%s", file);
  return n < (int) size ? 0 : -ENAMETOOLONG;
}

void
cgroup_limit_controller (const struct cgroup_limit_row *row, bool v2, char buf[static CGROUP_CONTROLLER_MAX])
{
  const char *file = v2 && row->v2 ? row->v2 : row->v1;

  (void) snprintf (buf, CGROUP_CONTROLLER_MAX, "%.*s", (int) strcspn (file, "."), file);
}

void
cgroup_unified_controller (const char *key, char buf[static CGROUP_FILE_MAX + 1])
{
  const char *dot = strchr (key, '.');

  *buf = '\0';
  if (dot && str_after (key, "cgroup.") == NULL && strcmp (dot, ".pressure") != 0)
    (void) snprintf (buf, CGROUP_FILE_MAX + 1, "%.*s", (int) (dot - key), key);
}

bool
cgroup_limits_asked (const struct oci_resources *r)
{
  char text[CGROUP_LIMIT_TEXT_MAX];

  for (const struct cgroup_limit_row *row = rows; r && row->where; row++)
    for (size_t i = 0; i < cgroup_limit_count (row, r); i++)
      if (row->text (&(struct cgroup_limit_ask){ .r = r, .i = i, .v2 = true }, text, sizeof text) > 0
          || row->text (&(struct cgroup_limit_ask){ .r = r, .i = i }, text, sizeof text) > 0)
        return true;
  return r && r->n_unified > 0;
}

bool
cgroup_limit_is_none (const char *text)
{
  size_t word = strcspn (text, " "); /* "max 100000" of cpu.max, but not "max0 hca_handle=5" of rdma.max */

  return strcmp (text, "-1") == 0 || (word == 3 && memcmp (text, "max", 3) == 0 && strchr (text, '=') == NULL);
}
