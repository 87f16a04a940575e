/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the section `linux` of config.json.  */
#include "ocispec/linux.h"

#include "ocispec/names.h"

/* One row per line, columns aligned.  */
/* clang-format off */

static OCI_TYPE (oci_namespace,
  OCI_ENUM (oci_namespace, type, "type", OCI_REQUIRED, oci_namespace_names),
  OCI_STR  (oci_namespace, path, "path", 0));

OCI_TYPE (oci_id_mapping,
  OCI_NUM (oci_id_mapping, container_id, "containerID", OCI_REQUIRED),
  OCI_NUM (oci_id_mapping, host_id,      "hostID",      OCI_REQUIRED),
  OCI_NUM (oci_id_mapping, size,         "size",        OCI_REQUIRED));

static OCI_TYPE (oci_time_offset,
  OCI_OPTNUM (oci_time_offset, secs,     "secs"),
  OCI_OPTNUM (oci_time_offset, nanosecs, "nanosecs"));

static OCI_TYPE (oci_device,
  OCI_ENUM   (oci_device, type,      "type", OCI_REQUIRED, oci_device_names),
  OCI_STR    (oci_device, path,      "path", OCI_REQUIRED),
  OCI_OPTNUM (oci_device, major,     "major"),
  OCI_OPTNUM (oci_device, minor,     "minor"),
  OCI_OPTNUM (oci_device, file_mode, "fileMode"),
  OCI_OPTNUM (oci_device, uid,       "uid"),
  OCI_OPTNUM (oci_device, gid,       "gid"));

static OCI_TYPE (oci_net_device,
  OCI_STR (oci_net_device, name, "name", 0));

static OCI_TYPE (oci_device_rule,
  OCI_BOOL   (oci_device_rule, allow,  "allow", OCI_REQUIRED),
  OCI_ENUM   (oci_device_rule, type,   "type", 0, oci_device_rule_names),
  OCI_OPTNUM (oci_device_rule, major,  "major"),
  OCI_OPTNUM (oci_device_rule, minor,  "minor"),
  OCI_STR    (oci_device_rule, access, "access", 0));

static OCI_TYPE (oci_memory,
  OCI_OPTNUM  (oci_memory, limit,               "limit"),
  OCI_OPTNUM  (oci_memory, reservation,         "reservation"),
  OCI_OPTNUM  (oci_memory, swap,                "swap"),
  OCI_OPTNUM  (oci_memory, kernel,              "kernel"),
  OCI_OPTNUM  (oci_memory, kernel_tcp,          "kernelTCP"),
  OCI_OPTNUM  (oci_memory, swappiness,          "swappiness"),
  OCI_OPTBOOL (oci_memory, disable_oom_killer,  "disableOOMKiller"),
  OCI_OPTBOOL (oci_memory, use_hierarchy,       "useHierarchy"),
  OCI_OPTBOOL (oci_memory, check_before_update, "checkBeforeUpdate"));

static OCI_TYPE (oci_cpu,
  OCI_OPTNUM (oci_cpu, shares,           "shares"),
  OCI_OPTNUM (oci_cpu, quota,            "quota"),
  OCI_OPTNUM (oci_cpu, burst,            "burst"),
  OCI_OPTNUM (oci_cpu, period,           "period"),
  OCI_OPTNUM (oci_cpu, realtime_runtime, "realtimeRuntime"),
  OCI_OPTNUM (oci_cpu, realtime_period,  "realtimePeriod"),
  OCI_STR    (oci_cpu, cpus,             "cpus", 0),
  OCI_STR    (oci_cpu, mems,             "mems", 0),
  OCI_OPTNUM (oci_cpu, idle,             "idle"));

static OCI_TYPE (oci_pids,
  OCI_OPTNUM (oci_pids, limit, "limit"));

static OCI_TYPE (oci_weight_device,
  OCI_NUM    (oci_weight_device, major,       "major", OCI_REQUIRED),
  OCI_NUM    (oci_weight_device, minor,       "minor", OCI_REQUIRED),
  OCI_OPTNUM (oci_weight_device, weight,      "weight"),
  OCI_OPTNUM (oci_weight_device, leaf_weight, "leafWeight"));

static OCI_TYPE (oci_throttle_device,
  OCI_NUM (oci_throttle_device, major, "major", OCI_REQUIRED),
  OCI_NUM (oci_throttle_device, minor, "minor", OCI_REQUIRED),
  OCI_NUM (oci_throttle_device, rate,  "rate",  OCI_REQUIRED));

static OCI_TYPE (oci_block_io,
  OCI_OPTNUM (oci_block_io, weight,                     "weight"),
  OCI_OPTNUM (oci_block_io, leaf_weight,                "leafWeight"),
  OCI_OBJS   (oci_block_io, weight_device,              "weightDevice",            0, oci_weight_device),
  OCI_OBJS   (oci_block_io, throttle_read_bps_device,   "throttleReadBpsDevice",   0, oci_throttle_device),
  OCI_OBJS   (oci_block_io, throttle_write_bps_device,  "throttleWriteBpsDevice",  0, oci_throttle_device),
  OCI_OBJS   (oci_block_io, throttle_read_iops_device,  "throttleReadIOPSDevice",  0, oci_throttle_device),
  OCI_OBJS   (oci_block_io, throttle_write_iops_device, "throttleWriteIOPSDevice", 0, oci_throttle_device));

static OCI_TYPE (oci_hugepage_limit,
  OCI_STR (oci_hugepage_limit, page_size, "pageSize", OCI_REQUIRED),
  OCI_NUM (oci_hugepage_limit, limit,     "limit",    OCI_REQUIRED));

static OCI_TYPE (oci_interface_priority,
  OCI_STR (oci_interface_priority, name,     "name",     OCI_REQUIRED),
  OCI_NUM (oci_interface_priority, priority, "priority", OCI_REQUIRED));

static OCI_TYPE (oci_network,
  OCI_OPTNUM (oci_network, class_id,   "classID"),
  OCI_OBJS   (oci_network, priorities, "priorities", 0, oci_interface_priority));

static OCI_TYPE (oci_rdma,
  OCI_OPTNUM (oci_rdma, hca_handles, "hcaHandles"),
  OCI_OPTNUM (oci_rdma, hca_objects, "hcaObjects"));

OCI_TYPE (oci_resources,
  OCI_OBJS   (oci_resources, devices,         "devices",        0, oci_device_rule),
  OCI_OBJ    (oci_resources, memory,          "memory",         0, oci_memory),
  OCI_OBJ    (oci_resources, cpu,             "cpu",            0, oci_cpu),
  OCI_OBJ    (oci_resources, pids,            "pids",           0, oci_pids),
  OCI_OBJ    (oci_resources, block_io,        "blockIO",        0, oci_block_io),
  OCI_OBJS   (oci_resources, hugepage_limits, "hugepageLimits", 0, oci_hugepage_limit),
  OCI_OBJ    (oci_resources, network,         "network",        0, oci_network),
  OCI_OBJMAP (oci_resources, rdma,            "rdma",           0, oci_rdma, device, NULL),
  OCI_STRMAP (oci_resources, unified,         "unified",        0));

static OCI_TYPE (oci_intel_rdt,
  OCI_STR  (oci_intel_rdt, clos_id,           "closID",           0),
  OCI_STRS (oci_intel_rdt, schemata,          "schemata",         0),
  OCI_STR  (oci_intel_rdt, l3_cache_schema,   "l3CacheSchema",    0),
  OCI_STR  (oci_intel_rdt, mem_bw_schema,     "memBwSchema",      0),
  OCI_BOOL (oci_intel_rdt, enable_monitoring, "enableMonitoring", 0),
  OCI_BOOL (oci_intel_rdt, enable_cmt,        "enableCMT",        0),
  OCI_BOOL (oci_intel_rdt, enable_mbm,        "enableMBM",        0));

static OCI_TYPE (oci_memory_policy,
  OCI_ENUM  (oci_memory_policy, mode,  "mode",  OCI_REQUIRED, oci_memory_policy_mode_names),
  OCI_STR   (oci_memory_policy, nodes, "nodes", 0),
  OCI_ENUMS (oci_memory_policy, flags, "flags", 0, oci_memory_policy_flag_names));

static OCI_TYPE (oci_personality,
  OCI_ENUM (oci_personality, domain, "domain", OCI_REQUIRED, oci_personality_domain_names),
  OCI_STRS (oci_personality, flags,  "flags",  0));

static OCI_TYPE (oci_seccomp_arg,
  OCI_NUM    (oci_seccomp_arg, index,     "index", OCI_REQUIRED),
  OCI_NUM    (oci_seccomp_arg, value,     "value", OCI_REQUIRED),
  OCI_OPTNUM (oci_seccomp_arg, value_two, "valueTwo"),
  OCI_ENUM   (oci_seccomp_arg, op,        "op", OCI_REQUIRED, oci_seccomp_operator_names));

static OCI_TYPE (oci_seccomp_syscall,
  OCI_STRS   (oci_seccomp_syscall, names,     "names",  OCI_REQUIRED),
  OCI_ENUM   (oci_seccomp_syscall, action,    "action", OCI_REQUIRED, oci_seccomp_action_names),
  OCI_OPTNUM (oci_seccomp_syscall, errno_ret, "errnoRet"),
  OCI_OBJS   (oci_seccomp_syscall, args,      "args",   0, oci_seccomp_arg));

OCI_TYPE (oci_seccomp,
  OCI_ENUM   (oci_seccomp, default_action,    "defaultAction", OCI_REQUIRED, oci_seccomp_action_names),
  OCI_OPTNUM (oci_seccomp, default_errno_ret, "defaultErrnoRet"),
  OCI_ENUMS  (oci_seccomp, architectures,     "architectures",    0, oci_seccomp_arch_names),
  OCI_ENUMS  (oci_seccomp, flags,             "flags",            0, oci_seccomp_flag_names),
  OCI_STR    (oci_seccomp, listener_path,     "listenerPath",     0),
  OCI_STR    (oci_seccomp, listener_metadata, "listenerMetadata", 0),
  OCI_OBJS   (oci_seccomp, syscalls,          "syscalls",         0, oci_seccomp_syscall));

OCI_TYPE (oci_linux,
  OCI_OBJS   (oci_linux, namespaces,         "namespaces",        0, oci_namespace),
  OCI_OBJS   (oci_linux, uid_mappings,       "uidMappings",       0, oci_id_mapping),
  OCI_OBJS   (oci_linux, gid_mappings,       "gidMappings",       0, oci_id_mapping),
  OCI_OBJMAP (oci_linux, time_offsets,       "timeOffsets",       0, oci_time_offset, clock, oci_clock_names),
  OCI_OBJS   (oci_linux, devices,            "devices",           0, oci_device),
  OCI_OBJMAP (oci_linux, net_devices,        "netDevices",        0, oci_net_device, host_name, NULL),
  OCI_STR    (oci_linux, cgroups_path,       "cgroupsPath",       0),
  OCI_OBJ    (oci_linux, resources,          "resources",         0, oci_resources),
  OCI_OBJ    (oci_linux, intel_rdt,          "intelRdt",          0, oci_intel_rdt),
  OCI_OBJ    (oci_linux, memory_policy,      "memoryPolicy",      0, oci_memory_policy),
  OCI_STRMAP (oci_linux, sysctl,             "sysctl",            0),
  OCI_OBJ    (oci_linux, seccomp,            "seccomp",           0, oci_seccomp),
  OCI_ENUM   (oci_linux, rootfs_propagation, "rootfsPropagation", 0, oci_propagation_names),
  OCI_STRS   (oci_linux, masked_paths,       "maskedPaths",       0),
  OCI_STRS   (oci_linux, readonly_paths,     "readonlyPaths",     0),
  OCI_STR    (oci_linux, mount_label,        "mountLabel",        0),
  OCI_OBJ    (oci_linux, personality,        "personality",       0, oci_personality));
