/* SPDX-License-Identifier: Apache-2.0 */
/* config.json of runtime-spec 1.3, the part common to all platforms, and `process`.
 * Each struct is one JSON object, each member one property (config.md names the sections); how absence
 * looks in C is told in table.h.  What the document asks for is not judged here.  */
#ifndef OCISPEC_CONFIG_H
#define OCISPEC_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ocispec/linux.h"
#include "ocispec/table.h"

/* root */
struct oci_root
{
  const char *path; /* required; absolute or relative to the bundle */
  bool readonly;
};

/* mounts[] */
struct oci_mount
{
  const char *destination; /* required */
  const char *type;
  const char *source;
  const char **options;
  size_t n_options;
  struct oci_id_mapping *uid_mappings;
  size_t n_uid_mappings;
  struct oci_id_mapping *gid_mappings;
  size_t n_gid_mappings;
};

/* process.consoleSize */
struct oci_box
{
  uint64_t height; /* required */
  uint64_t width;  /* required */
};

/* process.user */
struct oci_user
{
  uint32_t uid; /* required */
  uint32_t gid; /* required */
  uint32_t *umask;
  uint32_t *additional_gids;
  size_t n_additional_gids;
};

/* process.capabilities; names like CAP_CHOWN, which config.md wants unknown ones of only warned about */
struct oci_capabilities
{
  const char **bounding;
  size_t n_bounding;
  const char **effective;
  size_t n_effective;
  const char **inheritable;
  size_t n_inheritable;
  const char **permitted;
  size_t n_permitted;
  const char **ambient;
  size_t n_ambient;
};

/* process.rlimits[] */
struct oci_rlimit
{
  const char *type; /* required; one of oci_rlimit_names */
  uint64_t soft;    /* required */
  uint64_t hard;    /* required */
};

/* process.scheduler; absent numbers mean 0 */
struct oci_scheduler
{
  const char *policy; /* required; one of oci_scheduler_policy_names */
  int32_t *nice;
  int32_t *priority;
  const char **flags; /* of oci_scheduler_flag_names */
  size_t n_flags;
  uint64_t *runtime;
  uint64_t *deadline;
  uint64_t *period;
};

/* process.ioPriority */
struct oci_io_priority
{
  const char *class_; /* required; one of oci_io_priority_class_names */
  int32_t priority;   /* required */
};

/* process.execCPUAffinity; lists like "0-3,7" */
struct oci_exec_cpu_affinity
{
  const char *initial;
  const char *final;
};

/* process; also a document of its own, as `exec --process` takes it */
struct oci_process
{
  bool terminal;
  struct oci_box *console_size;
  const char *cwd; /* required */
  const char **env;
  size_t n_env;
  const char **args;
  size_t n_args;
  struct oci_user *user;
  struct oci_rlimit *rlimits;
  size_t n_rlimits;
  struct oci_capabilities *capabilities;
  bool no_new_privileges;
  const char *apparmor_profile;
  const char *selinux_label;
  int32_t *oom_score_adj;
  struct oci_scheduler *scheduler;
  struct oci_io_priority *io_priority;
  struct oci_exec_cpu_affinity *exec_cpu_affinity;
};

/* hooks.*[] */
struct oci_hook
{
  const char *path; /* required */
  const char **args;
  size_t n_args;
  const char **env;
  size_t n_env;
  int64_t *timeout; /* seconds */
};

/* hooks; in the order of oci_hook_names */
struct oci_hooks
{
  struct oci_hook *prestart;
  size_t n_prestart;
  struct oci_hook *create_runtime;
  size_t n_create_runtime;
  struct oci_hook *create_container;
  size_t n_create_container;
  struct oci_hook *start_container;
  size_t n_start_container;
  struct oci_hook *poststart;
  size_t n_poststart;
  struct oci_hook *poststop;
  size_t n_poststop;
};

/* The whole config.json.  The sections windows, solaris, freebsd, vm and zos are known and skipped.  */
struct oci_config
{
  const char *oci_version; /* required */
  struct oci_root *root;
  struct oci_mount *mounts;
  size_t n_mounts;
  struct oci_process *process;
  const char *hostname;
  const char *domainname;
  struct oci_hooks *hooks;
  struct oci_pair *annotations;
  size_t n_annotations;
  struct oci_linux *linux_; /* JSON name: linux, which is a macro of GNU C */
};

extern const struct oci_type oci_root_type;
extern const struct oci_type oci_mount_type;
extern const struct oci_type oci_process_type;
extern const struct oci_type oci_hook_type;
extern const struct oci_type oci_hooks_type;
extern const struct oci_type oci_config_type;

#endif
