/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts by mount(2), for kernels before 5.12 and where a filter hides the new calls.  It has no detached mounts, so what is made
 * waits attached in a private corner of our own mount namespace, a tmpfs on /proc/fs, until it is moved: handles mean the
 * same in both ways, and no name inside the root is resolved twice.  Only in a mount namespace of our own.  child-safe */
#ifndef ORLOP_KERNEL_MOUNT_OLD_H
#define ORLOP_KERNEL_MOUNT_OLD_H

#include <stdbool.h>
#include <stdint.h>

struct err;

/* True once anything here has made a mount: what is open since then leads to the host's.  */
bool mount_old_used (void);

/* Makes a waiting mount of a new FSTYPE; FLAGS is MS_*.  SOURCE and DATA may be NULL.  Returns its handle (O_PATH) or negative errno.  */
int mount_old_make (const char *fstype, const char *source, unsigned long flags, const char *data, struct err *err);

/* As mount_clone, or without FOLLOW as mount_clone_link: the clone waits.  Returns its handle (O_PATH) or negative errno.  */
int mount_old_clone (int dirfd, const char *path, bool follow, bool recursive, struct err *err);

/* As mount_attach: moves the waiting MNT onto TARGET.  */
int mount_old_attach (int mnt, int target, struct err *err);

/* As mount_attach_at.  A link in the place of NAME is -EINVAL for a directory.  */
int mount_old_attach_at (int mnt, int dirfd, const char *name, struct err *err);

/* As mount_set.  With RECURSIVE, mounts on procfs, sysfs and cgroups are found in mountinfo and changed one by one; -ENOTSUP when another covers
 * one, and, MNT itself changed, for mounts on other file systems, whose owners could hide them.  A waiting mount may get another in its place.  */
int mount_old_set (int mnt, uint64_t set, uint64_t clear, uint64_t propagation, bool recursive, struct err *err);

/* The same, but for attributes below, for ROOT that is our root by now: its names, and so those of descriptors in /proc, are the container's.  */
int mount_old_set_root (int root, uint64_t set, uint64_t propagation, bool recursive, struct err *err);

/* Makes read-only MNT and, of what is mounted below it, the cgroups alone: others may be out of reach.  Returns 0 or negative errno.  */
int mount_old_close_cgroups (int mnt, struct err *err);

#endif
