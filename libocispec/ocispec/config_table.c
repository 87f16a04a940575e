/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of config.json, the part common to all platforms, and of `process`.  */
#include "ocispec/config.h"

#include "ocispec/names.h"

/* One row per line, columns aligned.  */
/* clang-format off */

OCI_TYPE (oci_root,
  OCI_STR  (oci_root, path,     "path",     OCI_REQUIRED),
  OCI_BOOL (oci_root, readonly, "readonly", 0));

OCI_TYPE (oci_mount,
  OCI_STR  (oci_mount, destination,  "destination", OCI_REQUIRED),
  OCI_STR  (oci_mount, type,         "type",        0),
  OCI_STR  (oci_mount, source,       "source",      0),
  OCI_STRS (oci_mount, options,      "options",     0),
  OCI_OBJS (oci_mount, uid_mappings, "uidMappings", 0, oci_id_mapping),
  OCI_OBJS (oci_mount, gid_mappings, "gidMappings", 0, oci_id_mapping));

static OCI_TYPE (oci_box,
  OCI_NUM (oci_box, height, "height", OCI_REQUIRED),
  OCI_NUM (oci_box, width,  "width",  OCI_REQUIRED));

static OCI_TYPE (oci_user,
  OCI_NUM    (oci_user, uid,             "uid", OCI_REQUIRED),
  OCI_NUM    (oci_user, gid,             "gid", OCI_REQUIRED),
  OCI_OPTNUM (oci_user, umask,           "umask"),
  OCI_NUMS   (oci_user, additional_gids, "additionalGids", 0),
  OCI_SKIP   ("username")); /* of Windows */

static OCI_TYPE (oci_capabilities,
  OCI_STRS (oci_capabilities, bounding,    "bounding",    0),
  OCI_STRS (oci_capabilities, effective,   "effective",   0),
  OCI_STRS (oci_capabilities, inheritable, "inheritable", 0),
  OCI_STRS (oci_capabilities, permitted,   "permitted",   0),
  OCI_STRS (oci_capabilities, ambient,     "ambient",     0));

static OCI_TYPE (oci_rlimit,
  OCI_ENUM (oci_rlimit, type, "type", OCI_REQUIRED, oci_rlimit_names),
  OCI_NUM  (oci_rlimit, soft, "soft", OCI_REQUIRED),
  OCI_NUM  (oci_rlimit, hard, "hard", OCI_REQUIRED));

static OCI_TYPE (oci_scheduler,
  OCI_ENUM   (oci_scheduler, policy,   "policy", OCI_REQUIRED, oci_scheduler_policy_names),
  OCI_OPTNUM (oci_scheduler, nice,     "nice"),
  OCI_OPTNUM (oci_scheduler, priority, "priority"),
  OCI_ENUMS  (oci_scheduler, flags,    "flags", 0, oci_scheduler_flag_names),
  OCI_OPTNUM (oci_scheduler, runtime,  "runtime"),
  OCI_OPTNUM (oci_scheduler, deadline, "deadline"),
  OCI_OPTNUM (oci_scheduler, period,   "period"));

static OCI_TYPE (oci_io_priority,
  OCI_ENUM (oci_io_priority, class_,   "class",    OCI_REQUIRED, oci_io_priority_class_names),
  OCI_NUM  (oci_io_priority, priority, "priority", OCI_REQUIRED));

static OCI_TYPE (oci_exec_cpu_affinity,
  OCI_STR (oci_exec_cpu_affinity, initial, "initial", 0),
  OCI_STR (oci_exec_cpu_affinity, final,   "final",   0));

OCI_TYPE (oci_process,
  OCI_BOOL   (oci_process, terminal,          "terminal",        0),
  OCI_OBJ    (oci_process, console_size,      "consoleSize",     0, oci_box),
  OCI_STR    (oci_process, cwd,               "cwd",             OCI_REQUIRED),
  OCI_STRS   (oci_process, env,               "env",             0),
  OCI_STRS   (oci_process, args,              "args",            0),
  OCI_SKIP   ("commandLine"), /* of Windows */
  OCI_OBJ    (oci_process, user,              "user",            0, oci_user),
  OCI_OBJS   (oci_process, rlimits,           "rlimits",         0, oci_rlimit),
  OCI_OBJ    (oci_process, capabilities,      "capabilities",    0, oci_capabilities),
  OCI_BOOL   (oci_process, no_new_privileges, "noNewPrivileges", 0),
  OCI_STR    (oci_process, apparmor_profile,  "apparmorProfile", 0),
  OCI_STR    (oci_process, selinux_label,     "selinuxLabel",    0),
  OCI_OPTNUM (oci_process, oom_score_adj,     "oomScoreAdj"),
  OCI_OBJ    (oci_process, scheduler,         "scheduler",       0, oci_scheduler),
  OCI_OBJ    (oci_process, io_priority,       "ioPriority",      0, oci_io_priority),
  OCI_OBJ    (oci_process, exec_cpu_affinity, "execCPUAffinity", 0, oci_exec_cpu_affinity));

OCI_TYPE (oci_hook,
  OCI_STR    (oci_hook, path,    "path", OCI_REQUIRED),
  OCI_STRS   (oci_hook, args,    "args", 0),
  OCI_STRS   (oci_hook, env,     "env",  0),
  OCI_OPTNUM (oci_hook, timeout, "timeout"));

OCI_TYPE (oci_hooks,
  OCI_OBJS (oci_hooks, prestart,         "prestart",        0, oci_hook),
  OCI_OBJS (oci_hooks, create_runtime,   "createRuntime",   0, oci_hook),
  OCI_OBJS (oci_hooks, create_container, "createContainer", 0, oci_hook),
  OCI_OBJS (oci_hooks, start_container,  "startContainer",  0, oci_hook),
  OCI_OBJS (oci_hooks, poststart,        "poststart",       0, oci_hook),
  OCI_OBJS (oci_hooks, poststop,         "poststop",        0, oci_hook));

OCI_TYPE (oci_config,
  OCI_STR    (oci_config, oci_version, "ociVersion",  OCI_REQUIRED),
  OCI_OBJ    (oci_config, root,        "root",        0, oci_root),
  OCI_OBJS   (oci_config, mounts,      "mounts",      0, oci_mount),
  OCI_OBJ    (oci_config, process,     "process",     0, oci_process),
  OCI_STR    (oci_config, hostname,    "hostname",    0),
  OCI_STR    (oci_config, domainname,  "domainname",  0),
  OCI_OBJ    (oci_config, hooks,       "hooks",       0, oci_hooks),
  OCI_STRMAP (oci_config, annotations, "annotations", 0),
  OCI_OBJ    (oci_config, linux_,      "linux",       0, oci_linux),
  OCI_SKIP   ("windows"), /* config.md, Platform-specific configuration: for other platforms */
  OCI_SKIP   ("solaris"),
  OCI_SKIP   ("freebsd"),
  OCI_SKIP   ("vm"),
  OCI_SKIP   ("zos"));
