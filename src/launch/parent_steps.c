/* SPDX-License-Identifier: Apache-2.0 */
/* The contents page of the parent: what create, restore and exec do outside, in this order.  The
 * child's is child_steps.c; rows with a message meet those there.  A failure at any row is
 * undone from the record alone, by what `delete` does (teardown.c). */
#include "launch/parent.h"
#include "launch/want.h"

const struct step parent_create[] = {
  { "ns.open", parent_open_namespaces, want_open_namespaces, SYNC_NONE }, /* a wrong path is an error before anything is made */
  { "record.reserve", parent_reserve, NULL, SYNC_NONE },           /* before the first effect: what is intended */
  { "cgroup.make", parent_cgroup_make, NULL, SYNC_NONE },          /* the child is cloned into it, limits stand */
  { "rdt.make", parent_rdt_make, want_rdt, SYNC_NONE },
  { "notify.make", parent_ready_socket, NULL, SYNC_NONE },               /* the directory that is bound into the container */
  { "start.listen", parent_listen, want_listen, SYNC_NONE },
  { "console.connect", parent_console, want_terminal, SYNC_NONE },
  { "child.spawn", parent_spawn, NULL, SYNC_NONE },
  { "child.map_ids", parent_map_ids, want_unshare_user, SYNC_MAP_IDS }, /* needs privilege over the parent namespace */
  { "child.pid", parent_take_pid, want_fork, SYNC_PID },
  { "rdt.join", parent_rdt_join, want_rdt_join, SYNC_NONE },       /* whatever it starts from now on is in it too */
  { "net.devices", parent_net_devices, want_net_devices, SYNC_NET }, /* before the hooks that configure them */
  { "hooks.runtime", parent_hooks, want_hooks, SYNC_HOOKS },       /* prestart, then createRuntime */
  { "child.notify", parent_seccomp_agent, want_listener, SYNC_NOTIFY },   /* the agent lives outside */
  { "child.ready", parent_ready, NULL, SYNC_READY },
  { "console.take", parent_terminal, want_terminal, SYNC_NONE },   /* before the program can ask for its size */
  { "cgroup.late", parent_cgroup_late, NULL, SYNC_NONE },          /* pids: the child will fork no more */
  { "child.rlimits", parent_rlimits, want_outer_rlimits, SYNC_NONE },    /* late: they must not starve the set-up */
  { "child.scheduling", parent_scheduling, want_outer_scheduling, SYNC_NONE }, /* after its last fork */
  { "record.save", parent_save, NULL, SYNC_NONE },
  { "pidfd.send", parent_pidfd, NULL, SYNC_NONE },
  { "pidfile.write", parent_pid_file, NULL, SYNC_NONE },           /* last: engines watch for it */
  { "child.go", parent_go, NULL, SYNC_NONE },
  { 0 },
};

/* restore: CRIU does all that is done inside.  */
const struct step parent_restored[] = {
  { "record.reserve", parent_reserve, NULL, SYNC_NONE },
  { "cgroup.make", parent_cgroup_make, NULL, SYNC_NONE },          /* CRIU is started in it, and all that it restores stays in it */
  { "console.connect", parent_console, want_terminal, SYNC_NONE },
  { "criu.restore", parent_restore, NULL, SYNC_NONE },             /* with prestart and createRuntime hooks */
  { "cgroup.late", parent_cgroup_late, NULL, SYNC_NONE },          /* pids: CRIU has ended */
  { "record.save", parent_save, NULL, SYNC_NONE },
  { "pidfd.send", parent_pidfd, NULL, SYNC_NONE },
  { "pidfile.write", parent_pid_file, NULL, SYNC_NONE },
  { 0 },
};

const struct step parent_mounts[] = {
  { "cgroup.open", parent_live_cgroup, want_copied, SYNC_NONE },   /* what is copied is the container's memory */
  { "child.spawn", parent_spawn, NULL, SYNC_NONE },                /* else in our own cgroup: a frozen one would stop it */
  { "child.pid", parent_take_pid, want_fork, SYNC_PID },
  { "mounts.record", parent_live_attached, want_added, SYNC_MOUNTED },
  { "mounts.end", parent_live_end, NULL, SYNC_READY },             /* until here the child undoes what it did if we are gone */
  { 0 },
};

const struct step parent_exec[] = {
  { "cgroup.open", parent_cgroup_open, NULL, SYNC_NONE },
  { "console.connect", parent_console, want_terminal, SYNC_NONE },
  { "child.spawn", parent_spawn, NULL, SYNC_NONE },
  { "child.pid", parent_take_pid, want_fork, SYNC_PID },
  { "rdt.join", parent_rdt_join, want_rdt_join, SYNC_NONE },
  { "child.notify", parent_seccomp_agent, want_listener, SYNC_NOTIFY },
  { "child.ready", parent_ready, NULL, SYNC_READY },
  { "console.take", parent_terminal, want_terminal, SYNC_NONE },
  { "child.rlimits", parent_rlimits, want_outer_rlimits, SYNC_NONE },
  { "child.scheduling", parent_scheduling, want_outer_scheduling, SYNC_NONE },
  { "pidfd.send", parent_pidfd, NULL, SYNC_NONE },
  { "pidfile.write", parent_pid_file, NULL, SYNC_NONE },
  { "child.go", parent_go, NULL, SYNC_NONE },
  { 0 },
};
