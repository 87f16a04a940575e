/* SPDX-License-Identifier: Apache-2.0 */
/* What this build supports; see features.h.  Claims only what is implemented: what plan_refuse refuses is not listed. */
#include "plan/features.h"

#include <errno.h>

#include "base/err.h"
#include "kernel/caps.h"
#include "kernel/mntopt.h"
#include "kernel/ns.h"
#include "kernel/numa.h"
#include "kernel/sys.h"
#include "ocispec/features.h"
#include "ocispec/names.h"

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
}

int
features_make (char **ret_json, struct err *err)
{
  static bool yes = true, no = false;
  struct oci_pair annotations[] = { { "org.opencontainers.runc.checkpoint.enabled", "false" } };
  struct oci_feature on = { .enabled = &yes };
  struct oci_features_cgroup cgroup = { .v1 = &yes, .v2 = &yes, .systemd = &no, .systemd_user = &no, .rdma = &no };
  struct oci_features_seccomp seccomp = { .enabled = &no };
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
  memory = (struct oci_features_memory_policy){ l.modes, l.n_modes, l.mode_flags, l.n_mode_flags };
  lin.namespaces = l.namespaces;
  lin.n_namespaces = l.n_namespaces;
  lin.capabilities = l.caps;
  lin.n_capabilities = l.n_caps;
  f.mount_options = l.options;
  f.n_mount_options = l.n_options;
  f.hooks = l.hooks;
  f.n_hooks = l.n_hooks;
  ret = oci_encode (&oci_features_type, &f, true, ret_json, NULL);
  return ret < 0 ? err_sys (err, -ret, "malloc", "features") : 0;
}
