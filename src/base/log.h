/* SPDX-License-Identifier: Apache-2.0 */
/* Messages for people, through the caller's function.  The library prints nothing and
 * keeps no global state: whoever wants to log is handed a sink.  Never given
 * environment values or annotation contents. */
#ifndef ORLOP_BASE_LOG_H
#define ORLOP_BASE_LOG_H

/* Levels by rising importance.  */
enum log_level
{
  LOG_LEVEL_DEBUG,
  LOG_LEVEL_WARNING,
  LOG_LEVEL_ERROR
};

/* Where messages go.  `write` is called with one message without line feed; messages below `level` are not made.  */
struct log
{
  enum log_level level;
  void (*write) (void *data, enum log_level level, const char *message);
  void *data;
};

/* Logs at debug level: `step: what "object" (detail)`.  LOG may be NULL (nothing happens).  */
void log_debug (const struct log *log, const char *fmt, ...) __attribute__ ((format (printf, 2, 3)));

/* Logs a warning: says what was not done, and that we go on.  LOG may be NULL.  */
void log_warn (const struct log *log, const char *fmt, ...) __attribute__ ((format (printf, 2, 3)));

#endif
