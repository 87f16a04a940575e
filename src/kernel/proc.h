/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime's own procfs, by a handle: opened before anything of a container is mounted or joined, checked to be one, and never left through a
 * link or a mount (CVE-2019-16884, CVE-2025-52881).  child-safe */
#ifndef ORLOP_KERNEL_PROC_H
#define ORLOP_KERNEL_PROC_H

struct err;

/* Opens PATH ("/proc"), which must be the root of a procfs: of another file system, or of a part of one that was bound there, what is written would
 * be lost, or be another process's.  Returns a descriptor (O_PATH), -ENOTSUP or another negative errno.  */
int proc_open (const char *path, struct err *err);

/* Opens the file NAME ("self/attr/exec") below the handle PROC with FLAGS.  "self" is a link of the kernel's own; nothing else on the way may be one, or
 * a mount.  Returns a descriptor, -EXDEV (something is mounted there) or another negative errno.  */
int proc_open_file (int proc, const char *name, int flags);

#endif
