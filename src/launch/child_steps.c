/* SPDX-License-Identifier: Apache-2.0 */
/* The contents page of the child program: what it does, in this order.  A row whose
 * place matters says why; docs/kernel-order.md tells the same at length. */
#include "launch/child.h"
#include "launch/want.h"

const struct step child_create[] = {
  /* stage 1: namespaces */
  { "label.open", child_label_open, want_label, SYNC_NONE },           /* a procfs of the runtime's, while one is in reach */
  { "ns.join", child_ns_join, want_join, SYNC_NONE },                  /* before anything is made: a new user namespace would take the right to */
  { "ns.user", child_ns_user, want_unshare_user, SYNC_MAP_IDS },       /* before the rest: it is to own them */
  { "ns.unshare", child_ns_unshare, want_unshare, SYNC_NONE },
  { "ns.time", child_ns_time, want_time_offsets, SYNC_NONE },          /* before anybody is in the namespace */
  { "ns.fork", child_ns_fork, want_fork, SYNC_PID },                   /* pid and time namespaces act on children only */
  { "ns.cgroup", child_ns_cgroup, want_cgroup_ns, SYNC_NONE },         /* its root is the cgroup we are in by now */
  { "process.cpus", child_cpus, want_cpus, SYNC_NONE },                /* those of the cgroup, not of the caller */
  { "uts.names", child_names, want_names, SYNC_NONE },
  { "net.loopback", child_net_loopback, want_loopback, SYNC_NONE },
  { "net.devices", child_net_devices, want_net_devices, SYNC_NET },    /* the parent moves them, by a socket of ours */
  /* stage 2: root file system, beneath one handle */
  { "root.propagation", child_root_propagation, want_propagation, SYNC_NONE }, /* before any mount: none may reach the host */
  { "root.sources", child_root_sources, want_root, SYNC_NONE },        /* while all there is is the host's */
  { "root.attach", child_root_attach, want_root, SYNC_NONE },
  { "root.mounts", child_root_mounts, want_root, SYNC_NONE },          /* in the document's order */
  { "root.devices", child_root_devices, want_devices, SYNC_NONE },
  { "root.links", child_root_links, want_links, SYNC_NONE },           /* after the mounts: they lie in /dev */
  { "root.cwd", child_root_cwd, want_process, SYNC_NONE },             /* while the root may be written */
  { "sysctl", child_sysctl, want_sysctl, SYNC_NONE },                  /* through a procfs of our own, or the host's before it is left */
  { "session", child_session, NULL, SYNC_NONE },
  { "root.console", child_root_console, want_terminal, SYNC_NONE },    /* needs the container's devpts */
  { "root.late_mounts", child_root_late_mounts, want_root, SYNC_NONE }, /* read-only now: all that lies in them is made */
  { "hooks.runtime", child_hooks_runtime, want_hooks, SYNC_HOOKS },    /* namespaces and mounts stand, root not entered */
  { "hooks.container", child_hooks_container, want_container_hooks, SYNC_NONE }, /* host paths still resolve */
  { "root.masked", child_root_masked, want_masked, SYNC_NONE },        /* covers come from the host */
  { "root.readonly_paths", child_root_readonly_paths, want_readonly_paths, SYNC_NONE },
  { "root.enter", child_root_enter, want_root, SYNC_NONE },
  { "root.attributes", child_root_attributes, want_root_attributes, SYNC_NONE }, /* hooks may write the root until here */
  /* stage 3: security */
  { "keyring", child_keyring, want_keyring, SYNC_NONE },
  { "process.home", child_home, want_home, SYNC_NONE },                /* from the container's own /etc/passwd */
  { "caps.bound", child_bound, want_process, SYNC_NONE },              /* needs CAP_SETPCAP */
  { "process.rlimits", child_rlimits, want_rlimits, SYNC_NONE },       /* while we may raise them */
  { "process.scheduling", child_scheduling, want_scheduling, SYNC_NONE }, /* likewise; after the last fork */
  { "process.memory", child_memory_policy, want_memory_policy, SYNC_NONE },
  { "process.personality", child_personality, want_personality, SYNC_NONE },
  { "process.stdio", child_stdio, want_stdio, SYNC_NONE },             /* while we may give them away */
  { "label", child_label, want_label, SYNC_NONE },                     /* before any id or privilege goes */
  { "creds", child_creds, want_process, SYNC_NONE },                   /* groups, gid, uid, capabilities, cwd */
  { "no_new_privs", child_no_new_privs, want_no_new_privs, SYNC_NONE },
  /* stage 4: the program */
  { "exec.resolve", child_exec_resolve, want_process, SYNC_NONE },     /* its errors are create's */
  { "seccomp.check", child_seccomp_check, want_filter_check, SYNC_NONE }, /* what is wrong with it is create's error */
  { "seccomp.notify", child_seccomp_notify, want_listener, SYNC_NOTIFY }, /* who hands the listener on is gone after READY */
  { "exec.ready", child_exec_ready, NULL, SYNC_READY },
  { "exec.wait_start", child_exec_wait_start, want_listen, SYNC_NONE },
  { "hooks.start", child_hooks_start, want_start_hooks, SYNC_NONE },
  { "exec.rlimits", child_late_rlimits, want_late_rlimits, SYNC_NONE },     /* what would starve the steps above */
  { "seccomp.load", child_seccomp_load, want_late_filter, SYNC_NONE }, /* so that execve alone must pass it */
  { "exec.go", child_exec_go, NULL, SYNC_NONE },
  { 0 },
};

const struct step child_mounts[] = {
  { "mounts.join", child_live_join, NULL, SYNC_NONE },
  { "ns.fork", child_ns_fork, want_fork, SYNC_PID },                   /* for a proc of the container's pid namespace */
  { "mounts.make", child_live_make, want_added, SYNC_NONE },           /* and find the targets: whatever may fail or hang does so before anything is seen */
  { "mounts.attach", child_live_attach, want_added, SYNC_MOUNTED },
  { "mounts.remove", child_live_remove, want_removed, SYNC_NONE },
  { "mounts.end", child_live_end, NULL, SYNC_READY },
  { 0 },
};

const struct step child_exec[] = {
  { "label.open", child_label_open, want_label, SYNC_NONE },
  { "root.open", child_exec_root, want_exec_root, SYNC_NONE },         /* first: a user namespace may not reach its path */
  { "ns.join", child_ns_join, want_join, SYNC_NONE },
  { "root.enter", child_root_enter, want_exec_root, SYNC_NONE },       /* who has no privilege outside may chroot in a user namespace alone */
  { "ns.fork", child_ns_fork, want_fork, SYNC_PID },
  { "process.cpus", child_cpus, want_cpus, SYNC_NONE },                /* "final": we are in the cgroup by now */
  { "session", child_session, NULL, SYNC_NONE },
  { "exec.tty", child_exec_tty, want_terminal, SYNC_NONE },
  { "keyring", child_keyring, want_keyring, SYNC_NONE },
  { "process.home", child_home, want_home, SYNC_NONE },
  { "caps.bound", child_bound, NULL, SYNC_NONE },
  { "process.rlimits", child_rlimits, want_rlimits, SYNC_NONE },
  { "process.scheduling", child_scheduling, want_scheduling, SYNC_NONE },
  { "process.memory", child_memory_policy, want_memory_policy, SYNC_NONE },
  { "process.personality", child_personality, want_personality, SYNC_NONE },
  { "process.stdio", child_stdio, want_stdio, SYNC_NONE },
  { "label", child_label, want_label, SYNC_NONE },
  { "creds", child_creds, NULL, SYNC_NONE },
  { "no_new_privs", child_no_new_privs, want_no_new_privs, SYNC_NONE },
  { "exec.resolve", child_exec_resolve, NULL, SYNC_NONE },
  { "seccomp.notify", child_seccomp_notify, want_listener, SYNC_NOTIFY },
  { "exec.ready", child_exec_ready, NULL, SYNC_READY },
  { "exec.rlimits", child_late_rlimits, want_late_rlimits, SYNC_NONE },     /* what would starve the steps above */
  { "seccomp.load", child_seccomp_load, want_late_filter, SYNC_NONE },
  { "exec.go", child_exec_go, NULL, SYNC_NONE },
  { 0 },
};
