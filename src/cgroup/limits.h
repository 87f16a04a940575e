/* SPDX-License-Identifier: Apache-2.0 */
/* Limits: what linux.resources becomes in the files of a cgroup.  One table has a row
 * per property with its file on v1 and on v2, its systemd property and the conversion; docs/cgroups.md is made from it. */
#ifndef ORLOP_CGROUP_LIMITS_H
#define ORLOP_CGROUP_LIMITS_H

#include <stdbool.h>
#include <stddef.h>

#include "cgroup/dir.h" /* CGROUP_FILE_MAX */

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
  CGROUP_ROW_LATE = 1 << 0, /* written in CGROUP_LIMIT_LATE */
  CGROUP_ROW_RETRY
  = 1 << 1, /* after EINVAL once more behind the next row without this: limits that rise or fall together */
  CGROUP_ROW_ZERO_MAY_LACK = 1 << 2, /* for a value of 0 the file may be missing: there is nothing of what it limits */
  CGROUP_ROW_MAY_LACK = 1 << 3,      /* the file may be missing */
  CGROUP_ROW_OR_NEXT = 1 << 4,       /* the next row is for kernels without this file, and only for them */
  CGROUP_ROW_CHECK = 1 << 5          /* not written: the number in the file must be below the value */
};

/* How the text for the file becomes properties of a systemd unit.  */
enum cgroup_unit_kind
{
  CGROUP_UNIT_NONE,   /* not at all: systemd knows nothing like it */
  CGROUP_UNIT_NUMBER, /* "123", "max", "-1" */
  CGROUP_UNIT_SHARES, /* likewise, but systemd's range is that of the kernel, which brings others into it */
  CGROUP_UNIT_BLOCK,  /* a weight of bfq, on v1 */
  CGROUP_UNIT_TASKS,  /* a number, but systemd's least is 1 */
  CGROUP_UNIT_IDLE,   /* "1": CPUWeight=idle */
  CGROUP_UNIT_QUOTA,  /* "QUOTA PERIOD", on v1 "QUOTA": CPUQuotaPerSecUSec and CPUQuotaPeriodUSec */
  CGROUP_UNIT_LIST,   /* "0-3,7" as bits */
  CGROUP_UNIT_WEIGHT, /* "123", "default 123": IOWeight; "MAJOR:MINOR 123": IODeviceWeight */
  CGROUP_UNIT_RATES,  /* "MAJOR:MINOR rbps=1 wiops=2" */
  CGROUP_UNIT_OOM,    /* "1": OOMPolicy=kill */
  CGROUP_UNIT_RATE,   /* v1: "MAJOR:MINOR 123"; 0 is no limit */
  CGROUP_UNIT_DEVICE  /* v1: "MAJOR:MINOR 123" */
};

enum
{
  CGROUP_LIMIT_TEXT_MAX = 4096,
  CGROUP_CONTROLLER_MAX = 32
};

/* What of the resources is to become text, and for which of the dialects.  */
struct cgroup_limit_ask
{
  const struct oci_resources *r;
  size_t i; /* which one of a list */
  bool v2;
  bool update; /* what is the default of a new cgroup is something to say to one that is not new */
};

/* One property and what it becomes.  */
struct cgroup_limit_row
{
  const char *where; /* JSON path below linux.resources: "memory.limit"; [] stands for the index */
  const char *v1,
      *v2; /* files, which begin with their controllers' names; * stands for `part`; NULL: the property has none there */
  const char *unit_v1, *unit; /* properties of a systemd unit on v1 and v2, which are set besides the file; NULL: the file alone */
  /* Formats the value into BUF.  Returns its length, or 0 if there is nothing to write.  */
  int (*text) (const struct cgroup_limit_ask *ask, char *buf, size_t size);
  unsigned flags;                                                /* CGROUP_ROW_* */
  enum cgroup_unit_kind unit_v1_kind, unit_kind;
  size_t (*count) (const struct oci_resources *r);               /* of a list; NULL: one */
  const char *(*part) (const struct oci_resources *r, size_t i); /* of the file's name */
  const char *(*key) (const struct oci_resources *r, size_t i);  /* of maps: what stands in [] */
};

/* All rows, in the order in which they are written; ends with a NULL `where`.  Device rules and `unified` are not among them.  */
const struct cgroup_limit_row *cgroup_limit_rows (void);

/* How many values ROW has in R.  */
size_t cgroup_limit_count (const struct cgroup_limit_row *row, const struct oci_resources *r);

/* Writes the JSON path of the I-th value of ROW into BUF.  */
void cgroup_limit_where (const struct cgroup_limit_row *row, const struct oci_resources *r, size_t i, char *buf,
                         size_t size);

/* Writes the name of the file for the value into BUF.  Returns 0; -ENOTSUP: ROW has none on this version of cgroups; or -ENAMETOOLONG.  */
int cgroup_limit_file (const struct cgroup_limit_row *row, const struct cgroup_limit_ask *ask, char *buf, size_t size);

/* Writes the name of the controller of ROW on v1 or v2 into BUF; where v2 has none, that of v1.  */
void cgroup_limit_controller (const struct cgroup_limit_row *row, bool v2, char buf[static CGROUP_CONTROLLER_MAX]);

/* True if every container may use the device, whatever its rules say.  TYPE is 'c' or 'b'.  */
bool cgroup_device_is_default (char type, unsigned major, unsigned minor);

/* The controller whose files the name KEY of `unified` is one of, into BUF; "" for none: files of the kernel's core and pressure files need none, and names
 * without a dot are of no controller that we know, and written all the same (config-linux.md, "Unified").  */
void cgroup_unified_controller (const char *key, char buf[static CGROUP_FILE_MAX + 1]);

/* True if R (may be NULL) asks for any limit; device rules do not count.  */
bool cgroup_limits_asked (const struct oci_resources *r);

/* True if TEXT, as a row formats it, is no limit: "max", "-1", and "max" with more.  Such a value needs no controller.  */
bool cgroup_limit_is_none (const char *text);

/* Checks values and device rules that cannot be, whatever the machine, and `unified` keys that are no file names.  R may be NULL.
 * Returns 0 or -EINVAL (ERR_SPEC) with the JSON path.  */
int cgroup_limits_check_values (const struct oci_resources *r, struct err *err);

/* Checks R (may be NULL) against what this machine has, before anything is made: cgroup_limits_check_values; controllers that are missing;
 * properties that are set and that the hierarchy of this machine cannot have (config-linux.md, "Unified", wants an error for what
 * is not converted).  Values that mean nothing pass (blockIO.weight 0, disableOOMKiller false, empty objects).  L has been read with
 * what cgroup_want says.  The error names the JSON path.  Returns 0, -EINVAL (ERR_SPEC) or -ENOTSUP (ERR_HOST).  */
int cgroup_limits_check (const struct oci_resources *r, const struct cgroup_layout *l, const struct cgroup_args *args,
                         struct err *err);

/* Writes the limits of R (may be NULL) that belong to PHASE to a new cgroup; the device rules are written in CGROUP_LIMIT_EARLY, also without R: the
 * default ones then.  On v2 controllers are enabled on the way down only if a file is missing.  FD is the descriptor from cgroup_make or
 * cgroup_open (v2, or -1).  The error names the JSON path.  Returns 0; -EBUSY: memory.checkBeforeUpdate, and the use is not below the limit; or negative errno.  */
int cgroup_limit (const struct cgroup *cg, const struct oci_resources *r, int fd, enum cgroup_limit_phase phase,
                  struct err *err);

/* Changes limits of a cgroup that is in use to those that R has; the others stay, and so do device rules unless R has some.  What one property
 * needs of another that R has not is read from the cgroup: the limit of memory for memory.swap, on v2 the quota for cpu.period.
 * All is checked before anything is written, with L as of cgroup_limits_check and the annotations of ARGS, those of create; when the kernel refuses
 * a value, those that were written before it are written back.  The error names the JSON path.  Returns as cgroup_limit.  */
int cgroup_update (const struct cgroup *cg, const struct oci_resources *r, const struct cgroup_layout *l, const struct cgroup_args *args,
                   struct err *err);

#endif
