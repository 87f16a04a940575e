/* SPDX-License-Identifier: Apache-2.0 */
/* User and group id mappings of a user namespace: checked, looked up, written from outside, or handed to the
 * set-user-ID helpers newuidmap and newgidmap.  See user_namespaces(7). */
#ifndef ORLOP_KERNEL_IDMAP_H
#define ORLOP_KERNEL_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

/* SIZE ids from INSIDE on are the ids from OUTSIDE on of the parent namespace.  */
struct idmap
{
  uint32_t inside, outside, size;
};

/* Most extents that the kernel takes (Linux 4.15).  */
enum
{
  IDMAP_MAX = 340
};

/* Checks the N extents as the kernel will: none empty, none past 4294967294, no overlap on either side, at most IDMAP_MAX, text
 * shorter than a page.  WHERE is the JSON path of the list, for the error.  Returns 0 or -EINVAL.  child-safe */
int idmap_check (const char *where, const struct idmap *maps, size_t n, struct err *err);

/* The outside id of the inside ID, or -1 when it is not mapped.  child-safe */
int64_t idmap_translate (const struct idmap *maps, size_t n, uint32_t id);

/* True if the N extents are what an unprivileged process may write itself: its own ID alone, once.  child-safe */
bool idmap_is_own (const struct idmap *maps, size_t n, uint32_t id);

/* Writes the maps of the process whose /proc/PID directory is PROC_PID_DIRFD, who must be the first in a fresh user namespace.
 * Without SETGROUPS_ALLOWED, "deny" is written to setgroups before gid_map: an unprivileged writer must, and otherwise dropping
 * a group could grant what a negative permission denies (CVE-2014-8989).  A list that is empty is not written.  One write per file,
 * as the kernel demands.  Returns 0 or negative errno (-EPERM: the writer needs CAP_SETUID, CAP_SETGID in the parent namespace or
 * a map of its own id alone).  child-safe */
int idmap_write (int proc_pid_dirfd, const struct idmap *uid, size_t n_uid, const struct idmap *gid, size_t n_gid,
                 bool setgroups_allowed, struct err *err);

/* A user namespace with these maps and nobody in it, for id-mapped mounts.  Clones a process that ends before it returns.  Returns its descriptor,
 * or negative errno (-EPERM: the maps need privilege).  Parent only.  */
int idmap_userns (const struct idmap *uid, size_t n_uid, const struct idmap *gid, size_t n_gid, struct err *err);

/* The maps of a user namespace, as our own namespace sees the outside.  */
struct idmap_maps
{
  struct idmap uid[IDMAP_MAX], gid[IDMAP_MAX];
  size_t n_uid, n_gid;
  bool setgroups; /* is allowed in it */
};

/* Takes the text of a uid_map or gid_map apart.  Returns how many extents, at most IDMAP_MAX, or -EPROTO.  */
int idmap_parse (const char *text, struct idmap *ret_maps);

/* Reads the maps of the user namespace USERNS, whose path is NAME.  Only its members show them: who is named
 * by /proc/PID/ns/user is asked; else it clones a process that enters it and ends before it returns.  Returns 0
 * or negative errno (-EPERM: we may not enter it).  Parent only.  */
int idmap_read (int userns, const char *name, struct idmap_maps *ret_maps, struct err *err);

/* Writes the maps of PID through newuidmap and newgidmap, found on PATH, for callers without CAP_SETUID: they allow what
 * /etc/subuid and /etc/subgid grant to the user.  PID must be held by the caller (a child not yet reaped).  An empty list is
 * passed over.  Forks, waits, and puts what the helper says on its standard error into ERR.  Returns 0, -ENOENT (no helper
 * installed), -EPERM (it refused), or another negative errno.  Parent only.  */
int idmap_helper (pid_t pid, const struct idmap *uid, size_t n_uid, const struct idmap *gid, size_t n_gid, struct err *err);

#endif
