/* SPDX-License-Identifier: Apache-2.0 */
/* Every mount of the document as a kind, a target, attributes and options, in the document's
 * order.  See mount(8) for the options, mount_setattr(2), fsconfig(2). */
#include <errno.h>
#include <linux/mount.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "ocispec/config.h"
#include "plan/arena.h"
#include "plan/host.h"
#include "plan/mounts.h"

/* File systems that share their superblock with the host, or have none to make read-only: the mount alone is.  */
static const char *const shared_types[] = { "proc", "sysfs", "cgroup", "cgroup2", "mqueue", "devpts", NULL };

/* Files of proc that engines cover with bind mounts (lxcfs and the like).  Anywhere else in proc a mount could hide the files that
 * runtimes write to confine the container (CVE-2019-16884, CVE-2025-52881).  */
static const char *const proc_targets[] = {
  "proc/cpuinfo", "proc/diskstats", "proc/meminfo", "proc/stat", "proc/swaps", "proc/uptime", "proc/loadavg",
  "proc/slabinfo", "proc/net/dev", "proc/sys/kernel/ns_last_pid", "proc/sys/crypto/fips_enabled", NULL,
};

static bool
listed (const char *const *list, const char *word)
{
  for (; *list; list++)
    if (strcmp (*list, word) == 0)
      return true;
  return false;
}

/* True if PATH is DIR or lies below it.  */
static bool
is_below (const char *path, const char *dir)
{
  size_t len = strlen (dir);

  return strncmp (path, dir, len) == 0 && (path[len] == '\0' || path[len] == '/' || len == 0);
}

/* True if the mount is made here, so that its handle is known: in either way.  */
static bool
is_new (const struct plan_mount *m)
{
  return m->kind == PLAN_MOUNT_NEW || m->kind == PLAN_MOUNT_LEGACY;
}

struct plan_place
part_place (const struct plan *plan, const char *path)
{
  const char *slash = strrchr (path, '/');
  size_t len = slash ? (size_t) (slash - path) : 0;

  for (size_t i = plan->n_mounts; len > 0 && i-- > 0;)
    {
      const struct plan_mount *m = &plan->mounts[i];
      size_t m_len = strlen (m->target);

      if (m->kind == PLAN_MOUNT_REMOUNT || m_len > len || ! is_below (path, m->target))
        continue;
      /* this one covers the path, whatever lies below it */
      if (is_new (m) && m->copy_up == 0 && (m->no_symlinks || (m_len == len && strcmp (m->fstype, "tmpfs") == 0)))
        return (struct plan_place){ (int) i, path + m_len + 1 };
      break;
    }
  return (struct plan_place){ -1, path };
}

/* True if everything that is mounted so far is private or a slave, so that a fresh mount in it is private by itself.  */
static bool
nothing_shared (const struct plan *plan)
{
  for (size_t i = 0; i < plan->n_mounts; i++)
    if (plan->mounts[i].propagation == MS_SHARED)
      return false;
  return plan->root.propagation_recursive;
}

/* Leaves out propagation that the mount would have anyway: each costs a call.  */
static void
spare_propagation (const struct plan *plan, struct plan_mount *m)
{
  bool inert = m->propagation == MS_PRIVATE || m->propagation == MS_SLAVE;

  if (plan->action == PLAN_MOUNTS) /* what a container is by now nobody knows */
    return;
  if (m->kind == PLAN_MOUNT_BIND) /* in our own mount namespace all that can be cloned is a slave by then */
    inert = m->propagation == MS_SLAVE && ! m->from_parent && plan->root.propagation == MS_SLAVE;
  if (inert && m->kind != PLAN_MOUNT_REMOUNT && nothing_shared (plan))
    {
      m->propagation = 0;
      m->propagation_recursive = false;
    }
}

int
mounts_add (const struct part *p, struct plan_mount *m, struct err *err)
{
  struct plan *plan = p->plan;

  if (plan->n_mounts == PLAN_MOUNTS_MAX)
    return err_spec (err, "mounts", "more than %d mounts", PLAN_MOUNTS_MAX);
  m->place = m->kind == PLAN_MOUNT_REMOUNT ? (struct plan_place){ -1, m->target } : part_place (plan, m->target);
  for (size_t i = 0; plan->action == PLAN_MOUNTS && i < plan->n_mounts; i++)
    m->nested |= is_below (m->target, plan->mounts[i].target);
  spare_propagation (plan, m);
  if (m->kind != PLAN_MOUNT_REMOUNT)
    m->of = -1;
  plan->n_from_parent += m->from_parent;
  plan->mounts[plan->n_mounts++] = *m;
  return 0;
}

/* Adds KEY[=VALUE] to the options that the file system gets.  */
static int
add_data (struct mount_ask *ask, const char *option, struct err *err)
{
  struct mount_opt *o = &ask->data[ask->n_data];
  const char *equals = strchr (option, '=');

  /* every devpts mount is an instance of its own (Linux 4.7) */
  if (option[0] == '\0' || (ask->mount->type && strcmp (ask->mount->type, "devpts") == 0 && strcmp (option, "newinstance") == 0))
    return 0;
  o->key = equals ? plan_printf (ask->part->arena, "%.*s", (int) (equals - option), option)
                  : plan_strdup (ask->part->arena, option);
  o->value = equals ? plan_strdup (ask->part->arena, equals + 1) : NULL;
  if (o->key == NULL || (equals && o->value == NULL))
    return part_nomem (err);
  ask->n_data++;
  return 0;
}

/* Takes the options of the document apart.  */
static int
fold_options (struct mount_ask *ask, struct err *err)
{
  const struct oci_mount *m = ask->mount;

  ask->data = plan_alloc (ask->part->arena, m->n_options * sizeof *ask->data);
  if (ask->data == NULL)
    return part_nomem (err);
  for (size_t i = 0; i < m->n_options; i++)
    {
      int ret = 0;

      if (mntopt_apply (&ask->opt, m->options[i]) == MNTOPT_DATA)
        ret = add_data (ask, m->options[i], err);
      if (ret < 0)
        return ret;
    }
  if (! ask->opt.bind && ! ask->opt.remount) /* a new mount has none below it */
    mntopt_unify (&ask->opt);
  return 0;
}

/* Options that mean something for one kind of mount only.  */
static int
check_extra (const struct mount_ask *ask, struct err *err)
{
  const unsigned links = MNTOPT_SRC_NOFOLLOW | MNTOPT_COPY_SYMLINK;
  const struct oci_mount *m = ask->mount;
  const char *wrong = NULL;

  if (ask->opt.remount && ask->opt.extra)
    wrong = "remount takes flags only, no idmap, tmpcopyup, nofollow or copy-symlink";
  else if ((ask->opt.extra & MNTOPT_COPY_UP) && (ask->opt.bind || strcmp (m->type, "tmpfs") != 0))
    wrong = "tmpcopyup needs a tmpfs";
  else if ((ask->opt.extra & links) && ! ask->opt.bind)
    wrong = "src-nofollow and copy-symlink need a bind mount";
  return wrong ? err_in (err, err_spec (err, "", "%s", wrong), "%s.options", ask->where) : 0;
}

/* --- new mounts */

/* Superblock flags that only mount(2) can give are asked for, or there is nothing but mount(2).  */
static bool
needs_legacy (const struct mount_ask *ask)
{
  for (const struct mntopt_super *s = mntopt_supers; s->flag; s++)
    if (s->word == NULL && (ask->opt.super_set & s->flag))
      return true;
  return ! ask->part->host->mount_api;
}

/* Options for fsconfig: what belongs to the superblock, then what the file system understands.  */
static int
copy_opts (const struct mount_ask *ask, const char *type, struct plan_mount *m, struct err *err)
{
  enum { SUPERS = 8 }; /* at most as many as mntopt_supers has */
  struct mount_opt *opts = plan_alloc (ask->part->arena, (SUPERS + ask->n_data) * sizeof *opts);
  uint64_t flags = ask->opt.super_set;
  size_t n = 0;

  if (opts == NULL)
    return part_nomem (err);
  if (listed (shared_types, type) || strcmp (type, "tmpfs") == 0 || strcmp (ask->target, "dev") == 0)
    flags &= ~(uint64_t) MS_RDONLY; /* the mount alone is made read-only */
  for (const struct mntopt_super *s = mntopt_supers; s->flag; s++)
    if (s->word && (flags & s->flag) && (opts[n++].key = plan_strdup (ask->part->arena, s->word)) == NULL)
      return part_nomem (err);
  if (ask->n_data)
    memcpy (opts + n, ask->data, ask->n_data * sizeof *opts);
  m->opts = opts;
  m->n_opts = n + ask->n_data;
  return 0;
}

/* The same for mount(2): "size=1m,mode=755".  Kept for every new mount: whether the kernel has the new calls shows when the first is made.  */
static int
copy_legacy (const struct mount_ask *ask, struct plan_mount *m, struct err *err)
{
  const char *data = "";

  for (size_t i = 0; data && i < ask->n_data; i++)
    {
      const struct mount_opt *o = &ask->data[i];
      const char *quote = o->value == ask->part->plan->mount_label && o->value ? "\"" : ""; /* its categories have commas */

      data = plan_printf (ask->part->arena, "%s%s%s%s%s%s%s", data, *data ? "," : "", o->key, o->value ? "=" : "", quote,
                          o->value ? o->value : "", quote);
    }
  if (data == NULL)
    return part_nomem (err);
  m->legacy_flags = ask->opt.all_flags & ~(unsigned long) (MS_BIND | MS_REC | MS_REMOUNT);
  m->legacy_data = *data ? data : NULL;
  return 0;
}

static bool
has_data (const struct mount_ask *ask, const char *key)
{
  for (size_t i = 0; i < ask->n_data; i++)
    if (strcmp (ask->data[i].key, key) == 0)
      return true;
  return false;
}

/* enum plan_copy_up: what the document says about the directory itself wins.  */
static unsigned
find_copy_up (const struct mount_ask *ask)
{
  if (! (ask->opt.extra & MNTOPT_COPY_UP))
    return 0;
  return PLAN_COPY_CONTENTS | (has_data (ask, "mode") ? 0 : PLAN_COPY_MODE)
         | (has_data (ask, "uid") || has_data (ask, "gid") ? 0 : PLAN_COPY_OWNER);
}

/* What a user namespace sees where it may not make a mount of TYPE: it owns no network, pid or ipc namespace to show, or what it sees of that
 * of the host is covered in part.  A new pid namespace has no other proc than its own.  */
static const char *
find_fallback (const struct part *p, const char *type)
{
  const struct plan_ns *ns = &p->plan->ns;

  if (! ns->new_user && ! ns->joined_user && ! p->host->in_user_ns)
    return NULL;
  if (p->plan->action == PLAN_MOUNTS) /* in the container's mount namespace that is no directory of the host */
    return NULL;
  if (strcmp (type, "sysfs") == 0)
    return "/sys";
  if (strcmp (type, "mqueue") == 0 && part_namespace (p->config, "ipc") == NAMESPACE_INHERITED)
    return "/dev/mqueue";
  return strcmp (type, "proc") == 0 && part_namespace (p->config, "pid") == NAMESPACE_INHERITED ? "/proc" : NULL;
}

/* Adds the context of SELinux to the options.  Not for what has no files of its own to label, as runc has it; mqueue takes no such option, and
 * its root is labelled by itself.  One that the document gives stays.  */
static int
add_context (struct mount_ask *ask, const char *type, struct err *err)
{
  static const char *const unlabelled[] = { "proc", "sysfs", "cgroup", "cgroup2", "mqueue", NULL };
  const char *label = ask->part->plan->mount_label, *key;
  struct mount_opt *data;

  if (label == NULL || listed (unlabelled, type) || has_data (ask, "context"))
    return 0;
  key = plan_strdup (ask->part->arena, "context");
  data = plan_alloc (ask->part->arena, (ask->n_data + 1) * sizeof *data);
  if (data == NULL || key == NULL)
    return part_nomem (err);
  if (ask->n_data)
    memcpy (data, ask->data, ask->n_data * sizeof *data);
  data[ask->n_data++] = (struct mount_opt){ .key = key, .value = label };
  ask->data = data;
  return 0;
}

int
mounts_add_new (const struct mount_ask *asked, const char *type, const char *source, struct err *err)
{
  struct mount_ask copy = *asked, *ask = &copy;
  struct plan_arena *a = ask->part->arena;
  struct plan_mount m = { .kind = PLAN_MOUNT_NEW, .where = ask->where, .target = ask->target, .attr_set = ask->opt.attr_set,
                          .propagation = ask->opt.propagation, .propagation_recursive = ask->opt.propagation_recursive };
  const char *fallback = find_fallback (ask->part, type);
  int ret;

  m.fstype = plan_strdup (a, type);
  m.source = plan_strdup (a, source && source[0] ? source : type);
  m.no_symlinks = strcmp (type, "proc") == 0 || strcmp (type, "sysfs") == 0;
  m.target_link = ask->opt.extra & MNTOPT_DEST_NOFOLLOW;
  m.copy_up = find_copy_up (ask);
  if (ask->part->plan->mount_label && strcmp (type, "mqueue") == 0)
    m.label = ask->part->plan->mount_label;
  if (fallback)
    m.fallback = plan_strdup (a, fallback);
  if (m.fstype == NULL || m.source == NULL || (fallback && m.fallback == NULL))
    return part_nomem (err);
  ret = add_context (ask, type, err);
  if (ret == 0)
    ret = copy_legacy (ask, &m, err);
  if (needs_legacy (ask))
    m.kind = PLAN_MOUNT_LEGACY;
  else if (ret == 0)
    ret = copy_opts (ask, type, &m, err);
  if ((m.attr_set & MOUNT_ATTR_RDONLY) && (strcmp (type, "tmpfs") == 0 || strcmp (ask->target, "dev") == 0))
    {
      /* mount points, devices and links are made in it first */
      m.attr_set &= ~(uint64_t) MOUNT_ATTR_RDONLY;
      m.legacy_flags &= ~(unsigned long) MS_RDONLY;
      *ask->late_readonly = true;
    }
  if (m.kind == PLAN_MOUNT_LEGACY && fallback == NULL)
    m.attr_set = 0; /* all in the flags */
  if (ret == 0)
    ret = mounts_idmap (ask, &m, err);
  return ret < 0 ? ret : mounts_add (ask->part, &m, err);
}

/* --- binds and remounts */

/* Data of tmpfs(5) that documents give to bind mounts, too.  */
static const char *const idle_keys[] = { "gid", "mode", "nr_blocks", "nr_inodes", "size", "uid", NULL };

/* True if OPTION, which is data, is plainly meant for a file system: it has a value, which no flag has, and no other meaning.  mount(2) ignores it on
 * a bind, so runtimes let it pass (the validation programs of runtime-tools ask for that).  Elsewhere the kernel would obey it.  */
static bool
is_idle (const struct mount_ask *ask, const char *option)
{
  size_t len = strcspn (option, "=");

  for (const char *const *k = idle_keys; ask->opt.bind && ! ask->opt.remount && option[len] == '=' && *k; k++)
    if (strlen (*k) == len && memcmp (*k, option, len) == 0)
      return true;
  return false;
}

/* The kernel would pass over what it cannot do, so a misspelt "nosuid" would go unnoticed: refused, as by runc since 1.2.  */
int
mounts_check_foreign (const struct mount_ask *ask, struct err *err)
{
  for (size_t i = 0; i < ask->mount->n_options; i++)
    {
      const char *option = ask->mount->options[i];
      struct mntopt one = { 0 };
      bool data = option[0] && mntopt_apply (&one, option) == MNTOPT_DATA;

      if (data && ! is_idle (ask, option))
        return err_in (err, err_spec (err, "", "%s is an option of a new file system, and none is made here", option),
                       "mounts[%zu].options[%zu]", ask->index, i);
      if (data || (one.super_set & ~(uint64_t) MS_RDONLY)) /* mount(8) lets them pass */
        log_warn (ask->part->log, "mounts[%zu].options[%zu]: %s belongs to a file system and does nothing here", ask->index, i, option);
    }
  return 0;
}

/* A recursive bind of the host's /sys brings the host's cgroups with it: read-only, it must not leave those writable (CVE-2023-25809).  Whether the
 * source is that, its name does not tell: who has cloned it looks.  With "rro" they are closed anyway, and "rrw" asks for the contrary.  */
static bool
closes_cgroups (const struct plan_mount *m)
{
  return m->recursive && (m->attr_set & MOUNT_ATTR_RDONLY) && ! ((m->rattr_set | m->rattr_clear) & MOUNT_ATTR_RDONLY);
}

int
mounts_add_bind (const struct mount_ask *ask, const char *source, const char *target, bool optional, struct err *err)
{
  const struct plan_root *r = &ask->part->plan->root;
  struct plan_mount m = { .kind = PLAN_MOUNT_BIND, .where = ask->where, .target = target, .source = source,
                          .recursive = ask->opt.bind_recursive, .from_parent = r->from_parent, .optional = optional,
                          .attr_set = ask->opt.attr_set, .attr_clear = ask->opt.attr_clear,
                          .rattr_set = ask->opt.rattr_set, .rattr_clear = ask->opt.rattr_clear,
                          .source_link = ask->opt.extra & (MNTOPT_SRC_NOFOLLOW | MNTOPT_COPY_SYMLINK),
                          .copy_link = ask->opt.extra & MNTOPT_COPY_SYMLINK, .target_link = ask->opt.extra & MNTOPT_DEST_NOFOLLOW,
                          .propagation = ask->opt.propagation, .propagation_recursive = ask->opt.propagation_recursive };
  int ret = mounts_idmap (ask, &m, err);

  if (ret < 0)
    return ret;
  m.close_cgroups = closes_cgroups (&m);
  if (m.from_parent && m.propagation == 0)
    {
      /* cloned where it may be shared with the host; in the container's own mount namespace it would have been a slave */
      m.propagation = r->propagation_recursive ? r->propagation : (uint64_t) MS_SLAVE;
      m.propagation_recursive = true;
    }
  m.propagation_recursive &= m.recursive; /* of a single mount both are the same, and attributes and propagation one call */
  return mounts_add (ask->part, &m, err);
}

/* Index of the last mount made at TARGET by us, or -1.  */
static int
find_made (const struct plan *plan, const char *target)
{
  for (size_t i = plan->n_mounts; i-- > 0;)
    if (plan->mounts[i].kind != PLAN_MOUNT_REMOUNT && strcmp (plan->mounts[i].target, target) == 0)
      return is_new (&plan->mounts[i]) ? (int) i : -1;
  return -1;
}

static int
add_remount (const struct mount_ask *ask, struct err *err)
{
  struct plan_mount m = { .kind = PLAN_MOUNT_REMOUNT, .where = ask->where, .target = ask->target,
                          .of = find_made (ask->part->plan, ask->target), .attr_set = ask->opt.attr_set,
                          .attr_clear = ask->opt.attr_clear, .rattr_set = ask->opt.rattr_set, .rattr_clear = ask->opt.rattr_clear,
                          .propagation = ask->opt.propagation, .propagation_recursive = ask->opt.propagation_recursive };

  return mounts_add (ask->part, &m, err);
}

/* --- all of them */

/* True if the source is /proc, with more slashes or dots perhaps.  Not by "..", which may lead anywhere.  */
static bool
is_hosts_proc (const struct mount_ask *ask)
{
  const char *source = ask->mount->source;
  bool plain = source && source[0] == '/' && strstr (source, "..") == NULL;
  const char *clean = plain ? part_clean (ask->part->arena, source) : NULL;

  return clean && strcmp (clean, "proc") == 0;
}

/* Nothing may hide the files of proc through which the container is confined, nor the root.  */
static int
check_target (const struct mount_ask *ask, struct err *err)
{
  const struct oci_mount *m = ask->mount;
  const char *t = ask->target;
  bool proc = m->type && strcmp (m->type, "proc") == 0, bind = ask->opt.bind;

  if (t[0] == '\0')
    return err_in (err, err_spec (err, "", "must not be the root itself"), "%s.destination", ask->where);
  if (! is_below (t, "proc") || ask->opt.remount || listed (proc_targets, t))
    return 0;
  if (strcmp (t, "proc") == 0 && ((proc && ! bind) || (bind && is_hosts_proc (ask))))
    return 0;
  if (strcmp (t, "proc") == 0)
    return err_in (err, err_spec (err, "", "only proc, or a bind of the host's /proc, may be mounted on /proc"), "%s.destination", ask->where);
  return err_in (err, err_spec (err, "", "\"/%s\" is inside /proc, where only a few files may be covered", t), "%s.destination", ask->where);
}

static int
add_one (struct mount_ask *ask, struct err *err)
{
  const struct oci_mount *m = ask->mount;
  int ret = fold_options (ask, err);

  if (ret == 0)
    ret = check_target (ask, err);
  if (ret == 0)
    ret = check_extra (ask, err);
  if (ret < 0)
    return ret;
  if (ask->opt.remount || ask->opt.bind)
    ret = mounts_check_foreign (ask, err);
  if (ret < 0)
    return ret;
  if (ask->opt.remount)
    return add_remount (ask, err);
  if (ask->opt.bind)
    {
      const char *source = part_host_path (ask->part, m->source);
      return source ? mounts_add_bind (ask, source, ask->target, false, err) : part_nomem (err);
    }
  if (strcmp (m->type, "cgroup") == 0)
    return mounts_add_cgroup (ask, err);
  return mounts_add_new (ask, m->type, m->source, err);
}

/* Makes read-only what had to be writable until now.  LATE are the places of those mounts in the plan.  */
static int
add_late (const struct part *p, const int *late, size_t n, struct err *err)
{
  for (size_t i = 0; i < n; i++)
    {
      const struct plan_mount *of = &p->plan->mounts[late[i]];
      struct plan_mount m = { .kind = PLAN_MOUNT_REMOUNT, .where = of->where, .target = of->target, .late = true,
                              .of = is_new (of) ? late[i] : -1, .attr_set = MOUNT_ATTR_RDONLY };
      int ret = mounts_add (p, &m, err);

      if (ret < 0)
        return ret;
    }
  return 0;
}

int
plan_mounts (const struct part *p, struct err *err)
{
  const struct oci_config *c = p->config;
  int *late = plan_alloc (p->arena, (c->n_mounts + 1) * sizeof *late);
  size_t n_late = 0;
  int ret = 0;

  p->plan->mounts = plan_alloc (p->arena, PLAN_MOUNTS_MAX * sizeof *p->plan->mounts);
  if (late == NULL || p->plan->mounts == NULL)
    return part_nomem (err);
  for (size_t i = 0; ret == 0 && i < c->n_mounts; i++)
    {
      bool readonly = false;
      int at = (int) p->plan->n_mounts;
      struct mount_ask ask = { .part = p, .mount = &c->mounts[i], .index = i, .late_readonly = &readonly,
                               .where = plan_printf (p->arena, "mounts[%zu]", i),
                               .target = part_clean (p->arena, c->mounts[i].destination) };

      ret = ask.where && ask.target ? add_one (&ask, err) : part_nomem (err);
      if (ret == 0 && readonly)
        late[n_late++] = at;
    }
  return ret < 0 ? ret : add_late (p, late, n_late, err);
}
