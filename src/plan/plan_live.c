/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts of a container that exists; see live.h.  What is mounted how is decided by plan_mounts.c, as at create; here is who opens and attaches it. */
#include <errno.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <string.h>

#include "base/err.h"
#include "kernel/mntopt.h"
#include "kernel/ns.h"
#include "ocispec/config.h"
#include "plan/arena.h"
#include "plan/host.h"
#include "plan/live.h"
#include "plan/part.h"

OCI_TYPE (live_document,
  OCI_OBJS (live_document, mounts, "mounts", OCI_REQUIRED, oci_mount));

const struct mountinfo *
live_find (const struct live_mount *a, const struct mountinfo *table, size_t n)
{
  const struct mountinfo *m = mountinfo_by_id (table, n, a->id);

  return m && strcmp (m->device, a->device) == 0 && strcmp (m->type, a->type) == 0 && strcmp (m->source, a->source) == 0 ? m : NULL;
}

bool
live_is_added (const struct live_state *s, const struct mountinfo *m)
{
  for (size_t i = 0; i < s->n_added; i++)
    if (live_find (&s->added[i], m, 1))
      return true;
  return false;
}

/* What a new file system shows is that of these namespaces; a pid namespace is entered by a child only, so it is when it must be.  */
static int
wanted_flags (const struct oci_config *c)
{
  int flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWCGROUP;

  for (size_t i = 0; i < c->n_mounts; i++)
    if (c->mounts[i].type && strcmp (c->mounts[i].type, "proc") == 0)
      flags |= CLONE_NEWPID;
  return flags;
}

/* The namespaces that the child enters, those of the first process.  */
static void
enter (const struct part *p, int wanted)
{
  struct plan_ns *ns = &p->plan->ns;

  *ns = (struct plan_ns){ .staged = true, .setgroups = true };
  for (const struct ns_type *t = ns_types; t->name; t++)
    if ((wanted & t->flag) && part_namespace (p->config, t->name) != NAMESPACE_INHERITED)
      ns->pidfd_flags |= t->flag;
  ns->joined_user = ns->pidfd_flags & CLONE_NEWUSER;
  ns->fork = ns->pidfd_flags & CLONE_NEWPID;
}

/* What create alone can do, of the I-th mount.  */
static int
check_one (const struct oci_config *c, size_t i, struct err *err)
{
  const struct oci_mount *m = &c->mounts[i];
  struct mntopt opt = { 0 };
  const char *wrong = NULL;

  for (size_t j = 0; j < m->n_options; j++)
    (void) mntopt_apply (&opt, m->options[j]);
  if (opt.remount)
    wrong = "remount changes a mount that is there: remove it, and add it as it is to be";
  else if (opt.extra & MNTOPT_COPY_SYMLINK)
    wrong = "copy-symlink makes a link, which is no mount: create does that";
  if (wrong)
    return err_in (err, err_spec (err, "", "%s", wrong), "mounts[%zu].options", i);
  if (! opt.bind && m->type && strcmp (m->type, "cgroup") == 0)
    return err_in (err, err_spec (err, "", "cgroup hierarchies are mounted by create"), "mounts[%zu].type", i);
  return 0;
}

static int
check (const struct part *p, struct err *err)
{
  const struct oci_config *c = p->config;

  if (! p->host->mount_api)
    return err_host (err, ENOSYS, "mounts in a running container need Linux 5.12 (open_tree, move_mount, mount_setattr)");
  if (part_namespace (c, "mount") == NAMESPACE_INHERITED)
    return err_state (err, EINVAL, "the container has no mount namespace of its own: what is mounted in it would be mounted in the host");
  if (c->n_mounts > PLAN_LIVE_MAX)
    return err_spec (err, "mounts", "more than %d mounts at once", PLAN_LIVE_MAX);
  return 0;
}

/* What only mount(2) can make would have to be made by its name in the container.  */
static int
check_made (const struct plan *plan, struct err *err)
{
  for (size_t i = 0; i < plan->n_mounts; i++)
    if (plan->mounts[i].kind == PLAN_MOUNT_LEGACY)
      return err_in (err, err_spec (err, "", "iversion and silent can be given by create alone"), "%s.options", plan->mounts[i].where);
  return 0;
}

/* What is copied from the image counts as the container's memory: if there is not enough of it, who copies is to end, and nobody of the container.  */
static int
offer_child (const struct part *p, struct err *err)
{
  struct plan *plan = p->plan;

  for (size_t i = 0; i < plan->n_mounts; i++)
    if (plan->mounts[i].copy_up)
      return (plan->process.oom_score_adj = plan_strdup (p->arena, "1000")) ? 0 : part_nomem (err);
  return 0;
}

/* The user namespace is that of the first process, wherever it came from.  */
static int
find_users (const struct part *p, pid_t first, struct err *err)
{
  struct plan_ns *ns = &p->plan->ns;
  int ret = plan_ns (p, err);

  for (size_t i = 0; ret == 0 && i < ns->n_joins; i++)
    if (ns->joins[i].flag == CLONE_NEWUSER && (ns->joins[i].path = plan_printf (p->arena, "/proc/%d/ns/user", (int) first)) == NULL)
      return part_nomem (err);
  return ret;
}

/* Who may mount where he is opens the sources there, and what he opened is sent to the child.  */
static int
find_opener (const struct part *p, struct err *err)
{
  int ret = plan_root (p, err);

  p->plan->n_from_parent = 0;
  p->plan->root.from_parent = (p->host->permitted & (1ULL << CAP_SYS_ADMIN)) && ! p->host->mounts_foreign;
  return ret;
}

static int
add (const struct part *p, pid_t first, struct err *err)
{
  int ret = check (p, err);

  for (size_t i = 0; ret == 0 && i < p->config->n_mounts; i++)
    ret = check_one (p->config, i, err);
  if (ret == 0)
    ret = find_users (p, first, err);
  if (ret == 0)
    ret = plan_labels (p, err);
  if (ret == 0)
    ret = find_opener (p, err);
  if (ret == 0)
    ret = plan_mounts (p, err);
  if (ret == 0)
    ret = check_made (p->plan, err);
  if (ret == 0)
    ret = offer_child (p, err);
  if (ret < 0)
    return ret;
  p->plan->own_sources = ! p->plan->root.from_parent;
  p->plan->root.from_parent = false; /* the root is there */
  enter (p, wanted_flags (p->config));
  return 0;
}

/* --- removing */

static bool
is_at_or_below (const char *path, const char *dir)
{
  size_t len = strlen (dir);

  return strncmp (path, dir, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

/* Why what is mounted at PATH must stay unless it was added, or NULL.  */
static const char *
find_confinement (const struct plan *plan, const char *path)
{
  if (is_at_or_below (path, "proc") || is_at_or_below (path, "sys"))
    return "what is mounted in /proc and /sys confines the container";
  for (size_t i = 0; i < plan->n_masked; i++)
    if (strcmp (plan->masked[i].path, path) == 0)
      return "it is one of linux.maskedPaths";
  for (size_t i = 0; i < plan->n_readonly; i++)
    if (strcmp (plan->readonly[i].path, path) == 0)
      return "it is one of linux.readonlyPaths";
  return NULL;
}

/* The last that was added by this name and is still there, or NULL.  */
static const struct mountinfo *
find_added (const struct live_state *s, const char *name)
{
  for (size_t i = s->n_added; i-- > 0;)
    {
      const struct mountinfo *m = live_find (&s->added[i], s->mounts, s->n_mounts);

      if (m && strcmp (s->added[i].destination, name) == 0)
        return m;
    }
  return NULL;
}

/* Plans the removal of what is at PATH, cleaned.  */
static int
remove_one (const struct part *p, const struct live_state *s, const char *path, const char *where, struct err *err)
{
  struct plan *plan = p->plan;
  struct plan_unmount *u = &plan->unmounts[plan->n_unmounts];
  const char *name = plan_printf (p->arena, "/%s", path), *why;
  const struct mountinfo *m = name ? find_added (s, name) : NULL;

  if (name == NULL)
    return part_nomem (err);
  if (path[0] == '\0')
    return err_spec (err, where, "must not be the root itself");
  if (m == NULL && (why = find_confinement (plan, path)))
    return err_spec (err, where, "\"%s\" was not added, and stays: %s", name, why);
  if (m == NULL)
    m = mountinfo_top (s->mounts, s->n_mounts, name);
  if (m == NULL)
    return err_in (err, err_state (err, ENOENT, "nothing is mounted at \"%s\" in the container", name), "%s", where);
  for (size_t i = 0; i < plan->n_unmounts; i++)
    if (plan->unmounts[i].id == m->id)
      return err_spec (err, where, "\"%s\" is there twice", name);
  *u = (struct plan_unmount){ .where = where, .path = plan_strdup (p->arena, m->point + strspn (m->point, "/")), .id = m->id };
  plan->n_unmounts++;
  return u->path ? 0 : part_nomem (err);
}

static int
remove_all (const struct part *p, const struct live_state *s, struct err *err)
{
  const struct oci_config *c = p->config;
  int ret = check (p, err);

  if (ret == 0)
    ret = plan_ns (p, err);
  if (ret == 0)
    ret = plan_root (p, err); /* masked and read-only paths */
  if (ret < 0)
    return ret;
  p->plan->root.from_parent = false;
  p->plan->n_from_parent = 0;
  enter (p, CLONE_NEWUSER | CLONE_NEWNS);
  p->plan->unmounts = plan_alloc (p->arena, (c->n_mounts + 1) * sizeof *p->plan->unmounts);
  if (p->plan->unmounts == NULL)
    return part_nomem (err);
  for (size_t i = 0; ret == 0 && i < c->n_mounts; i++)
    {
      const char *where = plan_printf (p->arena, "mounts[%zu].destination", i), *path = part_clean (p->arena, c->mounts[i].destination);

      ret = where && path ? remove_one (p, s, path, where, err) : part_nomem (err);
    }
  return ret;
}

/* An empty plan for P.  */
static int
begin (struct part *p, struct err *err)
{
  p->plan = plan_alloc (p->arena, sizeof *p->plan);
  if (p->plan == NULL)
    return part_nomem (err);
  p->plan->action = PLAN_MOUNTS;
  p->plan->id = plan_strdup (p->arena, p->args->id);
  return p->plan->id ? 0 : part_nomem (err);
}

int
live_plan_add (struct plan_arena *arena, const struct oci_config *config, const struct host *host, const struct plan_args *args,
               pid_t first, const struct log *log, struct plan **ret_plan, struct err *err)
{
  struct part p = { .arena = arena, .config = config, .process = config->process, .host = host, .args = args, .log = log };
  int ret = begin (&p, err);

  if (ret == 0)
    ret = add (&p, first, err);
  if (ret == 0)
    *ret_plan = p.plan;
  return ret;
}

int
live_plan_remove (struct plan_arena *arena, const struct oci_config *config, const struct host *host, const struct plan_args *args,
                  const struct live_state *state, const struct log *log, struct plan **ret_plan, struct err *err)
{
  struct part p = { .arena = arena, .config = config, .process = config->process, .host = host, .args = args, .log = log };
  int ret = begin (&p, err);

  if (ret == 0)
    ret = remove_all (&p, state, err);
  if (ret == 0)
    *ret_plan = p.plan;
  return ret;
}
