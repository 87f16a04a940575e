/* SPDX-License-Identifier: Apache-2.0 */
/* Names of capabilities.  Parent only: the child gets masks (capset.h).  The names are a table of ours and not libcap's: its constructor
 * makes seven system calls in each program that links it, before main.  See capabilities(7). */
#ifndef ORLOP_KERNEL_CAPS_H
#define ORLOP_KERNEL_CAPS_H

#include "base/names.h"

/* Every capability of the kernel headers that we were written for, "CAP_CHOWN" first, by rising number without a gap.  */
extern const struct name caps_names[];

/* Finds NAME ("CAP_KILL", exactly as the spec writes it).  Returns 0 and sets *ret_cap, or -ENOENT.  */
int caps_parse (const char *name, unsigned *ret_cap);

#endif
