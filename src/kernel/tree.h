/* SPDX-License-Identifier: Apache-2.0 */
/* Copies what lies in a directory, by handles: no link is followed, no path built, nothing allocated.  The tree may belong to an
 * attacker; what it holds is copied as it is found.  child-safe */
#ifndef ORLOP_KERNEL_TREE_H
#define ORLOP_KERNEL_TREE_H

#include <stdbool.h>

struct err;

/* Copies all that is below the directory FROM (readable, at its beginning) into the empty directory TARGET: directories, files, links, fifos
 * and devices with owner, mode, extended attributes and times; not sockets, on which nobody would listen.  Files with several names
 * become several files.  Owners that have no id here, and attributes that TARGET's file system does not take, are left out.  TARGET itself gets
 * FROM's mode with MODE and its owner with OWNER.  Returns 0 or negative errno (-ELOOP: more than 100 directories deep).  */
int tree_copy (int from, int target, bool mode, bool owner, struct err *err);

#endif
