/* SPDX-License-Identifier: Apache-2.0 */
/* Gathering breaches; see report.h.  Must never lose one without counting it. */
#include "plan/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "ocispec/table.h"

void
report_add (struct report *r, const char *path, const char *what_fmt, ...)
{
  struct report_breach *b = &r->breach[r->n];
  va_list args;

  r->total++;
  if (r->n == REPORT_MAX)
    return;
  *b = (struct report_breach){ 0 };
  (void) str_copy (b->path, sizeof b->path, path); /* a cut path still leads there */
  va_start (args, what_fmt);
  (void) vsnprintf (b->what, sizeof b->what, what_fmt, args);
  va_end (args);
  if (r->text) /* a document without the value gets the line of the object around it */
    (void) oci_locate (r->text, r->len, path, &b->line, &b->column);
  r->n++;
}

static int
by_place (const void *a, const void *b)
{
  const struct report_breach *x = a, *y = b;

  if (x->line != y->line)
    return x->line < y->line ? -1 : 1;
  return x->column < y->column ? -1 : x->column > y->column;
}

/* Stable, unlike qsort: breaches of equal place stay in the order of the rules.  */
static void
sort (struct report *r)
{
  for (size_t i = 1; i < r->n; i++)
    for (size_t j = i; j > 0 && by_place (&r->breach[j - 1], &r->breach[j]) > 0; j--)
      {
        struct report_breach t = r->breach[j];

        r->breach[j] = r->breach[j - 1];
        r->breach[j - 1] = t;
      }
}

/* Writes breach B as one more of a list into BUF.  Returns its length.  */
static int
print_more (char *buf, size_t size, const struct report_breach *b)
{
  const char *colon = b->path[0] ? ": " : "";

  if (b->line)
    return snprintf (buf, size, "; %u:%u: %s%s%s", b->line, b->column, b->path, colon, b->what);
  return snprintf (buf, size, "; %s%s%s", b->path, colon, b->what);
}

/* Appends all but the first breach to ERR's sentence, as far as they fit.  */
static void
append (const struct report *r, struct err *err)
{
  enum { ROOM = 32 }; /* for "; and N more" */
  size_t used = strlen (err->what), i;

  for (i = 1; i < r->n; i++)
    {
      char more[sizeof (struct report_breach) + 32];
      int len = print_more (more, sizeof more, &r->breach[i]);

      if (len < 0 || used + (size_t) len + ROOM > sizeof err->what)
        break;
      memcpy (err->what + used, more, (size_t) len + 1);
      used += (size_t) len;
    }
  if (i < r->total)
    (void) snprintf (err->what + used, sizeof err->what - used, "; and %zu more", r->total - i);
}

int
report_end (struct report *r, struct err *err)
{
  if (r->n == 0)
    return 0;
  sort (r);
  (void) err_spec (err, r->breach[0].path, "%s", r->breach[0].what);
  if (err == NULL)
    return -EINVAL;
  err->line = r->breach[0].line;
  err->column = r->breach[0].column;
  append (r, err);
  return -EINVAL;
}
