/* SPDX-License-Identifier: Apache-2.0 */
/* How the program speaks; see report.h.  A record is one write: several commands append to one
 * file at the same time. */
#include "cmd/report.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "base/fds.h"
#include "base/str.h"
#include "base/when.h"
#include "ocispec/table.h"

enum
{
  MESSAGE_MAX = 4096,
  PATIENCE = 1000 /* milliseconds for who reads our records from a pipe */
};

static const char *const level_names[] = { [ORLOP_LOG_DEBUG] = "debug", [ORLOP_LOG_WARNING] = "warning", [ORLOP_LOG_ERROR] = "error" };
static const char *const kind_names[] = {
  [ORLOP_ERROR_NONE] = "none", [ORLOP_ERROR_USAGE] = "usage", [ORLOP_ERROR_SPEC] = "spec", [ORLOP_ERROR_HOST] = "host",
  [ORLOP_ERROR_SYS] = "sys",   [ORLOP_ERROR_STATE] = "state", [ORLOP_ERROR_BUG] = "bug",
};

/* The daemons that take records, each by datagrams to its socket.  */
static const struct
{
  const char *prefix, *path;
  enum report_kind kind;
} daemons[] = {
  { "journald:", "/run/systemd/journal/socket", REPORT_JOURNAL }, /* systemd.io/JOURNAL_NATIVE_PROTOCOL */
  { "syslog:", "/dev/log", REPORT_SYSLOG },
};

static bool
has_controls (const char *text)
{
  for (; *text; text++)
    if ((unsigned char) *text < ' ' || *text == 0x7f)
      return true;
  return false;
}

int
report_open (struct report_to *to, const char *name)
{
  const char *path = name ? str_after (name, "file:") : NULL;

  to->log = -1;
  to->kind = REPORT_FILE;
  if (name == NULL || name[0] == '\0')
    return 0;
  for (size_t i = 0; i < sizeof daemons / sizeof *daemons; i++)
    if ((to->ident = str_after (name, daemons[i].prefix)))
      {
        if (to->ident[0] == '\0' || has_controls (to->ident))
          return -EINVAL;
        to->kind = daemons[i].kind;
        to->log = fds_beyond_standard (fds_connect (AT_FDCWD, daemons[i].path, SOCK_DGRAM, NULL));
        return to->log < 0 ? to->log : 0;
      }
  /* a FIFO that nobody reads, which another user may have put there, must not hold us up */
  to->log = fds_beyond_standard (open (path ? path : name, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0644));
  return to->log < 0 ? -errno : 0;
}

/* Waits for who reads FD, a pipe that is full: some time.  */
static bool
takes_more (int fd)
{
  struct pollfd p = { .fd = fd, .events = POLLOUT };

  return poll (&p, 1, PATIENCE) > 0;
}

static void
put (int fd, const char *text, size_t len)
{
  while (len > 0)
    {
      ssize_t n = write (fd, text, len);

      if (n < 0 && errno != EINTR && ! (errno == EAGAIN && takes_more (fd)))
        return; /* there is nobody left to tell of another failure */
      text += n > 0 ? n : 0;
      len -= n > 0 ? (size_t) n : 0;
    }
}

/* One record; absent texts and numbers are left out.  */
struct record
{
  const char *level, *msg, *time, *code, *phase, *syscall, *path, *where, *file, *hint;
  int64_t num, line, column;
};

static OCI_TYPE (record,
  OCI_STR (record, level,   "level",   OCI_REQUIRED),
  OCI_STR (record, msg,     "msg",     OCI_REQUIRED),
  OCI_STR (record, time,    "time",    OCI_REQUIRED),
  OCI_STR (record, code,    "code",    0),
  OCI_NUM (record, num,     "errno",   0),
  OCI_STR (record, phase,   "phase",   0),
  OCI_STR (record, syscall, "syscall", 0),
  OCI_STR (record, path,    "path",    0),
  OCI_STR (record, where,   "where",   0),
  OCI_STR (record, file,    "file",    0),
  OCI_NUM (record, line,    "line",    0),
  OCI_NUM (record, column,  "column",  0),
  OCI_STR (record, hint,    "hint",    0));

static const char *
unless_empty (const char *text)
{
  return text && text[0] ? text : NULL;
}

/* MESSAGE as a line, in BUF of MESSAGE_MAX bytes: the command line and what a container says may be anything, and what people or a JSON reader see may not.  */
static const char *
make_line (char *buf, const char *message)
{
  (void) str_copy (buf, MESSAGE_MAX, message);
  str_make_line (buf);
  return buf;
}

/* One JSON record on FD.  E may be NULL and has texts in UTF-8.  */
static void
put_json (int fd, enum orlop_log_level level, const char *message, const struct orlop_error *e)
{
  char when[WHEN_SIZE];
  struct record r = { .level = level_names[level], .msg = message, .time = when };
  char *text = NULL;
  size_t len;

  when_now (when, sizeof when);
  if (e)
    {
      r.code = kind_names[e->kind];
      r.num = e->num;
      r.phase = unless_empty (e->step);
      r.syscall = unless_empty (e->call);
      r.path = unless_empty (e->object);
      r.where = unless_empty (e->where);
      r.file = e->line ? unless_empty (e->file) : NULL;
      r.line = e->line;
      r.column = e->column;
      r.hint = unless_empty (e->hint);
    }
  if (oci_encode (&record_type, &r, false, &text, &len) < 0) /* no memory: there is nobody left to tell */
    return;
  text[len] = '\n'; /* in the place of the NUL */
  put (fd, text, len + 1);
  free (text);
}

/* The message, one line, stands between quotes: its own are escaped, as readers of such records expect.  */
static void
put_text (int fd, enum orlop_log_level level, const char *message)
{
  enum { TAIL = 3 }; /* the last quote, line feed, NUL */
  char line[10240], when[64];
  size_t used;

  when_now (when, sizeof when);
  used = (size_t) snprintf (line, sizeof line, "time=\"%s\" level=%s msg=\"", when, level_names[level]);
  for (; *message && used + TAIL < sizeof line - 1; message++)
    {
      if (*message == '"' || *message == '\\')
        line[used++] = '\\';
      line[used++] = *message;
    }
  used += (size_t) snprintf (line + used, sizeof line - used, "\"\n");
  put (fd, line, used);
}

/* One datagram to a daemon.  One that does not keep up loses it: the error stands on standard error, too.  */
static void
put_daemon (const struct report_to *to, enum orlop_log_level level, const char *message)
{
  static const int priorities[] = { [ORLOP_LOG_DEBUG] = LOG_DEBUG, [ORLOP_LOG_WARNING] = LOG_WARNING, [ORLOP_LOG_ERROR] = LOG_ERR };
  char text[MESSAGE_MAX + 512];
  size_t used;

  if (to->kind == REPORT_JOURNAL)
    used = (size_t) snprintf (text, sizeof text, "PRIORITY=%d\nSYSLOG_IDENTIFIER=%.256s\nMESSAGE=", priorities[level], to->ident);
  else
    used = (size_t) snprintf (text, sizeof text, "<%d>%.256s[%d]: ", LOG_USER | priorities[level], to->ident, (int) getpid ());
  (void) str_copy (text + used, sizeof text - used - 1, message);
  used += strlen (text + used);
  if (to->kind == REPORT_JOURNAL)
    text[used++] = '\n';
  (void) send (to->log, text, used, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
put_record (const struct report_to *to, int fd, enum orlop_log_level level, const char *message, const struct orlop_error *e)
{
  if (to->kind != REPORT_FILE && fd == to->log)
    put_daemon (to, level, message);
  else if (to->json)
    put_json (fd, level, message, e);
  else
    put_text (fd, level, message);
}

/* Engines show a record's msg and nothing else of it, so the advice is in there, too.  */
static void
report (const struct report_to *to, const char *command, const char *message, const char *hint, const struct orlop_error *e)
{
  char text[MESSAGE_MAX * 2], line[10240];
  int n;

  (void) snprintf (text, sizeof text, "%s%s%s%s", message, hint[0] ? " (hint: " : "", hint, hint[0] ? ")" : "");
  if (to->log >= 0)
    put_record (to, to->log, ORLOP_LOG_ERROR, text, e);
  else if (to->json)
    {
      put_json (STDERR_FILENO, ORLOP_LOG_ERROR, text, e);
      return;
    }
  n = snprintf (line, sizeof line, "orlop: %s%s%s\n", command ? command : "", command ? ": " : "", text);
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
  char text[MESSAGE_MAX];

  report (to, command, make_line (text, message), "", &e);
}

void
report_event (void *data, enum orlop_log_level level, const char *message)
{
  const struct report_to *to = data;
  char text[MESSAGE_MAX];

  put_record (to, to->log >= 0 ? to->log : STDERR_FILENO, level, make_line (text, message), NULL);
}
