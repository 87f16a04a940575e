/* SPDX-License-Identifier: Apache-2.0 */
/* Which steps a plan wants.  Parent's and child's tables use the same predicates, so
 * that both sides always agree on which messages there are.  Pure; child-safe */
#ifndef ORLOP_LAUNCH_WANT_H
#define ORLOP_LAUNCH_WANT_H

#include <stdbool.h>

struct plan;

/* `create` without `run`: the child will wait on start.sock.  */
bool want_listen (const struct plan *p);
/* A terminal is asked for.  */
bool want_terminal (const struct plan *p);
/* Namespaces are joined by path or pidfd.  */
bool want_join (const struct plan *p);
/* Namespaces are joined by path.  */
bool want_open_namespaces (const struct plan *p);
/* A user namespace is made by unshare, in the child.  */
bool want_unshare_user (const struct plan *p);
/* Namespaces are unshared in the child.  */
bool want_unshare (const struct plan *p);
/* The clocks of a new time namespace are set.  */
bool want_time_offsets (const struct plan *p);
/* The child forks once more, since pid and time namespaces act on children.  */
bool want_fork (const struct plan *p);
/* A cgroup namespace is made.  */
bool want_cgroup_ns (const struct plan *p);
/* A mount namespace of its own, whose propagation is set first.  */
bool want_propagation (const struct plan *p);
/* A root file system is built and entered.  */
bool want_root (const struct plan *p);
/* exec enters the root by its path: there is no mount namespace that would bring it.  */
bool want_exec_root (const struct plan *p);
/* Mounts are added to a container that exists.  */
bool want_added (const struct plan *p);
/* One of them is filled from the image (tmpcopyup).  */
bool want_copied (const struct plan *p);
/* Mounts are removed from it.  */
bool want_removed (const struct plan *p);
/* Any hook runs during create, or later in the child.  */
bool want_hooks (const struct plan *p);
/* Any hook at all.  */
bool want_any_hook (const struct plan *p);
/* createContainer hooks.  */
bool want_container_hooks (const struct plan *p);
/* startContainer hooks.  */
bool want_start_hooks (const struct plan *p);
/* A network namespace of its own.  */
bool want_loopback (const struct plan *p);
/* Network devices are moved into the container.  */
bool want_net_devices (const struct plan *p);
/* A resctrl group is made or looked at.  */
bool want_rdt (const struct plan *p);
/* The process is put into one.  */
bool want_rdt_join (const struct plan *p);
/* sysctl settings.  */
bool want_sysctl (const struct plan *p);
/* oomScoreAdj.  */
bool want_oom (const struct plan *p);
/* rlimits that the child sets itself.  */
bool want_rlimits (const struct plan *p);
/* Resource limits are set last, by the child.  */
bool want_late_rlimits (const struct plan *p);
/* rlimits that the parent sets, over a user namespace.  */
bool want_outer_rlimits (const struct plan *p);
/* Masked paths.  */
bool want_masked (const struct plan *p);
/* Read-only paths.  */
bool want_readonly_paths (const struct plan *p);
/* root.readonly or rootfsPropagation.  */
bool want_root_attributes (const struct plan *p);
/* hostname or domainname.  */
bool want_names (const struct plan *p);
/* A session keyring of its own.  */
bool want_keyring (const struct plan *p);
/* noNewPrivileges.  */
bool want_no_new_privs (const struct plan *p);
/* A filter of system calls.  */
bool want_filter (const struct plan *p);
/* A filter that an agent answers for: its listener must leave before READY.  */
bool want_listener (const struct plan *p);
/* A filter that waits for execve.  */
bool want_late_filter (const struct plan *p);
/* ... and for `start`: what can be known of it is found in `create`.  */
bool want_filter_check (const struct plan *p);
/* Device nodes.  */
bool want_devices (const struct plan *p);
/* Symbolic links.  */
bool want_links (const struct plan *p);
/* The document has a process.  */
bool want_process (const struct plan *p);
/* No HOME in the environment.  */
bool want_home (const struct plan *p);
/* The processors on which it runs are set.  */
bool want_cpus (const struct plan *p);
/* A policy, priority or I/O priority is set, by the child itself.  */
bool want_scheduling (const struct plan *p);
/* Likewise, from outside.  */
bool want_outer_scheduling (const struct plan *p);
/* A memory policy is set.  */
bool want_memory_policy (const struct plan *p);
/* A personality is set.  */
bool want_personality (const struct plan *p);
/* Pipes on descriptors 0 to 2 get another owner.  */
bool want_stdio (const struct plan *p);
/* The program is confined by a label.  */
bool want_label (const struct plan *p);

#endif
