/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at containers that exist, one or all; shared by the lib_*.c files alone. */
#ifndef ORLOP_LOOK_H
#define ORLOP_LOOK_H

#include <sys/types.h>

#include "launch/record.h"

struct err;
struct oci_arena;
struct orlop;

/* One container's record with its status now.  */
struct look
{
  struct record_dir dir;
  struct oci_arena *arena;
  struct record *rec;
  const char *status;
  pid_t pid; /* 0 when it has stopped */
};

/* Looks at container ID below ROOT.  The caller looks away in any case.  Returns 0 or negative errno.  */
int look_at (struct look *l, const char *root, const char *id, struct err *err);

/* Frees what looking took.  */
void look_away (struct look *l);

/* Calls EACH for every container of O, by id; one that cannot be read, as it is being made or deleted, is warned of and passed over.  Returns 0, or
 * the first that EACH returned and is not 0, or negative errno.  */
int look_each (struct orlop *o, int (*each) (void *data, const struct look *l, struct err *err), void *data, struct err *err);

#endif
