/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime's own procfs, by a handle: made for us and attached nowhere, or the host's, which is opened before anything of a container is mounted
 * or joined, and checked to be one.  It is never left through a link or a mount (CVE-2019-16884, CVE-2025-52881).  child-safe */
#ifndef ORLOP_KERNEL_PROC_H
#define ORLOP_KERNEL_PROC_H

#include <stdbool.h>

struct err;

/* Makes a procfs of the pid namespace that we are in, attached nowhere: with kernel parameters ("sys", and all else) if PARAMETERS, else, from Linux 5.8 on,
 * with the files of processes alone.  Returns its descriptor or negative errno: -ENOSYS before Linux 5.2, -EPERM without the privilege.  */
int proc_make (bool parameters, struct err *err);

/* As proc_make, and where the kernel (-ENOSYS) or the privilege (-EPERM, -EACCES) is missing as proc_open of PATH.  */
int proc_own (bool parameters, const char *path, struct err *err);

/* Opens PATH ("/proc"), which must be the root of a procfs: of another file system, or of a part of one that was bound there, what is written would
 * be lost, or be another process's.  Returns a descriptor (O_PATH), -ENOTSUP or another negative errno.  */
int proc_open (const char *path, struct err *err);

/* Opens the file NAME ("self/attr/exec") below the handle PROC with FLAGS.  "self" is a link of the kernel's own; nothing else on the way may be one, or
 * a mount.  Returns a descriptor, -EXDEV (something is mounted there) or another negative errno.  */
int proc_open_file (int proc, const char *name, int flags);

#endif
