/* SPDX-License-Identifier: Apache-2.0 */
/* Rules on namespaces and on what lives in one: ids, clocks, network devices, resctrl,
 * kernel parameters.  A predicate looks at the document alone.  Must never look at the machine. */
#include <string.h>

#include "kernel/netdev.h"
#include "kernel/rdt.h"
#include "kernel/sysctl.h"
#include "ocispec/config.h"
#include "plan/part.h"
#include "plan/rule.h"

static const struct oci_linux no_linux;

static const struct oci_linux *
lin (const struct oci_config *c)
{
  return c->linux_ ? c->linux_ : &no_linux;
}

static bool
empty (const char *text)
{
  return text == NULL || text[0] == '\0';
}

/* --- namespaces */

/* More are not needed to find one that is listed twice: the types are a closed set.  */
enum { NAMESPACES_MAX = 32 };

static size_t
n_namespaces (const struct oci_config *c)
{
  return lin (c)->n_namespaces < NAMESPACES_MAX ? lin (c)->n_namespaces : NAMESPACES_MAX;
}

static bool
namespace_twice (const struct oci_config *c, size_t i)
{
  for (size_t j = 0; j < i; j++)
    if (strcmp (c->linux_->namespaces[j].type, c->linux_->namespaces[i].type) == 0)
      return true;
  return false;
}

static bool
namespace_relative (const struct oci_config *c, size_t i)
{
  const char *path = c->linux_->namespaces[i].path;

  return ! empty (path) && path[0] != '/'; /* empty is what absent becomes in some languages */
}

static bool
uid_maps_missing (const struct oci_config *c, size_t i)
{
  (void) i;
  return part_namespace (c, "user") == NAMESPACE_NEW && c->linux_->n_uid_mappings == 0;
}

static bool
gid_maps_missing (const struct oci_config *c, size_t i)
{
  (void) i;
  return part_namespace (c, "user") == NAMESPACE_NEW && c->linux_->n_gid_mappings == 0;
}

static bool
uid_maps_idle (const struct oci_config *c, size_t i)
{
  (void) i;
  return lin (c)->n_uid_mappings > 0 && part_namespace (c, "user") == NAMESPACE_INHERITED;
}

static bool
gid_maps_idle (const struct oci_config *c, size_t i)
{
  (void) i;
  return lin (c)->n_gid_mappings > 0 && part_namespace (c, "user") == NAMESPACE_INHERITED;
}

/* --- time */

/* The clocks of a namespace that exists are fixed.  */
static bool
time_offsets_idle (const struct oci_config *c, size_t i)
{
  (void) i;
  return lin (c)->n_time_offsets > 0 && part_namespace (c, "time") != NAMESPACE_NEW;
}

static size_t
n_time_offsets (const struct oci_config *c)
{
  return lin (c)->n_time_offsets;
}

static const char *
time_offset_clock (const struct oci_config *c, size_t i)
{
  return c->linux_->time_offsets[i].clock;
}

static bool
nanosecs_large (const struct oci_config *c, size_t i)
{
  const uint32_t *nanosecs = c->linux_->time_offsets[i].nanosecs;

  return nanosecs && *nanosecs >= 1000 * 1000 * 1000;
}

/* --- network devices */

enum { NET_DEVICES_MAX = 1024 }; /* each is compared with all others */

static size_t
n_net_devices (const struct oci_config *c)
{
  return lin (c)->n_net_devices < NET_DEVICES_MAX ? lin (c)->n_net_devices : NET_DEVICES_MAX;
}

static bool
net_devices_many (const struct oci_config *c, size_t i)
{
  (void) i;
  return lin (c)->n_net_devices > NET_DEVICES_MAX;
}

static const char *
net_device_key (const struct oci_config *c, size_t i)
{
  return c->linux_->net_devices[i].host_name;
}

/* Its name in the container; empty is what absent becomes in some languages.  */
static const char *
net_device_name (const struct oci_config *c, size_t i)
{
  const struct oci_net_device *d = &c->linux_->net_devices[i];

  return empty (d->name) ? d->host_name : d->name;
}

static bool
net_devices_shared (const struct oci_config *c, size_t i)
{
  (void) i;
  return n_net_devices (c) > 0 && part_namespace (c, "network") == NAMESPACE_INHERITED;
}

static bool
net_device_malformed (const struct oci_config *c, size_t i)
{
  return ! netdev_is_name (net_device_key (c, i), false);
}

static bool
net_device_name_malformed (const struct oci_config *c, size_t i)
{
  return ! empty (c->linux_->net_devices[i].name) && ! netdev_is_name (c->linux_->net_devices[i].name, true);
}

static bool
net_device_name_twice (const struct oci_config *c, size_t i)
{
  const char *name = net_device_name (c, i);

  for (size_t j = 0; j < i && ! netdev_is_template (name); j++)
    if (strcmp (net_device_name (c, j), name) == 0)
      return true;
  return false;
}

/* --- kernel parameters */

static size_t
n_sysctls (const struct oci_config *c)
{
  return lin (c)->n_sysctl;
}

static const char *
sysctl_key (const struct oci_config *c, size_t i)
{
  return c->linux_->sysctl[i].key;
}

static bool
sysctl_malformed (const struct oci_config *c, size_t i)
{
  char path[256];

  return sysctl_path (sysctl_key (c, i), path, sizeof path) < 0;
}

/* Namespaced, but what it sets has a property: runc refuses it as well.  */
static bool
sysctl_hostname (const struct oci_config *c, size_t i)
{
  char path[256];

  return sysctl_path (sysctl_key (c, i), path, sizeof path) == 0 && strcmp (path, "kernel/hostname") == 0;
}

static bool
sysctl_global (const struct oci_config *c, size_t i)
{
  return ! sysctl_malformed (c, i) && ! sysctl_hostname (c, i) && sysctl_namespace (sysctl_key (c, i)) == NULL;
}

/* True if the parameter belongs to a namespace of this TYPE, and none is listed.  */
static bool
sysctl_lacks (const struct oci_config *c, size_t i, const char *type)
{
  const char *owner = sysctl_malformed (c, i) ? NULL : sysctl_namespace (sysctl_key (c, i));

  return owner && strcmp (owner, type) == 0 && part_namespace (c, type) == NAMESPACE_INHERITED;
}

#define SYSCTL_NEEDS(type)                                                                                            \
  static bool sysctl_needs_##type (const struct oci_config *c, size_t i) { return sysctl_lacks (c, i, #type); }

SYSCTL_NEEDS (ipc)
SYSCTL_NEEDS (network)
SYSCTL_NEEDS (user)
SYSCTL_NEEDS (uts)

/* True if another key is the same parameter in the other spelling ("net.x" and "net/x"), with another value: which one was meant?  */
static bool
sysctl_contradicted (const struct oci_config *c, size_t i)
{
  const struct oci_pair *all = c->linux_->sysctl;
  char path[256], other[256];

  if (sysctl_path (all[i].key, path, sizeof path) < 0)
    return false;
  for (size_t j = 0; j < c->linux_->n_sysctl; j++)
    if (sysctl_path (all[j].key, other, sizeof other) == 0 && strcmp (path, other) == 0 && strcmp (all[j].value, all[i].value) != 0)
      return true;
  return false;
}

static bool
sysctl_value_broken (const struct oci_config *c, size_t i)
{
  return sysctl_check_value (c->linux_->sysctl[i].value) < 0;
}

/* --- resctrl */

static const struct oci_intel_rdt *
rdt (const struct oci_config *c)
{
  static const struct oci_intel_rdt none;

  return lin (c)->intel_rdt ? lin (c)->intel_rdt : &none;
}

static bool
clos_malformed (const struct oci_config *c, size_t i)
{
  const char *id = rdt (c)->clos_id;

  (void) i;
  return ! empty (id) && strcmp (id, "/") != 0 && ! rdt_is_name (id);
}

/* What l3CacheSchema ought not to have (several lines), the kernel judges.  */
static bool
bandwidth_malformed (const struct oci_config *c, size_t i)
{
  const char *schema = rdt (c)->mem_bw_schema;

  (void) i;
  return ! empty (schema) && (strncmp (schema, "MB:", 3) != 0 || strchr (schema, '\n'));
}

static size_t
n_schemata (const struct oci_config *c)
{
  return rdt (c)->n_schemata;
}

static bool
schema_malformed (const struct oci_config *c, size_t i)
{
  return empty (rdt (c)->schemata[i]) || strchr (rdt (c)->schemata[i], '\n');
}

/* --- the table, in the order of the spec */

const struct rule rules_space[] = {
  { "linux.namespaces[].type", n_namespaces, NULL, namespace_twice, "is given twice", "config-linux.md#namespaces" },
  { "linux.namespaces[].path", n_namespaces, NULL, namespace_relative, "must be an absolute path", "config-linux.md#namespaces" },
  { "linux.uidMappings", NULL, NULL, uid_maps_missing, "required with a new user namespace", "config-linux.md#user-namespace-mappings" },
  { "linux.gidMappings", NULL, NULL, gid_maps_missing, "required with a new user namespace", "config-linux.md#user-namespace-mappings" },
  { "linux.uidMappings", NULL, NULL, uid_maps_idle, "needs a user namespace in linux.namespaces", "config-linux.md#user-namespace-mappings" },
  { "linux.gidMappings", NULL, NULL, gid_maps_idle, "needs a user namespace in linux.namespaces", "config-linux.md#user-namespace-mappings" },
  { "linux.timeOffsets", NULL, NULL, time_offsets_idle, "needs a new time namespace in linux.namespaces", "config-linux.md#offset-for-time-namespace" },
  { "linux.timeOffsets[].nanosecs", n_time_offsets, time_offset_clock, nanosecs_large, "must be below 1000000000", "config-linux.md#offset-for-time-namespace" },
  { "linux.netDevices", NULL, NULL, net_devices_shared, "needs a network namespace in linux.namespaces", "config-linux.md#network-devices" },
  { "linux.netDevices", NULL, NULL, net_devices_many, "must have at most 1024 entries", "config-linux.md#network-devices" },
  { "linux.netDevices[]", n_net_devices, net_device_key, net_device_malformed, "is no name of a network device", "config-linux.md#network-devices" },
  { "linux.netDevices[].name", n_net_devices, net_device_key, net_device_name_malformed, "is no name of a network device", "config-linux.md#network-devices" },
  { "linux.netDevices[].name", n_net_devices, net_device_key, net_device_name_twice, "another device has the same name in the container", "config-linux.md#network-devices" },
  { "linux.intelRdt.closID", NULL, NULL, clos_malformed, "must be \"/\" or one name, and none of the kernel's own", "config-linux.md#intelrdt" },
  { "linux.intelRdt.memBwSchema", NULL, NULL, bandwidth_malformed, "must begin with MB: and be one line", "config-linux.md#intelrdt" },
  { "linux.intelRdt.schemata[]", n_schemata, NULL, schema_malformed, "must be one line", "config-linux.md#intelrdt" },
  { "linux.sysctl[]", n_sysctls, sysctl_key, sysctl_malformed, "is no name of a kernel parameter", "config-linux.md#sysctl" },
  { "linux.sysctl[]", n_sysctls, sysctl_key, sysctl_hostname, "is what the property hostname sets", "config-linux.md#sysctl" },
  { "linux.sysctl[]", n_sysctls, sysctl_key, sysctl_global, "belongs to no namespace: it would change the host", "config-linux.md#sysctl" },
  { "linux.sysctl[]", n_sysctls, sysctl_key, sysctl_needs_ipc, "needs a namespace of type ipc in linux.namespaces: it would change the host", "config-linux.md#sysctl" },
  { "linux.sysctl[]", n_sysctls, sysctl_key, sysctl_needs_network, "needs a namespace of type network in linux.namespaces: it would change the host", "config-linux.md#sysctl" },
  { "linux.sysctl[]", n_sysctls, sysctl_key, sysctl_needs_user, "needs a namespace of type user in linux.namespaces: it would change the host", "config-linux.md#sysctl" },
  { "linux.sysctl[]", n_sysctls, sysctl_key, sysctl_needs_uts, "needs a namespace of type uts in linux.namespaces: it would change the host", "config-linux.md#sysctl" },
  { "linux.sysctl[]", n_sysctls, sysctl_key, sysctl_contradicted, "another key is the same kernel parameter and has another value", "config-linux.md#sysctl" },
  { "linux.sysctl[]", n_sysctls, sysctl_key, sysctl_value_broken, "the value must not have control characters", "config-linux.md#sysctl" },
};

const size_t rules_n_space = sizeof rules_space / sizeof *rules_space;
