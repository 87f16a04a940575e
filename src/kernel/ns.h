/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces: the table of their kinds, opening one by path with a check that it is of
 * the right kind, joining, leaving.  Knows no document and no plan.  child-safe, see
 * namespaces(7), setns(2), ioctl_nsfs(2). */
#ifndef ORLOP_KERNEL_NS_H
#define ORLOP_KERNEL_NS_H

#include <stdbool.h>

struct err;

/* One kind of namespace.  */
struct ns_type
{
  const char *name; /* the spec's word: "network" */
  const char *proc; /* below /proc/PID/ns: "net" */
  int flag;         /* CLONE_NEWNET */
};

/* All kinds in the order in which they are joined, ended by a NULL name: user first, because its capabilities are needed for the
 * others; mount last, because paths of the old one are unreachable afterwards.  */
extern const struct ns_type ns_types[];

/* The kind with the spec's word NAME, or NULL.  child-safe */
const struct ns_type *ns_by_name (const char *name);

/* The kind with the CLONE_NEW* FLAG, or NULL.  child-safe */
const struct ns_type *ns_by_flag (int flag);

enum
{
  NS_KINDS = 8
};

/* Opens those of the namespaces of the process PIDFD that FLAGS are, in the order of ns_types, by their files in PROC, a handle of a procfs that shows
 * it: for kernels before Linux 5.8, where setns takes no pidfd.  Returns how many, or negative errno with none open; -ESRCH: it has ended.  child-safe */
int ns_open_process (int pidfd, int flags, int proc, int fds[NS_KINDS], struct err *err);

/* Opens the namespace at PATH (a file on nsfs, or a bind mount of one) and checks with NS_GET_NSTYPE (Linux 4.11) that it is of the
 * kind FLAG (one CLONE_NEW*).  Returns a close-on-exec descriptor, or negative errno: -EINVAL when it is no namespace or one of
 * another kind (ERR says which).  child-safe */
int ns_open (const char *path, int flag, struct err *err);

/* True if the namespace at PATH belongs to a user namespace that is neither ours nor below ours (NS_GET_USERNS, Linux 4.9): our capabilities mean
 * nothing there.  False as well if it cannot be asked.  child-safe */
bool ns_is_foreign (const char *path);

/* Joins: FD is a namespace of the kind FLAG, or a pidfd and FLAG any union of CLONE_NEW* (Linux 5.8).  NAME is for the error.
 * Process ids change for children only (pid_namespaces(7)).  Returns 0 or negative errno.  child-safe */
int ns_join (int fd, int flag, const char *name, struct err *err);

/* Leaves for new namespaces of the kinds FLAGS (unshare(2)); no call when FLAGS is 0.  Returns 0 or negative errno.  child-safe */
int ns_unshare (int flags, struct err *err);

#endif
