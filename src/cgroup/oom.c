/* SPDX-License-Identifier: Apache-2.0 */
/* Watching for the end of memory; see oom.h.  Nothing is lost between opening and polling: both ways count.  */
#include "cgroup/oom.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/own.h"
#include "cgroup/cgroup.h"
#include "cgroup/dir.h"

/* oom_kill in TEXT, of memory.events or (Linux 4.13) memory.oom_control; 0 if it is not there.  */
static uint64_t
killed (const char *text)
{
  const char *at = strstr (text, "\noom_kill ");

  return at ? strtoull (at + strlen ("\noom_kill "), NULL, 10) : 0;
}

/* Reads oom_kill of memory.events.  Returns 0 or negative errno; -ENODEV: the cgroup is gone.  */
static int
read_killed (int fd, uint64_t *ret)
{
  char text[1024];
  ssize_t n = file_read_into (fd, text, sizeof text);

  if (n < 0)
    return (int) n;
  *ret = killed (text);
  return 0;
}

static int
open_v2 (int dir, const char *path, struct cgroup_oom *o, struct err *err)
{
  int ret;
  own_fd int fd = openat (dir, "memory.events", O_RDONLY | O_CLOEXEC);

  if (fd < 0)
    return errno == ENOENT ? 0 : err_sys (err, errno, "open", "%s/memory.events", path);
  ret = read_killed (fd, &o->killed);
  if (ret < 0)
    return ret == -ENODEV ? 0 : err_sys (err, -ret, "read", "%s/memory.events", path);
  o->events = POLLPRI;
  o->fd = take_fd (&fd);
  return 0;
}

static int
open_v1 (int *dir, const char *path, struct cgroup_oom *o, struct err *err)
{
  own_fd int control = openat (*dir, "memory.oom_control", O_RDONLY | O_CLOEXEC);
  own_fd int event = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  char line[32];
  int ret;

  if (control < 0)
    return errno == ENOENT ? 0 : err_sys (err, errno, "open", "%s/memory.oom_control", path);
  if (event < 0)
    return err_sys (err, errno, "eventfd", "%s", path);
  (void) snprintf (line, sizeof line, "%d %d", event, control);
  ret = file_write_at (*dir, "cgroup.event_control", line, strlen (line), err);
  if (ret < 0)
    return ret;
  o->events = POLLIN;
  o->fd = take_fd (&event);
  o->dir = take_fd (dir);
  return 0;
}

int
cgroup_oom_open (const struct cgroup *cg, struct cgroup_oom *o, struct err *err)
{
  const struct cgroup_dir *d = cg ? cgroup_dir_of (cg, "memory") : NULL;
  struct cgroup_path p;
  int ret = d && ! d->skipped ? cgroup_dir_path (d, NULL, &p, err) : -ENOENT;

  if (ret < 0)
    return ret == -ENOENT ? 0 : ret;
  own_fd int dir = open (p.text, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (dir < 0)
    return errno == ENOENT ? 0 : err_sys (err, errno, "open", "%s", p.text);
  return cgroup_dir_is_v2 (d) ? open_v2 (dir, p.text, o, err) : open_v1 (&dir, p.text, o, err);
}

/* The eventfd counts also the removal of the cgroup, which so wakes its readers.  */
static int
take_v1 (struct cgroup_oom *o)
{
  uint64_t count = 0;

  if (read (o->fd, &count, sizeof count) != sizeof count)
    count = 0; /* EAGAIN: nothing happened */
  if (faccessat (o->dir, "cgroup.event_control", F_OK, 0) == 0)
    return count > 0;
  cgroup_oom_close (o);
  return count > 1;
}

static int
take_v2 (struct cgroup_oom *o)
{
  uint64_t before = o->killed;

  if (read_killed (o->fd, &o->killed) < 0)
    cgroup_oom_close (o);
  return o->killed > before;
}

int
cgroup_oom_take (struct cgroup_oom *o)
{
  if (o->fd < 0)
    return 0;
  return o->events == POLLPRI ? take_v2 (o) : take_v1 (o);
}

void
cgroup_oom_close (struct cgroup_oom *o)
{
  own_close (&o->fd);
  own_close (&o->dir);
  o->fd = o->dir = -1;
}

bool
cgroup_oom_happened (const struct cgroup *cg)
{
  const struct cgroup_dir *d = cg ? cgroup_dir_of (cg, "memory") : NULL;
  char text[1024];

  return d && ! d->skipped && cgroup_dir_read (d, cgroup_dir_is_v2 (d) ? "memory.events" : "memory.oom_control", text, sizeof text) > 0
         && killed (text) > 0;
}
