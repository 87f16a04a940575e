/* SPDX-License-Identifier: Apache-2.0 */
/* Inside this room: names of systemd's units, and the cgroups that systemd gives them (systemd.unit(5), systemd.slice(5)).  Pure.  */
#ifndef ORLOP_CGROUP_UNIT_H
#define ORLOP_CGROUP_UNIT_H

#include <stdbool.h>
#include <stddef.h>

struct cgroup_args;
struct err;
struct oci_arena;

enum
{
  UNIT_NAME_MAX = 255 /* bytes, as systemd has it */
};

/* Where a container is by its name in systemd.  */
struct unit_place
{
  const char *slice; /* "machine.slice"; "-.slice" is the root */
  const char *unit;  /* "libpod-x.scope" */
};

/* Takes linux.cgroupsPath "SLICE:PREFIX:NAME" apart: the unit is PREFIX-NAME.scope.  Without a path it is orlop-ID.scope, and without a slice
 * system.slice, or user.slice of the user's own manager.  What may not be in a unit's name is escaped as \xHH, as systemd-escape(1) does.
 * Returns 0, -EINVAL (ERR_SPEC) or -ENOMEM.  */
int unit_plan (const struct cgroup_args *args, struct oci_arena **arena, struct unit_place *ret_place, struct err *err);

/* 0 if NAME can be the name of a slice; else -EINVAL (ERR_SPEC at PLACE).  */
int unit_check_slice (const char *name, const char *place, struct err *err);

/* The cgroup of UNIT in SLICE, below that of systemd's manager, in *ARENA: "a-b.slice" is "/a.slice/a-b.slice".  Returns NULL when memory
 * is short.  */
const char *unit_cgroup (struct oci_arena **arena, const struct unit_place *place);

/* True if PATH is a cgroup that systemd may give to UNIT, whichever its slice.  */
bool unit_has_cgroup (const char *unit, const char *path);

#endif
