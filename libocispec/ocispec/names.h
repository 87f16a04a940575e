/* SPDX-License-Identifier: Apache-2.0 */
/* The closed sets of words of runtime-spec 1.3.  Each list ends with NULL.  The decoder refuses other words where the
 * structs of config.h and linux.h say "one of".  */
#ifndef OCISPEC_NAMES_H
#define OCISPEC_NAMES_H

#include <stdbool.h>

extern const char *const oci_status_names[];            /* creating created running stopped */
extern const char *const oci_hook_names[];              /* prestart createRuntime ..., in the order they run */
extern const char *const oci_namespace_names[];         /* pid network ... */
extern const char *const oci_clock_names[];             /* monotonic boottime */
extern const char *const oci_rlimit_names[];            /* RLIMIT_AS ... */
extern const char *const oci_scheduler_policy_names[];  /* SCHED_OTHER ... */
extern const char *const oci_scheduler_flag_names[];    /* SCHED_FLAG_RESET_ON_FORK ... */
extern const char *const oci_io_priority_class_names[]; /* IOPRIO_CLASS_RT ... */
extern const char *const oci_device_names[];            /* c b u p */
extern const char *const oci_device_rule_names[];       /* a c b */
extern const char
    *const oci_propagation_names[]; /* private shared slave unbindable; and rprivate ..., which all runtimes take */
extern const char *const oci_seccomp_action_names[];     /* SCMP_ACT_KILL ... */
extern const char *const oci_seccomp_operator_names[];   /* SCMP_CMP_NE ... */
extern const char *const oci_seccomp_arch_names[];       /* SCMP_ARCH_X86 ... */
extern const char *const oci_seccomp_flag_names[];       /* SECCOMP_FILTER_FLAG_TSYNC ... */
extern const char *const oci_memory_policy_mode_names[]; /* MPOL_DEFAULT ... */
extern const char *const oci_memory_policy_flag_names[]; /* MPOL_F_NUMA_BALANCING ... */
extern const char *const oci_personality_domain_names[]; /* LINUX LINUX32 */

/* True if NAME is in the NULL-terminated list NAMES.  */
bool oci_name_known (const char *const *names, const char *name);

#endif
