/* SPDX-License-Identifier: Apache-2.0 */
/* Each predicate sees exactly what it is for: false for a plan of nothing, true for the one member set. */
#include "room.h"

#include "base/bits.h"
#include "launch/want.h"
#include "plan/plan.h"

static const char some[] = "x";
static struct plan_rlimit limit, late_limit = { .late = true };
static const struct bits cpus;
static const struct sched policy;
static const struct plan_io_priority io;
static const struct plan_memory_policy memory;
static const unsigned long persona;

#define CREATE .action = PLAN_CREATE
#define EXEC .action = PLAN_EXEC

static void
want_nothing_for_an_empty_exec (void **state)
{
  static bool (*const all[]) (const struct plan *p) = {
    want_listen, want_terminal, want_join, want_open_namespaces, want_unshare_user, want_unshare, want_time_offsets, want_fork, want_cgroup_ns, want_propagation, want_root,
    want_hooks, want_container_hooks, want_start_hooks, want_loopback, want_net_devices, want_rdt, want_rdt_join, want_sysctl, want_oom, want_rlimits, want_outer_rlimits,
    want_late_rlimits, want_masked, want_readonly_paths, want_root_attributes, want_names, want_keyring, want_no_new_privs, want_devices, want_links,
    want_process, want_home, want_label, want_cpus, want_scheduling, want_outer_scheduling, want_memory_policy, want_personality, want_stdio,
    want_added, want_removed, want_any_hook,
  };
  const struct plan p = { EXEC };

  (void) state;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    assert_false (all[i](&p));
}

/* A predicate, a plan that it wants, and one that is nearly so.  */
static const struct
{
  bool (*want) (const struct plan *p);
  struct plan yes, no;
} rows[] = {
  { want_listen, { CREATE }, { CREATE, .run = true } },
  { want_terminal, { .process = { .terminal = true } }, { .process = { .rows = 24 } } },
  { want_join, { .ns = { .n_joins = 1 } }, { .ns = { .unshare_flags = 1 } } },
  { want_join, { .ns = { .pidfd_flags = 1 } }, { .ns = { .new_user = true } } },
  { want_open_namespaces, { .ns = { .n_joins = 1 } }, { .ns = { .pidfd_flags = 1 } } },
  { want_unshare_user, { .ns = { .staged = true, .new_user = true } }, { .ns = { .new_user = true } } },
  { want_unshare_user, { .ns = { .staged = true, .new_user = true } }, { .ns = { .staged = true } } },
  { want_unshare, { .ns = { .staged = true, .unshare_flags = 1 } }, { .ns = { .unshare_flags = 1 } } },
  { want_time_offsets, { .ns = { .time_offsets = some } }, { .ns = { .fork = true } } },
  { want_fork, { .ns = { .fork = true } }, { .ns = { .new_pid = true } } },
  { want_cgroup_ns, { .ns = { .new_cgroup = true } }, { .ns = { .unshare_flags = 1 } } },
  { want_propagation, { CREATE, .ns = { .new_mnt = true } }, { CREATE } },
  { want_propagation, { CREATE, .ns = { .join_mnt = true } }, { EXEC, .ns = { .join_mnt = true } } },
  { want_root, { CREATE }, { EXEC } },
  { want_added, { .action = PLAN_MOUNTS, .n_mounts = 1 }, { CREATE, .n_mounts = 1 } },
  { want_added, { .action = PLAN_MOUNTS, .n_mounts = 1 }, { .action = PLAN_MOUNTS, .n_unmounts = 1 } },
  { want_any_hook, { .hooks = { .n_poststop = 1 } }, { EXEC } },
  { want_any_hook, { .hooks = { .n_prestart = 1 } }, { CREATE } },
  { want_removed, { .action = PLAN_MOUNTS, .n_unmounts = 1 }, { .action = PLAN_MOUNTS, .n_mounts = 1 } },
  { want_hooks, { .hooks = { .n_prestart = 1 } }, { .hooks = { .n_poststart = 1 } } },
  { want_hooks, { .hooks = { .n_create_runtime = 1 } }, { .hooks = { .n_poststop = 1 } } },
  { want_hooks, { .hooks = { .n_create_container = 1 } }, { EXEC } },
  { want_hooks, { .hooks = { .n_start_container = 1 } }, { EXEC } },
  { want_container_hooks, { .hooks = { .n_create_container = 1 } }, { .hooks = { .n_start_container = 1 } } },
  { want_start_hooks, { .hooks = { .n_start_container = 1 } }, { .hooks = { .n_create_container = 1 } } },
  { want_loopback, { .ns = { .new_net = true } }, { .ns = { .n_joins = 1 } } },
  { want_net_devices, { .n_net_devices = 1 }, { .ns = { .new_net = true } } },
  { want_rdt, { .rdt = (const struct plan_rdt[1]){ { .named = true } } }, { .in_rdt = true } },
  { want_rdt_join, { .in_rdt = true }, { CREATE } },
  { want_sysctl, { .n_sysctls = 1 }, { CREATE } },
  { want_oom, { .process = { .oom_score_adj = some } }, { CREATE } },
  { want_rlimits, { .process = { .n_rlimits = 1 } }, { .process = { .n_rlimits = 1, .rlimits_by_parent = true } } },
  { want_late_rlimits, { .process = { .n_rlimits = 1, .rlimits = &late_limit } }, { .process = { .n_rlimits = 1, .rlimits = &limit } } },
  { want_outer_rlimits, { .process = { .n_rlimits = 1, .rlimits_by_parent = true } }, { .process = { .n_rlimits = 1 } } },
  { want_outer_rlimits, { .process = { .n_rlimits = 1, .rlimits_by_parent = true } }, { .process = { .rlimits_by_parent = true } } },
  { want_masked, { .n_masked = 1 }, { .n_readonly = 1 } },
  { want_readonly_paths, { .n_readonly = 1 }, { .n_masked = 1 } },
  { want_root_attributes, { CREATE, .root = { .readonly = true } }, { CREATE } },
  { want_root_attributes, { CREATE, .root = { .final_propagation = 1 } }, { EXEC, .root = { .readonly = true } } },
  { want_names, { .hostname = some }, { CREATE } },
  { want_names, { .domainname = some }, { CREATE } },
  { want_keyring, { .keyring = some }, { CREATE } },
  { want_no_new_privs, { .process = { .no_new_privs = true } }, { .process = { .given = true } } },
  { want_filter, { .seccomp = { .given = true } }, { CREATE } },
  { want_listener, { .seccomp = { .given = true, .listener_path = some } }, { .seccomp = { .given = true } } },
  { want_late_filter, { .seccomp = { .given = true } }, { .seccomp = { .given = true, .listener_path = some } } },
  { want_late_filter, { .seccomp = { .given = true } }, { CREATE } },
  { want_filter_check, { CREATE, .seccomp = { .given = true } }, { CREATE, .run = true, .seccomp = { .given = true } } },
  { want_filter_check, { CREATE, .seccomp = { .given = true } }, { EXEC, .seccomp = { .given = true } } },
  { want_filter_check, { CREATE, .seccomp = { .given = true } }, { CREATE, .seccomp = { .given = true, .listener_path = some } } },
  { want_devices, { .n_devices = 1 }, { .n_links = 1 } },
  { want_links, { .n_links = 1 }, { .n_devices = 1 } },
  { want_process, { .process = { .given = true } }, { CREATE } },
  { want_home, { .process = { .given = true, .add_home = true } }, { .process = { .given = true } } },
  { want_home, { .process = { .given = true, .add_home = true } }, { .process = { .add_home = true } } },
  { want_cpus, { .process = { .any_cpu = true } }, { .process = { .initial_cpus = &cpus } } },
  { want_cpus, { .process = { .cpus = &cpus } }, { EXEC } },
  { want_scheduling, { .process = { .scheduler = &policy } }, { .process = { .scheduler = &policy, .scheduled_by_parent = true } } },
  { want_scheduling, { .process = { .io_priority = &io } }, { .process = { .io_priority = &io, .scheduled_by_parent = true } } },
  { want_outer_scheduling, { .process = { .scheduler = &policy, .scheduled_by_parent = true } }, { .process = { .scheduler = &policy } } },
  { want_outer_scheduling, { .process = { .io_priority = &io, .scheduled_by_parent = true } }, { .process = { .scheduled_by_parent = true } } },
  { want_memory_policy, { .memory_policy = &memory }, { CREATE } },
  { want_personality, { .personality = &persona }, { CREATE } },
  { want_label, { .process = { .apparmor = some } }, { .mount_label = some } },
  { want_label, { .process = { .selinux = some } }, { .keyring = some } },
  { want_stdio, { .process = { .own_stdio = true } }, { .process = { .uid = 1 } } },
  { want_stdio, { .process = { .own_null = true } }, { .process = { .uid = 1 } } },
};

static void
want_sees_its_members (void **state)
{
  (void) state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (! rows[i].want (&rows[i].yes) || rows[i].want (&rows[i].no))
      fail_msg ("row %zu is wanted %d and %d", i, rows[i].want (&rows[i].yes), rows[i].want (&rows[i].no));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (want_nothing_for_an_empty_exec),
    cmocka_unit_test (want_sees_its_members),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
