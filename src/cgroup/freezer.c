/* SPDX-License-Identifier: Apache-2.0 */
/* Freezing and thawing a container's cgroup.  Never leaves one half frozen, and never waits without an end. */
#include "cgroup/freezer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/own.h"
#include "cgroup/cgroup.h"
#include "cgroup/clock.h"
#include "cgroup/dir.h"
#include "cgroup/tree.h"

enum
{
  FREEZE_MS = 2000 /* for cgroup_freeze */
};

/* v2: writes cgroup.freeze, and waits for cgroup.events to say so.  */
static int
freeze_v2 (const struct cgroup_dir *d, bool frozen, long until, struct err *err)
{
  struct cgroup_path p;
  char text[256];
  int r = cgroup_dir_write (d, "cgroup.freeze", frozen ? "1" : "0", err);

  if (r == 0)
    r = cgroup_dir_path (d, "cgroup.events", &p, err);
  if (r < 0)
    return r;
  own_fd int fd = open (p.text, O_RDONLY | O_CLOEXEC);
  for (;;)
    {
      struct pollfd event = { .fd = fd, .events = POLLPRI };
      long left = until - clock_ms ();
      ssize_t n = file_read_into (fd, text, sizeof text);

      if (n < 0)
        return err_sys (err, (int) -n, "read", "%s", p.text);
      if (strstr (text, frozen ? "frozen 1" : "frozen 0"))
        return 0;
      if (left <= 0)
        return -ETIMEDOUT;
      (void) poll (&event, 1, (int) left); /* reading again tells */
    }
}

/* v1: has no events.  What is forked while the freezer is at work may escape it, so it is told again
 * (cgroup-v1/freezer-subsystem.rst).  */
static int
freeze_v1 (const struct cgroup_dir *d, bool frozen, long until, struct err *err)
{
  const char *want = frozen ? "FROZEN" : "THAWED";

  for (long us = 100;; us = us < 10000 ? 2 * us : us)
    {
      char text[16];
      int r = cgroup_dir_write (d, "freezer.state", want, err);
      ssize_t n = r < 0 ? 0 : cgroup_dir_read (d, "freezer.state", text, sizeof text);

      if (r < 0 || n < 0)
        return r < 0 ? r : err_sys (err, (int) -n, "read", "freezer.state");
      if (strncmp (text, want, strlen (want)) == 0)
        return 0;
      if (clock_ms () >= until)
        return -ETIMEDOUT;
      clock_pause (us);
    }
}

int
freezer_set (const struct cgroup_dir *d, bool frozen, long ms, struct err *err)
{
  long until = clock_ms () + ms;
  return cgroup_dir_is_v2 (d) ? freeze_v2 (d, frozen, until, err) : freeze_v1 (d, frozen, until, err);
}

void
freezer_hold_signals (sigset_t *ret_old)
{
  sigset_t all;

  (void) sigfillset (&all);
  (void) pthread_sigmask (SIG_BLOCK, &all, ret_old); /* cannot fail with these */
}

void
freezer_release_signals (const sigset_t *old)
{
  (void) pthread_sigmask (SIG_SETMASK, old, NULL);
}

const struct cgroup_dir *
freezer_of (const struct cgroup *cg)
{
  const struct cgroup_dir *d = cgroup_dir_of (cg, "freezer");
  return d && ! d->skipped ? d : NULL;
}

int
cgroup_freeze (const struct cgroup *cg, bool frozen, struct err *err)
{
  const struct cgroup_dir *d = freezer_of (cg);
  int r;

  if (d == NULL)
    return err_host (err, ENOTSUP, "the container has no cgroup of its own that could be frozen");
  r = freezer_set (d, frozen, FREEZE_MS, err);
  if (r != -ETIMEDOUT)
    return r;
  if (frozen)
    (void) freezer_set (d, false, 0, NULL); /* not half; whether it helped shows later */
  return err_host (err, ETIMEDOUT, "the cgroup could not be %s within %d ms", frozen ? "frozen" : "thawed", FREEZE_MS);
}

int
cgroup_frozen (const struct cgroup *cg)
{
  const struct cgroup_dir *d = freezer_of (cg);
  char text[16] = "";
  ssize_t n;

  if (d == NULL)
    return 0;
  n = cgroup_dir_read (d, cgroup_dir_is_v2 (d) ? "cgroup.freeze" : "freezer.state", text, sizeof text);
  if (n == -ENOENT || n == -ENODEV)
    return 0; /* the cgroup is gone, or, before Linux 5.2, without a freezer */
  return n < 0 ? (int) n : text[0] == '1' || text[0] == 'F'; /* "FREEZING" will be "FROZEN" */
}

static int
visit_thaw (int dir, bool top, void *data)
{
  (void) top, (void) data;
  (void) file_write_at (dir, "freezer.state", "THAWED", strlen ("THAWED"), NULL); /* the next may be the frozen one */
  return 0;
}

int
cgroup_thaw (const struct cgroup *cg, struct err *err)
{
  const struct cgroup_dir *d = cgroup_dir_find (cg, "freezer");
  struct cgroup_path p;
  int r = d && ! d->skipped ? cgroup_dir_path (d, NULL, &p, err) : 0;

  return d == NULL || d->skipped || r < 0 ? r : cgroup_tree_walk (p.text, visit_thaw, NULL, err);
}
