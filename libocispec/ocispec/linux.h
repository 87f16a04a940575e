/* SPDX-License-Identifier: Apache-2.0 */
/* The section `linux` of config.json of runtime-spec 1.3 (config-linux.md).  Each struct is one JSON
 * object, each member one property; how absence looks in C is told in table.h.  What the document asks for
 * is not judged here.  */
#ifndef OCISPEC_LINUX_H
#define OCISPEC_LINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ocispec/table.h"

/* linux.namespaces[] */
struct oci_namespace
{
  const char *type; /* required; one of oci_namespace_names */
  const char *path; /* absent: make a new one */
};

/* linux.uidMappings[], gidMappings[], and those of mounts */
struct oci_id_mapping
{
  uint32_t container_id; /* required */
  uint32_t host_id;      /* required */
  uint32_t size;         /* required */
};

/* linux.timeOffsets.* */
struct oci_time_offset
{
  const char *clock; /* the key; one of oci_clock_names */
  int64_t *secs;
  uint32_t *nanosecs;
};

/* linux.devices[] */
struct oci_device
{
  const char *type; /* required; one of oci_device_names */
  const char *path; /* required */
  int64_t *major;
  int64_t *minor;
  uint32_t *file_mode; /* a plain number: 438 is 0666 */
  uint32_t *uid;
  uint32_t *gid;
};

/* linux.netDevices.* */
struct oci_net_device
{
  const char *host_name; /* the key: name of the interface in the runtime's network namespace */
  const char *name;      /* in the container; absent: the same */
};

/* linux.resources.devices[] */
struct oci_device_rule
{
  bool allow;       /* required */
  const char *type; /* one of oci_device_rule_names; absent: all */
  int64_t *major;   /* absent: all */
  int64_t *minor;   /* absent: all */
  const char *access;
};

/* linux.resources.memory; bytes, -1 for unlimited */
struct oci_memory
{
  int64_t *limit;
  int64_t *reservation;
  int64_t *swap; /* memory and swap together */
  int64_t *kernel;
  int64_t *kernel_tcp;
  uint64_t *swappiness;
  bool *disable_oom_killer;
  bool *use_hierarchy;
  bool *check_before_update;
};

/* linux.resources.cpu */
struct oci_cpu
{
  uint64_t *shares;
  int64_t *quota;
  uint64_t *burst;
  uint64_t *period;
  int64_t *realtime_runtime;
  uint64_t *realtime_period;
  const char *cpus;
  const char *mems;
  int64_t *idle;
};

/* linux.resources.pids.  config-linux.md requires the limit, but its Go bindings write {} for a limit that is not set.
 */
struct oci_pids
{
  int64_t *limit;
};

/* linux.resources.blockIO.weightDevice[] */
struct oci_weight_device
{
  int64_t major; /* required */
  int64_t minor; /* required */
  uint16_t *weight;
  uint16_t *leaf_weight;
};

/* linux.resources.blockIO.throttle*Device[] */
struct oci_throttle_device
{
  int64_t major; /* required */
  int64_t minor; /* required */
  uint64_t rate; /* required; bytes or operations per second */
};

/* linux.resources.blockIO */
struct oci_block_io
{
  uint16_t *weight;
  uint16_t *leaf_weight;
  struct oci_weight_device *weight_device;
  size_t n_weight_device;
  struct oci_throttle_device *throttle_read_bps_device;
  size_t n_throttle_read_bps_device;
  struct oci_throttle_device *throttle_write_bps_device;
  size_t n_throttle_write_bps_device;
  struct oci_throttle_device *throttle_read_iops_device;
  size_t n_throttle_read_iops_device;
  struct oci_throttle_device *throttle_write_iops_device;
  size_t n_throttle_write_iops_device;
};

/* linux.resources.hugepageLimits[] */
struct oci_hugepage_limit
{
  const char *page_size; /* required; like 2MB */
  uint64_t limit;        /* required; bytes */
};

/* linux.resources.network.priorities[] */
struct oci_interface_priority
{
  const char *name;  /* required */
  uint32_t priority; /* required */
};

/* linux.resources.network */
struct oci_network
{
  uint32_t *class_id;
  struct oci_interface_priority *priorities;
  size_t n_priorities;
};

/* linux.resources.rdma.* */
struct oci_rdma
{
  const char *device; /* the key */
  uint32_t *hca_handles;
  uint32_t *hca_objects;
};

/* linux.resources; also a document of its own, as `update --resources` takes it */
struct oci_resources
{
  struct oci_device_rule *devices;
  size_t n_devices;
  struct oci_memory *memory;
  struct oci_cpu *cpu;
  struct oci_pids *pids;
  struct oci_block_io *block_io;
  struct oci_hugepage_limit *hugepage_limits;
  size_t n_hugepage_limits;
  struct oci_network *network;
  struct oci_rdma *rdma;
  size_t n_rdma;
  struct oci_pair *unified; /* file of the cgroup (v2) and what to write to it */
  size_t n_unified;
};

/* linux.intelRdt */
struct oci_intel_rdt
{
  const char *clos_id;
  const char **schemata; /* lines */
  size_t n_schemata;
  const char *l3_cache_schema;
  const char *mem_bw_schema;
  bool enable_monitoring;
  bool enable_cmt; /* until runtime-spec 1.2 */
  bool enable_mbm; /* until runtime-spec 1.2 */
};

/* linux.memoryPolicy */
struct oci_memory_policy
{
  const char *mode;   /* required; one of oci_memory_policy_mode_names */
  const char *nodes;  /* like "0-3,7"; may be empty */
  const char **flags; /* of oci_memory_policy_flag_names */
  size_t n_flags;
};

/* linux.personality */
struct oci_personality
{
  const char *domain; /* required; one of oci_personality_domain_names */
  const char **flags; /* none is defined */
  size_t n_flags;
};

/* linux.seccomp.syscalls[].args[] */
struct oci_seccomp_arg
{
  uint32_t index; /* required */
  uint64_t value; /* required */
  uint64_t *value_two;
  const char *op; /* required; one of oci_seccomp_operator_names */
};

/* linux.seccomp.syscalls[] */
struct oci_seccomp_syscall
{
  const char **names; /* required */
  size_t n_names;
  const char *action; /* required; one of oci_seccomp_action_names */
  uint32_t *errno_ret;
  struct oci_seccomp_arg *args;
  size_t n_args;
};

/* linux.seccomp */
struct oci_seccomp
{
  const char *default_action; /* required; one of oci_seccomp_action_names */
  uint32_t *default_errno_ret;
  const char **architectures; /* of oci_seccomp_arch_names */
  size_t n_architectures;
  const char **flags; /* of oci_seccomp_flag_names */
  size_t n_flags;
  const char *listener_path;
  const char *listener_metadata;
  struct oci_seccomp_syscall *syscalls;
  size_t n_syscalls;
};

/* linux */
struct oci_linux
{
  struct oci_namespace *namespaces;
  size_t n_namespaces;
  struct oci_id_mapping *uid_mappings;
  size_t n_uid_mappings;
  struct oci_id_mapping *gid_mappings;
  size_t n_gid_mappings;
  struct oci_time_offset *time_offsets;
  size_t n_time_offsets;
  struct oci_device *devices;
  size_t n_devices;
  struct oci_net_device *net_devices;
  size_t n_net_devices;
  const char *cgroups_path;
  struct oci_resources *resources;
  struct oci_intel_rdt *intel_rdt;
  struct oci_memory_policy *memory_policy;
  struct oci_pair *sysctl;
  size_t n_sysctl;
  struct oci_seccomp *seccomp;
  const char *rootfs_propagation; /* one of oci_propagation_names */
  const char **masked_paths;
  size_t n_masked_paths;
  const char **readonly_paths;
  size_t n_readonly_paths;
  const char *mount_label;
  struct oci_personality *personality;
};

extern const struct oci_type oci_id_mapping_type;
extern const struct oci_type oci_resources_type;
extern const struct oci_type oci_seccomp_type;
extern const struct oci_type oci_linux_type;

#endif
