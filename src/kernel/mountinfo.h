/* SPDX-License-Identifier: Apache-2.0 */
/* The table of the mounts that a process sees, as procfs writes it (proc(5), "mountinfo").  Never a decision: the text may be of a container. */
#ifndef ORLOP_KERNEL_MOUNTINFO_H
#define ORLOP_KERNEL_MOUNTINFO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

/* One mount.  The strings are pieces of the text, what was written in octal put back.  */
struct mountinfo
{
  uint32_t id, parent;
  const char *device;  /* of the file system: "98:0" */
  const char *root;    /* what of the file system is shown */
  const char *point;   /* where, as seen from the root of the process */
  const char *options; /* of the mount: "rw,nosuid" */
  const char *tags;    /* how it spreads: "shared:1 master:2", or "" */
  const char *type, *source;
  const char *super;   /* options of the file system */
};

/* Takes TEXT apart in place.  Lines that are no mounts are left out.  *RET_LIST is the caller's to free, its strings are TEXT's.  Returns 0 or
 * -ENOMEM.  */
int mountinfo_parse (char *text, struct mountinfo **ret_list, size_t *ret_n);

/* Reads and parses the table of process PID.  *RET_TEXT and *RET_LIST are the caller's to free.  Returns 0 or negative errno.  */
int mountinfo_read (pid_t pid, char **ret_text, struct mountinfo **ret_list, size_t *ret_n, struct err *err);

/* The mount at POINT that nothing else at the same point covers, or NULL.  */
const struct mountinfo *mountinfo_top (const struct mountinfo *list, size_t n, const char *point);

/* The mount with the number ID, or NULL.  */
const struct mountinfo *mountinfo_by_id (const struct mountinfo *list, size_t n, uint32_t id);

#endif
