/* SPDX-License-Identifier: Apache-2.0 */
/* All mounts below another, one after the other, from the text of procfs (proc(5), "mountinfo"): for kernels whose mount_setattr(2) cannot
 * change a whole tree.  No memory is taken.  child-safe */
#ifndef ORLOP_KERNEL_MOUNT_BELOW_H
#define ORLOP_KERNEL_MOUNT_BELOW_H

struct err;

/* Calls EACH with WHAT and a handle (O_PATH) of the root of every mount below the attached MNT, a handle of its root; an error of EACH ends
 * it.  Names are opened beneath MNT, and what is opened is compared with the number in the table.  Returns 0 or negative errno: -ENOTSUP
 * where a mount cannot be reached, for another covers it.  */
int mount_below (int mnt, int (*each) (int mnt, const void *what, struct err *err), const void *what, struct err *err);

#endif
