/* SPDX-License-Identifier: Apache-2.0 */
/* Properties of a unit: what linux.resources and annotations become in systemd's words.  Pure.  */
#ifndef ORLOP_CGROUP_UNIT_PROPS_H
#define ORLOP_CGROUP_UNIT_PROPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cgroup/limits.h" /* enum cgroup_limit_phase */

struct cgroup;
struct device_rules;
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
  const char *annotation; /* by whose key it was asked for, or NULL */
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

/* What of the resources is asked for, and in which words.  */
struct unit_ask
{
  const struct cgroup *cg; /* where a controller is in a v1 hierarchy the words are those for v1; NULL: cgroup v2 alone */
  enum cgroup_limit_phase phase;
  bool update;     /* as in struct cgroup_limit_ask */
  bool oom_policy; /* the unit can be given OOMPolicy */
  unsigned (*last) (const char *what); /* the greatest number of "cpu" or "node" that the machine can have, for lists that say so; more than BITS_MAX: unknown */
  uint64_t period; /* what the cgroup has, for a quota without one; 0: the kernel's own */
};

/* Appends what R (may be NULL) asks for, by the table of limits.c, those files of `unified` among it that systemd would
 * write, too.  Values that systemd has no words for are left out:
 * they are written into the files like all others.  Returns 0 or negative errno.  */
int unit_props_limits (struct unit_properties *props, const struct oci_resources *r, const struct unit_ask *ask, struct err *err);

/* Appends the device RULES, as cgroup_device_rules_reduce leaves them, in the place of those that the unit has: on v1 systemd writes its own over ours
 * whenever it sets anything.  Returns 0 or negative errno, as of unit_props_devices_check.  */
int unit_props_devices (struct unit_properties *props, const struct device_rules *rules, struct err *err);

/* 0 if systemd has words for the reduced RULES; else -ENOTSUP.  */
int unit_props_devices_check (const struct device_rules *rules, struct err *err);

/* Appends those of N annotations that begin with UNIT_ANNOTATION.  Their values are in GVariant's text format (variant.h).  As in runc a name
 * that ends in Sec means seconds: systemd has it as USec on the bus.  Returns 0, -EINVAL (ERR_SPEC) with the annotation as place, or -ENOMEM.  */
int unit_props_annotations (struct unit_properties *props, const struct oci_pair *annotations, size_t n, struct err *err);

#endif
