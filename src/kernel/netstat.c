/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of network interfaces; see netstat.h.  Parent only.  */
#include "kernel/netstat.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/own.h"
#include "kernel/pid.h"

enum
{
  TEXT_MAX = 16 << 20, /* a hundred thousand interfaces */
  N_COLUMNS = 16
};

/* The numbers after the name: bytes packets errs drop fifo frame compressed multicast, and the same for sending.  */
static bool
read_columns (const char *text, uint64_t *column)
{
  for (size_t i = 0; i < N_COLUMNS; i++)
    {
      char *end;

      text += strspn (text, " ");
      if (*text < '0' || *text > '9')
        return false;
      column[i] = strtoull (text, &end, 10); /* what is too great is the greatest */
      text = end;
    }
  return true;
}

/* One line, without its line feed.  */
static bool
read_line (char *line, struct netstat *s)
{
  uint64_t c[N_COLUMNS];
  char *colon = strrchr (line, ':'); /* an alias of old has one in its name */
  const char *name = line + strspn (line, " ");

  if (colon == NULL || colon == name || (size_t) (colon - name) >= sizeof s->name || ! read_columns (colon + 1, c))
    return false;
  *s = (struct netstat){ .rx_bytes = c[0], .rx_packets = c[1], .rx_errors = c[2], .rx_dropped = c[3],
                         .tx_bytes = c[8], .tx_packets = c[9], .tx_errors = c[10], .tx_dropped = c[11] };
  memcpy (s->name, name, (size_t) (colon - name));
  return true;
}

int
netstat_parse (const char *text, struct netstat **ret_list, size_t *ret_n)
{
  own_mem char *copy = strdup (text);
  size_t lines = 1, n = 0;
  char *rest = copy;
  struct netstat *list;

  for (const char *p = text; (p = strchr (p, '\n')); p++)
    lines++;
  list = copy ? calloc (lines, sizeof *list) : NULL;
  if (list == NULL)
    return -ENOMEM;
  for (char *line; (line = strsep (&rest, "\n"));)
    n += read_line (line, &list[n]);
  *ret_list = list;
  *ret_n = n;
  return 0;
}

/* A process that is on its way out has left its namespaces before it is a zombie; its files are gone then, or void.  */
static bool
means_gone (int num)
{
  return num == ENOENT || num == ESRCH || num == EINVAL;
}

static int
gone (struct err *err)
{
  err_clear (err);
  return err_state (err, ESRCH, "the container's first process has ended");
}

/* 1 if the process of the directory PROC is in our own network namespace, 0 if not, or negative errno.  */
static int
is_ours (int proc, struct err *err)
{
  struct stat theirs, ours;

  if (fstatat (proc, "ns/net", &theirs, 0) < 0)
    return means_gone (errno) ? gone (err) : err_sys (err, errno, "stat", "/proc/PID/ns/net");
  if (stat ("/proc/self/ns/net", &ours) < 0)
    return err_sys (err, errno, "stat", "/proc/self/ns/net");
  return theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev;
}

int
netstat_of (pid_t pid, uint64_t starttime, struct netstat **ret_list, size_t *ret_n, struct err *err)
{
  char path[32];
  own_mem char *text = NULL;
  int ret;

  (void) snprintf (path, sizeof path, "/proc/%d", pid);
  own_fd int proc = open (path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  *ret_list = NULL;
  *ret_n = 0;
  /* the directory stays that of its process; compared after opening, the number was not another's then */
  if (proc < 0 || ! pid_alive (pid, starttime))
    return gone (err);
  ret = is_ours (proc, err);
  if (ret != 0)
    return ret < 0 ? ret : 0;
  ssize_t n = file_read_at (proc, "net/dev", TEXT_MAX, &text, err);
  if (n < 0)
    return means_gone ((int) -n) ? gone (err) : (int) n;
  return netstat_parse (text, ret_list, ret_n) < 0 ? err_sys (err, ENOMEM, "malloc", "network interfaces") : 0;
}
