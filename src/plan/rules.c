/* SPDX-License-Identifier: Apache-2.0 */
/* The rules as a table, and the walk over it; see rules.h.  A predicate looks at the document
 * alone and has no effect.  Must never look at the machine. */
#include "plan/rules.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "kernel/device.h"
#include "ocispec/config.h"
#include "plan/profile.h"
#include "plan/report.h"
#include "plan/rule.h"
#include "plan/semver.h"

static const struct oci_linux no_linux;
static const struct oci_process no_process;
static const struct oci_hooks no_hooks;

static const struct oci_linux *
lin (const struct oci_config *c)
{
  return c->linux_ ? c->linux_ : &no_linux;
}

static const struct oci_process *
proc (const struct oci_config *c)
{
  return c->process ? c->process : &no_process;
}

static bool
absolute (const char *path)
{
  return path && path[0] == '/';
}

static bool
empty (const char *text)
{
  return text == NULL || text[0] == '\0';
}

/* --- common part */

static bool
version_broken (const struct oci_config *c, size_t i)
{
  unsigned major;

  (void) i;
  return ! semver_parse (c->oci_version, &major) || major != 1;
}

static bool
root_missing (const struct oci_config *c, size_t i)
{
  (void) i;
  return c->root == NULL;
}

static bool
root_path_empty (const struct oci_config *c, size_t i)
{
  (void) i;
  return c->root && empty (c->root->path);
}

static bool
has_namespace (const struct oci_config *c, const char *type)
{
  for (size_t i = 0; i < lin (c)->n_namespaces; i++)
    if (strcmp (lin (c)->namespaces[i].type, type) == 0)
      return true;
  return false;
}

static bool
hostname_shared (const struct oci_config *c, size_t i)
{
  (void) i;
  return ! empty (c->hostname) && ! has_namespace (c, "uts");
}

static bool
domainname_shared (const struct oci_config *c, size_t i)
{
  (void) i;
  return ! empty (c->domainname) && ! has_namespace (c, "uts");
}

enum { UTS_NAME_MAX = 64 }; /* __NEW_UTS_LEN of the kernel */

static bool
hostname_long (const struct oci_config *c, size_t i)
{
  (void) i;
  return c->hostname && strlen (c->hostname) > UTS_NAME_MAX;
}

static bool
domainname_long (const struct oci_config *c, size_t i)
{
  (void) i;
  return c->domainname && strlen (c->domainname) > UTS_NAME_MAX;
}

/* --- mounts */

static size_t
n_mounts (const struct oci_config *c)
{
  return c->n_mounts;
}

static bool
has_option (const struct oci_mount *m, const char *option)
{
  for (size_t i = 0; i < m->n_options; i++)
    if (strcmp (m->options[i], option) == 0)
      return true;
  return false;
}

static bool
is_bind (const struct oci_mount *m)
{
  return has_option (m, "bind") || has_option (m, "rbind");
}

static bool
destination_empty (const struct oci_config *c, size_t i)
{
  return empty (c->mounts[i].destination);
}

static bool
type_missing (const struct oci_config *c, size_t i)
{
  const struct oci_mount *m = &c->mounts[i];

  return empty (m->type) && ! is_bind (m) && ! has_option (m, "remount");
}

/* Neither the type nor a source makes a bind mount.  */
static bool
bind_missing (const struct oci_config *c, size_t i)
{
  const struct oci_mount *m = &c->mounts[i];

  return ! empty (m->type) && strcmp (m->type, "bind") == 0 && ! is_bind (m) && ! has_option (m, "remount");
}

static bool
source_missing (const struct oci_config *c, size_t i)
{
  const struct oci_mount *m = &c->mounts[i];

  return empty (m->source) && is_bind (m) && ! has_option (m, "remount");
}

static bool
mount_maps_uneven (const struct oci_config *c, size_t i)
{
  return (c->mounts[i].n_uid_mappings == 0) != (c->mounts[i].n_gid_mappings == 0);
}

/* --- process */

static bool
cwd_relative (const struct oci_config *c, size_t i)
{
  (void) i;
  return c->process && ! absolute (c->process->cwd);
}

static bool
args_empty (const struct oci_config *c, size_t i)
{
  (void) i;
  return c->process && c->process->n_args == 0;
}

static bool
program_empty (const struct oci_config *c, size_t i)
{
  (void) i;
  return proc (c)->n_args > 0 && empty (c->process->args[0]);
}

static size_t
n_env (const struct oci_config *c)
{
  return proc (c)->n_env;
}

static bool
env_unnamed (const struct oci_config *c, size_t i)
{
  const char *e = c->process->env[i];

  return e[0] == '=' || strchr (e, '=') == NULL;
}

static bool
console_large (const struct oci_config *c, size_t i)
{
  const struct oci_box *b = proc (c)->console_size;

  (void) i;
  return proc (c)->terminal && b && (b->height > UINT16_MAX || b->width > UINT16_MAX);
}

static bool
uid_none (const struct oci_config *c, size_t i)
{
  (void) i;
  return proc (c)->user && c->process->user->uid == UINT32_MAX;
}

static bool
gid_none (const struct oci_config *c, size_t i)
{
  (void) i;
  return proc (c)->user && c->process->user->gid == UINT32_MAX;
}

static size_t
n_gids (const struct oci_config *c)
{
  return proc (c)->user ? c->process->user->n_additional_gids : 0;
}

static bool
additional_gid_none (const struct oci_config *c, size_t i)
{
  return c->process->user->additional_gids[i] == UINT32_MAX;
}

enum { GROUPS_MAX = 65536 }; /* NGROUPS_MAX of the kernel since 2.6.4 */

static bool
gids_many (const struct oci_config *c, size_t i)
{
  (void) i;
  return n_gids (c) > GROUPS_MAX;
}

static bool
umask_large (const struct oci_config *c, size_t i)
{
  (void) i;
  return proc (c)->user && c->process->user->umask && *c->process->user->umask > 0777;
}

/* More are not needed to find one that is given twice: the types are a closed set.  */
enum { DISTINCT_MAX = 32 };

static size_t
n_rlimits (const struct oci_config *c)
{
  return proc (c)->n_rlimits < DISTINCT_MAX ? proc (c)->n_rlimits : DISTINCT_MAX;
}

static bool
rlimit_twice (const struct oci_config *c, size_t i)
{
  for (size_t j = 0; j < i; j++)
    if (strcmp (c->process->rlimits[j].type, c->process->rlimits[i].type) == 0)
      return true;
  return false;
}

static bool
rlimit_soft_above (const struct oci_config *c, size_t i)
{
  return c->process->rlimits[i].soft > c->process->rlimits[i].hard;
}

static bool
oom_score_far (const struct oci_config *c, size_t i)
{
  const int32_t *adj = proc (c)->oom_score_adj;

  (void) i;
  return adj && (*adj < -1000 || *adj > 1000);
}

/* --- hooks: the same two rules for six lists */

static bool
timeout_broken (const struct oci_hook *h)
{
  return h->timeout && *h->timeout <= 0;
}

#define HOOK_PREDICATES(list)                                                                                         \
  static size_t n_##list (const struct oci_config *c) { return c->hooks ? c->hooks->n_##list : no_hooks.n_##list; }   \
  static bool list##_relative (const struct oci_config *c, size_t i) { return ! absolute (c->hooks->list[i].path); }  \
  static bool list##_timeout (const struct oci_config *c, size_t i) { return timeout_broken (&c->hooks->list[i]); }

HOOK_PREDICATES (prestart)
HOOK_PREDICATES (create_runtime)
HOOK_PREDICATES (create_container)
HOOK_PREDICATES (start_container)
HOOK_PREDICATES (poststart)
HOOK_PREDICATES (poststop)

#define HOOK_RULES(list, name)                                                                                        \
  { "hooks." name "[].path", n_##list, NULL, list##_relative, "must be an absolute path", "config.md#posix-platform-hooks" },   \
  { "hooks." name "[].timeout", n_##list, NULL, list##_timeout, "must be greater than zero", "config.md#posix-platform-hooks" }

/* --- linux */

static size_t
n_devices (const struct oci_config *c)
{
  return lin (c)->n_devices;
}

static bool
device_relative (const struct oci_config *c, size_t i)
{
  return ! absolute (c->linux_->devices[i].path);
}

static bool
devices_many (const struct oci_config *c, size_t i)
{
  (void) i;
  return n_devices (c) > DEVICE_LIST_MAX;
}

static bool
device_major_broken (const struct oci_config *c, size_t i)
{
  const struct oci_device *d = &c->linux_->devices[i];

  return d->type[0] != 'p' && (d->major == NULL || *d->major < 0 || *d->major > DEVICE_MAJOR_MAX);
}

static bool
device_minor_broken (const struct oci_config *c, size_t i)
{
  const struct oci_device *d = &c->linux_->devices[i];

  return d->type[0] != 'p' && (d->minor == NULL || *d->minor < 0 || *d->minor > DEVICE_MINOR_MAX);
}

/* fchownat(2) takes -1 for "leave it".  */
static bool
device_uid_none (const struct oci_config *c, size_t i)
{
  return c->linux_->devices[i].uid && *c->linux_->devices[i].uid == UINT32_MAX;
}

static bool
device_gid_none (const struct oci_config *c, size_t i)
{
  return c->linux_->devices[i].gid && *c->linux_->devices[i].gid == UINT32_MAX;
}

static size_t
n_device_rules (const struct oci_config *c)
{
  return lin (c)->resources ? c->linux_->resources->n_devices : 0;
}

static bool
device_rules_many (const struct oci_config *c, size_t i)
{
  (void) i;
  return n_device_rules (c) > DEVICE_LIST_MAX;
}

static bool
access_broken (const struct oci_config *c, size_t i)
{
  const char *access = c->linux_->resources->devices[i].access;

  return access && (access[0] == '\0' || access[strspn (access, "rwm")] != '\0');
}

static size_t
n_masked (const struct oci_config *c)
{
  return lin (c)->n_masked_paths;
}

static bool
masked_relative (const struct oci_config *c, size_t i)
{
  return ! absolute (c->linux_->masked_paths[i]);
}

static size_t
n_readonly (const struct oci_config *c)
{
  return lin (c)->n_readonly_paths;
}

static bool
readonly_relative (const struct oci_config *c, size_t i)
{
  return ! absolute (c->linux_->readonly_paths[i]);
}

/* --- the table, in the order of the spec */

static const struct rule rules[] = {
  { "ociVersion", NULL, NULL, version_broken, "must be a version 1.x.y by SemVer 2.0.0", "config.md#specification-version" },
  { "root", NULL, NULL, root_missing, "required but missing", "config.md#root" },
  { "root.path", NULL, NULL, root_path_empty, "must not be empty", "config.md#root" },
  { "mounts[].destination", n_mounts, NULL, destination_empty, "must not be empty", "config.md#mounts" },
  { "mounts[].type", n_mounts, NULL, type_missing, "required unless options have bind, rbind or remount", "config.md#mounts" },
  { "mounts[].type", n_mounts, NULL, bind_missing, "a bind mount needs bind or rbind among its options", "config.md#posix-platform-mounts" },
  { "mounts[].source", n_mounts, NULL, source_missing, "required for a bind mount", "config.md#mounts" },
  { "mounts[].uidMappings", n_mounts, NULL, mount_maps_uneven, "uidMappings and gidMappings need each other", "config.md#posix-platform-mounts" },
  { "process.cwd", NULL, NULL, cwd_relative, "must be an absolute path", "config.md#process" },
  { "process.args", NULL, NULL, args_empty, "must have at least one entry", "config.md#posix-process" },
  { "process.args[0]", NULL, NULL, program_empty, "must not be empty", "config.md#posix-process" },
  { "process.env[]", n_env, NULL, env_unnamed, "must be NAME=VALUE", "config.md#process" },
  { "process.consoleSize", NULL, NULL, console_large, "height and width must be below 65536", "config.md#process" },
  { "process.user.uid", NULL, NULL, uid_none, "4294967295 is no user id", "config.md#posix-platform-user" },
  { "process.user.gid", NULL, NULL, gid_none, "4294967295 is no group id", "config.md#posix-platform-user" },
  { "process.user.additionalGids", NULL, NULL, gids_many, "must have at most 65536 entries", "config.md#posix-platform-user" },
  { "process.user.additionalGids[]", n_gids, NULL, additional_gid_none, "4294967295 is no group id", "config.md#posix-platform-user" },
  { "process.user.umask", NULL, NULL, umask_large, "must be at most 511 (octal 777)", "config.md#posix-platform-user" },
  { "process.rlimits[].type", n_rlimits, NULL, rlimit_twice, "is given twice", "config.md#posix-process" },
  { "process.rlimits[].soft", n_rlimits, NULL, rlimit_soft_above, "must not be above hard", "config.md#posix-process" },
  { "process.oomScoreAdj", NULL, NULL, oom_score_far, "must be from -1000 to 1000", "config.md#linux-process" },
  { "hostname", NULL, NULL, hostname_shared, "needs a uts namespace in linux.namespaces: it would rename the host", "config.md#hostname" },
  { "hostname", NULL, NULL, hostname_long, "must have at most 64 bytes", "config.md#hostname" },
  { "domainname", NULL, NULL, domainname_shared, "needs a uts namespace in linux.namespaces: it would rename the host", "config.md#domainname" },
  { "domainname", NULL, NULL, domainname_long, "must have at most 64 bytes", "config.md#domainname" },
  HOOK_RULES (prestart, "prestart"),
  HOOK_RULES (create_runtime, "createRuntime"),
  HOOK_RULES (create_container, "createContainer"),
  HOOK_RULES (start_container, "startContainer"),
  HOOK_RULES (poststart, "poststart"),
  HOOK_RULES (poststop, "poststop"),
  { "linux.devices", NULL, NULL, devices_many, "must have at most 16384 entries", "config-linux.md#devices" },
  { "linux.devices[].path", n_devices, NULL, device_relative, "must be an absolute path", "config-linux.md#devices" },
  { "linux.devices[].major", n_devices, NULL, device_major_broken, "must be a number from 0 to 4095", "config-linux.md#devices" },
  { "linux.devices[].minor", n_devices, NULL, device_minor_broken, "must be a number from 0 to 1048575", "config-linux.md#devices" },
  { "linux.devices[].uid", n_devices, NULL, device_uid_none, "4294967295 is no user id", "config-linux.md#devices" },
  { "linux.devices[].gid", n_devices, NULL, device_gid_none, "4294967295 is no group id", "config-linux.md#devices" },
  { "linux.resources.devices", NULL, NULL, device_rules_many, "must have at most 16384 entries", "config-linux.md#allowed-device-list" },
  { "linux.resources.devices[].access", n_device_rules, NULL, access_broken, "must be made of r, w and m", "config-linux.md#allowed-device-list" },
  { "linux.maskedPaths[]", n_masked, NULL, masked_relative, "must be an absolute path", "config-linux.md#masked-paths" },
  { "linux.readonlyPaths[]", n_readonly, NULL, readonly_relative, "must be an absolute path", "config-linux.md#readonly-paths" },
};

/* Writes rule R's JSON path for item I into BUF, leaving out its first SKIP bytes.  */
static void
write_path (char *buf, size_t size, const struct rule *r, const struct oci_config *c, size_t i, size_t skip)
{
  const char *path = r->path + skip, *index = strstr (path, "[]");

  if (index == NULL)
    (void) str_copy (buf, size, path);
  else if (r->key)
    (void) snprintf (buf, size, "%.*s[\"%s\"]%s", (int) (index - path), path, r->key (c, i), index + 2);
  else
    (void) snprintf (buf, size, "%.*s[%zu]%s", (int) (index - path), path, i, index + 2);
}

static void
check_rule (const struct rule *r, const struct oci_config *c, size_t skip, struct report *report)
{
  size_t n = r->count ? r->count (c) : 1;

  for (size_t i = 0; i < n; i++)
    if (r->broken (c, i))
      {
        char path[sizeof report->breach->path];

        write_path (path, sizeof path, r, c, i, skip);
        report_add (report, path, "%s", r->what);
      }
}

/* Checks the rules of a TABLE of N of which the path begins with PREFIX.  */
static void
check_table (const struct rule *table, size_t n, const struct oci_config *config, const char *prefix, struct report *report)
{
  for (size_t i = 0; i < n; i++)
    if (str_after (table[i].path, prefix))
      check_rule (&table[i], config, strlen (prefix), report);
}

int
rules_check (const struct oci_config *config, const char *text, size_t len, struct err *err)
{
  struct report report = { .text = text, .len = len };

  check_table (rules, sizeof rules / sizeof *rules, config, "", &report);
  check_table (rules_space, rules_n_space, config, "", &report);
  check_table (rules_task, rules_n_task, config, "", &report);
  profile_check (lin (config)->seccomp, &report);
  return report_end (&report, err);
}

int
rules_check_process (const struct oci_process *process, const char *text, size_t len, struct err *err)
{
  struct report report = { .text = text, .len = len };
  struct oci_process copy = *process;
  const struct oci_config config = { .process = &copy };

  check_table (rules, sizeof rules / sizeof *rules, &config, "process.", &report);
  check_table (rules_task, rules_n_task, &config, "process.", &report);
  return report_end (&report, err);
}
