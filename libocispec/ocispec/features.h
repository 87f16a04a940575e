/* SPDX-License-Identifier: Apache-2.0 */
/* What a runtime can do: the features document of runtime-spec 1.3 (features.md, features-linux.md).
 * Absent means "unknown", which is not "no": a list is absent (NULL) or possibly empty, a bool absent (NULL),
 * false or true.  */
#ifndef OCISPEC_FEATURES_H
#define OCISPEC_FEATURES_H

#include <stdbool.h>
#include <stddef.h>

#include "ocispec/table.h"

/* linux.apparmor, selinux, netDevices, mountExtensions.idmap */
struct oci_feature
{
  bool *enabled;
};

/* linux.cgroup */
struct oci_features_cgroup
{
  bool *v1;
  bool *v2;
  bool *systemd;
  bool *systemd_user;
  bool *rdma;
};

/* linux.seccomp */
struct oci_features_seccomp
{
  bool *enabled;
  const char **actions;
  size_t n_actions;
  const char **operators;
  size_t n_operators;
  const char **archs;
  size_t n_archs;
  const char **known_flags;
  size_t n_known_flags;
  const char **supported_flags;
  size_t n_supported_flags;
};

/* linux.memoryPolicy */
struct oci_features_memory_policy
{
  const char **modes;
  size_t n_modes;
  const char **flags;
  size_t n_flags;
};

/* linux.intelRdt */
struct oci_features_intel_rdt
{
  bool *enabled;
  bool *schemata;
  bool *monitoring;
};

/* linux.mountExtensions */
struct oci_features_mount_extensions
{
  struct oci_feature *idmap;
};

/* linux */
struct oci_features_linux
{
  const char **namespaces;
  size_t n_namespaces;
  const char **capabilities;
  size_t n_capabilities;
  struct oci_features_cgroup *cgroup;
  struct oci_features_seccomp *seccomp;
  struct oci_feature *apparmor;
  struct oci_feature *selinux;
  struct oci_features_intel_rdt *intel_rdt;
  struct oci_features_memory_policy *memory_policy;
  struct oci_features_mount_extensions *mount_extensions;
  struct oci_feature *net_devices;
};

struct oci_features
{
  const char *oci_version_min; /* required */
  const char *oci_version_max; /* required */
  const char **hooks;
  size_t n_hooks;
  const char **mount_options;
  size_t n_mount_options;
  struct oci_features_linux *linux_; /* JSON name: linux */
  struct oci_pair *annotations;
  size_t n_annotations;
  const char **potentially_unsafe_config_annotations;
  size_t n_potentially_unsafe_config_annotations;
};

extern const struct oci_type oci_features_type;

#endif
