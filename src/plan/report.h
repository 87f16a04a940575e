/* SPDX-License-Identifier: Apache-2.0 */
/* All that is wrong with a document, gathered to become one error: people mend a
 * config.json once, not once for each mistake. */
#ifndef ORLOP_PLAN_REPORT_H
#define ORLOP_PLAN_REPORT_H

#include <stddef.h>

struct err;

enum
{
  REPORT_MAX = 64 /* breaches kept; the others are only counted */
};

/* One thing wrong.  */
struct report_breach
{
  unsigned line, column; /* 0: not known */
  char path[160];        /* JSON path */
  char what[160];        /* one sentence, lower case, no full stop */
};

/* Start with { .text = the document or NULL, .len = its length }; the text serves to find lines.  */
struct report
{
  const char *text;
  size_t len;
  size_t total; /* breaches found */
  size_t n;     /* breaches kept */
  struct report_breach breach[REPORT_MAX];
};

/* Adds a breach at PATH, its line being looked up in the text.  */
void report_add (struct report *r, const char *path, const char *what_fmt, ...) __attribute__ ((format (printf, 3, 4)));

/* Turns the breaches, in the order of the document, into ERR: place, path and sentence of the first, then the others as
 * "; 90:3: mounts[2].options[0]: sentence", and "; and 3 more" for those that do not fit.
 * Returns -EINVAL, or 0 if there is none (ERR is left alone then).  ERR may be NULL.  */
int report_end (struct report *r, struct err *err);

#endif
