/* SPDX-License-Identifier: Apache-2.0 */
/* All mounts below another, one after the other, from the text of procfs (proc(5), "mountinfo"): for kernels whose mount_setattr(2) cannot
 * change a whole tree.  No memory is taken.  child-safe */
#ifndef ORLOP_KERNEL_MOUNT_BELOW_H
#define ORLOP_KERNEL_MOUNT_BELOW_H

#include <stdbool.h>
#include <sys/types.h>

struct err;

/* Which mounts are meant: of one of the TYPES of file systems (NULL at the end), or of the device DEV, as stat(2) has it.  */
struct mount_kinds
{
  const char *const *types;
  dev_t dev;
};

/* Calls EACH with WHAT and a handle (O_PATH) of the root of every mount of KINDS (NULL: of all) below the attached MNT, a handle of its root; an
 * error of EACH ends it.  Names are opened beneath MNT, and what is opened is compared with the number in the table.  Whoever can rename the
 * directories that the mounts stand on can hide them from this.  Returns 0 or negative errno: -ENOTSUP where another mount covers one.  */
int mount_below (int mnt, const struct mount_kinds *kinds, int (*each) (int mnt, const void *what, struct err *err), const void *what,
                 struct err *err);

/* Whether anything is mounted on the attached MNT: into *RET_ANY.  May be hidden likewise.  Returns 0 or negative errno.  */
int mount_below_any (int mnt, bool *ret_any, struct err *err);

#endif
