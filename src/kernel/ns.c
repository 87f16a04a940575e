/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces.  Opens, checks, joins, leaves; never decides which.  child-safe */
#include "kernel/ns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/nsfs.h>

#include "base/err.h"
#include "base/file.h"
#include "base/own.h"
#include "kernel/sys.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080 /* Linux 5.6 */
#endif

/* The order matters, see the header.  Cgroup stands late because a new one is rooted where the process is then.  */
const struct ns_type ns_types[] = {
  { "user", "user", CLONE_NEWUSER },
  { "ipc", "ipc", CLONE_NEWIPC },
  { "uts", "uts", CLONE_NEWUTS },
  { "network", "net", CLONE_NEWNET },
  { "pid", "pid", CLONE_NEWPID },
  { "time", "time", CLONE_NEWTIME },
  { "cgroup", "cgroup", CLONE_NEWCGROUP },
  { "mount", "mnt", CLONE_NEWNS },
  { NULL, NULL, 0 },
};

const struct ns_type *
ns_by_name (const char *name)
{
  for (const struct ns_type *t = ns_types; t->name; t++)
    if (strcmp (t->name, name) == 0)
      return t;
  return NULL;
}

const struct ns_type *
ns_by_flag (int flag)
{
  for (const struct ns_type *t = ns_types; t->name; t++)
    if (t->flag == flag)
      return t;
  return NULL;
}

/* The spec's word for FLAG, for errors.  */
static const char *
word (int flag)
{
  const struct ns_type *type = ns_by_flag (flag);
  return type ? type->name : "unknown";
}

int
ns_open (const char *path, int flag, struct err *err)
{
  /* O_NONBLOCK: a FIFO at PATH must not stop us.  */
  own_fd int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0)
    return err_sys (err, errno, "open", "%s", path);

  int type = ioctl (fd, NS_GET_NSTYPE);
  if (type < 0 && errno == ENOTTY)
    return err_doing (err, err_sys (err, EINVAL, "ioctl", "%s", path), "not a namespace");
  if (type < 0)
    return err_sys (err, errno, "ioctl", "%s", path);
  if (type != flag)
    return err_doing (err, err_sys (err, EINVAL, "ioctl", "%s", path), "a %s namespace is wanted, this is a %s namespace",
                      word (flag), word (type));
  return take_fd (&fd);
}

bool
ns_is_foreign (const char *path)
{
  own_fd int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  own_fd int owner = fd < 0 ? -1 : ioctl (fd, NS_GET_USERNS);

  return fd >= 0 && owner < 0 && errno == EPERM;
}

int
ns_join (int fd, int flag, const char *name, struct err *err)
{
  int ret = sys_setns (fd, flag);
  return ret < 0 ? err_sys (err, -ret, "setns", "%s", name) : 0;
}

/* Fills BUF with the words of FLAGS, for errors: "pid network".  */
static const char *
words (int flags, char *buf, size_t size)
{
  size_t used = 0;
  buf[0] = '\0';
  for (const struct ns_type *t = ns_types; t->name; t++)
    if ((flags & t->flag) && used + strlen (t->name) + 2 <= size)
      {
        if (used > 0)
          buf[used++] = ' ';
        strcpy (buf + used, t->name);
        used += strlen (t->name);
      }
  return buf;
}

int
ns_unshare (int flags, struct err *err)
{
  char buf[80];
  int ret = flags ? sys_unshare (flags) : 0;
  return ret < 0 ? err_sys (err, -ret, "unshare", "%s", words (flags, buf, sizeof buf)) : 0;
}

/* The number of the process PIDFD in PROC, by what procfs says of the descriptor.  */
static int
number_of (int pidfd, int proc, struct err *err)
{
  char name[32], text[512];
  const char *line;
  uint64_t pid = 0;
  ssize_t n;

  (void) snprintf (name, sizeof name, "self/fdinfo/%d", pidfd);
  n = file_read_small (proc, name, text, sizeof text);
  if (n < 0)
    return err_sys (err, (int) -n, "read", "/proc/%s", name);
  line = strstr (text, "\nPid:\t");
  for (line = line ? line + strlen ("\nPid:\t") : ""; *line >= '0' && *line <= '9' && pid < INT32_MAX; line++)
    pid = pid * 10 + (uint64_t) (*line - '0');
  return pid > 0 && pid < INT32_MAX ? (int) pid : err_sys (err, ESRCH, "read", "/proc/%s", name); /* -1: it has ended; 0: not in this procfs */
}

int
ns_open_process (int pidfd, int flags, int proc, int fds[NS_KINDS], struct err *err)
{
  int pid = number_of (pidfd, proc, err), ret = pid, n = 0;
  char name[64];

  for (const struct ns_type *t = ns_types; ret >= 0 && t->name; t++)
    if (flags & t->flag)
      {
        (void) snprintf (name, sizeof name, "%d/ns/%s", pid, t->proc);
        ret = openat (proc, name, O_RDONLY | O_CLOEXEC);
        if (ret >= 0)
          fds[n++] = ret;
        else
          ret = err_sys (err, errno, "open", "/proc/%s", name);
      }
  if (ret >= 0 && sys_pidfd_send_signal (pidfd, 0, NULL, 0) < 0) /* so that all were its, and not of a later process of its number */
    ret = err_sys (err, ESRCH, "open", "/proc/%d/ns", pid);
  while (ret < 0 && n > 0)
    own_close (&fds[--n]);
  return ret < 0 ? ret : n;
}
