/* SPDX-License-Identifier: Apache-2.0 */
/* Device nodes and the links of /dev (config-linux.md, "Default Devices"; runtime-linux.md, "Dev symbolic links"). */
#include <linux/capability.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/str.h"
#include "ocispec/config.h"
#include "plan/arena.h"
#include "plan/host.h"
#include "plan/part.h"

static const struct plan_link dev_links[] = {
  { .path = "dev/fd", .to = "/proc/self/fd", .replace = false },       { .path = "dev/stdin", .to = "/proc/self/fd/0", .replace = false },
  { .path = "dev/stdout", .to = "/proc/self/fd/1", .replace = false }, { .path = "dev/stderr", .to = "/proc/self/fd/2", .replace = false },
  { .path = "dev/ptmx", .to = "pts/ptmx", .replace = true },
};

void
part_add_link (const struct part *p, const char *path, const char *to, bool replace)
{
  if (p->plan->n_links < PLAN_LINKS_MAX)
    p->plan->links[p->plan->n_links++] = (struct plan_link){ .path = path, .to = to, .replace = replace };
}

int
plan_links (const struct part *p, struct err *err)
{
  p->plan->links = plan_alloc (p->arena, PLAN_LINKS_MAX * sizeof *p->plan->links);
  return p->plan->links ? 0 : part_nomem (err);
}

/* True if /dev is another's: a bind mount, whose nodes and links are not ours to change.  */
static bool
dev_is_bound (const struct plan *plan)
{
  bool bound = false;

  for (size_t i = 0; i < plan->n_mounts; i++)
    if (strcmp (plan->mounts[i].target, "dev") == 0 && plan->mounts[i].kind != PLAN_MOUNT_REMOUNT)
      bound = plan->mounts[i].kind == PLAN_MOUNT_BIND;
  return bound;
}

/* True if proc is mounted where the links of /dev point to: each is made "if the source file exists".  */
static bool
has_proc (const struct plan *plan)
{
  for (size_t i = 0; i < plan->n_mounts; i++)
    if (strcmp (plan->mounts[i].target, "proc") == 0)
      return true;
  return false;
}

static mode_t
node_type (const char *type)
{
  return *type == 'b' ? S_IFBLK : *type == 'p' ? S_IFIFO : S_IFCHR; /* c, u */
}

static int
convert (const struct part *p, const struct oci_device *from, size_t i, struct plan_device *to, struct err *err)
{
  to->where = plan_printf (p->arena, "linux.devices[%zu]", i);
  to->device.path = part_clean (p->arena, from->path);
  if (to->where == NULL || to->device.path == NULL)
    return part_nomem (err);
  if (to->device.path[0] == '\0')
    return err_spec (err, to->where, "path must not be the root itself");
  /* engines copy st_mode whole, with its type bits */
  to->device.mode = node_type (from->type) | ((from->file_mode ? *from->file_mode : 0666) & 07777);
  to->device.major = from->major ? (unsigned) *from->major : 0;
  to->device.minor = from->minor ? (unsigned) *from->minor : 0;
  to->device.uid = from->uid ? *from->uid : 0;
  to->device.gid = from->gid ? *from->gid : 0;
  to->given = (from->file_mode ? PLAN_DEVICE_MODE : 0) | (from->uid ? PLAN_DEVICE_UID : 0) | (from->gid ? PLAN_DEVICE_GID : 0);
  return 0;
}

static bool
same_node (const struct device *a, const struct device *b)
{
  return (a->mode & S_IFMT) == (b->mode & S_IFMT) && a->major == b->major && a->minor == b->minor;
}

/* Puts D in the place of a default one with the same path, or at the end.  Of two listed ones the second would find something else in its place.  */
static int
put (struct plan *plan, const struct plan_device *d, struct err *err)
{
  size_t i = 0;

  while (i < plan->n_devices && strcmp (plan->devices[i].device.path, d->device.path) != 0)
    i++;
  if (i < plan->n_devices && str_after (plan->devices[i].where, "linux.") && ! same_node (&plan->devices[i].device, &d->device))
    return err_in (err, err_spec (err, "", "%s is listed as another device of the same path", plan->devices[i].where), "%s.path", d->where);
  plan->devices[i] = *d;
  plan->n_devices += i == plan->n_devices;
  return 0;
}

static int
add_devices (const struct part *p, struct err *err)
{
  const struct oci_linux *l = p->config->linux_;
  struct plan *plan = p->plan;
  size_t n = l ? l->n_devices : 0;

  plan->devices = plan_alloc (p->arena, (device_n_defaults + n) * sizeof *plan->devices);
  if (plan->devices == NULL)
    return part_nomem (err);
  for (size_t i = 0; i < device_n_defaults; i++)
    {
      struct plan_device d = { .where = plan_strdup (p->arena, "default devices"), .device = device_defaults[i] };

      d.device.path = plan_strdup (p->arena, d.device.path);
      if (d.where == NULL || d.device.path == NULL)
        return part_nomem (err);
      plan->devices[plan->n_devices++] = d;
    }
  for (size_t i = 0; i < n; i++)
    {
      struct plan_device d;
      int ret = convert (p, &l->devices[i], i, &d, err);

      if (ret == 0)
        ret = put (plan, &d, err);
      if (ret < 0)
        return ret;
    }
  return 0;
}

static int
add_dev_links (const struct part *p, struct err *err)
{
  bool proc = has_proc (p->plan);

  for (size_t i = 0; i < sizeof dev_links / sizeof *dev_links; i++)
    {
      const struct plan_link *l = &dev_links[i];
      const char *path = plan_strdup (p->arena, l->path), *to = plan_strdup (p->arena, l->to);

      if (path == NULL || to == NULL)
        return part_nomem (err);
      if (proc || l->replace)
        part_add_link (p, path, to, l->replace);
    }
  return 0;
}

int
plan_devices (const struct part *p, struct err *err)
{
  const struct plan_ns *ns = &p->plan->ns;
  int ret;

  if (! p->plan->root.enter || dev_is_bound (p->plan))
    return 0;
  /* a node made in another user namespace than the first could not be opened: mknod(2) */
  p->plan->devices_by_bind = ns->new_user || ns->joined_user || p->host->in_user_ns
                             || ! (p->host->permitted & (1ULL << CAP_MKNOD));
  ret = add_devices (p, err);
  return ret < 0 ? ret : add_dev_links (p, err);
}

int
plan_places (const struct part *p, struct err *err)
{
  struct plan *plan = p->plan;

  (void) err; /* as all parts */
  for (size_t i = 0; i < plan->n_devices; i++)
    plan->devices[i].place = part_place (plan, plan->devices[i].device.path);
  for (size_t i = 0; i < plan->n_links; i++)
    plan->links[i].place = part_place (plan, plan->links[i].path);
  for (size_t i = 0; i < plan->n_masked; i++)
    plan->masked[i].place = part_place (plan, plan->masked[i].path);
  for (size_t i = 0; i < plan->n_readonly; i++)
    plan->readonly[i].place = part_place (plan, plan->readonly[i].path);
  return 0;
}

/* True if the document binds a /dev of another's.  */
static bool
document_binds_dev (const struct part *p)
{
  bool bound = false;

  for (size_t i = 0; i < p->config->n_mounts; i++)
    {
      const struct oci_mount *m = &p->config->mounts[i];
      const char *target = part_clean (p->arena, m->destination);

      if (target == NULL || strcmp (target, "dev") != 0)
        continue;
      bound = false;
      for (size_t o = 0; o < m->n_options; o++)
        bound = bound || strcmp (m->options[o], "bind") == 0 || strcmp (m->options[o], "rbind") == 0;
    }
  return bound;
}

int
plan_null (const struct part *p, struct err *err)
{
  const struct plan *plan = p->plan;
  bool own;

  (void) err; /* as all parts */
  if (plan->action == PLAN_CREATE)
    own = plan->root.enter && ! plan->devices_by_bind && ! dev_is_bound (plan);
  else
    own = part_namespace (p->config, "mount") != NAMESPACE_INHERITED && part_namespace (p->config, "user") == NAMESPACE_INHERITED
          && ! p->host->in_user_ns && p->host->permitted & (1ULL << CAP_MKNOD) && ! document_binds_dev (p);
  p->plan->process.own_null = own && plan->process.given && ! plan->process.terminal;
  return 0;
}
