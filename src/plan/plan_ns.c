/* SPDX-License-Identifier: Apache-2.0 */
/* Which namespaces are made, joined and inherited, in what order and with how many forks.
 * See plan.h for the two shapes, namespaces(7), user_namespaces(7), pid_namespaces(7). */
#include <errno.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "kernel/idmap.h"
#include "kernel/ns.h"
#include "kernel/sysctl.h"
#include "ocispec/config.h"
#include "plan/arena.h"
#include "plan/host.h"
#include "plan/part.h"

static const struct oci_namespace *
find (const struct oci_config *c, const char *type, size_t *ret_index)
{
  for (size_t i = 0; c->linux_ && i < c->linux_->n_namespaces; i++)
    if (strcmp (c->linux_->namespaces[i].type, type) == 0)
      {
        *ret_index = i;
        return &c->linux_->namespaces[i];
      }
  return NULL;
}

static bool
is_joined (const struct oci_namespace *n)
{
  return n->path && n->path[0] != '\0'; /* some engines write "" for none */
}

enum part_namespace
part_namespace (const struct oci_config *config, const char *type)
{
  size_t i;
  const struct oci_namespace *n = find (config, type, &i);

  if (n == NULL)
    return NAMESPACE_INHERITED;
  return is_joined (n) ? NAMESPACE_JOINED : NAMESPACE_NEW;
}

/* The JSON path of what is set in the container's namespace of kind TYPE and would be set for the host if that were the host's; NULL for nothing.  */
static int
find_foreign (const struct part *p, const char *type, const char **ret_where, struct err *err)
{
  const struct oci_config *c = p->config;
  const struct oci_linux *l = c->linux_;
  const char *where = NULL;

  if (strcmp (type, "uts") == 0 && c->hostname && *c->hostname)
    where = plan_strdup (p->arena, "hostname");
  else if (strcmp (type, "uts") == 0 && c->domainname && *c->domainname)
    where = plan_strdup (p->arena, "domainname");
  else if (strcmp (type, "mount") == 0) /* it would take the place of the host's, for every process there */
    where = plan_strdup (p->arena, "root.path");
  else
    {
      size_t i = 0;

      while (i < l->n_sysctl && (sysctl_namespace (l->sysctl[i].key) == NULL || strcmp (sysctl_namespace (l->sysctl[i].key), type) != 0))
        i++;
      if (i == l->n_sysctl)
        return 0;
      where = plan_printf (p->arena, "linux.sysctl[\"%s\"]", l->sysctl[i].key);
    }
  *ret_where = where;
  return where ? 0 : part_nomem (err);
}

static int
add_join (const struct part *p, const struct ns_type *type, const struct oci_namespace *n, size_t i, struct err *err)
{
  struct plan_ns *ns = &p->plan->ns;
  struct plan_join *j = &ns->joins[ns->n_joins++];

  j->flag = type->flag;
  j->name = plan_strdup (p->arena, type->name);
  j->path = plan_strdup (p->arena, n->path);
  j->where = plan_printf (p->arena, "linux.namespaces[%zu].path", i);
  return j->name && j->path && j->where ? find_foreign (p, type->name, &j->foreign, err) : part_nomem (err);
}

/* Who may join the others without the help of the user namespace does so before it: they need not belong to it, as when an engine made the network
 * namespace of a pod.  The mount namespace stays last: nobody with more rights than the container's is to see it from inside.  */
static void
join_user_late (struct plan_ns *ns)
{
  struct plan_join user = ns->joins[0];
  size_t last = ns->n_joins - (ns->joins[ns->n_joins - 1].flag == CLONE_NEWNS);

  if (user.flag != CLONE_NEWUSER)
    return;
  memmove (ns->joins, ns->joins + 1, (last - 1) * sizeof *ns->joins);
  ns->joins[last - 1] = user;
}

/* Sorts the document's namespaces into joined and new ones (*ret_new), in the order of ns_types: user first, mount last.  */
static int
sort_kinds (const struct part *p, int *ret_new, struct err *err)
{
  struct plan_ns *ns = &p->plan->ns;
  size_t n_types = 0;

  while (ns_types[n_types].name)
    n_types++;
  ns->joins = plan_alloc (p->arena, n_types * sizeof *ns->joins);
  if (ns->joins == NULL)
    return part_nomem (err);
  *ret_new = 0;
  for (const struct ns_type *t = ns_types; t->name; t++)
    {
      size_t i;
      const struct oci_namespace *n = find (p->config, t->name, &i);

      if (n == NULL)
        continue;
      if (! is_joined (n))
        *ret_new |= t->flag;
      else if (add_join (p, t, n, i, err) < 0)
        return -ENOMEM;
    }
  if (ns->n_joins > 0 && (p->host->permitted & (1ULL << CAP_SYS_ADMIN)))
    join_user_late (ns);
  return 0;
}

static bool
joins (const struct plan_ns *ns, int flag)
{
  for (size_t i = 0; i < ns->n_joins; i++)
    if (ns->joins[i].flag == flag)
      return true;
  return false;
}

static struct idmap *
copy_maps (struct plan_arena *a, const struct oci_id_mapping *maps, size_t n)
{
  struct idmap *copy = plan_alloc (a, n * sizeof *copy);

  for (size_t i = 0; copy && i < n; i++)
    copy[i] = (struct idmap){ maps[i].container_id, maps[i].host_id, maps[i].size };
  return copy;
}

/* Everything inside is made by the namespace's root, so it has to exist.  */
static int
check_root_mapped (const struct plan_ns *ns, struct err *err)
{
  if (idmap_translate (ns->uid_maps, ns->n_uid_maps, 0) < 0)
    return err_spec (err, "linux.uidMappings", "the container's id 0 must be mapped");
  if (idmap_translate (ns->gid_maps, ns->n_gid_maps, 0) < 0)
    return err_spec (err, "linux.gidMappings", "the container's id 0 must be mapped");
  return 0;
}

/* True if the gid map can be written without CAP_SETGID or newgidmap: then setgroups must be denied first, since a
 * dropped group could grant what its negative permission denies (CVE-2014-8989, user_namespaces(7)).  */
static bool
must_deny_setgroups (const struct plan_ns *ns, const struct host *h)
{
  bool may_set = (h->permitted & (1ULL << CAP_SETGID)) != 0;

  return ! may_set && idmap_is_own (ns->gid_maps, ns->n_gid_maps, h->egid);
}

static int
new_user (const struct part *p, struct err *err)
{
  struct plan_ns *ns = &p->plan->ns;
  const struct oci_linux *l = p->config->linux_;
  int ret;

  ns->n_uid_maps = l->n_uid_mappings;
  ns->n_gid_maps = l->n_gid_mappings;
  ns->uid_maps = copy_maps (p->arena, l->uid_mappings, l->n_uid_mappings);
  ns->gid_maps = copy_maps (p->arena, l->gid_mappings, l->n_gid_mappings);
  if (ns->uid_maps == NULL || ns->gid_maps == NULL)
    return part_nomem (err);
  ret = idmap_check ("linux.uidMappings", ns->uid_maps, ns->n_uid_maps, err);
  if (ret == 0)
    ret = idmap_check ("linux.gidMappings", ns->gid_maps, ns->n_gid_maps, err);
  if (ret == 0)
    ret = check_root_mapped (ns, err);
  ns->setgroups = ns->setgroups && ! must_deny_setgroups (ns, p->host);
  return ret;
}

/* The text for timens_offsets: all clocks in one write (time_namespaces(7)).  */
static int
time_offsets (const struct part *p, struct err *err)
{
  const struct oci_linux *l = p->config->linux_;
  const char *text = "";

  for (size_t i = 0; text && l && i < l->n_time_offsets; i++)
    {
      const struct oci_time_offset *o = &l->time_offsets[i];

      text = plan_printf (p->arena, "%s%s %jd %u\n", text, o->clock, o->secs ? (intmax_t) *o->secs : 0, o->nanosecs ? *o->nanosecs : 0);
    }
  if (text == NULL)
    return part_nomem (err);
  p->plan->ns.time_offsets = *text ? text : NULL;
  return 0;
}

static bool
has_map (const struct oci_id_mapping *maps, size_t n, const struct idmap *m)
{
  for (size_t i = 0; i < n; i++)
    if (m->inside == maps[i].container_id && m->outside == maps[i].host_id && m->size == maps[i].size)
      return true;
  return false;
}

/* In whatever order: of more than five the kernel shows them sorted.  */
static bool
same_maps (const struct idmap *kernels, size_t n_kernels, const struct oci_id_mapping *listed, size_t n_listed)
{
  for (size_t i = 0; n_kernels == n_listed && i < n_kernels; i++)
    if (! has_map (listed, n_listed, &kernels[i]))
      return false;
  return n_kernels == n_listed;
}

/* A user namespace that exists has its maps; those of the document, which need not be there, must not say something else.  */
static int
joined_user (const struct part *p, struct err *err)
{
  const struct idmap_maps *m = p->host->joined;
  const struct oci_linux *l = p->config->linux_;
  struct plan_ns *ns = &p->plan->ns;

  if (m == NULL)
    return 0;
  if (m->n_uid == 0 || m->n_gid == 0) /* who is in it is nobody, whose every next step would fail with a riddle */
    return err_spec (err, "linux.namespaces", "the user namespace that is joined has no mappings: nobody has written its uid_map and gid_map");
  if (l->n_uid_mappings > 0 && ! same_maps (m->uid, m->n_uid, l->uid_mappings, l->n_uid_mappings))
    return err_spec (err, "linux.uidMappings", "differs from the mappings of the user namespace that is joined");
  if (l->n_gid_mappings > 0 && ! same_maps (m->gid, m->n_gid, l->gid_mappings, l->n_gid_mappings))
    return err_spec (err, "linux.gidMappings", "differs from the mappings of the user namespace that is joined");
  ns->uid_maps = plan_alloc (p->arena, m->n_uid * sizeof *ns->uid_maps);
  ns->gid_maps = plan_alloc (p->arena, m->n_gid * sizeof *ns->gid_maps);
  if (ns->uid_maps == NULL || ns->gid_maps == NULL)
    return part_nomem (err);
  memcpy (ns->uid_maps, m->uid, m->n_uid * sizeof *ns->uid_maps);
  memcpy (ns->gid_maps, m->gid, m->n_gid * sizeof *ns->gid_maps);
  ns->n_uid_maps = m->n_uid;
  ns->n_gid_maps = m->n_gid;
  ns->setgroups = m->setgroups;
  return 0;
}

static void
note_new (struct plan_ns *ns, int new)
{
  ns->new_user = new & CLONE_NEWUSER;
  ns->new_pid = new & CLONE_NEWPID;
  ns->new_net = new & CLONE_NEWNET;
  ns->new_mnt = new & CLONE_NEWNS;
  ns->new_ipc = new & CLONE_NEWIPC;
  ns->new_uts = new & CLONE_NEWUTS;
  ns->new_cgroup = new & CLONE_NEWCGROUP;
}

int
plan_ns (const struct part *p, struct err *err)
{
  struct plan_ns *ns = &p->plan->ns;
  int new = 0, ret = sort_kinds (p, &new, err);

  if (ret < 0)
    return ret;
  note_new (ns, new);
  ns->joined_user = joins (ns, CLONE_NEWUSER);
  ns->join_mnt = joins (ns, CLONE_NEWNS);
  ns->setgroups = ! p->host->setgroups_denied;
  if (! ns->new_user && ! ns->joined_user && ! (p->host->permitted & (1ULL << CAP_SYS_ADMIN)))
    return err_spec (err, "linux.namespaces",
                     "without privilege a container needs a user namespace: list one, with uidMappings and gidMappings, as `orlop spec --rootless` does");
  if (ns->new_user && (ret = new_user (p, err)) < 0)
    return ret;
  if (ns->joined_user && (ret = joined_user (p, err)) < 0)
    return ret;
  if ((ret = time_offsets (p, err)) < 0)
    return ret;
  /* setns of user and pid act before or after the others and on children only, so clone3 cannot do their part at once; what
   * is joined must be joined before a user namespace of our own takes the privilege for it; and the clocks of a time namespace are fixed
   * once a process is in it, where clone3 would put ours at once */
  ns->staged = ns->joined_user || joins (ns, CLONE_NEWPID) || (ns->new_user && ns->n_joins > 0) || ns->time_offsets;
  if (ns->staged)
    ns->unshare_flags = new & ~(CLONE_NEWUSER | CLONE_NEWCGROUP);
  else
    ns->clone_flags = (uint64_t) (new & ~CLONE_NEWCGROUP);
  ns->fork = ns->staged && (ns->new_pid || joins (ns, CLONE_NEWPID) || (new & CLONE_NEWTIME));
  return 0;
}

int
plan_ns_exec (const struct part *p, struct err *err)
{
  struct plan_ns *ns = &p->plan->ns;

  (void) err;
  *ns = (struct plan_ns){ .staged = true, .setgroups = ! p->host->setgroups_denied };
  for (const struct ns_type *t = ns_types; t->name; t++)
    if (part_namespace (p->config, t->name) != NAMESPACE_INHERITED)
      ns->pidfd_flags |= t->flag;
  ns->joined_user = ns->pidfd_flags & CLONE_NEWUSER;
  ns->fork = ns->pidfd_flags & CLONE_NEWPID;
  return 0;
}
