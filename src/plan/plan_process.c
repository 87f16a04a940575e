/* SPDX-License-Identifier: Apache-2.0 */
/* The process: arguments, identity, limits, capabilities.  Names become numbers and masks
 * here; the child knows only those. */
#include <errno.h>
#include <linux/capability.h>
#include <sys/resource.h>

#include "base/err.h"
#include "base/log.h"
#include "base/names.h"
#include "kernel/caps.h"
#include "kernel/idmap.h"
#include "kernel/rlimit.h"
#include "ocispec/config.h"
#include "plan/arena.h"
#include "plan/environment.h"
#include "plan/host.h"
#include "plan/part.h"

/* The JSON path of a property of the process: exec's document has it at the top.  */
static const char *
where (const struct part *p, const char *property)
{
  return p->plan->action == PLAN_EXEC ? property : plan_printf (p->arena, "process.%s", property);
}

static int
copy_args (const struct part *p, struct err *err)
{
  struct plan_process *to = &p->plan->process;
  size_t n = p->process->n_args;

  to->argv = plan_alloc (p->arena, (n + 1) * sizeof *to->argv);
  if (to->argv == NULL)
    return part_nomem (err);
  for (size_t i = 0; i < n; i++)
    {
      to->argv[i] = plan_strdup (p->arena, p->process->args[i]);
      if (to->argv[i] == NULL)
        return part_nomem (err);
    }
  to->cwd = plan_strdup (p->arena, p->process->cwd);
  return to->cwd ? 0 : part_nomem (err);
}

/* An id that the new user namespace does not have would be the kernel's EINVAL in the child.  */
static int
check_mapped (const struct part *p, const char *property, const struct idmap *maps, size_t n, uint32_t id,
              struct err *err)
{
  if (n == 0 || idmap_translate (maps, n, id) >= 0)
    return 0;
  return err_spec (err, where (p, property), "%u is not mapped into the container's user namespace", id);
}

static int
copy_groups (const struct part *p, const struct oci_user *user, struct err *err)
{
  struct plan_process *to = &p->plan->process;
  const struct plan_ns *ns = &p->plan->ns;
  bool may_set = (p->host->permitted & (1ULL << CAP_SETGID)) != 0;
  bool known = p->plan->action == PLAN_EXEC; /* host_probe_groups has asked */

  if (! ns->setgroups && user->n_additional_gids > 0)
    return err_spec (err, where (p, "user.additionalGids"),
                     "groups cannot be set in a user namespace that an unprivileged user maps alone");
  /* whether setgroups is allowed in another's user namespace may be unknown: nothing asked, nothing done */
  to->keep_groups = ! ns->setgroups || (ns->joined_user && ! known && ! may_set && user->n_additional_gids == 0);
  to->n_groups = user->n_additional_gids;
  to->groups = plan_alloc (p->arena, to->n_groups * sizeof *to->groups);
  if (to->groups == NULL)
    return part_nomem (err);
  for (size_t i = 0; i < to->n_groups; i++)
    {
      to->groups[i] = user->additional_gids[i];
      if (check_mapped (p, "user.additionalGids", ns->gid_maps, ns->n_gid_maps, to->groups[i], err) < 0)
        return -EINVAL;
    }
  return 0;
}

static int
copy_user (const struct part *p, struct err *err)
{
  static const struct oci_user root;
  const struct oci_user *user = p->process->user ? p->process->user : &root;
  struct plan_process *to = &p->plan->process;
  const struct plan_ns *ns = &p->plan->ns;

  to->uid = user->uid;
  to->gid = user->gid;
  to->set_umask = user->umask != NULL;
  to->umask = user->umask ? *user->umask : 0;
  if (check_mapped (p, "user.uid", ns->uid_maps, ns->n_uid_maps, to->uid, err) < 0
      || check_mapped (p, "user.gid", ns->gid_maps, ns->n_gid_maps, to->gid, err) < 0)
    return -EINVAL;
  return copy_groups (p, user, err);
}

/* One list of capabilities as a mask, less what this kernel or we do not have: config.md wants a warning for those.  */
static uint64_t
parse_caps (const struct part *p, const char *set, const char *const *names, size_t n, uint64_t have)
{
  uint64_t mask = 0;

  for (size_t i = 0; i < n; i++)
    {
      unsigned cap;

      if (caps_parse (names[i], &cap) < 0 || cap > p->host->last_cap)
        log_warn (p->log, "process.capabilities.%s: %s is unknown here and left out", set, names[i]);
      else if (! (have & (1ULL << cap)))
        log_warn (p->log, "process.capabilities.%s: %s cannot be granted and is left out", set, names[i]);
      else
        mask |= 1ULL << cap;
    }
  return mask;
}

/* Cuts MASK to what LIMIT has, with a warning: the kernel would refuse the whole set.  */
static uint64_t
cut (const struct part *p, const char *set, uint64_t mask, uint64_t limit, const char *limit_name)
{
  for (const struct name *n = caps_names; n->name; n++)
    if (mask & ~limit & (1ULL << n->value))
      log_warn (p->log, "process.capabilities.%s: %s is not in %s and left out", set, n->name, limit_name);
  return mask & limit;
}

/* Without capabilities in the document every set is empty, as runc has it; exec inherits the container's sets.  */
static void
copy_caps (const struct part *p)
{
  static const struct oci_capabilities none;
  const struct oci_process *of = p->config->process;
  const struct oci_capabilities *c = p->process->capabilities;
  struct plan_process *to = &p->plan->process;
  bool full = p->plan->ns.new_user || p->plan->ns.joined_user; /* who enters a user namespace has everything in it */
  uint64_t all = p->host->last_cap >= 63 ? UINT64_MAX : (1ULL << (p->host->last_cap + 1)) - 1;
  uint64_t permitted = full ? all : p->host->permitted, bounding = full ? all : p->host->bounding;

  if (c == NULL && p->plan->action == PLAN_EXEC && of)
    c = of->capabilities;
  if (c == NULL)
    c = &none;
  to->set_caps = true;
  to->last_cap = p->host->last_cap;
  to->caps.bounding = parse_caps (p, "bounding", c->bounding, c->n_bounding, bounding);
  to->caps.permitted = parse_caps (p, "permitted", c->permitted, c->n_permitted, permitted);
  to->caps.effective = parse_caps (p, "effective", c->effective, c->n_effective, permitted);
  to->caps.inheritable = parse_caps (p, "inheritable", c->inheritable, c->n_inheritable, bounding);
  to->caps.ambient = parse_caps (p, "ambient", c->ambient, c->n_ambient, permitted);
  to->caps.effective = cut (p, "effective", to->caps.effective, to->caps.permitted, "permitted");
  to->caps.ambient = cut (p, "ambient", to->caps.ambient, to->caps.permitted & to->caps.inheritable,
                          "permitted and inheritable");
}

/* Limits on what orlop-init itself needs, startContainer hooks included: below these they might be in its way.  */
static const struct
{
  unsigned which;
  uint64_t enough;
} needed[] = {
  { RLIMIT_NOFILE, 256 }, { RLIMIT_STACK, 1 << 20 }, { RLIMIT_AS, 64 << 20 }, { RLIMIT_DATA, 16 << 20 },
};

/* Puts off what is too small for us.  */
static void
put_off (struct plan_rlimit *r)
{
  for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
    if (needed[i].which == r->which && r->soft < needed[i].enough)
      {
        r->late = true;
        r->before = r->hard >= needed[i].enough ? needed[i].enough : 0;
      }
}

/* A process document of exec without limits gets those of the container, as with runc.  */
static int
copy_rlimits (const struct part *p, struct err *err)
{
  const struct oci_process *of = p->process->n_rlimits == 0 && p->config->process ? p->config->process : p->process;
  bool own = p->plan->action == PLAN_EXEC && of == p->process;
  struct plan_process *to = &p->plan->process;

  to->n_rlimits = of->n_rlimits;
  to->rlimits_by_parent = (p->plan->ns.new_user || p->plan->ns.joined_user) && (p->host->permitted & (1ULL << CAP_SYS_RESOURCE));
  to->rlimits = plan_alloc (p->arena, to->n_rlimits * sizeof *to->rlimits);
  if (to->rlimits == NULL)
    return part_nomem (err);
  for (size_t i = 0; i < to->n_rlimits; i++)
    {
      const struct oci_rlimit *from = &of->rlimits[i];
      struct plan_rlimit *r = &to->rlimits[i];
      uint64_t which;

      r->where = plan_printf (p->arena, "%srlimits[%zu]", own ? "" : "process.", i);
      if (r->where == NULL)
        return part_nomem (err);
      if (! name_value (rlimit_names, from->type, &which))
        return err_spec (err, r->where, "unknown limit %s", from->type);
      r->which = (unsigned) which;
      r->soft = from->soft;
      r->hard = from->hard;
      put_off (r);
    }
  return 0;
}

static int
copy_rest (const struct part *p, struct err *err)
{
  const struct oci_process *from = p->process;
  struct plan_process *to = &p->plan->process;

  to->terminal = from->terminal;
  if (from->terminal && from->console_size)
    {
      to->rows = (unsigned short) from->console_size->height; /* below 65536: rules_check */
      to->columns = (unsigned short) from->console_size->width;
    }
  to->no_new_privs = from->no_new_privileges;
  to->own_stdio = to->uid != 0 && ! from->terminal;
  if (from->oom_score_adj)
    {
      to->oom_score_adj = plan_printf (p->arena, "%d", *from->oom_score_adj);
      if (to->oom_score_adj == NULL)
        return part_nomem (err);
    }
  return 0;
}

int
plan_process (const struct part *p, struct err *err)
{
  int ret;

  if (p->process == NULL)
    return 0; /* given stays false */
  p->plan->process.given = true;
  ret = copy_args (p, err);
  if (ret == 0)
    ret = environment_make (p->arena, p->process->env, p->process->n_env, p->args->extra_env, &p->plan->process, err);
  if (ret == 0)
    ret = copy_user (p, err);
  if (ret == 0)
    ret = copy_rlimits (p, err);
  if (ret == 0)
    ret = copy_rest (p, err);
  if (ret == 0)
    copy_caps (p);
  return ret;
}
