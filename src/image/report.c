/* SPDX-License-Identifier: Apache-2.0 */
/* How the program speaks; see command.h.  Names of archives come in messages: nothing of them may move a terminal's cursor.  */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "base/when.h"
#include "image/command.h"
#include "ocispec/table.h"

static const char *const kinds[] = {
  [ERR_NONE] = NULL,   [ERR_USAGE] = "usage", [ERR_SPEC] = "spec", [ERR_HOST] = "host",
  [ERR_SYS] = "sys", [ERR_STATE] = "state", [ERR_BUG] = "bug",
};

/* One record; absent texts are left out.  */
struct message
{
  const char *level, *msg, *time, *code, *syscall, *path, *where;
  int64_t num;
};

static OCI_TYPE (message,
  OCI_STR (message, level,   "level",   OCI_REQUIRED),
  OCI_STR (message, msg,     "msg",     OCI_REQUIRED),
  OCI_STR (message, time,    "time",    OCI_REQUIRED),
  OCI_STR (message, code,    "code",    0),
  OCI_NUM (message, num,     "errno",   0),
  OCI_STR (message, syscall, "syscall", 0),
  OCI_STR (message, path,    "path",    0),
  OCI_STR (message, where,   "where",   0));

int
command_print (const char *text, struct err *err)
{
  int ret = file_write_all (STDOUT_FILENO, text, strlen (text));

  return ret < 0 ? err_sys (err, -ret, "write", "standard output") : 0;
}

static const char *
text_or_null (char *text)
{
  str_make_utf8 (text);
  return text[0] ? text : NULL;
}

static void
put_json (const char *level, const char *message, const struct err *err)
{
  struct err e = err ? *err : (struct err){ .kind = ERR_NONE };
  char when[WHEN_SIZE], *json = NULL;
  const struct message m = { .level = level, .msg = message, .time = when, .code = kinds[e.kind], .num = e.num,
                             .syscall = text_or_null (e.call), .path = text_or_null (e.object), .where = text_or_null (e.where) };
  size_t len;

  when_now (when, sizeof when);
  if (oci_encode (&message_type, &m, false, &json, &len) < 0) /* no memory: there is nobody left to tell */
    return;
  json[len] = '\n'; /* in the place of the NUL */
  (void) file_write_all (STDERR_FILENO, json, len + 1);
  free (json);
}

void
command_report (bool json, const char *level, const char *command, const char *message, const struct err *err)
{
  char line[8192], text[8000];
  int n;

  (void) str_copy (text, sizeof text, message);
  str_make_line (text);
  if (json)
    {
      put_json (level, text, err);
      return;
    }
  n = snprintf (line, sizeof line, "orlop-image: %s%s%s%s\n", command ? command : "", command ? ": " : "",
                strcmp (level, "error") == 0 ? "" : "warning: ", text);
  (void) file_write_all (STDERR_FILENO, line, n < (int) sizeof line ? (size_t) n : sizeof line - 1);
}
