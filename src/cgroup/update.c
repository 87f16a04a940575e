/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of a cgroup in use, changed: completed from what holds there, checked, written, and on failure set back.  */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "cgroup/devices.h"
#include "cgroup/dir.h"
#include "cgroup/limits.h"
#include "cgroup/scope.h"
#include "cgroup/undo.h"
#include "ocispec/linux.h"

enum
{
  PAGE_MAX = 64 * 1024 /* v1 says of no limit that it is the greatest number of whole pages */
};

/* Resources with what they need of the limits that hold.  */
struct completed
{
  struct oci_resources r;
  struct oci_memory memory;
  struct oci_cpu cpu;
  int64_t limit, quota;
};

static bool
set (const int64_t *value)
{
  return value && *value != 0;
}

/* The number that the file begins with; -1: "max", there is no such file, or it is one of v1 that says that there is no limit.  */
static int64_t
read_limit (const struct cgroup *cg, const char *controller, const char *v1, const char *v2)
{
  const struct cgroup_dir *d = cgroup_dir_of (cg, controller);
  uint64_t value = 0;
  char text[64];

  if (d == NULL || cgroup_dir_read (d, cgroup_dir_is_v2 (d) ? v2 : v1, text, sizeof text) < 0)
    return -1;
  text[strcspn (text, " \n")] = '\0';
  return str_u64 (text, INT64_MAX, &value) < 0 || value > INT64_MAX - PAGE_MAX ? -1 : (int64_t) value;
}

/* memory.swap is memory and swap together: on v2 the difference is written, and on both neither is below the other.  */
static int
complete_memory (const struct cgroup *cg, struct completed *c, struct err *err)
{
  if (c->r.memory == NULL)
    return 0;
  c->memory = *c->r.memory;
  c->r.memory = &c->memory;
  if (! set (c->memory.swap) || *c->memory.swap < 0 || set (c->memory.limit))
    return 0;
  c->limit = read_limit (cg, "memory", "memory.limit_in_bytes", "memory.max");
  if (c->limit <= 0)
    return err_spec (err, "linux.resources.memory.swap",
                     "is memory and swap together, and the container's memory is not limited: memory.limit must be set too");
  c->memory.limit = &c->limit;
  return 0;
}

/* On v2, and for systemd, quota and period are one, in which a period cannot be alone.  */
static void
complete_cpu (const struct cgroup *cg, struct completed *c)
{
  const struct cgroup_dir *d = cgroup_dir_of (cg, "cpu");

  if (c->r.cpu == NULL || d == NULL || (! cgroup_dir_is_v2 (d) && cg->unit == NULL))
    return;
  c->cpu = *c->r.cpu;
  c->r.cpu = &c->cpu;
  if (c->cpu.period == NULL || *c->cpu.period == 0 || set (c->cpu.quota))
    return;
  c->quota = read_limit (cg, "cpu", "cpu.cfs_quota_us", "cpu.max");
  c->cpu.quota = &c->quota;
}

static int
write_all (const struct cgroup *cg, const struct oci_resources *r, struct err *err)
{
  struct cgroup_undo undo = { .n = 0 };
  int ret = cgroup_limit_again (cg, r, &undo, err);

  if (ret == 0 && r->n_devices > 0)
    ret = cgroup_devices_update (cg, r, err);
  if (ret < 0 && cg->unit)
    scope_undo (cg, &undo);
  if (ret < 0)
    cgroup_undo_all (&undo);
  cgroup_undo_free (&undo);
  return ret;
}

int
cgroup_update (const struct cgroup *cg, const struct oci_resources *r, const struct cgroup_layout *l, const struct cgroup_args *asked,
               struct err *err)
{
  const struct cgroup_args args
      = { .driver = cg->driver, .rootless = cg->rootless, .annotations = asked->annotations, .n_annotations = asked->n_annotations };
  struct completed c = { .r = *r };
  int ret = complete_memory (cg, &c, err);

  if (ret < 0)
    return ret;
  complete_cpu (cg, &c);
  ret = cgroup_limits_check (&c.r, l, &args, err);
  return ret < 0 ? ret : write_all (cg, &c.r, err);
}
