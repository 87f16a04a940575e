/* SPDX-License-Identifier: Apache-2.0 */
/* Printing plans; see show.h.  Must never print a value of the environment. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "plan/show.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/names.h"
#include "base/own.h"
#include "base/str.h"
#include "kernel/caps.h"
#include "kernel/filter.h"
#include "kernel/ns.h"
#include "kernel/numa.h"
#include "kernel/rlimit.h"
#include "plan/plan.h"

/* Prints TEXT in quotes; what could disturb a terminal or a line as \xHH.  */
static void
quote (FILE *f, const char *text)
{
  size_t obeyed = 0; /* bytes of such a character that are still to come */

  fputc ('"', f);
  for (const char *p = text; *p; p++)
    {
      if (obeyed == 0)
        obeyed = str_is_obeyed (p);
      if (*p == '"' || *p == '\\')
        fprintf (f, "\\%c", *p);
      else if (obeyed > 0)
        fprintf (f, "\\x%02x", (unsigned char) *p);
      else
        fputc (*p, f);
      obeyed -= obeyed > 0;
    }
  fputc ('"', f);
}

/* Prints ` NAME "TEXT"` if there is TEXT.  */
static void
item (FILE *f, const char *name, const char *text)
{
  if (text == NULL)
    return;
  fprintf (f, " %s ", name);
  quote (f, text);
}

/* Prints ` NAME` if it is SET.  */
static void
flag (FILE *f, const char *name, bool set)
{
  if (set)
    fprintf (f, " %s", name);
}

static const char *
propagation_name (uint64_t kind)
{
  static const struct name names[] = {
    { "private", MS_PRIVATE }, { "slave", MS_SLAVE }, { "shared", MS_SHARED }, { "unbindable", MS_UNBINDABLE }, { NULL, 0 },
  };

  return value_name (names, kind);
}

/* Prints ` NAME rslave`; nothing for no propagation.  */
static void
propagation (FILE *f, const char *name, uint64_t kind, bool recursive)
{
  if (kind)
    fprintf (f, " %s %s%s", name, recursive ? "r" : "", propagation_name (kind));
}

/* --- namespaces */

static void
show_flags (FILE *f, const char *name, uint64_t flags)
{
  if (flags == 0)
    return;
  fprintf (f, "  %s", name);
  for (const struct ns_type *t = ns_types; t->name; t++)
    flag (f, t->name, flags & (uint64_t) t->flag);
  fputc ('\n', f);
}

static void
show_maps (FILE *f, const char *name, const struct idmap *maps, size_t n)
{
  for (size_t i = 0; i < n; i++)
    fprintf (f, "  %s %" PRIu32 " %" PRIu32 " %" PRIu32 "\n", name, maps[i].inside, maps[i].outside, maps[i].size);
}

/* Prints each line of TEXT, which ends with a line feed, by itself.  */
static void
show_lines (FILE *f, const char *name, const char *text)
{
  for (size_t len; text && *text; text += len + 1)
    {
      len = strcspn (text, "\n");
      fprintf (f, "  %s %.*s\n", name, (int) len, text);
    }
}

static void
show_ns (FILE *f, const struct plan_ns *ns)
{
  fprintf (f, "namespaces: %s", ns->staged ? "staged" : "direct");
  flag (f, "fork", ns->fork);
  flag (f, "no-setgroups", ! ns->setgroups);
  fputc ('\n', f);
  show_flags (f, "join through pidfd:", (uint64_t) ns->pidfd_flags);
  for (size_t i = 0; i < ns->n_joins; i++)
    {
      fprintf (f, "  join: %s", ns->joins[i].name);
      item (f, "at", ns->joins[i].path);
      item (f, "not ours for", ns->joins[i].foreign);
      fprintf (f, " [%s]\n", ns->joins[i].where);
    }
  show_flags (f, "clone:", ns->clone_flags);
  show_flags (f, "unshare first:", ns->staged && ns->new_user ? CLONE_NEWUSER : 0);
  show_flags (f, "unshare:", (uint64_t) ns->unshare_flags);
  show_lines (f, "time offset:", ns->time_offsets);
  show_flags (f, "unshare last:", ns->new_cgroup ? CLONE_NEWCGROUP : 0);
  show_maps (f, "uid map:", ns->uid_maps, ns->n_uid_maps);
  show_maps (f, "gid map:", ns->gid_maps, ns->n_gid_maps);
}

/* --- root and mounts */

static void
show_root (FILE *f, const struct plan_root *r)
{
  if (r->path == NULL)
    return;
  fprintf (f, "root:");
  item (f, "at", r->path);
  flag (f, "from-parent", r->from_parent);
  flag (f, "chroot-only", ! r->enter);
  flag (f, "no-pivot", r->no_pivot);
  flag (f, "read-only", r->readonly);
  propagation (f, "host", r->propagation, r->propagation_recursive);
  propagation (f, "tree", r->tree_propagation, r->tree_propagation_recursive);
  propagation (f, "final", r->final_propagation, r->final_propagation_recursive);
  fputc ('\n', f);
}

/* Prints mount attributes; of the access times, which are one value, its name.  */
static void
show_attributes (FILE *f, const char *name, uint64_t attr)
{
  static const struct name names[] = {
    { "ro", MOUNT_ATTR_RDONLY },
    { "nosuid", MOUNT_ATTR_NOSUID },
    { "nodev", MOUNT_ATTR_NODEV },
    { "noexec", MOUNT_ATTR_NOEXEC },
    { "nodiratime", MOUNT_ATTR_NODIRATIME },
    { "nosymfollow", 0x00200000 /* MOUNT_ATTR_NOSYMFOLLOW, Linux 5.14 */ },
    { NULL, 0 },
  };
  static const struct name times[] = {
    { "noatime", MOUNT_ATTR_NOATIME }, { "strictatime", MOUNT_ATTR_STRICTATIME }, { "atime", MOUNT_ATTR__ATIME }, { NULL, 0 },
  };
  const char *time = value_name (times, attr & MOUNT_ATTR__ATIME);
  char comma = ' ';

  if (attr == 0)
    return;
  fprintf (f, " %s", name);
  for (const struct name *n = names; n->name; n++)
    if (attr & n->value)
      {
        fprintf (f, "%c%s", comma, n->name);
        comma = ',';
      }
  if (time)
    fprintf (f, "%c%s", comma, time);
}

static void
show_opts (FILE *f, const struct mount_opt *opts, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      fprintf (f, "%s%s", i == 0 ? " options " : ",", opts[i].key);
      if (opts[i].value)
        fprintf (f, "=%s", opts[i].value);
    }
}

static void
show_idmap (FILE *f, const struct plan_idmap *m)
{
  if (m == NULL)
    return;
  fprintf (f, "  idmap:");
  flag (f, "recursive", m->recursive);
  item (f, "as", m->userns);
  for (size_t i = 0; i < m->n_uid; i++)
    fprintf (f, " uid %u %u %u", m->uid[i].inside, m->uid[i].outside, m->uid[i].size);
  for (size_t i = 0; i < m->n_gid; i++)
    fprintf (f, " gid %u %u %u", m->gid[i].inside, m->gid[i].outside, m->gid[i].size);
  fputc ('\n', f);
}

static void
show_mount (FILE *f, const struct plan_mount *m, size_t i)
{
  static const char *const kinds[] = {
    [PLAN_MOUNT_NEW] = "new", [PLAN_MOUNT_BIND] = "bind", [PLAN_MOUNT_REMOUNT] = "remount", [PLAN_MOUNT_LEGACY] = "legacy",
  };

  fprintf (f, "mount %zu: %s%s%s", i, kinds[m->kind], m->fstype ? " " : "", m->fstype ? m->fstype : "");
  item (f, "from", m->source);
  item (f, "at", m->target);
  if (m->place.parent >= 0)
    fprintf (f, " = \"%s\" in %d", m->place.name, m->place.parent);
  if (m->of >= 0)
    fprintf (f, " of %d", m->of);
  flag (f, "late", m->late);
  flag (f, "no-links", m->no_symlinks);
  flag (f, "recursive", m->recursive);
  flag (f, "from-parent", m->from_parent);
  flag (f, "optional", m->optional);
  flag (f, "source-link", m->source_link);
  flag (f, "copy-link", m->copy_link);
  flag (f, "target-link", m->target_link);
  flag (f, "copy-up", m->copy_up & PLAN_COPY_CONTENTS);
  flag (f, "copy-mode", m->copy_up & PLAN_COPY_MODE);
  flag (f, "copy-owner", m->copy_up & PLAN_COPY_OWNER);
  item (f, "fallback", m->fallback);
  item (f, "label", m->label);
  show_attributes (f, "set", m->attr_set);
  show_attributes (f, "clear", m->attr_clear);
  show_attributes (f, "set-all", m->rattr_set);
  show_attributes (f, "clear-all", m->rattr_clear);
  flag (f, "close-cgroups", m->close_cgroups);
  propagation (f, "propagation", m->propagation, m->propagation_recursive);
  show_opts (f, m->opts, m->n_opts);
  if (m->kind == PLAN_MOUNT_LEGACY)
    {
      fprintf (f, " flags %#lx", m->legacy_flags);
      item (f, "data", m->legacy_data);
    }
  fprintf (f, " [%s]\n", m->where);
  show_idmap (f, m->idmap);
}

static void
show_device (FILE *f, const struct plan_device *d, bool bind)
{
  const char type = S_ISBLK (d->device.mode) ? 'b' : S_ISFIFO (d->device.mode) ? 'p' : 'c';

  fprintf (f, "device:");
  item (f, bind ? "bind" : "make", d->device.path);
  fprintf (f, " %c %u:%u ", type, d->device.major, d->device.minor);
  if (bind) /* what was asked for cannot be had */
    fprintf (f, "mode and owner of the host's [%s]\n", d->where);
  else
    fprintf (f, "mode %#o owner %u:%u [%s]\n", (unsigned) d->device.mode & 07777, d->device.uid, d->device.gid, d->where);
}

static void
show_links (FILE *f, const struct plan *p)
{
  for (size_t i = 0; i < p->n_links; i++)
    {
      fprintf (f, "link:");
      item (f, "at", p->links[i].path);
      item (f, "to", p->links[i].to);
      flag (f, "replace", p->links[i].replace);
      fputc ('\n', f);
    }
}

static void
show_cgroup (FILE *f, const struct plan *p)
{
  if (p->cgroup_given)
    fprintf (f, "cgroup: given to %u\n", p->cgroup_uid);
}

static void
show_paths (FILE *f, const char *name, const struct plan_path *paths, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      fprintf (f, "%s: ", name);
      quote (f, paths[i].path);
      fprintf (f, " [%s]\n", paths[i].where);
    }
}

static void
show_rdt (FILE *f, const struct plan_rdt *r)
{
  if (r == NULL)
    return;
  fprintf (f, "resctrl group:");
  item (f, "at", r->root);
  item (f, "named", r->group);
  flag (f, "kept", r->named);
  item (f, "monitored in", r->monitor);
  item (f, "caches", r->caches);
  item (f, "schemata", r->schemata);
  fputc ('\n', f);
}

static void
show_names (FILE *f, const struct plan *p)
{
  if (p->hostname || p->domainname)
    {
      fprintf (f, "names:");
      item (f, "host", p->hostname);
      item (f, "domain", p->domainname);
      fputc ('\n', f);
    }
  for (size_t i = 0; i < p->n_net_devices; i++)
    fprintf (f, "network device: %s as %s [%s]\n", p->net_devices[i].host, p->net_devices[i].name, p->net_devices[i].where);
  for (size_t i = 0; i < p->n_sysctls; i++)
    {
      fprintf (f, "sysctl: %s = ", p->sysctls[i].path);
      quote (f, p->sysctls[i].value);
      fprintf (f, " [%s]\n", p->sysctls[i].where);
    }
}

/* --- process and hooks */

static void
show_words (FILE *f, const char *const *words)
{
  for (; *words; words++)
    {
      fputc (' ', f);
      quote (f, *words);
    }
  fputc ('\n', f);
}

/* Prints the names of the environment; the values are nobody's business.  */
static void
show_env (FILE *f, const char *const *env)
{
  for (; *env; env++)
    fprintf (f, " %.*s", (int) strcspn (*env, "="), *env);
}

/* Prints ` NAME` for each flag of FLAGS.  */
static void
show_names_of (FILE *f, const struct name *names, uint64_t flags)
{
  for (const struct name *n = names; n->name; n++)
    flag (f, n->name, flags & n->value);
}

/* Prints ` NAME 0 1 2`; nothing without BITS.  */
static void
show_bits (FILE *f, const char *name, const struct bits *bits)
{
  if (bits == NULL)
    return;
  fprintf (f, " %s", name);
  for (unsigned i = 0; i < BITS_MAX; i++)
    if (bits->word[i / BITS_PER_WORD] >> (i % BITS_PER_WORD) & 1)
      fprintf (f, " %u", i);
}

static void
show_caps (FILE *f, const char *set, uint64_t mask, unsigned last)
{
  uint64_t all = last >= 63 ? UINT64_MAX : (1ULL << (last + 1)) - 1;

  fprintf (f, "  %s:", set);
  if (mask == all)
    fprintf (f, " all");
  else
    for (const struct name *n = caps_names; n->name; n++)
      flag (f, n->name, mask & (1ULL << n->value));
  fputc ('\n', f);
}

static void
show_user (FILE *f, const struct plan_process *p)
{
  fprintf (f, "  user: %u:%u groups", p->uid, p->gid);
  if (p->keep_groups)
    fprintf (f, " kept");
  for (size_t i = 0; i < p->n_groups; i++)
    fprintf (f, " %u", p->groups[i]);
  if (p->set_umask)
    fprintf (f, " umask %#o", (unsigned) p->umask);
  fputc ('\n', f);
}

static void
show_rlimits (FILE *f, const struct plan_process *p)
{
  for (size_t i = 0; i < p->n_rlimits; i++)
    fprintf (f, "  %s: %" PRIu64 " %" PRIu64 "%s [%s]\n", value_name (rlimit_names, p->rlimits[i].which), p->rlimits[i].soft,
             p->rlimits[i].hard, p->rlimits[i].late ? p->rlimits[i].before ? " in two steps" : " late" : "", p->rlimits[i].where);
}

/* How the process is scheduled.  */
static void
show_scheduling (FILE *f, const struct plan_process *p)
{
  const struct sched *s = p->scheduler;

  if (p->initial_cpus || p->cpus)
    {
      fprintf (f, "  processors:");
      show_bits (f, "at first", p->initial_cpus);
      show_bits (f, "then", p->cpus);
      fputc ('\n', f);
    }
  if (s)
    {
      fprintf (f, "  scheduler: %s nice %d priority %u", value_name (sched_policies, s->policy), s->nice, s->priority);
      if (s->runtime)
        fprintf (f, " runtime %" PRIu64 " deadline %" PRIu64 " period %" PRIu64, s->runtime, s->deadline, s->period);
      show_names_of (f, sched_flags, s->flags);
      fprintf (f, "%s\n", p->scheduled_by_parent ? " from outside" : "");
    }
  if (p->io_priority)
    fprintf (f, "  io: %s %u%s\n", value_name (sched_io_classes, p->io_priority->class_), p->io_priority->level,
             p->scheduled_by_parent ? " from outside" : "");
}

static void
show_process (FILE *f, const struct plan_process *p)
{
  if (! p->given)
    {
      fprintf (f, "process: none\n");
      return;
    }
  fprintf (f, "process:");
  show_words (f, p->argv);
  fprintf (f, "  cwd:");
  item (f, "at", p->cwd);
  fprintf (f, "\n  environment:");
  show_env (f, p->envp);
  flag (f, "+HOME", p->add_home);
  item (f, "path", p->path_env);
  fputc ('\n', f);
  if (p->terminal)
    fprintf (f, "  terminal: %u rows %u columns\n", p->rows, p->columns);
  show_user (f, p);
  show_rlimits (f, p);
  show_scheduling (f, p);
  if (p->apparmor || p->selinux)
    {
      fprintf (f, "  confined:");
      item (f, "AppArmor", p->apparmor);
      item (f, "SELinux", p->selinux);
      fputc ('\n', f);
    }
  if (p->own_stdio)
    fprintf (f, "  pipes given to the user\n");
  if (p->own_null)
    fprintf (f, "  the container's null device for the host's\n");
  if (p->oom_score_adj)
    fprintf (f, "  oom_score_adj: %s\n", p->oom_score_adj);
  show_caps (f, "bounding", p->caps.bounding, p->last_cap);
  show_caps (f, "permitted", p->caps.permitted, p->last_cap);
  show_caps (f, "effective", p->caps.effective, p->last_cap);
  show_caps (f, "inheritable", p->caps.inheritable, p->last_cap);
  show_caps (f, "ambient", p->caps.ambient, p->last_cap);
  if (p->no_new_privs)
    fprintf (f, "  no_new_privs\n");
}

static void
show_seccomp (FILE *f, const struct plan_seccomp *s)
{
  if (! s->given)
    return;
  fprintf (f, "seccomp: loaded before %s", s->listener_path ? "ready" : "execve");
  for (const struct name *n = filter_flags; n->name; n++)
    flag (f, n->name, s->flags & n->value);
  flag (f, "keeping CAP_SYS_ADMIN", s->keep_admin);
  item (f, "listener at", s->listener_path);
  item (f, "metadata", s->listener_metadata);
  fputc ('\n', f);
}

static void
show_hook_list (FILE *f, const char *point, const struct plan_hook *hooks, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      fprintf (f, "hook %s:", point);
      item (f, "run", hooks[i].path);
      fprintf (f, " environment");
      show_env (f, hooks[i].envp);
      if (hooks[i].timeout)
        fprintf (f, " timeout %u", hooks[i].timeout);
      fprintf (f, " [%s] arguments", hooks[i].where);
      show_words (f, hooks[i].argv);
    }
}

static void
show_hooks (FILE *f, const struct plan_hooks *h)
{
  show_hook_list (f, "prestart", h->prestart, h->n_prestart);
  show_hook_list (f, "createRuntime", h->create_runtime, h->n_create_runtime);
  show_hook_list (f, "createContainer", h->create_container, h->n_create_container);
  show_hook_list (f, "startContainer", h->start_container, h->n_start_container);
  show_hook_list (f, "poststart", h->poststart, h->n_poststart);
  show_hook_list (f, "poststop", h->poststop, h->n_poststop);
}

static void
show (FILE *f, const struct plan *p)
{
  fprintf (f, "%s", p->action == PLAN_EXEC ? "exec" : p->run ? "run" : "create");
  item (f, "in", p->id);
  if (p->preserve_fds)
    fprintf (f, " keeping %u descriptors", p->preserve_fds);
  fputc ('\n', f);
  show_ns (f, &p->ns);
  show_rdt (f, p->rdt);
  show_names (f, p);
  show_root (f, &p->root);
  for (size_t i = 0; i < p->n_mounts; i++)
    show_mount (f, &p->mounts[i], i);
  for (size_t i = 0; i < p->n_devices; i++)
    show_device (f, &p->devices[i], p->devices_by_bind);
  show_cgroup (f, p);
  show_links (f, p);
  show_paths (f, "mask", p->masked, p->n_masked);
  show_paths (f, "read-only", p->readonly, p->n_readonly);
  if (p->mount_label)
    fprintf (f, "mount label: %s\n", p->mount_label);
  if (p->keyring)
    fprintf (f, "keyring: %s\n", p->keyring);
  if (p->memory_policy)
    {
      fprintf (f, "memory: %s", value_name (numa_modes, p->memory_policy->mode));
      show_names_of (f, numa_flags, p->memory_policy->flags);
      show_bits (f, "nodes", p->memory_policy->nodes);
      fputc ('\n', f);
    }
  if (p->personality)
    fprintf (f, "personality: %#lx\n", *p->personality);
  show_process (f, &p->process);
  show_seccomp (f, &p->seccomp);
  show_hooks (f, &p->hooks);
}

int
plan_show (const struct plan *plan, char **ret_text, struct err *err)
{
  own_mem char *text = NULL;
  size_t len = 0;
  FILE *f = open_memstream (&text, &len);

  if (f == NULL)
    return err_host (err, ENOMEM, "out of memory");
  show (f, plan);
  if (fclose (f) != 0)
    return err_host (err, ENOMEM, "out of memory");
  *ret_text = take_ptr (text);
  return 0;
}
