/* SPDX-License-Identifier: Apache-2.0 */
/* Device nodes: made with mknod, or where that is not allowed (user namespaces) by
 * attaching a clone of the host's node.  child-safe, see mknod(2). */
#ifndef ORLOP_KERNEL_DEVICE_H
#define ORLOP_KERNEL_DEVICE_H

#include <stddef.h>
#include <sys/types.h>

struct err;

enum
{
  DEVICE_MAJOR_MAX = (1 << 12) - 1, /* what Linux has: mknod(2) and the files of cgroups take a greater one for another */
  DEVICE_MINOR_MAX = (1 << 20) - 1,
  DEVICE_LIST_MAX = 16384 /* of a document, and rules on them: more than any machine lists; each is compared with the others */
};

struct device
{
  const char *path;       /* relative to the root: "dev/null" */
  mode_t mode;            /* type and permissions: S_IFCHR | 0666; S_IFIFO: no numbers */
  unsigned major, minor;
  uid_t uid;
  gid_t gid;
};

/* The devices that every container has (config-linux.md, "Default Devices"): null zero full random urandom tty.  */
extern const struct device device_defaults[];

/* How many.  */
extern const size_t device_n_defaults;

/* Makes D as NAME in the directory DIR; the caller has cleared the umask.  A node of the same type and number may be there already and gets
 * mode and owner; anything else is -EEXIST (config-linux.md: "the runtime MUST generate an error").  Returns 0 or negative errno.  */
int device_make (int dir, const char *name, const struct device *d, struct err *err);

/* Shows the host's node of D (at the same path of the host, checked to be that very device) as NAME in the directory DIR: an empty file, or
 * the device itself, is covered by a clone; anything else is -EEXIST.  Mode and owner are the host's.  Returns 0 or negative errno.  */
int device_bind (int dir, const char *name, const struct device *d, struct err *err);

/* Checks that MNT, a clone of PATH of the host, is the device D.  Returns 0 or negative errno.  */
int device_check (int mnt, const char *path, const struct device *d, struct err *err);

/* device_bind for who has the clone, MNT, and has checked it.  */
int device_attach (int dir, const char *name, const struct device *d, int mnt, struct err *err);

/* Whether NAME in the directory DIR is the device D.  Returns 1, 0 (something else is there) or negative errno.  */
int device_there (int dir, const char *name, const struct device *d);

#endif
