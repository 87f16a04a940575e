/* SPDX-License-Identifier: Apache-2.0 */
/* Device rules of a container that exists, with those of single devices changed.  */
#ifndef ORLOP_LAUNCH_DEVICE_RULES_H
#define ORLOP_LAUNCH_DEVICE_RULES_H

#include <stddef.h>

struct err;
struct node;
struct oci_arena;
struct oci_resources;
struct record_dir;

/* Gives R a list of rules in *ARENA: its own, or if it has none those that hold (record_devices), without those that are for exactly one of the N NODES,
 * and with one for each at the end.  Nothing for no nodes.  Returns 0, -EINVAL for a device that no rule can take away, or negative errno.  */
int device_rules_change (const struct record_dir *dir, struct oci_arena **arena, const struct node *nodes, size_t n, struct oci_resources *r,
                         struct err *err);

#endif
