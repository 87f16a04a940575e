/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of which a plan is made, one file each, in the order in which plan_make calls
 * them.  Private to src/plan: others include make.h. */
#ifndef ORLOP_PLAN_PART_H
#define ORLOP_PLAN_PART_H

#include <stdbool.h>
#include <stddef.h>

#include "plan/make.h"
#include "plan/plan.h"

/* What the parts share: given things and the plan in the making.  */
struct part
{
  struct plan_arena *arena;
  const struct oci_config *config;
  const struct oci_process *process; /* of the config or of exec; NULL: none */
  const struct host *host;
  const struct plan_args *args;
  const struct log *log;
  struct plan *plan;
};

/* How a namespace stands.  */
enum part_namespace
{
  NAMESPACE_INHERITED,
  NAMESPACE_NEW,
  NAMESPACE_JOINED
};

/* How the namespace of kind TYPE ("mount") stands in CONFIG.  */
enum part_namespace part_namespace (const struct oci_config *config, const char *type);

/* The arena is full.  Returns -ENOMEM.  */
int part_nomem (struct err *err);

/* plan_root.c: PATH inside the root as a name below it: without "//", "." and "..", which is taken literally as Go's filepath.Clean does,
 * and without a leading slash; "" is the root.  Returns NULL on a full arena.  */
const char *part_clean (struct plan_arena *a, const char *path);

/* plan_root.c: PATH of the host, relative ones below the bundle.  Returns NULL on a full arena.  */
const char *part_host_path (const struct part *p, const char *path);

/* plan_ns.c: plan->ns of create.  Returns 0 or negative errno.  */
int plan_ns (const struct part *p, struct err *err);

/* plan_net.c: plan->net_devices.  Returns 0 or -ENOMEM.  */
int plan_net (const struct part *p, struct err *err);

/* plan_rdt.c: plan->rdt and in_rdt.  Returns 0, -ENOTSUP (linux.intelRdt without resctrl) or -ENOMEM.  */
int plan_rdt (const struct part *p, struct err *err);

/* plan_ns.c: plan->ns of exec.  Returns 0 or negative errno.  */
int plan_ns_exec (const struct part *p, struct err *err);

/* plan_root.c: plan->root, and what is masked and made read-only.  Needs plan->ns.  Returns 0 or negative errno.  */
int plan_root (const struct part *p, struct err *err);

/* plan_root.c: warns where the container can reach what lies below its root.  Needs plan->process.  Returns 0.  */
int plan_root_warn (const struct part *p, struct err *err);

/* The root of exec: its path where no mount namespace leads to it.  Needs plan->ns.  Returns 0 or negative errno.  */
int plan_root_exec (const struct part *p, struct err *err);

/* plan_mounts.c: plan->mounts and the links of cgroup v1.  Needs plan->ns and root.  Returns 0 or negative errno.  */
int plan_mounts (const struct part *p, struct err *err);

/* plan_mounts.c: where PATH, a cleaned path inside the root, is by the mounts so far.  */
struct plan_place part_place (const struct plan *plan, const char *path);

/* plan_cgroup.c: whose the cgroup will be (config-linux.md, "Cgroup ownership").  Needs plan->ns.  Returns 0.  */
int plan_cgroup (const struct part *p, struct err *err);

/* plan_devices.c: the places of devices, links, masked and read-only paths, once all mounts are known.  Returns 0.  */
int plan_places (const struct part *p, struct err *err);

/* plan_devices.c: whether the container has a null device of its own for its standard descriptors.  Needs plan->process, and for create
 * the devices.  Returns 0.  */
int plan_null (const struct part *p, struct err *err);

/* plan_devices.c: room for plan->links.  Returns 0 or -ENOMEM.  */
int plan_links (const struct part *p, struct err *err);

/* plan_devices.c: appends a link; PATH and TO live in the arena.  */
void part_add_link (const struct part *p, const char *path, const char *to, bool replace);

/* plan_devices.c: plan->devices and the links in /dev.  Needs plan->ns and mounts.  Returns 0 or negative errno.  */
int plan_devices (const struct part *p, struct err *err);

/* plan_process.c: plan->process.  Needs plan->ns.  Returns 0 or negative errno.  */
int plan_process (const struct part *p, struct err *err);

/* plan_task.c: scheduling of plan->process, memory policy and personality.  Needs plan->ns.  Returns 0 or negative errno.  */
int plan_task (const struct part *p, struct err *err);

/* plan_labels.c: labels of AppArmor and SELinux.  Before the mounts.  Returns 0 or negative errno.  */
int plan_labels (const struct part *p, struct err *err);

/* plan_seccomp.c: plan->seccomp.  Needs plan->ns.  Returns 0 or negative errno.  */
int plan_seccomp (const struct part *p, struct err *err);

/* plan_hooks.c: plan->hooks.  Returns 0 or negative errno.  */
int plan_hooks (const struct part *p, struct err *err);

#endif
