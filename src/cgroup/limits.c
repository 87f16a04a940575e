/* SPDX-License-Identifier: Apache-2.0 */
/* Limits as a table; see limits.h.  A property is one row: where it is in the document, which controller has it, its files on
 * v1 and v2, and its text. */
#include "cgroup/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "cgroup/cgroup.h"
#include "cgroup/devices.h"
#include "cgroup/dir.h"
#include "cgroup/layout.h"
#include "cgroup/weight.h"
#include "ocispec/linux.h"

enum
{
  TEXT_MAX = 4096,
  PERIOD_US = 100000 /* the kernel's default period of cpu.max */
};

/* A limit where -1 means none: "max" on v2.  */
static int
limit_text (const int64_t *value, bool v2, char *buf, size_t size)
{
  if (value == NULL)
    return 0;
  return v2 && *value < 0 ? snprintf (buf, size, "max") : snprintf (buf, size, "%" PRId64, *value);
}

static int
memory_limit (const struct oci_resources *r, bool v2, char *buf, size_t size)
{
  /* 0 is how engines write that nothing was asked for */
  return r->memory && r->memory->limit && *r->memory->limit ? limit_text (r->memory->limit, v2, buf, size) : 0;
}

/* The document's number is memory and swap together; on v2 swap is a limit of its own.  */
static int
memory_swap (const struct oci_resources *r, bool v2, char *buf, size_t size)
{
  const struct oci_memory *m = r->memory;
  int64_t swap;

  if (m == NULL || m->swap == NULL || *m->swap == 0)
    return 0;
  if (! v2 || *m->swap < 0)
    return limit_text (m->swap, v2, buf, size);
  swap = *m->swap - (m->limit && *m->limit > 0 ? *m->limit : 0);
  return snprintf (buf, size, "%" PRId64, swap);
}

static int
memory_reservation (const struct oci_resources *r, bool v2, char *buf, size_t size)
{
  return r->memory && r->memory->reservation && *r->memory->reservation ? limit_text (r->memory->reservation, v2, buf, size) : 0;
}

static int
cpu_shares (const struct oci_resources *r, bool v2, char *buf, size_t size)
{
  if (r->cpu == NULL || r->cpu->shares == NULL || *r->cpu->shares == 0)
    return 0;
  return snprintf (buf, size, "%" PRIu64, v2 ? cgroup_weight (*r->cpu->shares) : *r->cpu->shares);
}

static int
cpu_period (const struct oci_resources *r, bool v2, char *buf, size_t size)
{
  if (v2 || r->cpu == NULL || r->cpu->period == NULL || *r->cpu->period == 0)
    return 0;
  return snprintf (buf, size, "%" PRIu64, *r->cpu->period);
}

/* v2 has both in one file.  */
static int
cpu_quota (const struct oci_resources *r, bool v2, char *buf, size_t size)
{
  const struct oci_cpu *c = r->cpu;
  bool quota = c && c->quota && *c->quota != 0, period = c && c->period && *c->period != 0;

  if (! v2)
    return quota ? snprintf (buf, size, "%" PRId64, *c->quota) : 0;
  if (! quota && ! period)
    return 0;
  if (! quota || *c->quota < 0)
    return snprintf (buf, size, "max %" PRIu64, period ? *c->period : PERIOD_US);
  return snprintf (buf, size, "%" PRId64 " %" PRIu64, *c->quota, period ? *c->period : PERIOD_US);
}

static int
cpuset_cpus (const struct oci_resources *r, bool v2, char *buf, size_t size)
{
  (void) v2;
  return r->cpu && r->cpu->cpus && *r->cpu->cpus ? snprintf (buf, size, "%s", r->cpu->cpus) : 0;
}

static int
cpuset_mems (const struct oci_resources *r, bool v2, char *buf, size_t size)
{
  (void) v2;
  return r->cpu && r->cpu->mems && *r->cpu->mems ? snprintf (buf, size, "%s", r->cpu->mems) : 0;
}

/* 0 is a limit, -1 is none (runtime-spec 1.3).  */
static int
pids_limit (const struct oci_resources *r, bool v2, char *buf, size_t size)
{
  (void) v2;
  return r->pids ? limit_text (r->pids->limit, true, buf, size) : 0;
}

static const struct cgroup_limit_row rows[] = {
  /* memory before memory and swap together: raising them the kernel wants the other order, and says EINVAL */
  { "memory.limit", "memory", "memory.limit_in_bytes", "memory.max", memory_limit, .next_first = true },
  { "memory.swap", "memory", "memory.memsw.limit_in_bytes", "memory.swap.max", memory_swap, .may_lack = true },
  { "memory.reservation", "memory", "memory.soft_limit_in_bytes", "memory.low", memory_reservation, .late = false },
  { "cpu.shares", "cpu", "cpu.shares", "cpu.weight", cpu_shares, .late = false },
  { "cpu.period", "cpu", "cpu.cfs_period_us", NULL, cpu_period, .next_first = true },
  { "cpu.quota", "cpu", "cpu.cfs_quota_us", "cpu.max", cpu_quota, .late = false },
  { "cpu.cpus", "cpuset", "cpuset.cpus", "cpuset.cpus", cpuset_cpus, .late = false },
  { "cpu.mems", "cpuset", "cpuset.mems", "cpuset.mems", cpuset_mems, .late = false },
  { "pids.limit", "pids", "pids.max", "pids.max", pids_limit, .late = true },
  { .where = NULL },
};

const struct cgroup_limit_row *
cgroup_limit_rows (void)
{
  return rows;
}

bool
cgroup_limits_asked (const struct oci_resources *r)
{
  char text[TEXT_MAX];

  if (r == NULL)
    return false;
  for (const struct cgroup_limit_row *row = rows; row->where; row++)
    if (row->text (r, true, text, sizeof text) > 0 || row->text (r, false, text, sizeof text) > 0)
      return true;
  return r->n_unified > 0;
}

/* --- what is not implemented yet */

#define SET(p) ((p) != NULL && *(p) != 0)

static bool
later_block_io (const struct oci_resources *r)
{
  const struct oci_block_io *b = r->block_io;

  return b && (SET (b->weight) || SET (b->leaf_weight) || b->n_weight_device || b->n_throttle_read_bps_device
               || b->n_throttle_write_bps_device || b->n_throttle_read_iops_device || b->n_throttle_write_iops_device);
}

static bool
later_network (const struct oci_resources *r)
{
  return r->network && (SET (r->network->class_id) || r->network->n_priorities > 0);
}

static bool
later_rdma (const struct oci_resources *r)
{
  return r->n_rdma > 0;
}

static bool
later_hugepages (const struct oci_resources *r)
{
  return r->n_hugepage_limits > 0;
}

static bool
later_kernel (const struct oci_resources *r)
{
  return r->memory && (SET (r->memory->kernel) || SET (r->memory->kernel_tcp));
}

static bool
later_swappiness (const struct oci_resources *r)
{
  return r->memory && r->memory->swappiness != NULL;
}

static bool
later_oom (const struct oci_resources *r)
{
  return r->memory && SET (r->memory->disable_oom_killer);
}

static bool
later_burst (const struct oci_resources *r)
{
  return r->cpu && SET (r->cpu->burst);
}

static bool
later_realtime (const struct oci_resources *r)
{
  return r->cpu && (SET (r->cpu->realtime_runtime) || SET (r->cpu->realtime_period));
}

static bool
later_idle (const struct oci_resources *r)
{
  return r->cpu && SET (r->cpu->idle);
}

static const struct
{
  const char *where;
  bool (*asked) (const struct oci_resources *r);
} later[] = {
  { "linux.resources.blockIO", later_block_io },
  { "linux.resources.network", later_network },
  { "linux.resources.rdma", later_rdma },
  { "linux.resources.hugepageLimits", later_hugepages },
  { "linux.resources.memory.kernel", later_kernel },
  { "linux.resources.memory.swappiness", later_swappiness },
  { "linux.resources.memory.disableOOMKiller", later_oom },
  { "linux.resources.cpu.burst", later_burst },
  { "linux.resources.cpu.realtimeRuntime", later_realtime },
  { "linux.resources.cpu.idle", later_idle },
};

static int
check_unified (const struct oci_resources *r, const struct cgroup_layout *l, struct err *err)
{
  for (size_t i = 0; i < r->n_unified; i++)
    {
      const char *key = r->unified[i].key;
      char where[160], controller[64];

      (void) snprintf (where, sizeof where, "linux.resources.unified[\"%.100s\"]", key);
      if (*key == '\0' || strchr (key, '/') || strcmp (key, ".") == 0 || strcmp (key, "..") == 0 || strlen (key) > CGROUP_FILE_MAX)
        return err_spec (err, where, "must be the name of a file in the cgroup");
      if (cgroup_layout_find (l, "") == NULL)
        return err_in (err, err_host (err, ENOTSUP, "unified needs cgroup v2, which this machine does not have"), "%s", where);
      (void) snprintf (controller, sizeof controller, "%.*s", (int) strcspn (key, "."), key);
      if (strcmp (controller, "cgroup") != 0 && l->controllers && ! cgroup_list_has (l->controllers, controller))
        return err_in (err, err_host (err, ENOTSUP, "the controller \"%s\" is not available in the v2 hierarchy", controller), "%s", where);
    }
  return 0;
}

/* True if CONTROLLER is somewhere on this machine.  */
static bool
available (const struct cgroup_layout *l, const char *controller)
{
  return cgroup_layout_find (l, controller) || (l->controllers && cgroup_list_has (l->controllers, controller));
}

static int
check_swap (const struct oci_resources *r, struct err *err)
{
  const struct oci_memory *m = r->memory;

  if (m && m->swap && *m->swap > 0 && m->limit && *m->limit > *m->swap)
    return err_spec (err, "linux.resources.memory.swap", "is memory and swap together, so it must not be below memory.limit");
  return 0;
}

int
cgroup_limits_check (const struct oci_resources *r, const struct cgroup_layout *l, const struct cgroup_args *args,
                     struct err *err)
{
  bool v2 = l->mode == CGROUP_V2;
  char text[TEXT_MAX];

  if (r == NULL)
    return 0;
  for (size_t i = 0; i < sizeof later / sizeof *later; i++)
    if (later[i].asked (r))
      return err_spec (err, later[i].where, "not implemented yet");
  if (args->driver && strcmp (args->driver, "disabled") == 0)
    return cgroup_limits_asked (r) ? err_spec (err, "linux.resources", "limits need a cgroup, and cgroups are disabled") : 0;
  for (const struct cgroup_limit_row *row = rows; row->where; row++)
    if (row->text (r, v2, text, sizeof text) > 0 && ! available (l, row->controller))
      return err_in (err, err_host (err, ENOTSUP, "the cgroup controller \"%s\" is not available on this machine", row->controller),
                     "linux.resources.%s", row->where);
  return check_swap (r, err) < 0 ? -EINVAL : check_unified (r, l, err);
}

/* --- writing */

static int
write_text (const struct cgroup_dir *d, const char *file, const char *controller, const char *text, struct err *err)
{
  int r = cgroup_dir_write (d, file, text, err);
  char enable[80];

  if (r != -ENOENT || ! cgroup_dir_is_v2 (d))
    return r;
  (void) snprintf (enable, sizeof enable, "+%s", controller);
  err_clear (err);
  r = cgroup_dir_enable (d, enable, err);
  if (r < 0)
    {
      /* levels above that are not ours may have refused while the one that counts did not */
      struct err refused = { 0 };
      int again = cgroup_dir_write (d, file, text, &refused);
      return again == 0 ? (err_clear (err), 0) : r;
    }
  return cgroup_dir_write (d, file, text, err);
}

static int
write_row (const struct cgroup *cg, const struct oci_resources *r, const struct cgroup_limit_row *row, struct err *err)
{
  const struct cgroup_dir *d = cgroup_dir_of (cg, row->controller);
  bool v2 = d && cgroup_dir_is_v2 (d);
  const char *file = v2 ? row->v2 : row->v1;
  char text[TEXT_MAX];
  int n = d ? row->text (r, v2, text, sizeof text) : row->text (r, true, text, sizeof text), ret;

  if (n <= 0)
    return 0;
  if (n >= (int) sizeof text)
    return err_in (err, err_spec (err, "linux.resources", "the value is too long"), "linux.resources.%s", row->where);
  if (d == NULL || d->skipped)
    return err_in (err, err_host (err, EPERM, "the container has no cgroup to set this limit in"), "linux.resources.%s", row->where);
  if (file == NULL)
    return 0;
  ret = write_text (d, file, row->controller, text, err);
  if (ret == -ENOENT && row->may_lack && (strcmp (text, "max") == 0 || strcmp (text, "-1") == 0 || strcmp (text, "0") == 0))
    {
      err_clear (err);
      return 0;
    }
  return err_in (err, ret, "linux.resources.%s", row->where);
}

static int
write_rows (const struct cgroup *cg, const struct oci_resources *r, bool late, struct err *err)
{
  for (const struct cgroup_limit_row *row = rows; row->where; row++)
    {
      int ret = row->late == late ? write_row (cg, r, row, err) : 0;

      if (ret == -EINVAL && row->next_first)
        {
          err_clear (err);
          ret = write_row (cg, r, row + 1, err);
          ret = ret < 0 ? ret : write_row (cg, r, row, err);
        }
      if (ret < 0)
        return ret;
    }
  return 0;
}

static int
write_unified (const struct cgroup *cg, const struct oci_resources *r, struct err *err)
{
  const struct cgroup_dir *d = cgroup_dir_find (cg, "");

  for (size_t i = 0; i < r->n_unified; i++)
    {
      const char *key = r->unified[i].key;
      char controller[64];
      int ret;

      (void) snprintf (controller, sizeof controller, "%.*s", (int) strcspn (key, "."), key);
      ret = d && ! d->skipped ? write_text (d, key, controller, r->unified[i].value, err)
                              : err_host (err, ENOTSUP, "the container has no cgroup of version 2");
      if (ret < 0)
        return err_in (err, ret, "linux.resources.unified[\"%.100s\"]", key);
    }
  return 0;
}

int
cgroup_limit (const struct cgroup *cg, const struct oci_resources *r, int fd, enum cgroup_limit_phase phase,
              struct err *err)
{
  int ret = 0;

  if (phase & CGROUP_LIMIT_EARLY)
    {
      ret = cgroup_devices_write (cg, r, fd, err);
      if (ret == 0 && r)
        ret = write_rows (cg, r, false, err);
      if (ret == 0 && r)
        ret = write_unified (cg, r, err);
    }
  if (ret == 0 && r && phase & CGROUP_LIMIT_LATE)
    ret = write_rows (cg, r, true, err);
  return ret;
}
