/* SPDX-License-Identifier: Apache-2.0 */
/* The config.json that `spec` writes: a container to start from, confined as engines confine theirs.  */
#ifndef ORLOP_PLAN_SPEC_H
#define ORLOP_PLAN_SPEC_H

#include <stdbool.h>
#include <sys/types.h>

struct err;

struct spec_args
{
  bool rootless; /* for an unprivileged user: a user namespace with UID and GID as its root, the host's network, no limits */
  bool cgroup2;  /* this machine has cgroup v2: the container gets a cgroup namespace */
  uid_t uid;
  gid_t gid;
};

/* Makes the document, JSON text that the caller frees.  Returns 0 or negative errno.  */
int spec_make (const struct spec_args *args, char **ret_json, struct err *err);

#endif
