/* SPDX-License-Identifier: Apache-2.0 */
/* An error as one line for people; see err.h.  Not child-safe. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

/* Where the next piece goes.  */
struct line
{
  char *buf;
  size_t size, used;
};

__attribute__ ((format (printf, 2, 3))) static void
add (struct line *l, const char *fmt, ...)
{
  va_list ap;
  int n;

  if (l->used >= l->size)
    return;
  va_start (ap, fmt);
  n = vsnprintf (l->buf + l->used, l->size - l->used, fmt, ap);
  va_end (ap);
  if (n > 0)
    l->used += (size_t) n;
}

static void
add_separator (struct line *l)
{
  if (l->used > 0)
    add (l, ": ");
}

static void
add_place (struct line *l, const struct err *err, const char *file)
{
  if (file && file[0] && err->line)
    add (l, "%s:%u:%u", file, err->line, err->column);
  if (err->where[0])
    {
      add_separator (l);
      add (l, "%s", err->where);
    }
  if (err->step[0])
    {
      add_separator (l);
      add (l, "%s", err->step);
    }
}

char *
err_text (const struct err *err, const char *file, char *buf, size_t size)
{
  struct line l = { .buf = buf, .size = size };

  if (size == 0)
    return buf;
  buf[0] = '\0';
  add_place (&l, err, file);
  if (err->what[0])
    {
      add_separator (&l);
      add (&l, "%s", err->what);
    }
  if (err->call[0])
    {
      add_separator (&l);
      add (&l, err->object[0] ? "%s(\"%s\")" : "%s%s", err->call, err->object);
    }
  if (err->num && (err->call[0] || err->what[0] == '\0'))
    {
      add_separator (&l);
      add (&l, "%s", strerror (err->num));
    }
  str_make_line (buf);
  return buf;
}
