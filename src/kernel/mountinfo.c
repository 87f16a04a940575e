/* SPDX-License-Identifier: Apache-2.0 */
/* The table of mounts; see mountinfo.h.  */
#include "kernel/mountinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/own.h"
#include "base/str.h"

enum
{
  TEXT_MAX = 64 << 20 /* a hundred thousand mounts (fs.mount-max) of long names */
};

/* Cuts the next field off *REST; NULL at the end.  */
static char *
next_field (char **rest)
{
  char *field = strsep (rest, " ");

  return field && *field ? field : NULL;
}

static bool
parse_number (const char *text, uint32_t *ret_number)
{
  uint64_t number;

  if (text == NULL || str_u64 (text, UINT32_MAX, &number) < 0)
    return false;
  *ret_number = (uint32_t) number;
  return true;
}

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue"  */
static bool
parse_line (char *line, struct mountinfo *ret)
{
  char *dash = strstr (line, " - "), *rest = line, *root, *point, *options, *type, *source;

  if (dash == NULL)
    return false;
  *dash = '\0';
  if (! parse_number (next_field (&rest), &ret->id) || ! parse_number (next_field (&rest), &ret->parent))
    return false;
  ret->device = next_field (&rest);
  root = next_field (&rest);
  point = next_field (&rest);
  options = next_field (&rest);
  ret->tags = rest ? rest : "";
  rest = dash + 3;
  type = next_field (&rest);
  source = strsep (&rest, " "); /* may be empty */
  if (ret->device == NULL || root == NULL || point == NULL || options == NULL || type == NULL || source == NULL)
    return false;
  ret->root = str_unescape_octal (root);
  ret->point = str_unescape_octal (point);
  ret->options = options;
  ret->type = str_unescape_octal (type);
  ret->source = str_unescape_octal (source);
  ret->super = rest ? str_unescape_octal (rest) : "";
  return true;
}

static size_t
count_lines (const char *text)
{
  size_t n = 1;

  for (; (text = strchr (text, '\n')) != NULL; text++)
    n++;
  return n;
}

int
mountinfo_parse (char *text, struct mountinfo **ret_list, size_t *ret_n)
{
  struct mountinfo *list = calloc (count_lines (text), sizeof *list);
  size_t n = 0;

  if (list == NULL)
    return -ENOMEM;
  for (char *rest = text, *line; (line = strsep (&rest, "\n")) != NULL;)
    n += parse_line (line, &list[n]);
  *ret_list = list;
  *ret_n = n;
  return 0;
}

int
mountinfo_read (pid_t pid, char **ret_text, struct mountinfo **ret_list, size_t *ret_n, struct err *err)
{
  char path[48];
  own_mem char *text = NULL;
  ssize_t len;
  int ret;

  (void) snprintf (path, sizeof path, "/proc/%d/mountinfo", (int) pid);
  len = file_read_at (AT_FDCWD, path, TEXT_MAX, &text, err);
  ret = len < 0 ? (int) len : mountinfo_parse (text, ret_list, ret_n);
  if (ret < 0)
    return len < 0 ? ret : err_sys (err, -ret, "calloc", "%s", path);
  *ret_text = take_ptr (text);
  return 0;
}

/* True if another mount of LIST stands on M, root upon root.  */
static bool
is_covered (const struct mountinfo *list, size_t n, const struct mountinfo *m)
{
  for (size_t i = 0; i < n; i++)
    if (list[i].parent == m->id && list[i].id != m->id && strcmp (list[i].point, m->point) == 0)
      return true;
  return false;
}

const struct mountinfo *
mountinfo_top (const struct mountinfo *list, size_t n, const char *point)
{
  for (size_t i = n; i-- > 0;)
    if (strcmp (list[i].point, point) == 0 && ! is_covered (list, n, &list[i]))
      return &list[i];
  return NULL;
}

const struct mountinfo *
mountinfo_by_id (const struct mountinfo *list, size_t n, uint32_t id)
{
  for (size_t i = 0; i < n; i++)
    if (list[i].id == id)
      return &list[i];
  return NULL;
}
