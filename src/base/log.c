/* SPDX-License-Identifier: Apache-2.0 */
/* Messages to the caller's sink; see log.h.  */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

enum
{
  MESSAGE_MAX = 4096
};

static void
send_message (const struct log *log, enum log_level level, const char *fmt, va_list ap)
{
  char message[MESSAGE_MAX];

  if (vsnprintf (message, sizeof message, fmt, ap) >= 0)
    log->write (log->data, level, message);
}

static int
is_wanted (const struct log *log, enum log_level level)
{
  return log != NULL && log->write != NULL && level >= log->level;
}

void
log_debug (const struct log *log, const char *fmt, ...)
{
  va_list ap;

  if (! is_wanted (log, LOG_LEVEL_DEBUG))
    return;
  va_start (ap, fmt);
  send_message (log, LOG_LEVEL_DEBUG, fmt, ap);
  va_end (ap);
}

void
log_warn (const struct log *log, const char *fmt, ...)
{
  va_list ap;

  if (! is_wanted (log, LOG_LEVEL_WARNING))
    return;
  va_start (ap, fmt);
  send_message (log, LOG_LEVEL_WARNING, fmt, ap);
  va_end (ap);
}
