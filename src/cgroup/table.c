/* SPDX-License-Identifier: Apache-2.0 */
/* The form of a cgroup in the container's record.  */
#include "cgroup/cgroup.h"
#include "ocispec/table.h"

static OCI_TYPE (cgroup_dir,
  OCI_STR  (cgroup_dir, mount,       "mount",       OCI_REQUIRED),
  OCI_STR  (cgroup_dir, controllers, "controllers", OCI_REQUIRED),
  OCI_STR  (cgroup_dir, path,        "path",        OCI_REQUIRED),
  OCI_NUM  (cgroup_dir, made,        "made",        OCI_REQUIRED),
  OCI_BOOL (cgroup_dir, skipped,     "skipped",     0));

OCI_TYPE (cgroup,
  OCI_STR  (cgroup, driver,        "driver",       OCI_REQUIRED),
  OCI_OBJS (cgroup, dirs,          "dirs",         0, cgroup_dir),
  OCI_BOOL (cgroup, rootless,      "rootless",     0),
  OCI_BOOL (cgroup, explicit_path, "explicitPath", 0),
  OCI_STR  (cgroup, unit,          "unit",         0),
  OCI_STR  (cgroup, description,   "description",  0));
