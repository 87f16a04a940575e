/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks: what is executed with which arguments and environment.  Must never let the
 * environment of the image or of the runtime reach a hook (CVE-2025-23266). */
#include <limits.h>

#include "base/err.h"
#include "ocispec/config.h"
#include "plan/arena.h"
#include "plan/part.h"

/* What a hook gets that brings no environment: enough to find the tools of the machine.  */
static const char default_path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/* Copies a NULL-terminated list of N strings; without LIST its only entry is INSTEAD.  */
static const char **
copy_list (const struct part *p, const char *const *list, size_t n, const char *instead)
{
  size_t count = list ? n : 1;
  const char **copy = plan_alloc (p->arena, (count + 1) * sizeof *copy);

  for (size_t i = 0; copy && i < count; i++)
    {
      copy[i] = plan_strdup (p->arena, list ? list[i] : instead);
      if (copy[i] == NULL)
        return NULL;
    }
  return copy;
}

static int
copy_hook (const struct part *p, const struct oci_hook *from, struct plan_hook *to, struct err *err)
{
  const char *const *args = from->n_args > 0 ? from->args : NULL;

  to->path = plan_strdup (p->arena, from->path);
  to->argv = copy_list (p, args, from->n_args, from->path);
  to->envp = copy_list (p, from->env, from->n_env, default_path);
  /* positive: rules_check; more than a century is as good as its end */
  to->timeout = from->timeout ? (unsigned) (*from->timeout < UINT_MAX ? *from->timeout : UINT_MAX) : 0;
  return to->path && to->argv && to->envp ? 0 : part_nomem (err);
}

/* One list of hooks; at most six parameters, so the lists come as a struct.  */
struct list
{
  const char *name;
  const struct oci_hook *hooks;
  size_t n;
  struct plan_hook **ret_hooks;
  size_t *ret_n;
};

static int
copy_hooks (const struct part *p, const struct list *l, struct err *err)
{
  struct plan_hook *copy = plan_alloc (p->arena, l->n * sizeof *copy);
  int ret = 0;

  if (copy == NULL)
    return part_nomem (err);
  for (size_t i = 0; ret == 0 && i < l->n; i++)
    {
      copy[i].where = plan_printf (p->arena, "hooks.%s[%zu]", l->name, i);
      ret = copy[i].where ? copy_hook (p, &l->hooks[i], &copy[i], err) : part_nomem (err);
    }
  *l->ret_hooks = copy;
  *l->ret_n = l->n;
  return ret;
}

int
plan_hooks (const struct part *p, struct err *err)
{
  static const struct oci_hooks none;
  const struct oci_hooks *h = p->config->hooks ? p->config->hooks : &none;
  struct plan_hooks *to = &p->plan->hooks;
  const struct list lists[] = {
    { "prestart", h->prestart, h->n_prestart, &to->prestart, &to->n_prestart },
    { "createRuntime", h->create_runtime, h->n_create_runtime, &to->create_runtime, &to->n_create_runtime },
    { "createContainer", h->create_container, h->n_create_container, &to->create_container, &to->n_create_container },
    { "startContainer", h->start_container, h->n_start_container, &to->start_container, &to->n_start_container },
    { "poststart", h->poststart, h->n_poststart, &to->poststart, &to->n_poststart },
    { "poststop", h->poststop, h->n_poststop, &to->poststop, &to->n_poststop },
  };

  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
    {
      int ret = copy_hooks (p, &lists[i], err);
      if (ret < 0)
        return ret;
    }
  return 0;
}

int
plan_make_hooks (struct plan_arena *arena, const struct oci_config *config, struct plan_hooks *ret_hooks, struct err *err)
{
  struct plan plan = { .action = PLAN_CREATE };
  const struct part part = { .arena = arena, .config = config, .plan = &plan };
  int ret = plan_hooks (&part, err);

  if (ret == 0)
    *ret_hooks = plan.hooks;
  return ret;
}
