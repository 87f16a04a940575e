/* SPDX-License-Identifier: Apache-2.0 */
/* How the program speaks; see report.h.  A record is one write: several commands append to one
 * file at the same time. */
#include "cmd/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <yajl/yajl_gen.h>

#include "base/str.h"
#include "base/when.h"

static const char *const level_names[] = { [ORLOP_LOG_DEBUG] = "debug", [ORLOP_LOG_WARNING] = "warning", [ORLOP_LOG_ERROR] = "error" };
static const char *const kind_names[] = {
  [ORLOP_ERROR_NONE] = "none", [ORLOP_ERROR_USAGE] = "usage", [ORLOP_ERROR_SPEC] = "spec", [ORLOP_ERROR_HOST] = "host",
  [ORLOP_ERROR_SYS] = "sys",   [ORLOP_ERROR_STATE] = "state", [ORLOP_ERROR_BUG] = "bug",
};

int
report_open (struct report_to *to, const char *name)
{
  const char *path = name ? str_after (name, "file:") : NULL;

  to->log = -1;
  if (name == NULL || name[0] == '\0')
    return 0;
  to->log = open (path ? path : name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  return to->log < 0 ? -errno : 0;
}

static void
put (int fd, const char *text, size_t len)
{
  ssize_t n;

  do
    n = write (fd, text, len);
  while (n < 0 && errno == EINTR); /* there is nobody left to tell of another failure */
}

static void
add_string (yajl_gen g, const char *key, const char *value)
{
  if (value == NULL || value[0] == '\0')
    return;
  (void) yajl_gen_string (g, (const unsigned char *) key, strlen (key));
  (void) yajl_gen_string (g, (const unsigned char *) value, strlen (value));
}

static void
add_number (yajl_gen g, const char *key, long long value)
{
  if (value == 0)
    return;
  (void) yajl_gen_string (g, (const unsigned char *) key, strlen (key));
  (void) yajl_gen_integer (g, value);
}

/* One JSON record on FD.  E may be NULL.  */
static void
put_json (int fd, enum orlop_log_level level, const char *message, const struct orlop_error *e)
{
  yajl_gen g = yajl_gen_alloc (NULL);
  const unsigned char *text;
  char when[64];
  size_t len;

  if (g == NULL)
    return;
  when_now (when, sizeof when);
  (void) yajl_gen_map_open (g);
  add_string (g, "level", level_names[level]);
  add_string (g, "msg", message);
  add_string (g, "time", when);
  if (e)
    {
      add_string (g, "code", kind_names[e->kind]);
      add_number (g, "errno", e->num);
      add_string (g, "phase", e->step);
      add_string (g, "syscall", e->call);
      add_string (g, "path", e->object);
      add_string (g, "where", e->where);
      add_string (g, "file", e->line ? e->file : "");
      add_number (g, "line", e->line);
      add_number (g, "column", e->column);
      add_string (g, "hint", e->hint);
    }
  (void) yajl_gen_map_close (g);
  (void) yajl_gen_reset (g, "\n");
  if (yajl_gen_get_buf (g, &text, &len) == yajl_gen_status_ok)
    put (fd, (const char *) text, len);
  yajl_gen_free (g);
}

static void
put_text (int fd, enum orlop_log_level level, const char *message)
{
  char line[10240], when[64];
  int n;

  when_now (when, sizeof when);
  n = snprintf (line, sizeof line, "time=\"%s\" level=%s msg=\"%s\"\n", when, level_names[level], message);
  put (fd, line, n < 0 ? 0 : (size_t) n < sizeof line ? (size_t) n : sizeof line - 1);
}

static void
put_record (const struct report_to *to, int fd, enum orlop_log_level level, const char *message, const struct orlop_error *e)
{
  if (to->json)
    put_json (fd, level, message, e);
  else
    put_text (fd, level, message);
}

static void
report (const struct report_to *to, const char *command, const char *message, const char *hint, const struct orlop_error *e)
{
  char line[10240];
  int n;

  if (to->log >= 0)
    put_record (to, to->log, ORLOP_LOG_ERROR, message, e);
  else if (to->json)
    {
      put_json (STDERR_FILENO, ORLOP_LOG_ERROR, message, e);
      return;
    }
  n = snprintf (line, sizeof line, "orlop: %s%s%s%s%s%s\n", command ? command : "", command ? ": " : "", message,
                hint[0] ? " (hint: " : "", hint, hint[0] ? ")" : "");
  put (STDERR_FILENO, line, n < 0 ? 0 : (size_t) n < sizeof line ? (size_t) n : sizeof line - 1);
}

void
report_error (const struct report_to *to, const char *command, const struct orlop_error *e)
{
  report (to, command, e->text, e->hint, e);
}

void
report_message (const struct report_to *to, const char *command, const char *message)
{
  const struct orlop_error e = { .kind = ORLOP_ERROR_USAGE };

  report (to, command, message, "", &e);
}

void
report_event (void *data, enum orlop_log_level level, const char *message)
{
  const struct report_to *to = data;

  put_record (to, to->log >= 0 ? to->log : STDERR_FILENO, level, message, NULL);
}
