/* SPDX-License-Identifier: Apache-2.0 */
/* The mounts below another; see mount_below.h.  child-safe */
#include "kernel/mount_below.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/own.h"
#include "base/str.h"

/* What is kept of a line: "36 35 98:0 /root /point rw,noatime master:1 - ext3 /dev/root rw".  */
struct line
{
  unsigned field;
  bool minus; /* the field is "-" so far */
  unsigned long id, parent, major, minor;
  size_t len, type_len;
  char type[32];
  char point[PATH_MAX * 4]; /* a blank is four characters here */
};

enum
{
  FIELD_ID,
  FIELD_PARENT,
  FIELD_DEVICE,
  FIELD_POINT = 4,
  FIELD_OPTIONAL = 6, /* as many as there are, perhaps none */
  FIELD_TYPE          /* counted as this one when the "-" is over */
};

struct table
{
  int fd;
  ssize_t at, end;
  char buf[4096];
  struct line line;
};

static void
take_digit (unsigned long *n, char c)
{
  *n = *n * 10 + (unsigned long) (c - '0');
}

/* Goes on to the next field.  The optional ones, as many as there are, end with "-" and count as one.  */
static void
next_field (struct line *l)
{
  if (l->field != FIELD_OPTIONAL || l->minus)
    l->field++;
  l->minus = false;
}

/* Takes one character of a line.  Returns true with its last.  */
static bool
take (struct line *l, char c)
{
  if (c == '\n')
    return true;
  if (c == ' ')
    next_field (l);
  else if (l->field == FIELD_ID)
    take_digit (&l->id, c);
  else if (l->field == FIELD_PARENT)
    take_digit (&l->parent, c);
  else if (l->field == FIELD_DEVICE && c == ':')
    l->major = l->minor, l->minor = 0;
  else if (l->field == FIELD_DEVICE)
    take_digit (&l->minor, c);
  else if (l->field == FIELD_POINT && l->len < sizeof l->point - 1)
    l->point[l->len++] = c;
  else if (l->field == FIELD_OPTIONAL)
    l->minus = c == '-'; /* the others begin with a letter, and end with a number */
  else if (l->field == FIELD_TYPE && l->type_len < sizeof l->type - 1)
    l->type[l->type_len++] = c;
  return false;
}

/* Reads the next line.  Returns 1, 0 at the end, or negative errno.  */
static int
next_line (struct table *t)
{
  struct line *l = &t->line;

  l->field = 0;
  l->minus = false;
  l->id = l->parent = l->major = l->minor = 0;
  l->len = l->type_len = 0;
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
  l->point[l->len] = l->type[l->type_len] = '\0';
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

static bool
is_of (const struct line *l, const struct mount_kinds *kinds)
{
  for (const char *const *t = kinds ? kinds->types : NULL; t && *t; t++)
    if (strcmp (*t, l->type) == 0)
      return true;
  return kinds == NULL || (kinds->dev != 0 && kinds->dev == makedev (l->major, l->minor));
}

/* Says why the mount of L, which is below, was not reached: ERROR is openat's.  */
static int
say_unreached (const struct line *l, int error, struct err *err)
{
  if (error == 0 || error == ENOENT || error == ENOTDIR) /* there is something else by that name */
    return err_host (err, ENOTSUP, "the mount at %s is covered by another: its attributes need mount_setattr (Linux 5.12)", l->point);
  return err_sys (err, error, "openat", "mount at %s", l->point);
}

/* Opens the mount of L into *RET_MNT, -1 if it is not below.  Returns 0 or negative errno.  */
static int
open_below (const struct search *s, const struct line *l, int *ret_mnt, struct err *err)
{
  const char *rest = l->point + s->len;
  bool named = rest[0] && rest[1];
  unsigned long id = 0;
  own_fd int mnt = named ? openat (s->mnt, rest + 1, O_PATH | O_NOFOLLOW | O_CLOEXEC) : -1;
  int error = named && mnt < 0 ? errno : 0, ret = mnt < 0 ? 0 : number_of (mnt, &id);

  *ret_mnt = -1;
  if (ret < 0)
    return err_sys (err, -ret, "read", "/proc/self/fdinfo");
  if (mnt >= 0 && id == l->id)
    {
      *ret_mnt = take_fd (&mnt);
      return 0;
    }
  ret = stands_on (l->id, s->id);
  if (ret < 0)
    return err_sys (err, -ret, "read", "/proc/self/mountinfo");
  return ret ? say_unreached (l, error, err) : 0;
}

static int
begin (struct search *s, struct table *t, int mnt, struct err *err)
{
  int ret = start (s, mnt);

  if (ret == 0)
    ret = open_table (t);
  return ret < 0 ? err_sys (err, -ret, "read", "mounts of this process") : 0;
}

static int
end (struct table *t, int ret, int more, struct err *err)
{
  own_close (&t->fd);
  return ret < 0 ? ret : more < 0 ? err_sys (err, -more, "read", "/proc/self/mountinfo") : 0;
}

int
mount_below (int mnt, const struct mount_kinds *kinds, int (*each) (int mnt, const void *what, struct err *err), const void *what,
             struct err *err)
{
  struct search s;
  struct table t;
  int ret = begin (&s, &t, mnt, err), more = 0;

  if (ret < 0)
    return ret;
  while (ret >= 0 && (more = next_line (&t)) > 0)
    if (may_be_below (&s, &t.line) && is_of (&t.line, kinds))
      {
        int fd;

        ret = open_below (&s, &t.line, &fd, err);
        own_fd int below = fd;
        if (below >= 0)
          ret = each (below, what, err);
      }
  return end (&t, ret, more, err);
}

int
mount_below_any (int mnt, bool *ret_any, struct err *err)
{
  struct search s;
  struct table t;
  int ret = begin (&s, &t, mnt, err), more = 0;

  *ret_any = false;
  if (ret < 0)
    return ret;
  while (! *ret_any && (more = next_line (&t)) > 0)
    *ret_any = t.line.parent == s.id;
  return end (&t, 0, more, err);
}
