/* SPDX-License-Identifier: Apache-2.0 */
/* May linux.resources be done on this machine?  Answered before anything is made.  Pure.  */
#include "cgroup/limits.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "cgroup/devices.h"
#include "cgroup/layout.h"
#include "cgroup/unit_props.h"
#include "ocispec/linux.h"

static int
lacking (struct err *err, const char *controller, const char *where)
{
  return err_in (err,
                 err_host (err, ENOTSUP, "the cgroup controller \"%s\" is not available on this machine", controller),
                 "%s", where);
}

/* Which dialect ROW is written in: that of the v1 hierarchy with its controller, or else that of v2.  */
static bool
speaks_v2 (const struct cgroup_layout *l, const struct cgroup_limit_row *row)
{
  char controller[CGROUP_CONTROLLER_MAX];

  cgroup_limit_controller (row, false, controller);
  return l->mode != CGROUP_V1 && ! (l->mode != CGROUP_V2 && cgroup_layout_find (l, controller));
}

/* Checks the I-th value of ROW.  */
static int
check_value (const struct cgroup_limit_row *row, const struct oci_resources *r, size_t i, const struct cgroup_layout *l,
             struct err *err)
{
  const struct cgroup_limit_ask ask = { .r = r, .i = i, .v2 = speaks_v2 (l, row) };
  char text[CGROUP_LIMIT_TEXT_MAX], where[160], controller[CGROUP_CONTROLLER_MAX];

  if (row->text (&ask, text, sizeof text) <= 0 || cgroup_limit_is_none (text))
    return 0;
  cgroup_limit_where (row, r, i, where, sizeof where);
  cgroup_limit_controller (row, ask.v2, controller);
  if (ask.v2 && row->v2 == NULL && l->mode == CGROUP_V2)
    return err_in (err, err_host (err, ENOTSUP, "cgroup v2, which this machine has, knows nothing like it"), "%s",
                   where);
  if (ask.v2 ? row->v2 && l->controllers && cgroup_list_has (l->controllers, controller)
             : cgroup_layout_find (l, controller) != NULL)
    return 0;
  return lacking (err, controller, where);
}

static int
check_values (const struct oci_resources *r, const struct cgroup_layout *l, struct err *err)
{
  for (const struct cgroup_limit_row *row = cgroup_limit_rows (); row->where; row++)
    for (size_t i = 0; i < cgroup_limit_count (row, r); i++)
      {
        int ret = check_value (row, r, i, l, err);
        if (ret < 0)
          return ret;
      }
  return 0;
}

static int
check_unified (const struct oci_resources *r, const struct cgroup_layout *l, struct err *err)
{
  for (size_t i = 0; i < r->n_unified; i++)
    {
      char where[160], controller[CGROUP_FILE_MAX + 1];

      (void) snprintf (where, sizeof where, "linux.resources.unified[\"%.100s\"]", r->unified[i].key);
      if (cgroup_layout_find (l, "") == NULL)
        return err_in (err, err_host (err, ENOTSUP, "this machine has no cgroup v2"), "%s", where);
      cgroup_unified_controller (r->unified[i].key, controller);
      if (*controller && (l->controllers == NULL || ! cgroup_list_has (l->controllers, controller)))
        return lacking (err, controller, where);
    }
  return 0;
}

/* Whether this machine can have the rules.  */
static int
check_devices (const struct oci_resources *r, const struct cgroup_layout *l, const struct cgroup_args *args,
               struct err *err)
{
  const struct cgroup_hierarchy *v1 = l->mode == CGROUP_V2 ? NULL : cgroup_layout_find (l, "devices");
  struct device_rules rules;
  int ret;

  if (args->rootless)
    return 0;
  if (v1 == NULL)
    return l->mode == CGROUP_V1 ? lacking (err, "devices", "linux.resources.devices") : 0;
  ret = cgroup_device_rules (r, &rules, err);
  if (ret < 0)
    return ret;
  ret = cgroup_device_rules_reduce (&rules, err);
  if (ret == 0 && args->driver && strcmp (args->driver, "systemd") == 0)
    ret = err_in (err, unit_props_devices_check (&rules, err), "linux.resources.devices");
  free (rules.rules);
  return ret;
}

/* True if the annotations of ARGS have the property NAME, and not to say that there is nothing of it.  */
static bool
is_annotated (const struct cgroup_args *args, const char *name)
{
  for (size_t i = 0; i < args->n_annotations; i++)
    {
      const char *asked = str_after (args->annotations[i].key, UNIT_ANNOTATION);

      if (asked && strcmp (asked, name) == 0 && strcmp (args->annotations[i].value, "false") != 0)
        return true;
    }
  return false;
}

/* On v1 systemd has for some limits old words, of which it takes none into account any more if one of its words for v2 is there (its cgroup.c:
 * unit_has_unified_memory_config, cgroup_context_has_cpu_weight, ..._io_config), as it writes all anew at a reload.  */
static const struct
{
  const char *old; /* begins with this */
  const char *rivals[10];
} words[] = {
  { "MemoryLimit", { "MemoryMax", "MemoryHigh", "MemoryLow", "MemoryMin", "MemorySwapMax" } },
  { "CPUShares", { "CPUWeight", "StartupCPUWeight" } },
  { "BlockIO", { "IOWeight", "StartupIOWeight", "IODeviceWeight", "IODeviceLatencyTargetUSec", "IOReadBandwidthMax", "IOWriteBandwidthMax", "IOReadIOPSMax",
                 "IOWriteIOPSMax", "IOAccounting" } },
};

/* Which annotation would make systemd forget the property OLD, or NULL.  */
static const char *
find_rival (const struct cgroup_args *args, const char *old)
{
  for (size_t i = 0; old && i < sizeof words / sizeof *words; i++)
    for (const char *const *rival = words[i].rivals; str_after (old, words[i].old) && *rival; rival++)
      if (is_annotated (args, *rival))
        return *rival;
  return NULL;
}

static int
check_unit (const struct oci_resources *r, const struct cgroup_layout *l, const struct cgroup_args *args, struct err *err)
{
  char text[CGROUP_LIMIT_TEXT_MAX], where[160];

  for (const struct cgroup_limit_row *row = cgroup_limit_rows (); row->where; row++)
    {
      const char *rival = speaks_v2 (l, row) ? NULL : find_rival (args, row->unit_v1);

      for (size_t i = 0; rival && i < cgroup_limit_count (row, r); i++)
        if (row->text (&(struct cgroup_limit_ask){ .r = r, .i = i }, text, sizeof text) > 0 && ! cgroup_limit_is_none (text))
          {
            cgroup_limit_where (row, r, i, where, sizeof where);
            return err_in (err, err_spec (err, "", "on cgroup v1 systemd would forget %s over it, sooner or later", where), "annotations[\"%s%s\"]", UNIT_ANNOTATION,
                           rival);
          }
    }
  return 0;
}

int
cgroup_limits_check (const struct oci_resources *r, const struct cgroup_layout *l, const struct cgroup_args *args,
                     struct err *err)
{
  int ret = cgroup_limits_check_values (r, err);

  if (ret < 0)
    return ret;
  if (args->driver && strcmp (args->driver, "disabled") == 0)
    return cgroup_limits_asked (r) ? err_spec (err, "linux.resources", "limits need a cgroup, and cgroups are disabled")
                                   : 0;
  ret = check_devices (r, l, args, err);
  if (ret == 0 && r)
    ret = check_values (r, l, err);
  if (ret == 0 && r)
    ret = check_unified (r, l, err);
  if (ret == 0 && r && args->driver && strcmp (args->driver, "systemd") == 0)
    ret = check_unit (r, l, args, err);
  return ret;
}
