/* SPDX-License-Identifier: Apache-2.0 */
/* A mount of type cgroup: the hierarchies as the container is to see them.  With a cgroup namespace of
 * its own a new mount shows the container's cgroup as the root; without one, on v1, the container's own
 * directories are bound, so that it sees no other's (config-linux.md leaves this to the runtime; as runc). */
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "cgroup/cgroup.h"
#include "cgroup/layout.h"
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

/* v2.  In a user namespace the host's hierarchy cannot be mounted anew without a cgroup namespace, but bound.  */
static int
add_v2 (const struct mount_ask *ask, struct err *err)
{
  const struct plan_ns *ns = &ask->part->plan->ns;

  if (! private_cgroups (ask->part) && (ns->new_user || ns->joined_user || ask->part->host->in_user_ns))
    return mounts_add_bind (ask, CGROUP_ROOT, ask->target, true, err);
  return mounts_add_new (ask, "cgroup2", "cgroup", err);
}

/* The tmpfs that holds one directory per hierarchy.  */
static int
add_tmpfs (const struct mount_ask *ask, struct err *err)
{
  struct mount_ask tmpfs = *ask;

  tmpfs.data = plan_alloc (ask->part->arena, sizeof *tmpfs.data);
  if (tmpfs.data == NULL)
    return part_nomem (err);
  tmpfs.data[0] = (struct mount_opt){ "mode", "755" };
  tmpfs.n_data = 1;
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
      opts[n++].key = "none";
      opts[n++] = (struct mount_opt){ "name", plan_strdup (a, controllers + 5) };
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

static int
add_hierarchy (const struct mount_ask *ask, const struct cgroup_hierarchy *h, struct err *err)
{
  struct plan_arena *a = ask->part->arena;
  const struct cgroup_dir *own = find_own (ask->part, h->dir);
  const char *target = plan_printf (a, "%s/%s", ask->target, h->dir);
  struct mount_ask one = *ask;
  const char *source;
  int ret = 0;

  if (target == NULL)
    return part_nomem (err);
  if (! private_cgroups (ask->part))
    {
      if (own == NULL)
        return 0;
      source = plan_printf (a, CGROUP_ROOT "/%s%s", own->mount, own->path);
      return source ? mounts_add_bind (ask, source, target, false, err) : part_nomem (err);
    }
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
  int ret;

  if (l == NULL || l->mode == CGROUP_NONE)
    return 0; /* there is nothing to show */
  if (l->mode == CGROUP_V2)
    return add_v2 (ask, err);
  ret = add_tmpfs (ask, err);
  for (size_t i = 0; ret == 0 && i < l->n_hierarchies; i++)
    {
      ret = add_hierarchy (ask, &l->hierarchies[i], err);
      if (ret == 0)
        ret = add_links (ask, &l->hierarchies[i], err);
    }
  return ret;
}
