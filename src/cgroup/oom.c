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
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/own.h"
#include "cgroup/cgroup.h"
#include "cgroup/clock.h"
#include "cgroup/dir.h"

/* oom_kill in TEXT, of memory.events or memory.oom_control (Linux 4.13); 0 if it is not there.  */
static uint64_t
killed (const char *text)
{
  const char *at = strstr (text, "\noom_kill ");

  return at ? strtoull (at + strlen ("\noom_kill "), NULL, 10) : 0;
}

enum /* milliseconds */
{
  LOOK = 2000,  /* the kernel writes a page or two to its log, and so perhaps to a slow console, before it kills */
  ECHO = 500,   /* in which a victim that was killed wants memory on its way out */
  REMOVAL = 200 /* the word of a removal comes after the kernel's grace period */
};

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
  char line[32], text[128];
  int ret;

  if (control < 0)
    return errno == ENOENT ? 0 : err_sys (err, errno, "open", "%s/memory.oom_control", path);
  if (event < 0)
    return err_sys (err, errno, "eventfd", "%s", path);
  if (file_read_into (control, text, sizeof text) > 0) /* first, so that nothing is missed between */
    o->killed = killed (text);
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

/* True where a wake-up is all there is to know: nobody is killed, or it may be someone below, who is counted there.  */
static bool
is_untold (const struct cgroup_oom *o, const char *control)
{
  struct stat st;

  return strncmp (control, "oom_kill_disable 1", strlen ("oom_kill_disable 1")) == 0 || (fstat (o->dir, &st) == 0 && st.st_nlink > 2);
}

/* How often the kernel has woken us since we asked last.  */
static uint64_t
wake_ups (const struct cgroup_oom *o)
{
  uint64_t count;

  return read (o->fd, &count, sizeof count) == sizeof count ? count : 0; /* EAGAIN: nothing happened */
}

/* Those of COUNT that were no word of the removal: its own is the last, and may be on its way still.  */
static uint64_t
without_removal (const struct cgroup_oom *o, uint64_t count)
{
  struct pollfd p = { .fd = o->fd, .events = POLLIN };

  if (count == 1 && poll (&p, 1, REMOVAL) > 0)
    count += wake_ups (o);
  return count > 0 ? count - 1 : 0;
}

/* When to look next: soon after a wake-up (ANEW), and then ever more rarely until its time is over, which the clock says alone.  */
static void
look_again (struct cgroup_oom *o, bool anew, int64_t at)
{
  o->step = anew ? 1 : o->step * 2;
  if (anew)
    o->until = at + LOOK;
  if (o->step > o->until - at)
    o->step = o->until - at;
  o->due = o->step > 0 ? at + o->step : 0;
  if (o->due == 0)
    o->open = false;
}

/* The kernel wakes us before it kills, and again when the victim wants memory on its way out: what counts is oom_kill, which may grow only
 * after we have looked.  The removal of the cgroup wakes, too; then nothing can be read any more, and a wake-up before it means a kill, but
 * for one in the moments after a kill that was told.  */
static int
take_v1 (struct cgroup_oom *o)
{
  uint64_t count = wake_ups (o), before = o->killed;
  int64_t at = clock_ms ();
  bool told, news = at >= o->echo;
  char text[128];

  if (file_read_small (o->dir, "memory.oom_control", text, sizeof text) < 0)
    {
      told = o->open || (news && without_removal (o, count) > 0);
      cgroup_oom_close (o);
      return told;
    }
  o->killed = killed (text);
  told = o->killed > before || (count > 0 && is_untold (o, text));
  if (told)
    o->echo = at + ECHO;
  o->open = ! told && (o->open || (news && count > 0));
  look_again (o, count > 0, at);
  return told;
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
  return o->fd < 0 ? 0 : o->events == POLLPRI ? take_v2 (o) : take_v1 (o);
}

void
cgroup_oom_close (struct cgroup_oom *o)
{
  own_close (&o->fd);
  own_close (&o->dir);
  o->fd = o->dir = -1;
  o->due = 0;
  o->open = false;
}

bool
cgroup_oom_happened (const struct cgroup *cg)
{
  const struct cgroup_dir *d = cg ? cgroup_dir_of (cg, "memory") : NULL;
  char text[1024];

  return d && ! d->skipped && cgroup_dir_read (d, cgroup_dir_is_v2 (d) ? "memory.events" : "memory.oom_control", text, sizeof text) > 0
         && killed (text) > 0;
}
