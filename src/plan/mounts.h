/* SPDX-License-Identifier: Apache-2.0 */
/* What the makers of plan->mounts share.  Private to plan_mounts.c and plan_cgroup.c.  */
#ifndef ORLOP_PLAN_MOUNTS_H
#define ORLOP_PLAN_MOUNTS_H

#include "kernel/mntopt.h"
#include "plan/part.h"

struct oci_mount;

/* A mount of the document, taken apart.  */
struct mount_ask
{
  const struct part *part;
  const struct oci_mount *mount;
  size_t index;          /* in the document */
  const char *where;     /* "mounts[3]" */
  const char *target;    /* cleaned */
  struct mntopt opt;     /* its options folded */
  struct mount_opt *data; /* those that the file system is to understand, in order */
  size_t n_data;
  bool *late_readonly;   /* set when a tmpfs is to be made read-only at the end only */
};

/* Appends M to the plan and fills in its parent and name.  Returns 0, -EINVAL (too many mounts) or -ENOMEM.  */
int mounts_add (const struct part *p, struct plan_mount *m, struct err *err);

/* Plans the new mount that ASK describes, as the file system TYPE from SOURCE (may be NULL).  Returns 0 or negative errno.  */
int mounts_add_new (const struct mount_ask *ask, const char *type, const char *source, struct err *err);

/* Plans a bind of the host's absolute path SOURCE at TARGET with the attributes and propagation of ASK; OPTIONAL: a SOURCE that does not
 * exist is passed over.  Returns 0 or negative errno.  */
int mounts_add_bind (const struct mount_ask *ask, const char *source, const char *target, bool optional, struct err *err);

/* A mount of what is mounted already, or that we put together, takes attributes, but no option of a file system: refuses those of ASK, and warns of
 * superblock flags, which mount(8) lets pass, and on a bind of the common data of tmpfs ("size=1m").  Returns 0 or -EINVAL.  */
int mounts_check_foreign (const struct mount_ask *ask, struct err *err);

/* plan_idmap.c: the mapping that M is to have by the options and mappings of ASK: its own, or the container's; the parent makes such
 * mounts.  Nothing where none is asked for.  Returns 0, -EINVAL or -ENOMEM.  */
int mounts_idmap (const struct mount_ask *ask, struct plan_mount *m, struct err *err);

/* plan_cgroup.c: plans a mount of type cgroup: the hierarchies as the container is to see them.  Returns 0 or negative errno.  */
int mounts_add_cgroup (const struct mount_ask *ask, struct err *err);

#endif
