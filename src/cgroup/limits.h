/* SPDX-License-Identifier: Apache-2.0 */
/* Limits: what linux.resources becomes in the files of a cgroup.  One table has a row
 * per property with its file on v1 and on v2 and the conversion; docs and `features` can read
 * it too. */
#ifndef ORLOP_CGROUP_LIMITS_H
#define ORLOP_CGROUP_LIMITS_H

#include <stdbool.h>
#include <stddef.h>

struct cgroup;
struct cgroup_args;
struct cgroup_layout;
struct err;
struct oci_resources;

/* When limits are written.  pids comes late: its limit may be 0 or 1, and the container's first process forks once more
 * on its way.  */
enum cgroup_limit_phase
{
  CGROUP_LIMIT_EARLY = 1 << 0, /* before a process is in the cgroup: all but pids */
  CGROUP_LIMIT_LATE = 1 << 1,  /* when the container's first process will fork no more */
  CGROUP_LIMIT_ALL = CGROUP_LIMIT_EARLY | CGROUP_LIMIT_LATE
};

/* Properties of a row.  */
enum
{
  CGROUP_ROW_LATE = 1 << 0,         /* written in CGROUP_LIMIT_LATE */
  CGROUP_ROW_NEXT_FIRST = 1 << 1,   /* after EINVAL the next row goes first: limits that rise together */
  CGROUP_ROW_ZERO_MAY_LACK = 1 << 2 /* for a value of 0 the file may be missing: there is nothing of what it limits */
};

/* One property and what it becomes.  */
struct cgroup_limit_row
{
  const char *where;      /* JSON path below linux.resources: "memory.limit" */
  const char *controller; /* "memory"; of the same name on v1 and v2 */
  const char *v1, *v2;    /* files; NULL: the property has none there */
  /* Formats the value for v2 or v1 into BUF.  Returns its length, or 0 if there is nothing to write.  */
  int (*text) (const struct oci_resources *r, bool v2, char *buf, size_t size);
  unsigned flags; /* CGROUP_ROW_* */
};

/* All rows, in the order in which they are written; ends with a NULL `where`.  Device rules and `unified` are not among them.  */
const struct cgroup_limit_row *cgroup_limit_rows (void);

/* True if R (may be NULL) asks for any limit; device rules do not count.  */
bool cgroup_limits_asked (const struct oci_resources *r);

/* True if TEXT, as a row formats it, is no limit: "max", "-1", and "max" with more.  Such a value needs no controller.  */
bool cgroup_limit_is_none (const char *text);

/* Checks R (may be NULL) against what we can do and this machine has, before anything is made: properties that are not implemented
 * yet, values and device rules that cannot be, `unified` keys that are no file names, controllers that are missing.  Values that mean
 * nothing pass (blockIO.weight 0, disableOOMKiller false, empty objects).  L has been read with what cgroup_want says.
 * The error names the JSON path.  Returns 0, -EINVAL (ERR_SPEC) or -ENOTSUP (ERR_HOST).  */
int cgroup_limits_check (const struct oci_resources *r, const struct cgroup_layout *l, const struct cgroup_args *args,
                         struct err *err);

/* Writes the limits of R (may be NULL) that belong to PHASE; the device rules are written in CGROUP_LIMIT_EARLY, also without R: the default
 * ones then.  On v2 controllers are enabled on the way down only if a file is missing.  FD is the descriptor from cgroup_make or
 * cgroup_open (v2, or -1).  The error names the JSON path.  Returns 0 or negative errno.  */
int cgroup_limit (const struct cgroup *cg, const struct oci_resources *r, int fd, enum cgroup_limit_phase phase,
                  struct err *err);

#endif
