/* SPDX-License-Identifier: Apache-2.0 */
/* A mount of type cgroup: the hierarchies as the container is to see them.  With a cgroup namespace of
 * its own a new mount shows the container's cgroup as the root; without one, on v1, the container's own
 * directories are bound, so that it sees no other's (config-linux.md leaves this to the runtime; as runc). */
#include <errno.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "cgroup/cgroup.h"
#include "cgroup/layout.h"
#include "kernel/idmap.h"
#include "ocispec/config.h"
#include "plan/arena.h"
#include "plan/host.h"
#include "plan/mounts.h"

static bool
private_cgroups (const struct part *p)
{
  return part_namespace (p->config, "cgroup") != NAMESPACE_INHERITED;
}

/* The container's own cgroup in the hierarchy that is mounted at DIR, or NULL: it has none there.  */
static const struct cgroup_dir *
find_own (const struct part *p, const char *dir)
{
  const struct cgroup *cg = p->host->cgroup;

  for (size_t i = 0; cg && i < cg->n_dirs; i++)
    if (strcmp (cg->dirs[i].mount, dir) == 0 && ! cg->dirs[i].skipped)
      return &cg->dirs[i];
  return NULL;
}

/* v2.  Without a cgroup namespace of its own the container sees the host's hierarchy, as with runc; bound, since a new mount from the first cgroup
 * namespace resets the options (nsdelegate, memory_recursiveprot) of the host's (cgroup_get_tree of the kernel), and from another user
 * namespace is refused.  */
static int
add_v2 (const struct mount_ask *ask, struct err *err)
{
  const char *source;

  if (private_cgroups (ask->part))
    return mounts_add_new (ask, "cgroup2", "cgroup", err);
  if (mounts_check_foreign (ask, err) < 0)
    return -EINVAL;
  source = plan_strdup (ask->part->arena, CGROUP_ROOT);
  return source ? mounts_add_bind (ask, source, ask->target, false, err) : part_nomem (err);
}

/* The tmpfs that holds one directory per hierarchy.  */
static int
add_tmpfs (const struct mount_ask *ask, struct err *err)
{
  struct mount_ask tmpfs = *ask;

  tmpfs.data = plan_alloc (ask->part->arena, sizeof *tmpfs.data);
  if (tmpfs.data == NULL)
    return part_nomem (err);
  tmpfs.data[0].key = plan_strdup (ask->part->arena, "mode");
  tmpfs.data[0].value = plan_strdup (ask->part->arena, "755");
  tmpfs.n_data = 1;
  if (tmpfs.data[0].key == NULL || tmpfs.data[0].value == NULL)
    return part_nomem (err);
  return mounts_add_new (&tmpfs, "tmpfs", "tmpfs", err);
}

/* A controller of a list is an option of the mount of its hierarchy: "cpu,cpuacct", "name=systemd" (and then "none").  */
static int
hierarchy_opts (const struct mount_ask *ask, const char *controllers, struct mount_ask *ret_ask, struct err *err)
{
  struct plan_arena *a = ask->part->arena;
  struct mount_opt *opts = plan_alloc (a, (strlen (controllers) + 2) * sizeof *opts);
  size_t n = 0;

  if (opts == NULL)
    return part_nomem (err);
  if (strncmp (controllers, "name=", 5) == 0)
    {
      opts[n++].key = plan_strdup (a, "none");
      opts[n++] = (struct mount_opt){ plan_strdup (a, "name"), plan_strdup (a, controllers + 5) };
    }
  else
    for (const char *c = controllers; *c; c += strcspn (c, ",") + (c[strcspn (c, ",")] == ','))
      opts[n++].key = plan_printf (a, "%.*s", (int) strcspn (c, ","), c);
  for (size_t i = 0; i < n; i++)
    if (opts[i].key == NULL)
      return part_nomem (err);
  *ret_ask = *ask;
  ret_ask->data = opts;
  ret_ask->n_data = n;
  return 0;
}

/* Shows PATH of the hierarchy H at TARGET as it is.  */
static int
bind_hierarchy (const struct mount_ask *ask, const struct cgroup_hierarchy *h, const char *path, const char *target, bool optional, struct err *err)
{
  const char *source = plan_printf (ask->part->arena, CGROUP_ROOT "/%s%s", h->dir, path);

  return source ? mounts_add_bind (ask, source, target, optional, err) : part_nomem (err);
}

/* Shows the container's cgroup, or, without one of its own, that of its creator, which may be out of sight.  Whether an unprivileged user may make one is
 * known only when it has been tried: there the creator's is covered by the other if that exists.  */
static int
bind_own (const struct mount_ask *ask, const struct cgroup_hierarchy *h, const char *target, struct err *err)
{
  const struct cgroup *cg = ask->part->host->cgroup;
  const struct cgroup_dir *own = find_own (ask->part, h->dir);
  bool tried = own && cg->rootless && ! cg->explicit_path;
  int ret = own == NULL || tried ? bind_hierarchy (ask, h, h->own, target, true, err) : 0;

  return ret < 0 || own == NULL ? ret : bind_hierarchy (ask, h, own->path, target, tried, err);
}

static int
add_hierarchy (const struct mount_ask *ask, const struct cgroup_hierarchy *h, struct err *err)
{
  struct plan_arena *a = ask->part->arena;
  const char *target = plan_printf (a, "%s/%s", ask->target, h->dir);
  struct mount_ask one = *ask;
  int ret = 0;

  if (target == NULL)
    return part_nomem (err);
  if (! private_cgroups (ask->part))
    return bind_own (ask, h, target, err);
  if (h->controllers[0] != '\0')
    ret = hierarchy_opts (ask, h->controllers, &one, err);
  one.target = target;
  return ret < 0 ? ret : mounts_add_new (&one, h->controllers[0] ? "cgroup" : "cgroup2", "cgroup", err);
}

/* "cpu,cpuacct" is found as "cpu" and as "cpuacct", too.  */
static int
add_links (const struct mount_ask *ask, const struct cgroup_hierarchy *h, struct err *err)
{
  struct plan_arena *a = ask->part->arena;
  const char *c = h->dir;

  while (strchr (h->dir, ',') && *c)
    {
      int len = (int) strcspn (c, ",");
      const char *path = plan_printf (a, "%s/%.*s", ask->target, len, c), *to = plan_strdup (a, h->dir);

      if (path == NULL || to == NULL)
        return part_nomem (err);
      part_add_link (ask->part, path, to, false);
      c += len + (c[len] == ',');
    }
  return 0;
}

int
mounts_add_cgroup (const struct mount_ask *ask, struct err *err)
{
  const struct cgroup_layout *l = ask->part->host->layout;
  size_t n = l ? l->n_hierarchies : 0; /* a machine without cgroups shows an empty directory */
  int ret;

  if (l && l->mode == CGROUP_V2)
    return add_v2 (ask, err);
  ret = mounts_check_foreign (ask, err);
  if (ret == 0)
    ret = add_tmpfs (ask, err);
  for (size_t i = 0; ret == 0 && i < n; i++)
    {
      ret = add_hierarchy (ask, &l->hierarchies[i], err);
      if (ret == 0)
        ret = add_links (ask, &l->hierarchies[i], err);
    }
  return ret;
}

/* True if the document wants the cgroup mounted in the form that gives it away: from the source "cgroup", as runc has it.  */
static bool
asked_for (const struct oci_config *c)
{
  for (size_t i = 0; i < c->n_mounts; i++)
    if (c->mounts[i].source && strcmp (c->mounts[i].source, "cgroup") == 0 && strcmp (c->mounts[i].destination, CGROUP_ROOT) == 0)
      return true;
  return false;
}

/* Whether the flag for read-only is on after a change that sets SET and then clears CLEAR.  */
static bool
change_readonly (bool before, uint64_t set, uint64_t clear)
{
  return (set & MOUNT_ATTR_RDONLY) || (before && ! (clear & MOUNT_ATTR_RDONLY));
}

/* True if the plan mounts the cgroup for the container to write: by the last that is mounted there, and what changes it.  */
static bool
mounted_writable (const struct plan *plan)
{
  bool shown = false, readonly = false;

  for (size_t i = 0; i < plan->n_mounts; i++)
    {
      const struct plan_mount *m = &plan->mounts[i];

      if (strcmp (m->target, &CGROUP_ROOT[1]) != 0)
        continue;
      if (m->kind != PLAN_MOUNT_REMOUNT)
        {
          shown = m->kind != PLAN_MOUNT_BIND && strcmp (m->fstype, "cgroup2") == 0;
          readonly = m->kind == PLAN_MOUNT_LEGACY && (m->legacy_flags & MS_RDONLY);
        }
      readonly = change_readonly (readonly, m->attr_set, m->attr_clear);
      readonly = change_readonly (readonly, m->rattr_set, m->rattr_clear);
    }
  return shown && ! readonly;
}

int
plan_cgroup (const struct part *p, struct err *err)
{
  const struct cgroup_layout *l = p->host->layout;
  const struct oci_user *user = p->process ? p->process->user : NULL;
  int64_t uid = user ? user->uid : 0;

  (void) err;
  if (l == NULL || l->mode != CGROUP_V2 || part_namespace (p->config, "cgroup") != NAMESPACE_NEW
      || ! asked_for (p->config) || ! mounted_writable (p->plan))
    return 0;
  if (p->plan->ns.n_uid_maps > 0)
    uid = idmap_translate (p->plan->ns.uid_maps, p->plan->ns.n_uid_maps, (uint32_t) uid);
  else if (part_namespace (p->config, "user") != NAMESPACE_INHERITED)
    return 0;                          /* who the user is on the host is not known */
  if (uid < 0 || uid == p->host->euid) /* ours, as we make it */
    return 0;
  p->plan->cgroup_given = true;
  p->plan->cgroup_uid = (uid_t) uid;
  return 0;
}
