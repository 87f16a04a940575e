/* SPDX-License-Identifier: Apache-2.0 */
/* What this build supports; see features.h.  Claims only what is implemented. */
#include "plan/features.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "kernel/caps.h"
#include "kernel/filter.h"
#include "kernel/mntopt.h"
#include "kernel/ns.h"
#include "kernel/numa.h"
#include "kernel/sys.h"
#include "ocispec/features.h"
#include "ocispec/names.h"
#include "plan/annotations.h"

enum
{
  LIST_MAX = 128
};

/* Lists in the making.  */
struct lists
{
  const char *namespaces[LIST_MAX], *caps[LIST_MAX], *options[LIST_MAX], *hooks[LIST_MAX];
  size_t n_namespaces, n_caps, n_options, n_hooks;
  const char *modes[LIST_MAX], *mode_flags[LIST_MAX];
  size_t n_modes, n_mode_flags;
  const char *unsafe[LIST_MAX];
  size_t n_unsafe;
  const char *actions[LIST_MAX], *operators[LIST_MAX], *archs[LIST_MAX], *flags[LIST_MAX], *old_flags[LIST_MAX];
  size_t n_actions, n_operators, n_archs, n_flags, n_old_flags;
};

static void
add (const char **list, size_t *n, const char *name)
{
  if (*n + 1 < LIST_MAX)
    list[(*n)++] = name;
}

static void
fill (struct lists *l)
{
  for (const struct ns_type *t = ns_types; t->name; t++)
    add (l->namespaces, &l->n_namespaces, t->name);
  for (const struct name *c = caps_names; c->name; c++)
    add (l->caps, &l->n_caps, c->name);
  for (const struct mntopt_row *r = mntopt_rows (); r->name; r++)
    add (l->options, &l->n_options, r->name);
  for (const char *const *h = oci_hook_names; *h; h++)
    add (l->hooks, &l->n_hooks, *h);
  for (const struct name *m = numa_modes; m->name; m++)
    add (l->modes, &l->n_modes, m->name);
  for (const struct name *m = numa_flags; m->name; m++)
    add (l->mode_flags, &l->n_mode_flags, m->name);
  for (const struct annotation *a = annotations_known; a->name; a++)
    add (l->unsafe, &l->n_unsafe, a->name);
}

/* Flags that every kernel we run on has (5.4): the text must not depend on the machine, and what is supported must work.  */
static bool
old_flag (const char *name)
{
  return strcmp (name, "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV") != 0; /* 5.19 */
}

static void
fill_seccomp (struct lists *l, struct oci_features_seccomp *s)
{
  static bool on = HAVE_SECCOMP;

  *s = (struct oci_features_seccomp){ .enabled = &on };
  if (! HAVE_SECCOMP)
    return;
  for (const struct name *n = filter_actions; n->name; n++)
    add (l->actions, &l->n_actions, n->name);
  for (const struct name *n = filter_operators; n->name; n++)
    add (l->operators, &l->n_operators, n->name);
  for (const char *const *a = oci_seccomp_arch_names; *a; a++)
    add (l->archs, &l->n_archs, *a);
  for (const struct name *n = filter_flags; n->name; n++)
    {
      add (l->flags, &l->n_flags, n->name);
      if (old_flag (n->name))
        add (l->old_flags, &l->n_old_flags, n->name);
    }
  *s = (struct oci_features_seccomp){
    .enabled = &on, .actions = l->actions, .n_actions = l->n_actions, .operators = l->operators, .n_operators = l->n_operators,
    .archs = l->archs, .n_archs = l->n_archs, .known_flags = l->flags, .n_known_flags = l->n_flags,
    .supported_flags = l->old_flags, .n_supported_flags = l->n_old_flags };
}

int
features_make (char **ret_json, struct err *err)
{
  static bool yes = true;
  struct oci_pair annotations[] = { { "org.opencontainers.runc.checkpoint.enabled", "true" } };
  struct oci_feature on = { .enabled = &yes };
  struct oci_features_cgroup cgroup = { .v1 = &yes, .v2 = &yes, .systemd = &yes, .systemd_user = &yes, .rdma = &yes };
  struct oci_features_seccomp seccomp;
  struct oci_features_intel_rdt rdt = { .enabled = &yes, .schemata = &yes, .monitoring = &yes };
  struct oci_features_mount_extensions extensions = { .idmap = &on };
  struct oci_features_memory_policy memory = { .n_modes = 0 };
  struct lists l = { .n_hooks = 0 };
  struct oci_features_linux lin = { .cgroup = &cgroup, .seccomp = &seccomp, .apparmor = &on, .selinux = &on,
                                    .intel_rdt = &rdt, .mount_extensions = &extensions, .net_devices = &on, .memory_policy = &memory };
  struct oci_features f = { .oci_version_min = "1.0.0", .oci_version_max = "1.3.0", .linux_ = &lin,
                            .annotations = annotations, .n_annotations = 1 };
  int ret;

  fill (&l);
  fill_seccomp (&l, &seccomp);
  memory = (struct oci_features_memory_policy){ l.modes, l.n_modes, l.mode_flags, l.n_mode_flags };
  lin.namespaces = l.namespaces;
  lin.n_namespaces = l.n_namespaces;
  lin.capabilities = l.caps;
  lin.n_capabilities = l.n_caps;
  f.mount_options = l.options;
  f.n_mount_options = l.n_options;
  f.hooks = l.hooks;
  f.n_hooks = l.n_hooks;
  f.potentially_unsafe_config_annotations = l.unsafe;
  f.n_potentially_unsafe_config_annotations = l.n_unsafe;
  ret = oci_encode (&oci_features_type, &f, true, ret_json, NULL);
  return ret < 0 ? err_sys (err, -ret, "malloc", "features") : 0;
}
