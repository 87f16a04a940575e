/* SPDX-License-Identifier: Apache-2.0 */
/* Removing a container's cgroup: what `made` says, and what the container put below it.  */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/own.h"
#include "cgroup/cgroup.h"
#include "cgroup/clock.h"
#include "cgroup/dir.h"
#include "cgroup/scope.h"
#include "cgroup/tree.h"
#include "kernel/pid.h"

enum
{
  REMOVE_MS = 10000 /* for all hierarchies together */
};

/* Waits a little for processes to leave D: on v2 until the kernel says that the last one has, on v1, which has no such
 * event, US microseconds.  */
static void
wait_empty (const struct cgroup_dir *d, long us, long until)
{
  struct cgroup_path p;
  char text[256] = "";

  if (cgroup_dir_is_v2 (d) && cgroup_dir_path (d, "cgroup.events", &p, NULL) == 0)
    {
      own_fd int fd = open (p.text, O_RDONLY | O_CLOEXEC);
      struct pollfd event = { .fd = fd, .events = POLLPRI };
      long left = until - clock_ms ();

      if (fd >= 0 && file_read_into (fd, text, sizeof text) > 0 && strstr (text, "populated 1"))
        {
          (void) poll (&event, 1, left > 0 ? (int) left : 0); /* rmdir tells */
          return;
        }
    }
  clock_pause (us);
}

/* Names the process that is in the way.  */
static int
busy (const char *path, struct err *err)
{
  long pid = 0;
  char state = '?';

  if (cgroup_tree_process (path, &pid) <= 0)
    return err_sys (err, EBUSY, "rmdir", "%s", path);
  if (pid > 0)
    (void) pid_starttime ((pid_t) pid, NULL, &state, NULL); /* '?' will do */
  return err_doing (err, err_sys (err, EBUSY, "rmdir", "%s", path), "process %ld (state %c) is still in it", pid,
                    state);
}

/* Removes D and what is below it, once what is in it has died.  */
static int
remove_whole (const struct cgroup_dir *d, const char *path, long until, struct err *err)
{
  for (long us = 100;; us = us < 20000 ? 2 * us : us)
    {
      int r = rmdir (path) < 0 ? -errno : 0;

      if (r == -EBUSY || r == -ENOTEMPTY)
        {
          /* either there are cgroups below it, or processes: a killed one leaves a moment after its end is told */
          r = cgroup_tree_prune (path);
          if (r == 0)
            r = rmdir (path) < 0 ? -errno : 0;
        }
      if (r == 0 || r == -ENOENT || r == -ENOTDIR) /* ENOTDIR: a file of the kernel's has that name, so nothing was made there */
        return 0;
      if (r != -EBUSY && r != -ENOTEMPTY)
        return err_sys (err, -r, "rmdir", "%s", path);
      if (clock_ms () >= until)
        return busy (path, err);
      wait_empty (d, us, until);
    }
}

static int
remove_dir (const struct cgroup_dir *d, long *until, struct err *err)
{
  struct cgroup_path p;
  int r = cgroup_dir_path (d, NULL, &p, err);

  if (r < 0)
    return r;
  if (rmdir (p.text) < 0 && errno != ENOENT)
    {
      if (*until == 0)
        *until = clock_ms () + REMOVE_MS;
      r = remove_whole (d, p.text, *until, err);
    }
  for (uint32_t i = 1; r == 0 && i < d->made; i++)
    {
      char *slash = strrchr (p.text, '/');

      *slash = '\0';
      if (rmdir (p.text) < 0 && errno != ENOENT) /* another container lives below it by now */
        break;
    }
  return r;
}

int
cgroup_remove (const struct cgroup *cg, struct err *err)
{
  long until = 0;
  int first = cg->unit ? scope_stop (cg, err) : 0;

  if (first == -EEXIST) /* another's unit has the cgroup now */
    return 0;
  if (first == -ENOENT && cg->n_dirs == 1) /* no unit, so no cgroup: systemd has removed it */
    return 0;
  first = first == -ENOENT ? 0 : first; /* some hierarchies of v1 systemd does not know */
  /* the others are removed even if one cannot be */
  for (size_t i = 0; i < cg->n_dirs; i++)
    {
      int r = cg->dirs[i].made ? remove_dir (&cg->dirs[i], &until, first < 0 ? NULL : err) : 0;
      first = first < 0 ? first : r;
    }
  return first;
}
