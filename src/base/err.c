/* SPDX-License-Identifier: Apache-2.0 */
/* Filling errors; see err.h.  Never prints, never allocates.  child-safe (the line for people is made in err_text.c) */
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

static void
fill (char *buf, size_t size, const char *fmt, va_list ap)
{
  if (vsnprintf (buf, size, fmt, ap) < 0)
    buf[0] = '\0';
}

/* A fresh error of KIND with the sentence; returns -NUM.  */
static int
say (struct err *err, enum err_kind kind, int num, int ret, const char *fmt, va_list ap)
{
  if (err == NULL)
    return -ret;
  err_clear (err);
  err->kind = kind;
  err->num = num;
  fill (err->what, sizeof err->what, fmt, ap);
  return -ret;
}

int
err_sys (struct err *err, int num, const char *call, const char *object_fmt, ...)
{
  va_list ap;

  if (err == NULL)
    return -num;
  err_clear (err);
  err->kind = ERR_SYS;
  err->num = num;
  (void) str_copy (err->call, sizeof err->call, call);
  va_start (ap, object_fmt);
  fill (err->object, sizeof err->object, object_fmt, ap);
  va_end (ap);
  return -num;
}

int
err_spec (struct err *err, const char *where, const char *what_fmt, ...)
{
  va_list ap;
  int ret;

  va_start (ap, what_fmt);
  ret = say (err, ERR_SPEC, 0, EINVAL, what_fmt, ap);
  va_end (ap);
  if (err)
    (void) str_copy (err->where, sizeof err->where, where);
  return ret;
}

/* The variadic front of `say` for one kind; SHOWN is the errno that readers see.  */
#define SAY(kind, shown, ret_num)                                                                                     \
  va_list ap;                                                                                                         \
  int ret;                                                                                                            \
  va_start (ap, what_fmt);                                                                                            \
  ret = say (err, kind, shown, ret_num, what_fmt, ap);                                                                \
  va_end (ap);                                                                                                        \
  return ret

int
err_host (struct err *err, int num, const char *what_fmt, ...)
{
  SAY (ERR_HOST, num, num);
}

int
err_state (struct err *err, int num, const char *what_fmt, ...)
{
  SAY (ERR_STATE, num, num);
}

int
err_usage (struct err *err, const char *what_fmt, ...)
{
  SAY (ERR_USAGE, 0, EINVAL);
}

int
err_bug (struct err *err, int num, const char *what_fmt, ...)
{
  SAY (ERR_BUG, num, num);
}

int
err_in (struct err *err, int ret, const char *where_fmt, ...)
{
  va_list ap;

  if (ret >= 0 || err == NULL || err->where[0] != '\0')
    return ret;
  va_start (ap, where_fmt);
  fill (err->where, sizeof err->where, where_fmt, ap);
  va_end (ap);
  return ret;
}

int
err_doing (struct err *err, int ret, const char *what_fmt, ...)
{
  va_list ap;

  if (ret >= 0 || err == NULL)
    return ret;
  va_start (ap, what_fmt);
  fill (err->what, sizeof err->what, what_fmt, ap);
  va_end (ap);
  return ret;
}

void
err_clear (struct err *err)
{
  /* texts begin with their NUL: clearing 3 KiB at each failure that has a fallback would cost more than it gives */
  if (err == NULL)
    return;
  err->kind = ERR_NONE;
  err->num = 0;
  err->line = err->column = 0;
  err->step[0] = err->call[0] = err->where[0] = err->object[0] = err->what[0] = '\0';
}
