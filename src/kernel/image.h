/* SPDX-License-Identifier: Apache-2.0 */
/* A program held in memory made executable: a sealed memfd, so that whatever runs it can not change it nor find a file of
 * the host behind it (CVE-2019-5736).  Parent only, see memfd_create(2), execveat(2). */
#ifndef ORLOP_KERNEL_IMAGE_H
#define ORLOP_KERNEL_IMAGE_H

#include <stddef.h>

struct err;

/* Puts the LEN bytes of ELF into a sealed, executable, close-on-exec memfd.  Without MFD_EXEC (before Linux 6.3: EINVAL) it is
 * made without.  Returns the descriptor, fit for execveat with AT_EMPTY_PATH, or negative errno: -EACCES when
 * vm.memfd_noexec forbids it and -ENOSYS without memfd, for which image_open_at is the fallback.  */
int image_open (const void *elf, size_t len, struct err *err);

/* The fallback: the same in an unnamed file (O_TMPFILE) of the directory DIRFD, mode 0500, opened again for reading only.  It can not be sealed, so
 * a container's root who is also the host's could write to it, but it is one run's copy and has no name.
 * Returns the descriptor or negative errno.  */
int image_open_at (int dirfd, const void *elf, size_t len, struct err *err);

#endif
