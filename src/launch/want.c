/* SPDX-License-Identifier: Apache-2.0 */
/* Which steps a plan wants; see want.h.  */
#include "launch/want.h"

#include "plan/plan.h"

bool
want_listen (const struct plan *p)
{
  return p->action == PLAN_CREATE && ! p->run;
}

bool
want_terminal (const struct plan *p)
{
  return p->process.terminal;
}

bool
want_join (const struct plan *p)
{
  return p->ns.n_joins > 0 || p->ns.pidfd_flags != 0;
}

bool
want_open_namespaces (const struct plan *p)
{
  return p->ns.n_joins > 0;
}

bool
want_unshare_user (const struct plan *p)
{
  return p->ns.staged && p->ns.new_user;
}

bool
want_unshare (const struct plan *p)
{
  return p->ns.staged && p->ns.unshare_flags != 0;
}

bool
want_time_offsets (const struct plan *p)
{
  return p->ns.time_offsets != NULL;
}

bool
want_fork (const struct plan *p)
{
  return p->ns.fork;
}

bool
want_cgroup_ns (const struct plan *p)
{
  return p->ns.new_cgroup;
}

bool
want_propagation (const struct plan *p)
{
  return p->action == PLAN_CREATE && (p->ns.new_mnt || p->ns.join_mnt);
}

bool
want_root (const struct plan *p)
{
  return p->action == PLAN_CREATE;
}

bool
want_exec_root (const struct plan *p)
{
  return p->action == PLAN_EXEC && p->root.path != NULL;
}

bool
want_added (const struct plan *p)
{
  return p->action == PLAN_MOUNTS && p->n_mounts > 0;
}

bool
want_copied (const struct plan *p)
{
  for (size_t i = 0; p->action == PLAN_MOUNTS && i < p->n_mounts; i++)
    if (p->mounts[i].copy_up)
      return true;
  return false;
}

bool
want_removed (const struct plan *p)
{
  return p->n_unmounts > 0;
}

bool
want_hooks (const struct plan *p)
{
  const struct plan_hooks *h = &p->hooks;

  return h->n_prestart + h->n_create_runtime + h->n_create_container + h->n_start_container > 0;
}

bool
want_any_hook (const struct plan *p)
{
  return want_hooks (p) || p->hooks.n_poststart > 0 || p->hooks.n_poststop > 0;
}

bool
want_container_hooks (const struct plan *p)
{
  return p->hooks.n_create_container > 0;
}

bool
want_start_hooks (const struct plan *p)
{
  return p->hooks.n_start_container > 0;
}

bool
want_loopback (const struct plan *p)
{
  return p->ns.new_net;
}

bool
want_net_devices (const struct plan *p)
{
  return p->n_net_devices > 0;
}

bool
want_rdt (const struct plan *p)
{
  return p->rdt != NULL;
}

bool
want_rdt_join (const struct plan *p)
{
  return p->in_rdt;
}

bool
want_sysctl (const struct plan *p)
{
  return p->n_sysctls > 0;
}

bool
want_oom (const struct plan *p)
{
  return p->process.oom_score_adj != NULL;
}

bool
want_rlimits (const struct plan *p)
{
  return p->process.n_rlimits > 0 && ! p->process.rlimits_by_parent;
}

bool
want_late_rlimits (const struct plan *p)
{
  for (size_t i = 0; i < p->process.n_rlimits; i++)
    if (p->process.rlimits[i].late)
      return true;
  return false;
}

bool
want_outer_rlimits (const struct plan *p)
{
  return p->process.n_rlimits > 0 && p->process.rlimits_by_parent;
}

bool
want_masked (const struct plan *p)
{
  return p->n_masked > 0;
}

bool
want_readonly_paths (const struct plan *p)
{
  return p->n_readonly > 0;
}

bool
want_root_attributes (const struct plan *p)
{
  return p->action == PLAN_CREATE && (p->root.readonly || p->root.final_propagation != 0);
}

bool
want_names (const struct plan *p)
{
  return p->hostname != NULL || p->domainname != NULL;
}

bool
want_keyring (const struct plan *p)
{
  return p->keyring != NULL;
}

bool
want_no_new_privs (const struct plan *p)
{
  return p->process.no_new_privs;
}

bool
want_filter (const struct plan *p)
{
  return p->seccomp.given;
}

bool
want_listener (const struct plan *p)
{
  return p->seccomp.listener_path != NULL;
}

bool
want_late_filter (const struct plan *p)
{
  return want_filter (p) && ! want_listener (p);
}

bool
want_filter_check (const struct plan *p)
{
  return want_late_filter (p) && want_listen (p);
}

bool
want_devices (const struct plan *p)
{
  return p->n_devices > 0;
}

bool
want_links (const struct plan *p)
{
  return p->n_links > 0;
}

bool
want_process (const struct plan *p)
{
  return p->process.given;
}

bool
want_home (const struct plan *p)
{
  return p->process.given && p->process.add_home;
}

bool
want_cpus (const struct plan *p)
{
  return p->process.any_cpu || p->process.cpus != NULL;
}

static bool
is_scheduled (const struct plan *p)
{
  return p->process.scheduler != NULL || p->process.io_priority != NULL;
}

bool
want_scheduling (const struct plan *p)
{
  return is_scheduled (p) && ! p->process.scheduled_by_parent;
}

bool
want_outer_scheduling (const struct plan *p)
{
  return is_scheduled (p) && p->process.scheduled_by_parent;
}

bool
want_memory_policy (const struct plan *p)
{
  return p->memory_policy != NULL;
}

bool
want_personality (const struct plan *p)
{
  return p->personality != NULL;
}

bool
want_stdio (const struct plan *p)
{
  return p->process.own_stdio || p->process.own_null;
}

bool
want_label (const struct plan *p)
{
  return p->process.apparmor != NULL || p->process.selinux != NULL;
}
