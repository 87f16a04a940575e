/* SPDX-License-Identifier: Apache-2.0 */
/* Properties of a unit: what linux.resources and annotations become in systemd's words.  Pure.  */
#ifndef ORLOP_CGROUP_UNIT_PROPS_H
#define ORLOP_CGROUP_UNIT_PROPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cgroup/limits.h" /* enum cgroup_limit_phase */

struct err;
struct oci_arena;
struct oci_pair;
struct oci_resources;
struct variant;

/* Annotations that are properties begin with this.  */
#define UNIT_ANNOTATION "org.systemd.property."

enum
{
  UNIT_PERIOD_DEFAULT = 100000 /* microseconds: the kernel's own for cpu.max */
};

struct unit_property
{
  const char *name;
  const struct variant *value;
};

/* A list that grows, in *ARENA.  */
struct unit_properties
{
  struct oci_arena **arena;
  struct unit_property *list;
  size_t n, size;
};

/* Appends NAME with VALUE; a single value takes the place of an earlier one of the name.  VALUE NULL: memory was short when it was made.
 * Returns 0 or -ENOMEM with ERR filled.  */
int unit_props_add (struct unit_properties *props, const char *name, const struct variant *value, struct err *err);

/* The value of NAME, or NULL.  */
const struct variant *unit_props_find (const struct unit_properties *props, const char *name);

/* Appends what R (may be NULL) asks for in PHASE, by the table of limits.c, those files of `unified` among it that systemd would
 * write, too; UPDATE as in struct cgroup_limit_ask.  PERIOD is what the cgroup has, for a quota without one.  Values that systemd has no words for are left out:
 * they are written into the files like all others.  Returns 0 or negative errno.  */
int unit_props_limits (struct unit_properties *props, const struct oci_resources *r, enum cgroup_limit_phase phase, bool update, uint64_t period,
                       struct err *err);

/* Appends those of N annotations that begin with UNIT_ANNOTATION.  Their values are in GVariant's text format (variant.h).  As in runc a name
 * that ends in Sec means seconds: systemd has it as USec on the bus.  Returns 0, -EINVAL (ERR_SPEC) with the annotation as place, or -ENOMEM.  */
int unit_props_annotations (struct unit_properties *props, const struct oci_pair *annotations, size_t n, struct err *err);

#endif
