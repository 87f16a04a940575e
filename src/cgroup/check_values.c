/* SPDX-License-Identifier: Apache-2.0 */
/* Values of linux.resources that cannot be, whatever the machine.  Pure.  */
#include <errno.h>
#include <net/if.h> /* IFNAMSIZ */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "cgroup/devices.h"
#include "cgroup/dir.h" /* CGROUP_FILE_MAX */
#include "cgroup/limits.h"
#include "kernel/device.h"
#include "ocispec/linux.h"

static const struct oci_memory no_memory;
static const struct oci_cpu no_cpu;
static const struct oci_block_io no_block_io;

enum
{
  WEIGHT_MIN = 10, /* of blkio.weight (cgroup-v1/blkio-controller.rst) */
  WEIGHT_MAX = 1000,
  SWAPPINESS_MAX = 100
};

static bool
positive (const int64_t *value)
{
  return value && *value > 0;
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

/* Limits where -1 is none and less is nothing.  */
static int
check_limits (const struct oci_resources *r, struct err *err)
{
  const struct oci_memory *m = r->memory ? r->memory : &no_memory;
  const struct
  {
    const char *where;
    const int64_t *value;
  } limits[] = {
    { "linux.resources.memory.limit", m->limit },
    { "linux.resources.memory.swap", m->swap },
    { "linux.resources.memory.reservation", m->reservation },
    { "linux.resources.memory.kernel", m->kernel },
    { "linux.resources.memory.kernelTCP", m->kernel_tcp },
    { "linux.resources.pids.limit", r->pids ? r->pids->limit : NULL },
  };

  for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
    if (limits[i].value && *limits[i].value < -1)
      return err_spec (err, limits[i].where, "must be -1 (unlimited) or more");
  return 0;
}

static int
check_memory (const struct oci_resources *r, struct err *err)
{
  const struct oci_memory *m = r->memory ? r->memory : &no_memory;

  if (positive (m->swap) && ! (m->limit && *m->limit != 0))
    return err_spec (err, "linux.resources.memory.swap",
                     "is memory and swap together, so memory.limit must be set too");
  if (positive (m->swap) && (*m->limit < 0 || *m->limit > *m->swap))
    return err_spec (err, "linux.resources.memory.swap",
                     "is memory and swap together, so it must not be below memory.limit");
  if (m->swappiness && *m->swappiness > SWAPPINESS_MAX && *m->swappiness != UINT64_MAX)
    return err_spec (err, "linux.resources.memory.swappiness", "must be 0 to %d", SWAPPINESS_MAX);
  return 0;
}

/* Also where there is no cpuset controller, so that a broken list is not told from a good one by the machine.  */
static int
check_list (const char *list, const char *where, struct err *err)
{
  if (has_control (list, ""))
    return err_spec (err, where, "must not contain control characters");
  return list && bits_check (list) < 0 ? err_spec (err, where, "must be a list of numbers and ranges, as 0-3,7") : 0;
}

static int
check_cpu (const struct oci_resources *r, struct err *err)
{
  const struct oci_cpu *c = r->cpu ? r->cpu : &no_cpu;
  int ret;

  if (c->burst && positive (c->quota) && *c->burst > (uint64_t) *c->quota)
    return err_spec (err, "linux.resources.cpu.burst", "must not be above cpu.quota");
  if (c->idle && *c->idle != 0 && *c->idle != 1)
    return err_spec (err, "linux.resources.cpu.idle", "must be 0 or 1");
  ret = check_list (c->cpus, "linux.resources.cpu.cpus", err);
  return ret < 0 ? ret : check_list (c->mems, "linux.resources.cpu.mems", err);
}

/* 0 is how engines write that nothing was asked for.  */
static bool
weight_broken (const uint16_t *weight)
{
  return weight && *weight != 0 && (*weight < WEIGHT_MIN || *weight > WEIGHT_MAX);
}

/* The kernel would take the number of another device for one that is too great: it counts in 32 bits.  */
static bool
device_broken (int64_t major, int64_t minor)
{
  return major < 0 || major > DEVICE_MAJOR_MAX || minor < 0 || minor > DEVICE_MINOR_MAX;
}

static int
check_weight_device (const struct oci_weight_device *d, size_t i, struct err *err)
{
  char where[80];

  (void) snprintf (where, sizeof where, "linux.resources.blockIO.weightDevice[%zu]", i);
  if (d->weight == NULL && d->leaf_weight == NULL)
    return err_spec (err, where, "must have weight or leafWeight");
  if (weight_broken (d->weight) || weight_broken (d->leaf_weight))
    return err_spec (err, where, "weights must be %d to %d", WEIGHT_MIN, WEIGHT_MAX);
  if (device_broken (d->major, d->minor))
    return err_spec (err, where, "major or minor is no device number");
  return 0;
}

static int
check_throttles (const struct oci_block_io *b, struct err *err)
{
  const struct
  {
    const char *name;
    const struct oci_throttle_device *list;
    size_t n;
  } lists[] = {
    { "throttleReadBpsDevice", b->throttle_read_bps_device, b->n_throttle_read_bps_device },
    { "throttleWriteBpsDevice", b->throttle_write_bps_device, b->n_throttle_write_bps_device },
    { "throttleReadIOPSDevice", b->throttle_read_iops_device, b->n_throttle_read_iops_device },
    { "throttleWriteIOPSDevice", b->throttle_write_iops_device, b->n_throttle_write_iops_device },
  };

  for (size_t l = 0; l < sizeof lists / sizeof *lists; l++)
    for (size_t i = 0; i < lists[l].n; i++)
      if (device_broken (lists[l].list[i].major, lists[l].list[i].minor))
        return err_in (err, err_spec (err, "", "major or minor is no device number"), "linux.resources.blockIO.%s[%zu]",
                       lists[l].name, i);
  return 0;
}

static int
check_block_io (const struct oci_resources *r, struct err *err)
{
  const struct oci_block_io *b = r->block_io ? r->block_io : &no_block_io;
  int ret = 0;

  if (weight_broken (b->weight))
    return err_spec (err, "linux.resources.blockIO.weight", "must be %d to %d", WEIGHT_MIN, WEIGHT_MAX);
  if (weight_broken (b->leaf_weight))
    return err_spec (err, "linux.resources.blockIO.leafWeight", "must be %d to %d", WEIGHT_MIN, WEIGHT_MAX);
  for (size_t i = 0; ret == 0 && i < b->n_weight_device; i++)
    ret = check_weight_device (&b->weight_device[i], i, err);
  return ret < 0 ? ret : check_throttles (b, err);
}

/* 64KB, 2MB, 1GB: the names of the kernel's files.  */
static bool
page_size_broken (const char *size)
{
  size_t digits = size ? strspn (size, "0123456789") : 0;

  return digits == 0 || digits > 7 || size[0] == '0' || strlen (size + digits) != 2
         || strchr ("KMG", size[digits]) == NULL || size[digits + 1] != 'B';
}

static int
check_hugepages (const struct oci_resources *r, struct err *err)
{
  for (size_t i = 0; i < r->n_hugepage_limits; i++)
    if (page_size_broken (r->hugepage_limits[i].page_size))
      return err_in (err, err_spec (err, "", "must be a size as in 64KB, 2MB or 1GB"),
                     "linux.resources.hugepageLimits[%zu].pageSize", i);
  return 0;
}

/* True if NAME cannot be one word of a line.  */
static bool
word_broken (const char *name)
{
  return name == NULL || *name == '\0' || strchr (name, ' ') || has_control (name, "");
}

static int
check_rdma (const struct oci_resources *r, struct err *err)
{
  for (size_t i = 0; i < r->n_rdma; i++)
    {
      const struct oci_rdma *d = &r->rdma[i];
      const char *what = word_broken (d->device)                            ? "must be the name of a device"
                         : d->hca_handles == NULL && d->hca_objects == NULL ? "must have hcaHandles or hcaObjects"
                                                                            : NULL;
      if (what)
        return err_in (err, err_spec (err, "", "%s", what), "linux.resources.rdma[\"%.64s\"]",
                       d->device ? d->device : "");
    }
  return 0;
}

static int
check_network (const struct oci_resources *r, struct err *err)
{
  for (size_t i = 0; r->network && i < r->network->n_priorities; i++)
    {
      const char *name = r->network->priorities[i].name;

      if (word_broken (name) || strlen (name) >= IFNAMSIZ)
        return err_in (err, err_spec (err, "", "must be the name of a network interface"),
                       "linux.resources.network.priorities[%zu].name", i);
    }
  return 0;
}

/* Files of every cgroup that act on processes instead of limiting them: those of the host by their numbers, or the container's first one, which would
 * never begin.  */
static bool
acts_on_processes (const char *file)
{
  static const char *const files[] = { "cgroup.procs", "cgroup.threads", "cgroup.freeze", "cgroup.kill" };

  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    if (strcmp (file, files[i]) == 0)
      return true;
  return false;
}

/* True if TEXT is not words as cgroup.subtree_control takes them.  */
static bool
words_broken (const char *text)
{
  static const char between[] = " \t\n";

  for (text += strspn (text, between); *text; text += strcspn (text, between), text += strspn (text, between))
    if ((*text != '+' && *text != '-') || strcspn (text, between) < 2)
      return true;
  return false;
}

/* The file is to be one of the cgroup's own, so its name leads nowhere else (config-linux.md, "Unified").  */
static int
check_unified (const struct oci_resources *r, struct err *err)
{
  for (size_t i = 0; i < r->n_unified; i++)
    {
      const char *key = r->unified[i].key, *value = r->unified[i].value, *what = NULL;

      if (key == NULL || value == NULL)
        what = "must be a string";
      else if (*key == '\0' || strchr (key, '/') || strcmp (key, ".") == 0 || strcmp (key, "..") == 0
               || strlen (key) > CGROUP_FILE_MAX || has_control (key, ""))
        what = "must be the name of a file in the cgroup";
      else if (acts_on_processes (key))
        what = "is no limit: exec --cgroup, pause, resume and kill are for processes";
      else if (has_control (value, "\n\t"))
        what = "must not contain control characters";
      else if (strcmp (key, "cgroup.subtree_control") == 0 && words_broken (value))
        what = "must be names of controllers with + or - before each";
      if (what)
        return err_in (err, err_spec (err, "", "%s", what), "linux.resources.unified[\"%.100s\"]", key ? key : "");
    }
  return 0;
}

static int
check_devices (const struct oci_resources *r, struct err *err)
{
  struct device_rules rules;
  int ret = r->n_devices > DEVICE_LIST_MAX ? err_spec (err, "linux.resources.devices", "must have at most %d entries", DEVICE_LIST_MAX)
                                     : cgroup_device_rules (r, &rules, err);

  if (ret == 0)
    free (rules.rules);
  return ret;
}

int
cgroup_limits_check_values (const struct oci_resources *r, struct err *err)
{
  static int (*const checks[]) (const struct oci_resources *r, struct err *err) = {
    check_limits, check_memory, check_cpu, check_block_io, check_hugepages, check_rdma, check_network, check_unified, check_devices,
  };

  for (size_t i = 0; r && i < sizeof checks / sizeof *checks; i++)
    {
      int ret = checks[i](r, err);
      if (ret < 0)
        return ret;
    }
  return 0;
}
