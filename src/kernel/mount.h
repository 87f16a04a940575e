/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts by the new interface: made and configured detached, attached once, by handle.
 * See fsopen(2), open_tree(2), mount_setattr(2), move_mount(2), pivot_root(2).  child-safe */
#ifndef ORLOP_KERNEL_MOUNT_H
#define ORLOP_KERNEL_MOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/* One option of a file system.  VALUE NULL: a flag.  */
struct mount_opt
{
  const char *key, *value;
};

/* Makes a detached mount of a new FSTYPE: SOURCE (or NULL) and the N OPTS go to fsconfig in order; ATTR is MOUNT_ATTR_*.  What the
 * kernel says about a refused option is in err->what.  Returns the mount's descriptor or negative errno; -ENOSYS before Linux 5.2, for which
 * mount_old_make is the other way.  */
int mount_make (const char *fstype, const char *source, const struct mount_opt *opts, size_t n, uint64_t attr,
                struct err *err);

/* Clones what is at PATH below DIRFD (AT_FDCWD; or a handle with ""), with all mounts below it if RECURSIVE, as a detached mount.
 * Follows links: for paths of the host only.  By mount(2) on kernels without open_tree: only where the
 * mount namespace is our own.  Returns its descriptor or negative errno.  */
int mount_clone (int dirfd, const char *path, bool recursive, struct err *err);

/* As mount_clone with all mounts below, all of them read-only.  *TWO_CALLS, false at first, remembers that the kernel cannot do it in one
 * (before Linux 6.15).  */
int mount_clone_readonly (int dirfd, const char *path, bool *two_calls, struct err *err);

/* The same as mount_clone in any mount namespace, the host's too: -ENOSYS before Linux 5.2.  */
int mount_clone_detached (int dirfd, const char *path, bool recursive, struct err *err);

/* As mount_clone and mount_clone_detached, for a path of the host whose last component, if it is a link, is cloned itself.  */
int mount_clone_link (const char *path, bool recursive, struct err *err);
int mount_clone_link_detached (const char *path, bool recursive, struct err *err);

/* Maps the owners of files in the detached mount FD as the user namespace USERNS maps ids (MOUNT_ATTR_IDMAP), with RECURSIVE those of all mounts
 * below it, too.  Returns 0 or negative errno: -EINVAL where a file system does not support it, -EPERM for those of other user
 * namespaces.  Linux 5.12.  */
int mount_idmap (int fd, int userns, bool recursive, struct err *err);

/* Attaches the detached MNT onto TARGET, a handle.  Returns 0 or negative errno.  */
int mount_attach (int mnt, int target, struct err *err);

/* Attaches the detached MNT onto NAME below DIRFD; a link in its place is not followed (the kernel refuses it).  NAME is one component.
 * Returns 0 or negative errno.  */
int mount_attach_at (int mnt, int dirfd, const char *name, struct err *err);

/* Attaches MNT, detached or not, over PATH of the host, which is followed.  Returns 0 or negative errno.  */
int mount_attach_over (int mnt, const char *path, struct err *err);

/* Makes the mount that the directory DIR lies in private, and no other.  Returns 0 or negative errno: -EINVAL in a chroot that is no mount.  */
int mount_make_private (int dir, struct err *err);

/* Changes the mount FD: attributes SET and CLEAR (MOUNT_ATTR_*; when SET has an access time mode the old one goes), and
 * PROPAGATION (MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE or 0); all mounts below too if RECURSIVE.  No call when there is nothing to
 * change.  By mount(2) before Linux 5.12: see mount_old_set.  Returns 0 or negative errno.  */
int mount_set (int fd, uint64_t set, uint64_t clear, uint64_t propagation, bool recursive, struct err *err);

/* The same for ROOT that is our root by now, with attributes to SET of it alone, and PROPAGATION, or else with RECURSIVE that of all below, too.  */
int mount_set_root (int root, uint64_t set, uint64_t propagation, bool recursive, struct err *err);

/* Where the mount FD is of the host's sysfs, of a cgroup hierarchy, or the tmpfs at /sys/fs/cgroup, makes it and the mounts below it read-only, before
 * Linux 5.12 of the latter those of cgroups alone.  Nothing is done to others.  Returns 0 or negative errno.  */
int mount_close_cgroups (int fd, struct err *err);

/* The number of the mount that FD is in, as mountinfo has it, into *RET_ID.  Returns 0 or negative errno; -ENOSYS before Linux 5.8.  */
int mount_number (int fd, uint32_t *ret_id, struct err *err);

/* Takes the attached mount whose root FD is, with all that is mounted below it, out of our mount namespace; it ends with its last user.  By the
 * descriptor's own name in PROC, a handle of procfs that is checked, so whatever the path of the mount leads to.  Changes the working
 * directory.  Returns 0 or negative errno: -EINVAL: no root of a mount, or one that is locked to what it is mounted on.  */
int mount_detach (int proc, int fd, struct err *err);

/* Changes the propagation of "/".  Returns 0 or negative errno.  */
int mount_propagate_root (uint64_t propagation, bool recursive, struct err *err);

/* Makes the mount ROOT, which is attached, our root and working directory, and drops the old one with all its mounts.  SHARED: some of those may be
 * shared with another mount namespace, which is to keep them.  Returns 0 or negative errno.  */
int mount_pivot (int root, bool shared, struct err *err);

/* The same where pivot_root(2) is impossible (an initramfs as root): ROOT, attached over "/", is entered by chroot; the old root stays below it.
 * Returns 0 or negative errno.  */
int mount_change_root (int root, struct err *err);

#endif
