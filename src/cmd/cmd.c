/* SPDX-License-Identifier: Apache-2.0 */
/* What commands share. */
#include "cmd/cmd.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/duration.h"

int
cmd_fail (struct cmd_call *c, const char *fmt, ...)
{
  va_list ap;

  va_start (ap, fmt);
  (void) vsnprintf (c->message, sizeof c->message, fmt, ap);
  va_end (ap);
  return -EINVAL;
}

int
cmd_notify (struct cmd_call *c)
{
  const char *path = getenv ("NOTIFY_SOCKET");

  if (path == NULL || path[0] == '\0' || orlop_set_notify_socket (c->o, path) == 0)
    return 0;
  return cmd_fail (c, "NOTIFY_SOCKET=%s is neither an absolute path nor an abstract name", path);
}

int
cmd_interval (struct cmd_call *c, const char *text, uint64_t *ret_ns)
{
  int ret = text ? duration_parse (text, ret_ns) : 0;

  if (ret < 0)
    return cmd_fail (c, "invalid duration \"%s\": %s", text, ret == -ERANGE ? "it is too long" : "write it as in 5s, 500ms or 1m30s");
  return *ret_ns > 0 ? 0 : cmd_fail (c, "the interval must be more than 0");
}

int
cmd_print (struct cmd_call *c, const char *text)
{
  size_t len = strlen (text);

  while (len > 0)
    {
      ssize_t n = write (STDOUT_FILENO, text, len);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return cmd_fail (c, "writing to standard output: %s", strerror (errno));
      text += n;
      len -= (size_t) n;
    }
  return 0;
}
