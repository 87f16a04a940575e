/* SPDX-License-Identifier: Apache-2.0 */
/* A plan as text: for --dry-run, the debug log and the golden tests.  */
#ifndef ORLOP_PLAN_SHOW_H
#define ORLOP_PLAN_SHOW_H

struct err;
struct plan;

/* Writes PLAN as lines of text into fresh memory, *RET_TEXT, which the caller frees.  The form is stable but for people: one line per
 * thing to be done, in the order in which it is done.  Values of the environment are not shown.
 * Returns 0 or -ENOMEM.  */
int plan_show (const struct plan *plan, char **ret_text, struct err *err);

#endif
