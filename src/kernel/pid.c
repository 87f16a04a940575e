/* SPDX-License-Identifier: Apache-2.0 */
/* Processes from outside, and facts about ourselves.  Never signals by number. */
#include "kernel/pid.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "kernel/sys.h"

/* What we want of /proc/PID/stat.  */
struct stat_line
{
  char state;
  uint64_t parent, flags, n_threads, start, ignored;
};

int
pid_open (pid_t pid, struct err *err)
{
  int fd = sys_pidfd_open (pid, 0);
  /* a number that lives on as that of a process group or session: Linux 6.1 answers EINVAL, 6.18 ESRCH */
  if (fd == -EINVAL && pid > 0)
    fd = -ESRCH;
  return fd < 0 ? err_sys (err, -fd, "pidfd_open", "%d", (int) pid) : fd;
}

int
pid_signal (int pidfd, int sig, struct err *err)
{
  int ret = sys_pidfd_send_signal (pidfd, sig, NULL, 0);
  return ret < 0 ? err_sys (err, -ret, "pidfd_send_signal", "signal %d", sig) : 0;
}

/* Reads the decimal number at TEXT, which a space follows.  */
static bool
number_at (const char *text, uint64_t *ret_value)
{
  uint64_t value = 0;
  const char *p = text;
  for (; *p >= '0' && *p <= '9'; p++)
    if (__builtin_mul_overflow (value, 10, &value) || __builtin_add_overflow (value, (uint64_t) (*p - '0'), &value))
      return false;
  *ret_value = value;
  return p > text && *p == ' ';
}

/* Takes the line apart.  proc(5): the second field is the name in parentheses, which may itself hold any character.  */
static int
parse_stat (const char *text, struct stat_line *ret)
{
  const char *p = strrchr (text, ')');
  if (! p || p[1] != ' ' || p[2] == '\0' || p[3] != ' ')
    return -EPROTO;
  ret->state = p[2];
  p += 3;
  for (unsigned field = 4; p; p = strchr (p, ' '), field++)
    {
      p++;
      if (field == 4 && ! number_at (p, &ret->parent))
        return -EPROTO;
      if (field == 9 && ! number_at (p, &ret->flags))
        return -EPROTO;
      if ((field == 20 && ! number_at (p, &ret->n_threads)) || (field == 22 && ! number_at (p, &ret->start)))
        return -EPROTO;
      if (field == 33)
        return number_at (p, &ret->ignored) ? 0 : -EPROTO;
    }
  return -EPROTO;
}

/* Reads and parses /proc/PID/stat.  */
static int
read_stat (pid_t pid, struct stat_line *ret, struct err *err)
{
  char path[32];
  char text[1024];

  snprintf (path, sizeof path, "/proc/%d/stat", (int) pid);
  ssize_t len = file_read_small (AT_FDCWD, path, text, sizeof text);
  int r = len == -ENOENT ? -ESRCH : len < 0 ? (int) len : parse_stat (text, ret);
  return r < 0 ? err_sys (err, -r, "read", "%s", path) : 0;
}

int
pid_starttime (pid_t pid, uint64_t *ret_ticks, char *ret_state, struct err *err)
{
  struct stat_line line;

  int ret = read_stat (pid, &line, err);
  if (ret < 0)
    return ret;
  if (ret_ticks)
    *ret_ticks = line.start;
  if (ret_state)
    *ret_state = line.state;
  return 0;
}

int
pid_birth (pid_t pid, uint64_t *ret_ticks, uint64_t *ret_ignored, struct err *err)
{
  struct stat_line line;

  int ret = read_stat (pid, &line, err);
  if (ret < 0)
    return ret;
  if (ret_ticks)
    *ret_ticks = line.start;
  if (ret_ignored)
    *ret_ignored = line.ignored;
  return 0;
}

bool
pid_alive (pid_t pid, uint64_t starttime)
{
  struct stat_line line;

  if (read_stat (pid, &line, NULL) < 0 || line.start != starttime)
    return false;
  return line.state == 'Z' ? line.n_threads > 1 : line.state != 'X' && line.state != 'x';
}

bool
pid_exiting (pid_t pid)
{
  struct stat_line line;

  return read_stat (pid, &line, NULL) == 0 && (line.flags & 0x4) != 0; /* PF_EXITING of the kernel's <linux/sched.h>, unchanged since 2.6 */
}

bool
pid_descends (pid_t pid, pid_t ancestor)
{
  struct stat_line line;

  while (pid != ancestor)
    {
      if (read_stat (pid, &line, NULL) < 0)
        return true;
      if (line.parent <= 1)
        return false;
      pid = (pid_t) line.parent;
    }
  return true;
}

/* Reads the hexadecimal number after NAME ("\nCapPrm:\t") in TEXT.  */
static bool
mask_after (const char *text, const char *name, uint64_t *ret_mask)
{
  const char *p = strstr (text, name);
  uint64_t mask = 0;

  if (! p)
    return false;
  p += strlen (name);
  const char *end = p + strspn (p, "0123456789abcdef");
  if (end == p || end - p > 16 || *end != '\n')
    return false;
  for (; p < end; p++)
    mask = mask << 4 | (uint64_t) (*p <= '9' ? *p - '0' : *p - 'a' + 10);
  *ret_mask = mask;
  return true;
}

int
pid_self (struct pid_self *ret_self)
{
  char text[4096];
  struct pid_self self;

  ssize_t len = file_read_small (AT_FDCWD, "/proc/self/status", text, sizeof text);
  if (len < 0)
    return (int) len;
  if (! mask_after (text, "\nCapPrm:\t", &self.permitted) || ! mask_after (text, "\nCapEff:\t", &self.effective)
      || ! mask_after (text, "\nCapBnd:\t", &self.bounding) || ! mask_after (text, "\nSigBlk:\t", &self.blocked)
      || ! mask_after (text, "\nSigIgn:\t", &self.ignored))
    return -EPROTO;
  *ret_self = self;
  return 0;
}
