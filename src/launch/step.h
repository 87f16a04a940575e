/* SPDX-License-Identifier: Apache-2.0 */
/* The runner of step tables.  A table is static, read from top to bottom; nothing adds
 * a row, jumps or repeats.  Whether a row is wanted depends on the plan alone, so
 * parent and child agree, and steps_meet () can prove that their messages pair.  child-safe */
#ifndef ORLOP_LAUNCH_STEP_H
#define ORLOP_LAUNCH_STEP_H

#include <stdbool.h>
#include <stddef.h>

#include "launch/sync.h"

struct plan;

struct step
{
  const char *name;                          /* "root.mounts": errors, log, trace, dry run; NULL ends a table */
  int (*run) (void *self, struct err *err);  /* adapter: calls the lower floors; SELF is the table's own struct */
  bool (*wanted) (const struct plan *plan);  /* NULL: always */
  enum sync_what sync;                       /* the message asked (child) or answered (parent) here */
};

/* Told after each step: its name and how it ended.  */
struct step_watch
{
  void (*done) (void *data, const char *name, int ret);
  void *data;
};

/* Runs the wanted rows until one fails; that one's name goes into ERR.  WATCH may be NULL.
 * Returns 0 or the failing row's negative errno.  */
int step_run (const struct step *steps, void *self, const struct plan *plan, const struct step_watch *watch,
              struct err *err);

/* True if the wanted rows with messages of both tables meet in the same order: no deadlock for this plan.  */
bool steps_meet (const struct step *parent, const struct step *child, const struct plan *plan);

#endif
