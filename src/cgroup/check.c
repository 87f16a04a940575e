/* SPDX-License-Identifier: Apache-2.0 */
/* May linux.resources be done on this machine?  Answered before anything is made.  Pure.  */
#include "cgroup/limits.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "cgroup/devices.h"
#include "cgroup/dir.h" /* CGROUP_FILE_MAX */
#include "cgroup/layout.h"
#include "ocispec/linux.h"

static const struct oci_memory no_memory;
static const struct oci_cpu no_cpu;
static const struct oci_block_io no_block_io;
static const struct oci_network no_network;

#define SET(p) ((p) && *(p) != 0)

/* Properties that are not implemented yet; values that ask for nothing pass.  */
static int
check_later (const struct oci_resources *r, struct err *err)
{
  const struct oci_memory *m = r->memory ? r->memory : &no_memory;
  const struct oci_cpu *c = r->cpu ? r->cpu : &no_cpu;
  const struct oci_block_io *b = r->block_io ? r->block_io : &no_block_io;
  const struct oci_network *n = r->network ? r->network : &no_network;
  const struct
  {
    const char *where;
    bool asked;
  } later[] = {
    { "memory.kernel", m->kernel && *m->kernel > 0 },
    { "memory.kernelTCP", m->kernel_tcp && *m->kernel_tcp > 0 },
    { "memory.swappiness", m->swappiness != NULL }, /* 0 is a setting */
    { "memory.disableOOMKiller", SET (m->disable_oom_killer) },
    { "memory.useHierarchy", SET (m->use_hierarchy) },
    { "cpu.burst", SET (c->burst) },
    { "cpu.realtimeRuntime", SET (c->realtime_runtime) },
    { "cpu.realtimePeriod", SET (c->realtime_period) },
    { "cpu.idle", SET (c->idle) },
    { "blockIO.weight", SET (b->weight) },
    { "blockIO.leafWeight", SET (b->leaf_weight) },
    { "blockIO.weightDevice", b->n_weight_device > 0 },
    { "blockIO.throttleReadBpsDevice", b->n_throttle_read_bps_device > 0 },
    { "blockIO.throttleWriteBpsDevice", b->n_throttle_write_bps_device > 0 },
    { "blockIO.throttleReadIOPSDevice", b->n_throttle_read_iops_device > 0 },
    { "blockIO.throttleWriteIOPSDevice", b->n_throttle_write_iops_device > 0 },
    { "hugepageLimits", r->n_hugepage_limits > 0 },
    { "network.classID", SET (n->class_id) },
    { "network.priorities", n->n_priorities > 0 },
    { "rdma", r->n_rdma > 0 },
  };

  for (size_t i = 0; i < sizeof later / sizeof *later; i++)
    if (later[i].asked)
      return err_in (err, err_spec (err, "", "not implemented yet"), "linux.resources.%s", later[i].where);
  return 0;
}

/* True if TEXT (may be NULL) has control characters, other than those in ALLOWED.  */
static bool
has_control (const char *text, const char *allowed)
{
  for (; text && *text; text++)
    if (((unsigned char) *text < ' ' || *text == 0x7f) && strchr (allowed, *text) == NULL)
      return true;
  return false;
}

/* Values that cannot be, whatever the machine.  */
static int
check_values (const struct oci_resources *r, struct err *err)
{
  const struct oci_memory *m = r->memory ? r->memory : &no_memory;
  const struct oci_cpu *c = r->cpu ? r->cpu : &no_cpu;
  const struct
  {
    const char *where;
    const int64_t *value;
  } limits[] = {
    { "linux.resources.memory.limit", m->limit },
    { "linux.resources.memory.swap", m->swap },
    { "linux.resources.memory.reservation", m->reservation },
    { "linux.resources.pids.limit", r->pids ? r->pids->limit : NULL },
  };

  for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
    if (limits[i].value && *limits[i].value < -1)
      return err_spec (err, limits[i].where, "must be -1 (unlimited) or more");
  if (m->swap && *m->swap > 0 && ! SET (m->limit))
    return err_spec (err, "linux.resources.memory.swap",
                     "is memory and swap together, so memory.limit must be set too");
  if (m->swap && *m->swap > 0 && *m->limit > *m->swap)
    return err_spec (err, "linux.resources.memory.swap",
                     "is memory and swap together, so it must not be below memory.limit");
  if (has_control (c->cpus, ""))
    return err_spec (err, "linux.resources.cpu.cpus", "must not contain control characters");
  if (has_control (c->mems, ""))
    return err_spec (err, "linux.resources.cpu.mems", "must not contain control characters");
  return 0;
}

/* True if a limit of CONTROLLER can be set somewhere on this machine.  */
static bool
available (const struct cgroup_layout *l, const char *controller)
{
  return cgroup_layout_find (l, controller) || (l->controllers && cgroup_list_has (l->controllers, controller));
}

static int
lacking (struct err *err, const char *controller, size_t len, const char *where)
{
  return err_in (
      err,
      err_host (err, ENOTSUP, "the cgroup controller \"%.*s\" is not available on this machine", (int) len, controller),
      "%s", where);
}

static int
check_controllers (const struct oci_resources *r, const struct cgroup_layout *l, struct err *err)
{
  char text[4096], where[160];

  for (const struct cgroup_limit_row *row = cgroup_limit_rows (); row->where; row++)
    {
      (void) snprintf (where, sizeof where, "linux.resources.%s", row->where);
      if (row->text (r, l->mode == CGROUP_V2, text, sizeof text) > 0 && ! cgroup_limit_is_none (text)
          && ! available (l, row->controller))
        return lacking (err, row->controller, strlen (row->controller), where);
    }
  return 0;
}

/* True if the file KEY of a v2 cgroup is there only with a controller that L lacks.  Files of the kernel's core and pressure files
 * need none, and names without a dot are of no controller that we know: they are written all the same
 * (config-linux.md, "Unified").  */
static bool
lacks_controller (const struct cgroup_layout *l, const char *key)
{
  const char *dot = strchr (key, '.');
  char name[CGROUP_FILE_MAX + 1];

  if (dot == NULL || str_after (key, "cgroup.") || strcmp (dot, ".pressure") == 0)
    return false;
  (void) snprintf (name, sizeof name, "%.*s", (int) (dot - key), key);
  return l->controllers == NULL || ! cgroup_list_has (l->controllers, name);
}

/* Checks one file of `unified`, at the JSON path WHERE.  */
static int
check_file (const struct oci_pair *file, const struct cgroup_layout *l, const char *where, struct err *err)
{
  const char *key = file->key;

  if (*key == '\0' || strchr (key, '/') || strcmp (key, ".") == 0 || strcmp (key, "..") == 0
      || strlen (key) > CGROUP_FILE_MAX || has_control (key, ""))
    return err_spec (err, where, "must be the name of a file in the cgroup");
  if (has_control (file->value, "\n\t"))
    return err_spec (err, where, "must not contain control characters");
  if (cgroup_layout_find (l, "") == NULL)
    return err_in (err, err_host (err, ENOTSUP, "this machine has no cgroup v2"), "%s", where);
  if (lacks_controller (l, key))
    return lacking (err, key, strcspn (key, "."), where);
  return 0;
}

static int
check_unified (const struct oci_resources *r, const struct cgroup_layout *l, struct err *err)
{
  int ret = 0;

  for (size_t i = 0; ret == 0 && i < r->n_unified; i++)
    {
      const struct oci_pair *file = &r->unified[i];
      char where[160];

      (void) snprintf (where, sizeof where, "linux.resources.unified[\"%.100s\"]", file->key ? file->key : "");
      ret = file->key && file->value ? check_file (file, l, where, err) : err_spec (err, where, "must be a string");
    }
  return ret;
}

/* The rules themselves, and whether this machine can have them.  */
static int
check_devices (const struct oci_resources *r, const struct cgroup_layout *l, const struct cgroup_args *args,
               struct err *err)
{
  const struct cgroup_hierarchy *v1 = l->mode == CGROUP_V2 ? NULL : cgroup_layout_find (l, "devices");
  struct device_rules rules;
  int ret = cgroup_device_rules (r, &rules, err);

  if (ret < 0)
    return ret;
  if (v1 && ! args->rootless)
    ret = cgroup_device_rules_reduce (&rules, err);
  free (rules.rules);
  if (ret == 0 && l->mode == CGROUP_V1 && v1 == NULL && ! args->rootless)
    ret = lacking (err, "devices", strlen ("devices"), "linux.resources.devices");
  return ret;
}

int
cgroup_limits_check (const struct oci_resources *r, const struct cgroup_layout *l, const struct cgroup_args *args,
                     struct err *err)
{
  int ret = r ? check_later (r, err) : 0;

  if (ret == 0 && r)
    ret = check_values (r, err);
  if (ret < 0)
    return ret;
  if (args->driver && strcmp (args->driver, "disabled") == 0)
    return cgroup_limits_asked (r) ? err_spec (err, "linux.resources", "limits need a cgroup, and cgroups are disabled")
                                   : 0;
  ret = check_devices (r, l, args, err);
  if (ret == 0 && r)
    ret = check_controllers (r, l, err);
  if (ret == 0 && r)
    ret = check_unified (r, l, err);
  return ret;
}
