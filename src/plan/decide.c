/* SPDX-License-Identifier: Apache-2.0 */
/* Making a plan: the order in which its parts are decided; see make.h.  */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "kernel/sysctl.h"
#include "ocispec/config.h"
#include "plan/arena.h"
#include "plan/make.h"
#include "plan/part.h"

int
part_nomem (struct err *err)
{
  return err_host (err, ENOMEM, "the plan does not fit into its memory");
}

/* Names of the host and domain; an empty one is none.  */
static int
copy_names (const struct part *p, struct err *err)
{
  const char *host = p->config->hostname, *domain = p->config->domainname;
  struct plan *plan = p->plan;

  if (host && *host && (plan->hostname = plan_strdup (p->arena, host)) == NULL)
    return part_nomem (err);
  if (domain && *domain && (plan->domainname = plan_strdup (p->arena, domain)) == NULL)
    return part_nomem (err);
  return 0;
}

static int
copy_keyring (const struct part *p, struct err *err)
{
  if (p->args->no_new_keyring)
    return 0;
  p->plan->keyring = plan_printf (p->arena, "_ses.%s", p->args->id);
  return p->plan->keyring ? 0 : part_nomem (err);
}

static int
copy_sysctls (const struct part *p, struct err *err)
{
  const struct oci_linux *l = p->config->linux_;
  struct plan *plan = p->plan;

  if (l == NULL || l->n_sysctl == 0)
    return 0;
  plan->sysctls = plan_alloc (p->arena, l->n_sysctl * sizeof *plan->sysctls);
  if (plan->sysctls == NULL)
    return part_nomem (err);
  for (size_t i = 0; i < l->n_sysctl; i++)
    {
      struct plan_sysctl *s = &plan->sysctls[i];
      char path[256];

      s->where = plan_printf (p->arena, "linux.sysctl[\"%s\"]", l->sysctl[i].key);
      if (sysctl_path (l->sysctl[i].key, path, sizeof path) < 0)
        return err_spec (err, s->where, "is no name of a kernel parameter");
      s->path = plan_strdup (p->arena, path);
      s->value = plan_strdup (p->arena, l->sysctl[i].value);
      if (s->where == NULL || s->path == NULL || s->value == NULL)
        return part_nomem (err);
      plan->n_sysctls++;
    }
  return 0;
}

/* The parts of each kind of plan, in the order in which they need one another.  */
static int (*const create_parts[]) (const struct part *, struct err *)
    = { plan_ns,      plan_net,   plan_rdt, plan_labels,  plan_root,  plan_links, plan_mounts,  plan_devices, plan_places, plan_process, plan_root_warn, plan_null, plan_task,
        plan_seccomp, plan_hooks,   copy_names, copy_sysctls, copy_keyring, plan_cgroup, NULL };
static int (*const exec_parts[]) (const struct part *, struct err *) = { plan_ns_exec, plan_rdt, plan_labels, plan_root_exec, plan_process, plan_null, plan_task, plan_seccomp, copy_keyring, NULL };

static int
make (struct part *p, enum plan_action action, int (*const *parts) (const struct part *, struct err *), struct err *err)
{
  int ret = 0;

  p->plan = plan_alloc (p->arena, sizeof *p->plan);
  if (p->plan == NULL)
    return part_nomem (err);
  p->plan->action = action;
  p->plan->id = plan_strdup (p->arena, p->args->id);
  p->plan->preserve_fds = p->args->preserve_fds;
  p->plan->run = p->args->run;
  for (; ret == 0 && *parts; parts++)
    ret = (*parts) (p, err);
  return ret;
}

int
plan_make (struct plan_arena *arena, const struct oci_config *config, const struct host *host,
           const struct plan_args *args, const struct log *log, struct plan **ret_plan, struct err *err)
{
  struct part p = { .arena = arena, .config = config, .process = config->process, .host = host, .args = args, .log = log };
  int ret = make (&p, PLAN_CREATE, create_parts, err);

  if (ret == 0)
    *ret_plan = p.plan;
  return ret;
}

int
plan_make_exec (struct plan_arena *arena, const struct oci_config *config, const struct oci_process *process,
                const struct host *host, const struct plan_args *args, const struct log *log, struct plan **ret_plan,
                struct err *err)
{
  struct part p = { .arena = arena, .config = config, .process = process, .host = host, .args = args, .log = log };
  int ret = make (&p, PLAN_EXEC, exec_parts, err);

  if (ret == 0)
    *ret_plan = p.plan;
  return ret;
}
