/* SPDX-License-Identifier: Apache-2.0 */
/* The root file system: where it is, how it is entered, how mounts spread from and to it, and
 * what of it is masked or made read-only.  See mount_namespaces(7), pivot_root(2). */
#include <errno.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/names.h"
#include "ocispec/config.h"
#include "plan/arena.h"
#include "plan/host.h"
#include "plan/part.h"

static const struct name propagation_words[] = {
  { "private", MS_PRIVATE },
  { "rprivate", MS_PRIVATE | MS_REC },
  { "slave", MS_SLAVE },
  { "rslave", MS_SLAVE | MS_REC },
  { "shared", MS_SHARED },
  { "rshared", MS_SHARED | MS_REC },
  { "unbindable", MS_UNBINDABLE },
  { "runbindable", MS_UNBINDABLE | MS_REC },
  { NULL, 0 },
};

const char *
part_clean (struct plan_arena *a, const char *path)
{
  char *clean = plan_alloc (a, strlen (path) + 1), *end = clean;

  while (clean && *path)
    {
      size_t len = strcspn (path, "/");

      if (len == 2 && path[0] == '.' && path[1] == '.')
        while (end > clean && *--end != '/') /* drops the last component; above the root is the root */
          ;
      else if (len > 0 && ! (len == 1 && path[0] == '.'))
        {
          if (end > clean)
            *end++ = '/';
          memcpy (end, path, len);
          end += len;
        }
      path += len + (path[len] == '/');
    }
  if (clean)
    *end = '\0';
  return clean;
}

const char *
part_host_path (const struct part *p, const char *path)
{
  return path[0] == '/' ? plan_strdup (p->arena, path) : plan_printf (p->arena, "%s/%s", p->args->bundle, path);
}

/* What would be done to mounts in the host's own mount namespace: a JSON path, or NULL.  */
static const char *
needs_mounts (const struct oci_config *c)
{
  const struct oci_linux *l = c->linux_;

  if (c->n_mounts > 0)
    return "mounts";
  if (c->root->readonly)
    return "root.readonly";
  if (c->process && c->process->terminal)
    return "process.terminal";
  if (l && l->n_devices > 0)
    return "linux.devices";
  if (l && l->n_masked_paths > 0)
    return "linux.maskedPaths";
  if (l && l->n_readonly_paths > 0)
    return "linux.readonlyPaths";
  return l && l->rootfs_propagation ? "linux.rootfsPropagation" : NULL;
}

/* No mount namespace: chroot alone, and nothing that would reach the host.  */
static int
inherit (const struct part *p, struct err *err)
{
  const char *where = needs_mounts (p->config);

  if (where)
    return err_spec (err, where, "needs a mount namespace in linux.namespaces: it would change the mounts of the host");
  return 0;
}

/* How mounts spread while the root is built and afterwards.  */
static int
propagate (const struct part *p, struct err *err)
{
  struct plan_root *r = &p->plan->root;
  const char *word = p->config->linux_ ? p->config->linux_->rootfs_propagation : NULL;
  uint64_t flags = MS_SLAVE | MS_REC, kind;

  if (word && ! name_value (propagation_words, word, &flags))
    return err_spec (err, "linux.rootfsPropagation", "unknown word \"%s\"", word);
  kind = flags & ~(uint64_t) MS_REC;
  if (word && kind == MS_PRIVATE && r->no_pivot)
    return err_spec (err, "linux.rootfsPropagation", "%s is not safe without pivot_root: mounts of the host would be pinned", word);
  /* What is cloned into the container must be bindable still.  */
  r->propagation = kind == MS_SHARED || kind == MS_UNBINDABLE ? MS_PRIVATE : kind;
  r->propagation_recursive = kind != MS_SHARED; /* binds of shared mounts are to stay shared */
  if (kind == MS_SHARED || r->from_parent)
    {
      r->tree_propagation = r->propagation;
      r->tree_propagation_recursive = r->propagation_recursive;
    }
  if (kind != r->propagation) /* the root is a slave or private by then, and binds that ask for something else keep it */
    {
      r->final_propagation = kind;
      r->final_propagation_recursive = (flags & MS_REC) != 0;
    }
  return 0;
}

/* What engines mask in proc and sysfs: files, but for these.  */
static const char *const known_dirs[] = { "proc/acpi", "proc/asound", "proc/scsi", "sys/firmware",
                                          "sys/devices/virtual/powercap", "sys/fs/selinux", "sys/dev/block", NULL };

static enum plan_path_known
guess (const char *path)
{
  for (const char *const *d = known_dirs; *d; d++)
    if (strcmp (*d, path) == 0)
      return PLAN_PATH_DIR;
  return strncmp (path, "proc/", 5) == 0 && strchr (path + 5, '/') == NULL ? PLAN_PATH_FILE : PLAN_PATH_UNKNOWN;
}

/* Copies a list of paths inside the root.  */
static int
copy_paths (const struct part *p, const char *name, const char *const *paths, size_t n, struct plan_path **ret_paths,
            struct err *err)
{
  struct plan_path *copy = plan_alloc (p->arena, n * sizeof *copy);

  if (copy == NULL)
    return part_nomem (err);
  for (size_t i = 0; i < n; i++)
    {
      copy[i].where = plan_printf (p->arena, "linux.%s[%zu]", name, i);
      copy[i].path = part_clean (p->arena, paths[i]);
      copy[i].known = copy[i].path ? guess (copy[i].path) : PLAN_PATH_UNKNOWN;
      if (copy[i].where == NULL || copy[i].path == NULL)
        return part_nomem (err);
      if (copy[i].path[0] == '\0')
        return err_spec (err, copy[i].where, "must not be the root itself");
    }
  *ret_paths = copy;
  return 0;
}

int
plan_root_exec (const struct part *p, struct err *err)
{
  struct plan_root *r = &p->plan->root;

  if (p->plan->ns.pidfd_flags & CLONE_NEWNS) /* entering it enters its root */
    return 0;
  r->path = part_host_path (p, p->config->root->path);
  return r->path ? 0 : part_nomem (err);
}

int
plan_root (const struct part *p, struct err *err)
{
  struct plan *plan = p->plan;
  struct plan_root *r = &plan->root;
  const struct oci_linux *l = p->config->linux_;
  bool may_mount;
  int ret = 0;

  r->path = part_host_path (p, p->config->root->path);
  if (r->path == NULL)
    return part_nomem (err);
  r->no_pivot = p->args->no_pivot;
  r->enter = plan->ns.new_mnt || plan->ns.join_mnt;
  if (! r->enter)
    return inherit (p, err);
  r->readonly = p->config->root->readonly;
  /* host paths are out of reach in another mount namespace, and may be for another user */
  r->from_parent = plan->ns.new_user || plan->ns.joined_user || plan->ns.join_mnt;
  /* an unprivileged user may mount nothing where he is; from inside, his ids are those that the container has anyway */
  may_mount = (p->host->permitted & (1ULL << CAP_SYS_ADMIN)) && ! p->host->mounts_foreign;
  if (r->from_parent && ! (p->host->mount_api && may_mount)) /* from inside, as far as the user namespace allows */
    {
      if (plan->ns.join_mnt && ! p->host->mount_api)
        return err_in (err, err_host (err, ENOSYS, "joining a mount namespace needs open_tree and mount_setattr (Linux 5.12)"),
                       "linux.namespaces");
      r->from_parent = false;
    }
  plan->n_from_parent += r->from_parent;
  ret = propagate (p, err);
  if (ret < 0 || l == NULL)
    return ret;
  plan->n_masked = l->n_masked_paths;
  plan->n_readonly = l->n_readonly_paths;
  ret = copy_paths (p, "maskedPaths", l->masked_paths, l->n_masked_paths, &plan->masked, err);
  if (ret == 0)
    ret = copy_paths (p, "readonlyPaths", l->readonly_paths, l->n_readonly_paths, &plan->readonly, err);
  return ret;
}

/* Not refused: it is what engines on an initramfs ask for, of privileged containers too, and runc does the same.  */
int
plan_root_warn (const struct part *p, struct err *err)
{
  const struct plan_root *r = &p->plan->root;
  const struct caps *caps = &p->plan->process.caps;

  (void) err;
  if (r->no_pivot && r->enter && ((caps->bounding | caps->permitted) & (1ULL << CAP_SYS_ADMIN)))
    log_warn (p->log, "--no-pivot: with CAP_SYS_ADMIN the container can take its root away and see the host's; leave that capability out, or let the host "
                      "leave its initramfs (switch_root), where pivot_root works");
  return 0;
}
