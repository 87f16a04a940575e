/* SPDX-License-Identifier: Apache-2.0 */
/* The mounts below another; see mount_below.h.  child-safe */
#include "kernel/mount_below.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/own.h"
#include "base/str.h"

/* What is kept of a line: "36 35 98:0 /root /point rw,noatime master:1 - ext3 /dev/root rw".  */
struct line
{
  unsigned field;
  unsigned long id, parent;
  size_t len;
  char point[PATH_MAX * 4]; /* a blank is four characters here */
};

enum
{
  FIELD_ID,
  FIELD_PARENT,
  FIELD_POINT = 4
};

struct table
{
  int fd;
  ssize_t at, end;
  char buf[4096];
  struct line line;
};

/* Takes one character of a line.  Returns true with its last.  */
static bool
take (struct line *l, char c)
{
  if (c == '\n')
    return true;
  if (c == ' ')
    l->field++;
  else if (l->field == FIELD_ID)
    l->id = l->id * 10 + (unsigned long) (c - '0');
  else if (l->field == FIELD_PARENT)
    l->parent = l->parent * 10 + (unsigned long) (c - '0');
  else if (l->field == FIELD_POINT && l->len < sizeof l->point - 1)
    l->point[l->len++] = c;
  return false;
}

/* Reads the next line.  Returns 1, 0 at the end, or negative errno.  */
static int
next_line (struct table *t)
{
  struct line *l = &t->line;

  l->field = 0;
  l->id = l->parent = 0;
  l->len = 0;
  for (;;)
    {
      if (t->at == t->end)
        {
          t->at = 0;
          t->end = read (t->fd, t->buf, sizeof t->buf);
          if (t->end <= 0)
            return t->end < 0 ? -errno : 0;
        }
      if (take (l, t->buf[t->at++]))
        break;
    }
  l->point[l->len] = '\0';
  (void) str_unescape_octal (l->point);
  return 1;
}

static int
open_table (struct table *t)
{
  t->at = t->end = 0;
  t->fd = open ("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
  return t->fd < 0 ? -errno : 0;
}

/* The number of the mount that FD is in (proc(5), fdinfo).  */
static int
number_of (int fd, unsigned long *ret_id)
{
  char path[48], text[512];
  const char *p;
  ssize_t n;

  (void) snprintf (path, sizeof path, "/proc/self/fdinfo/%d", fd);
  n = file_read_small (AT_FDCWD, path, text, sizeof text);
  p = n < 0 ? NULL : strstr (text, "mnt_id:");
  if (p == NULL)
    return n < 0 ? (int) n : -EPROTO;
  for (p += strlen ("mnt_id:"), p += strspn (p, " \t"), *ret_id = 0; *p >= '0' && *p <= '9'; p++)
    *ret_id = *ret_id * 10 + (unsigned long) (*p - '0');
  return 0;
}

/* Finds what the mount ID stands on; 0 if that is not to be seen.  */
static int
find_parent (unsigned long id, unsigned long *ret_parent)
{
  struct table t;
  int ret = open_table (&t);

  *ret_parent = 0;
  if (ret < 0)
    return ret;
  while ((ret = next_line (&t)) > 0 && t.line.id != id)
    ;
  if (ret > 0)
    *ret_parent = t.line.parent;
  own_close (&t.fd);
  return ret;
}

/* 1 if the mount ID stands, by others or not, on ANCESTOR, else 0, or negative errno.  */
static int
stands_on (unsigned long id, unsigned long ancestor)
{
  unsigned long parent = 0;

  for (int ret; (ret = find_parent (id, &parent)) != 0 && parent != 0 && parent != id; id = parent)
    if (ret < 0 || parent == ancestor)
      return ret;
  return 0;
}

/* What is looked for.  */
struct search
{
  int mnt;
  unsigned long id;
  size_t len;
  char path[PATH_MAX]; /* of MNT, without a slash at the end */
};

static int
start (struct search *s, int mnt)
{
  char name[48];
  ssize_t n;

  s->mnt = mnt;
  (void) snprintf (name, sizeof name, "/proc/self/fd/%d", mnt);
  n = readlink (name, s->path, sizeof s->path - 1);
  if (n < 0)
    return -errno;
  s->len = n == 1 ? 0 : (size_t) n;
  s->path[s->len] = '\0';
  return number_of (mnt, &s->id);
}

/* True for all below, and for what has the same name by chance: below another root that is stacked on ours.  */
static bool
may_be_below (const struct search *s, const struct line *l)
{
  char next = strncmp (l->point, s->path, s->len) == 0 ? l->point[s->len] : 'x';

  return l->id != s->id && (next == '/' || next == '\0');
}

/* Opens the mount of L.  Returns its handle, -ENOENT if it is not below, or negative errno, ERR filled.  */
static int
open_below (const struct search *s, const struct line *l, struct err *err)
{
  const char *rest = l->point + s->len;
  unsigned long id = 0;
  int ret;
  own_fd int mnt = rest[0] && rest[1] ? openat (s->mnt, rest + 1, O_PATH | O_NOFOLLOW | O_CLOEXEC) : -1;

  if (mnt >= 0 && (ret = number_of (mnt, &id)) < 0)
    return err_sys (err, -ret, "read", "/proc/self/fdinfo");
  if (mnt >= 0 && id == l->id)
    return take_fd (&mnt);
  ret = stands_on (l->id, s->id);
  if (ret < 0)
    return err_sys (err, -ret, "read", "/proc/self/mountinfo");
  return ret ? err_host (err, ENOTSUP,
                         "the mount at %s is covered by another: its attributes need mount_setattr (Linux 5.12)",
                         l->point)
             : -ENOENT;
}

int
mount_below (int mnt, int (*each) (int mnt, const void *what, struct err *err), const void *what, struct err *err)
{
  struct search s;
  struct table t;
  int ret = start (&s, mnt), more = 0;

  if (ret == 0)
    ret = open_table (&t);
  if (ret < 0)
    return err_sys (err, -ret, "read", "mounts of this process");
  while (ret >= 0 && (more = next_line (&t)) > 0)
    if (may_be_below (&s, &t.line))
      {
        own_fd int below = open_below (&s, &t.line, err);

        ret = below == -ENOENT ? 0 : below < 0 ? below : each (below, what, err);
      }
  own_close (&t.fd);
  return ret < 0 ? ret : more < 0 ? err_sys (err, -more, "read", "/proc/self/mountinfo") : 0;
}
