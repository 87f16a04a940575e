/* SPDX-License-Identifier: Apache-2.0 */
/* Filters of system calls and the kernel: loading a program that somebody has compiled.  See seccomp(2).  child-safe */
#ifndef ORLOP_KERNEL_SECCOMP_H
#define ORLOP_KERNEL_SECCOMP_H

#include <linux/filter.h>
#include <stddef.h>

struct err;

/* Loads the N instructions of CODE (at most FILTER_MAX) for this thread, for good.  Needs no_new_privs, or CAP_SYS_ADMIN in our user namespace (-EACCES).
 * FLAGS are SECCOMP_FILTER_FLAG_*; -EINVAL: the kernel does not know one of them, or does not take the program.  With
 * SECCOMP_FILTER_FLAG_NEW_LISTENER the answer is the listener, close-on-exec.  Whatever is called from here on is filtered.
 * Returns 0, a descriptor or negative errno.  */
int seccomp_load (const struct sock_filter *code, size_t n, unsigned flags, struct err *err);

/* Asks whether the kernel has seccomp(2) and knows FLAGS; loads nothing.  Returns 0 or negative errno.  */
int seccomp_check (unsigned flags, struct err *err);

#endif
