/* SPDX-License-Identifier: Apache-2.0 */
/* What this machine is: the facts that a plan depends on, read once and only as far
 * as the document needs them, or given as text by a test. */
#ifndef ORLOP_PLAN_HOST_H
#define ORLOP_PLAN_HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct cgroup; /* cgroup/cgroup.h */
struct cgroup_layout;
struct err;
struct idmap_maps; /* kernel/idmap.h */

struct host
{
  uid_t euid;                 /* ours; read only where CAP_SETGID is missing, else 0 */
  gid_t egid;
  bool in_user_ns;            /* we run in a user namespace ourselves, or unprivileged: no mknod, limits on mounts */
  bool setgroups_denied;      /* in our user namespace, and so in all below it, read only in one that we are root of; or where host_probe_groups looked */
  unsigned last_cap;          /* highest capability of this kernel */
  uint64_t permitted, bounding; /* our own capabilities */
  bool apparmor, selinux;     /* at work; read by host_probe_labels alone */
  bool mounts_foreign;        /* our mount namespace is not our user namespace's: we may mount nothing there; found by host_probe_mounts */
  bool mount_api;             /* fsopen and its family exist (Linux 5.2; mount_setattr 5.12) */
  const struct idmap_maps *joined; /* maps of the user namespace that is joined by path, or NULL: none, or unknown */
  char resctrl[256];          /* where resctrl is mounted, or ""; looked for with linux.intelRdt only */
  const struct cgroup_layout *layout; /* hierarchies, cgroup v1 or v2 */
  const struct cgroup *cgroup; /* the container's own cgroup as cgroup_plan made it, or NULL (no cgroup) */
};

/* Reads what is cheap (ids, capabilities by one capget and the running kernel's last capability); the layout and the cgroup are the
 * caller's to set.  Returns 0 or negative errno.  */
int host_read (struct host *h, struct err *err);

/* Asks the kernel itself for mount_api, which host_read may take from its age: a filter can hide the calls (containers in containers).  For
 * plans in which it decides who opens the mounts: those with a user namespace.  One call; for root of a user namespace three more, for
 * mounts_foreign.  */
void host_probe_mounts (struct host *h);

/* Asks whether setgroups is denied in the user namespace of PID, for exec where the container has one of its own: its maps do not tell, for it may have been
 * denied further up.  Who PID is need not be certain: a wrong answer is the kernel's EPERM later.  Three calls.  */
void host_probe_groups (struct host *h, pid_t pid);

/* Asks whether AppArmor and SELinux are there: for documents that want a label.  A call for each.  */
void host_probe_labels (struct host *h);

/* Looks for resctrl among the mounts: many calls, for documents with linux.intelRdt only.  None is no error.  Returns 0 or negative errno.  */
int host_read_resctrl (struct host *h, struct err *err);

/* Reads the facts from lines `name value` (tests): euid, egid, in_user_ns, setgroups_denied, mounts_foreign, last_cap, permitted, bounding, mount_api, apparmor, selinux,
 * resctrl.
 * Returns 0 or negative errno.  */
int host_parse (const char *text, struct host *h, struct err *err);

#endif
