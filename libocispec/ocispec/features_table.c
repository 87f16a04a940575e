/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the features document.  Its words are not checked: another runtime may know more of them.  */
#include "ocispec/features.h"

/* One row per line, columns aligned.  */
/* clang-format off */

static OCI_TYPE (oci_feature,
  OCI_OPTBOOL (oci_feature, enabled, "enabled"));

static OCI_TYPE (oci_features_cgroup,
  OCI_OPTBOOL (oci_features_cgroup, v1,           "v1"),
  OCI_OPTBOOL (oci_features_cgroup, v2,           "v2"),
  OCI_OPTBOOL (oci_features_cgroup, systemd,      "systemd"),
  OCI_OPTBOOL (oci_features_cgroup, systemd_user, "systemdUser"),
  OCI_OPTBOOL (oci_features_cgroup, rdma,         "rdma"));

static OCI_TYPE (oci_features_seccomp,
  OCI_OPTBOOL (oci_features_seccomp, enabled,         "enabled"),
  OCI_STRS    (oci_features_seccomp, actions,         "actions",        0),
  OCI_STRS    (oci_features_seccomp, operators,       "operators",      0),
  OCI_STRS    (oci_features_seccomp, archs,           "archs",          0),
  OCI_STRS    (oci_features_seccomp, known_flags,     "knownFlags",     0),
  OCI_STRS    (oci_features_seccomp, supported_flags, "supportedFlags", 0));

static OCI_TYPE (oci_features_memory_policy,
  OCI_STRS (oci_features_memory_policy, modes, "modes", 0),
  OCI_STRS (oci_features_memory_policy, flags, "flags", 0));

static OCI_TYPE (oci_features_intel_rdt,
  OCI_OPTBOOL (oci_features_intel_rdt, enabled,    "enabled"),
  OCI_OPTBOOL (oci_features_intel_rdt, schemata,   "schemata"),
  OCI_OPTBOOL (oci_features_intel_rdt, monitoring, "monitoring"));

static OCI_TYPE (oci_features_mount_extensions,
  OCI_OBJ (oci_features_mount_extensions, idmap, "idmap", 0, oci_feature));

static OCI_TYPE (oci_features_linux,
  OCI_STRS (oci_features_linux, namespaces,       "namespaces",      0),
  OCI_STRS (oci_features_linux, capabilities,     "capabilities",    0),
  OCI_OBJ  (oci_features_linux, cgroup,           "cgroup",          0, oci_features_cgroup),
  OCI_OBJ  (oci_features_linux, seccomp,          "seccomp",         0, oci_features_seccomp),
  OCI_OBJ  (oci_features_linux, apparmor,         "apparmor",        0, oci_feature),
  OCI_OBJ  (oci_features_linux, selinux,          "selinux",         0, oci_feature),
  OCI_OBJ  (oci_features_linux, intel_rdt,        "intelRdt",        0, oci_features_intel_rdt),
  OCI_OBJ  (oci_features_linux, memory_policy,    "memoryPolicy",    0, oci_features_memory_policy),
  OCI_OBJ  (oci_features_linux, mount_extensions, "mountExtensions", 0, oci_features_mount_extensions),
  OCI_OBJ  (oci_features_linux, net_devices,      "netDevices",      0, oci_feature));

OCI_TYPE (oci_features,
  OCI_STR    (oci_features, oci_version_min, "ociVersionMin", OCI_REQUIRED),
  OCI_STR    (oci_features, oci_version_max, "ociVersionMax", OCI_REQUIRED),
  OCI_STRS   (oci_features, hooks,           "hooks",         0),
  OCI_STRS   (oci_features, mount_options,   "mountOptions",  0),
  OCI_OBJ    (oci_features, linux_,          "linux",         0, oci_features_linux),
  OCI_STRMAP (oci_features, annotations,     "annotations",   0),
  OCI_STRS   (oci_features, potentially_unsafe_config_annotations, "potentiallyUnsafeConfigAnnotations", 0));
