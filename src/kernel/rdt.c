/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of resctrl; see rdt.h.  Never removes a group that it is not told to.  Parent only. */
#include "kernel/rdt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/own.h"
#include "base/str.h"

enum
{
  PATH_SIZE = 4096,
  MOUNTINFO_MAX = 16 * 1024 * 1024,
  SCHEMATA_MAX = 64 * 1024
};

/* --- where it is */

/* Copies the LEN bytes at FROM, in which mountinfo writes blanks and the like in octal (proc(5)).  */
static int
unescape (const char *from, size_t len, char *buf, size_t size)
{
  size_t n = 0;

  for (size_t i = 0; i < len; i++, n++)
    {
      if (n + 1 >= size)
        return -ENAMETOOLONG;
      buf[n] = from[i];
      if (from[i] != '\\' || len - i < 4)
        continue;
      buf[n] = (char) ((from[i + 1] - '0') * 64 + (from[i + 2] - '0') * 8 + (from[i + 3] - '0'));
      i += 3;
    }
  buf[n] = '\0';
  return 0;
}

int
rdt_parse_mounts (const char *mountinfo, char *buf, size_t size)
{
  /* 36 35 98:0 ROOT MOUNTPOINT OPTIONS [OPTIONAL]... - TYPE SOURCE SUPER */
  for (const char *line = mountinfo; *line;)
    {
      size_t len = strcspn (line, "\n"), at = 0;
      const char *dash = memmem (line, len, " - resctrl ", strlen (" - resctrl "));

      for (int field = 0; dash && field < 4 && line + at < dash; field++)
        at += strcspn (line + at, " ") + 1;
      if (dash && line + at < dash)
        return unescape (line + at, strcspn (line + at, " "), buf, size);
      line += len + (line[len] == '\n');
    }
  return -ENODEV;
}

int
rdt_find (char *buf, size_t size, struct err *err)
{
  own_mem char *text = NULL;
  ssize_t n = file_read_at (AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &text, err);
  int ret = n < 0 ? (int) n : rdt_parse_mounts (text, buf, size);

  return n >= 0 && ret < 0 ? err_host (err, -ret, "no resctrl file system is mounted") : ret;
}

bool
rdt_is_name (const char *name)
{
  static const char *const taken[] = { "", ".", "..", "info", "mon_data", "mon_groups" };

  for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
    if (strcmp (name, taken[i]) == 0)
      return false;
  return strchr (name, '/') == NULL && strchr (name, '\n') == NULL;
}

/* --- groups */

static int
group_path (char *buf, const char *root, const char *name, const char *monitor, struct err *err)
{
  int n = snprintf (buf, PATH_SIZE, "%s%s%s%s%s", root, *name ? "/" : "", name, monitor ? "/mon_groups/" : "", monitor ? monitor : "");

  return n >= 0 && n < PATH_SIZE ? 0 : err_sys (err, ENAMETOOLONG, "open", "%s/%s", root, name);
}

int
rdt_open (const char *root, const char *name, const char *monitor, struct err *err)
{
  char path[PATH_SIZE];
  int ret = group_path (path, root, name, monitor, err);

  if (ret < 0)
    return ret;
  ret = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return ret < 0 ? err_sys (err, errno, "open", "%s", path) : ret;
}

int
rdt_make (const char *root, const char *name, const char *monitor, struct err *err)
{
  char path[PATH_SIZE];
  int ret = group_path (path, root, name, monitor, err);

  if (ret < 0)
    return ret;
  return mkdir (path, 0755) < 0 ? err_sys (err, errno, "mkdir", "%s", path) : 0;
}

int
rdt_remove (const char *root, const char *name, const char *monitor, struct err *err)
{
  char path[PATH_SIZE];
  int ret = group_path (path, root, name, monitor, err);

  if (ret < 0)
    return ret;
  return rmdir (path) < 0 && errno != ENOENT ? err_sys (err, errno, "rmdir", "%s", path) : 0;
}

/* --- schemata */

int
rdt_join (const char *caches, const char *bandwidth, char **ret_text)
{
  bool both = bandwidth && bandwidth[0];
  size_t size = strlen (caches ? caches : "") + strlen (bandwidth ? bandwidth : "") + 2, used = 0;
  char *text = malloc (size);

  if (text == NULL)
    return -ENOMEM;
  for (const char *line = caches ? caches : ""; *line; line += strcspn (line, "\n"), line += *line == '\n')
    if (*line != '\n' && ! (both && strncmp (line, "MB:", 3) == 0))
      used += (size_t) snprintf (text + used, size - used, "%s%.*s", used ? "\n" : "", (int) strcspn (line, "\n"), line);
  if (both)
    used += (size_t) snprintf (text + used, size - used, "%s%s", used ? "\n" : "", bandwidth);
  if (used == 0)
    free (text);
  *ret_text = used ? text : NULL;
  return 0;
}

int
rdt_read (int group, char **ret_text, struct err *err)
{
  ssize_t n = file_read_at (group, "schemata", SCHEMATA_MAX, ret_text, err);

  if (n > 0 && (*ret_text)[n - 1] == '\n')
    (*ret_text)[n - 1] = '\0';
  return n < 0 ? (int) n : 0;
}

int
rdt_write (const char *root, int group, const char *text, struct err *err)
{
  own_mem char *line = NULL;
  char info[PATH_SIZE], said[256];
  int len = asprintf (&line, "%s\n", text), ret; /* the kernel takes nothing without a last line feed */

  if (len < 0)
    {
      line = NULL;
      return err_sys (err, ENOMEM, "malloc", "schemata");
    }
  ret = file_write_at (group, "schemata", line, (size_t) len, err);
  if (ret == 0)
    return 0;
  (void) snprintf (info, sizeof info, "%s/info/last_cmd_status", root);
  if (file_read_small (AT_FDCWD, info, said, sizeof said) > 0)
    (void) err_doing (err, ret, "the kernel says: %.*s", (int) strcspn (said, "\n"), said);
  return ret;
}

/* One "ID=VALUE" of a schema line, or one line "NAME:..." of schemata, in a longer text.  */
struct piece
{
  const char *text;
  size_t len;
};

/* The next piece of REST before one of STOPS, without blanks around it; moves REST on.  Returns false at the end.  */
static bool
next_piece (struct piece *rest, const char *stops, struct piece *ret)
{
  size_t len;

  if (rest->len == 0)
    return false;
  len = strcspn (rest->text, stops);
  len = len < rest->len ? len : rest->len;
  *ret = (struct piece){ rest->text, len };
  rest->text += len;
  rest->len -= len;
  if (rest->len > 0) /* the stop itself */
    {
      rest->text++;
      rest->len--;
    }
  for (; ret->len > 0 && *ret->text == ' '; ret->text++, ret->len--)
    ;
  for (; ret->len > 0 && ret->text[ret->len - 1] == ' '; ret->len--)
    ;
  return true;
}

/* What stands after "NAME" and the letter BETWEEN in the list REST of pieces that end at STOPS: the line "L3:...", the value "0=...".  */
static bool
find_piece (struct piece rest, const char *stops, struct piece name, char between, struct piece *ret)
{
  while (next_piece (&rest, stops, ret))
    if (ret->len > name.len && memcmp (ret->text, name.text, name.len) == 0 && ret->text[name.len] == between)
      {
        ret->text += name.len + 1;
        ret->len -= name.len + 1;
        return true;
      }
  return false;
}

/* Without what stands before a number: the kernel sets them right, with blanks or zeros.  */
static struct piece
bare (struct piece p)
{
  for (; p.len > 1 && (*p.text == '0' || *p.text == ' '); p.text++, p.len--)
    ;
  return p;
}

/* True if A and B are the same number, in whichever base.  */
static bool
same_value (struct piece a, struct piece b)
{
  a = bare (a);
  b = bare (b);
  return a.len == b.len && strncasecmp (a.text, b.text, a.len) == 0;
}

/* True if the line WANT, "L3:0=f;1=3", holds in the schemata HAVE, which may say more.  */
static bool
holds (struct piece want, struct piece have)
{
  const char *colon = memchr (want.text, ':', want.len);
  struct piece line, values, one;

  if (colon == NULL || ! find_piece (have, "\n", (struct piece){ want.text, (size_t) (colon - want.text) }, ':', &line))
    return false;
  values = (struct piece){ colon + 1, want.len - (size_t) (colon + 1 - want.text) };
  while (next_piece (&values, ";", &one))
    {
      const char *equals = memchr (one.text, '=', one.len);
      size_t id = equals ? (size_t) (equals - one.text) : one.len;
      struct piece value;

      if (one.len == 0)
        continue;
      if (equals == NULL || ! find_piece (line, ";", (struct piece){ one.text, id }, '=', &value)
          || ! same_value ((struct piece){ equals + 1, one.len - id - 1 }, value))
        return false;
    }
  return true;
}

int
rdt_compare (int group, const char *text, struct err *err)
{
  own_mem char *have = NULL;
  ssize_t len = file_read_at (group, "schemata", SCHEMATA_MAX, &have, err);
  struct piece rest = { text, strlen (text) }, line;

  if (len < 0)
    return (int) len;
  while (next_piece (&rest, "\n", &line))
    if (line.len > 0 && ! holds (line, (struct piece){ have, (size_t) len }))
      return err_host (err, EEXIST, "the group exists and its schemata are not \"%.*s\"", (int) line.len, line.text);
  return 0;
}

/* --- processes */

int
rdt_add (int group, pid_t pid, struct err *err)
{
  char text[16];

  return file_write_at (group, "tasks", text, (size_t) snprintf (text, sizeof text, "%d", pid), err);
}
