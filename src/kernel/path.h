/* SPDX-License-Identifier: Apache-2.0 */
/* Names inside a root file system that belongs to an attacker: resolved once, beneath
 * the root's handle, links staying inside; then only the handle is used.  Never a host path.
 * By openat2(2) with RESOLVE_IN_ROOT (Linux 5.6), else by walking from component to
 * component.  child-safe */
#ifndef ORLOP_KERNEL_PATH_H
#define ORLOP_KERNEL_PATH_H

#include <stdbool.h>
#include <sys/types.h>

struct err;

/* Opens the existing PATH inside ROOT with open(2) FLAGS (O_CLOEXEC is added).  A leading slash means ROOT, "" is ROOT itself; symbolic
 * links, absolute ones and "..", stay inside; magic links of procfs are refused.  Returns the descriptor or negative errno.  */
int path_open (int root, const char *path, int flags, struct err *err);

/* As path_open in our own root, where links lead anywhere in it anyway, for PATH from there: magic links are refused.  Returns the descriptor or
 * negative errno, without an error for people.  */
int path_open_here (const char *path, int flags);

/* As path_open by walking alone: what path_open does on kernels without openat2.  */
int path_open_walk (int root, const char *path, int flags, struct err *err);

/* Opens the directory PATH inside ROOT, making what is missing with MODE (a dangling link: what it points to, inside).  Returns an O_PATH
 * descriptor or negative errno; -ENOTDIR: something else is there.  One call when it exists.  */
int path_make_dir (int root, const char *path, mode_t mode, struct err *err);

/* Opens PATH inside ROOT, making missing parents (0755) and an empty regular file with MODE.  Anything but a directory may be there
 * already.  Returns an O_PATH descriptor or negative errno; -EISDIR.  */
int path_make_file (int root, const char *path, mode_t mode, struct err *err);

/* Opens the directory that holds the last component of PATH (made, 0755, with MAKE); *RET_LAST points to that component
 * in PATH.  -EINVAL when it is empty, "." or "..".  Returns an O_PATH descriptor or negative errno.  */
int path_parent (int root, const char *path, bool make, const char **ret_last, struct err *err);

#endif
