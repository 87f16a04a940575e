/* SPDX-License-Identifier: Apache-2.0 */
/* Events of containers; see events.h.  One poll over the ends of all, their memory, and the clock.  */
#include "launch/events.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

#include "base/err.h"
#include "base/log.h"
#include "base/own.h"
#include "cgroup/oom.h"
#include "launch/known.h"
#include "launch/lifecycle.h"
#include "launch/usage.h"

/* One container that is watched.  */
struct watched
{
  struct known k;
  int first; /* pidfd of its first process; -1: it has ended */
  struct cgroup_oom oom;
};

enum
{
  NS = 1000000000,
  MS = 1000000,
  FDS_EACH = 2 /* of a container: its first process, and its memory */
};

static uint64_t
now (void)
{
  struct timespec t;

  (void) clock_gettime (CLOCK_MONOTONIC, &t); /* cannot fail with this clock */
  return (uint64_t) t.tv_sec * NS + (uint64_t) t.tv_nsec;
}

static int
tell (const struct events_args *a, const char *type, const char *id, struct usage *usage, struct err *err)
{
  own_mem char *text = NULL;
  int ret = usage_event (type, id, usage, &text, err);

  return ret < 0 ? ret : a->event (a->data, text);
}

static void
end (struct watched *w)
{
  own_close (&w->first);
  w->first = -1;
  cgroup_oom_close (&w->oom);
}

/* Of a container that runs, but whose cgroup is gone, nothing more can be told; others go on.  */
static int
leave_out (const struct events_args *a, struct watched *w, struct err *err)
{
  char text[4096];

  log_warn (a->log, "%s: %s", w->k.rec->id, err_text (err, NULL, text, sizeof text));
  err_clear (err);
  end (w);
  return 0;
}

static int
tell_stats (const struct events_args *a, struct watched *w, struct err *err)
{
  struct oci_arena *arena = NULL;
  struct usage usage;
  int ret = usage_read (w->k.rec, &arena, &usage, err);

  if (ret == 0)
    ret = tell (a, "stats", w->k.rec->id, &usage, err);
  else if (ret == -ENODEV)
    {
      err_clear (err); /* it is being deleted */
      end (w);
      ret = 0;
    }
  else if (ret == -ENOTSUP)
    ret = ! a->once ? leave_out (a, w, err) : a->n_ids > 1 ? err_in (err, ret, "container %s", w->k.rec->id) : ret;
  oci_arena_free (arena);
  return ret;
}

static int
tell_oom (const struct events_args *a, struct watched *w, struct err *err)
{
  return cgroup_oom_take (&w->oom) ? tell (a, "oom", w->k.rec->id, NULL, err) : 0;
}

/* Calls TELL for every container that lives.  */
static int
tell_all (const struct events_args *a, struct watched *w, int (*one) (const struct events_args *, struct watched *, struct err *),
          struct err *err)
{
  int ret = 0;

  for (size_t i = 0; ret == 0 && i < a->n_ids; i++)
    if (w[i].first >= 0)
      ret = one (a, &w[i], err);
  return ret;
}

static int
open_one (const struct events_args *a, const char *id, struct watched *w, struct err *err)
{
  struct err own = { 0 };
  char text[4096];
  int ret = known_open (&w->k, a->root, id, false, err);

  if (ret == 0)
    ret = lifecycle_open_first (w->k.rec, &w->first, err);
  if (ret == 0 && ! cgroup_is_own (w->k.rec->cgroup))
    ret = err_host (err, ENOTSUP, "the container has no cgroup of its own, which would tell what it uses");
  if (ret < 0 || a->once)
    return ret < 0 && a->n_ids > 1 ? err_in (err, ret, "container %s", id) : ret;
  if (cgroup_oom_open (w->k.rec->cgroup, &w->oom, &own) < 0)
    log_warn (a->log, "%s: no word of memory that has run out: %s", id, err_text (&own, NULL, text, sizeof text));
  return 0;
}

/* Fills FDS; returns how many containers live.  */
static size_t
prepare (const struct watched *w, size_t n, struct pollfd *fds)
{
  size_t living = 0;

  for (size_t i = 0; i < n; i++, fds += FDS_EACH)
    {
      living += w[i].first >= 0;
      fds[0] = (struct pollfd){ .fd = w[i].first, .events = POLLIN };
      fds[1] = (struct pollfd){ .fd = w[i].oom.fd, .events = w[i].oom.events };
    }
  return living;
}

/* How long to wait from AT: to NEXT, or until the first is to be asked for its memory once more.  */
static uint64_t
time_left (const struct watched *w, size_t n, uint64_t at, uint64_t next)
{
  for (size_t i = 0; i < n; i++)
    if (w[i].oom.due && w[i].oom.due * (uint64_t) MS < next)
      next = w[i].oom.due * (uint64_t) MS;
  return next > at ? next - at : 0;
}

/* What the poll has found: the last word of memory comes before the end.  */
static int
serve (const struct events_args *a, struct watched *w, const struct pollfd *fds, struct err *err)
{
  for (size_t i = 0; i < a->n_ids; i++, fds += FDS_EACH)
    {
      bool due = w[i].oom.due && now () >= w[i].oom.due * (uint64_t) MS;
      int ret = fds[0].revents || fds[1].revents || due ? tell_oom (a, &w[i], err) : 0;

      if (ret != 0)
        return ret;
      if (fds[0].revents)
        end (&w[i]);
    }
  return 0;
}

static int
watch (const struct events_args *a, struct watched *w, struct pollfd *fds, struct err *err)
{
  uint64_t next = now () + a->interval_ns;
  struct pollfd *stop = &fds[a->n_ids * FDS_EACH];
  int ret = 0;

  *stop = (struct pollfd){ .fd = a->stop, .events = POLLIN };
  while (ret == 0 && prepare (w, a->n_ids, fds) > 0)
    {
      uint64_t left = time_left (w, a->n_ids, now (), next);
      const struct timespec t = { .tv_sec = (time_t) (left / NS), .tv_nsec = (long) (left % NS) };
      int n = ppoll (fds, a->n_ids * FDS_EACH + 1, &t, NULL);

      if (n < 0 && errno != EINTR)
        return err_sys (err, errno, "ppoll", "containers");
      if (n > 0 && stop->revents)
        return 0;
      if (n >= 0)
        ret = serve (a, w, fds, err);
      if (ret == 0 && now () >= next)
        {
          ret = tell_all (a, w, tell_stats, err);
          next = now () + a->interval_ns; /* from here: who is slow to read is not flooded */
        }
    }
  return ret;
}

int
launch_events (const struct events_args *a, struct err *err)
{
  own_mem struct watched *w = calloc (a->n_ids + 1, sizeof *w);
  own_mem struct pollfd *fds = calloc (a->n_ids * FDS_EACH + 1, sizeof *fds);
  int ret = w && fds ? 0 : err_sys (err, ENOMEM, "calloc", "events");
  size_t n = 0;

  for (; ret == 0 && n < a->n_ids; n++)
    {
      w[n] = (struct watched){ .k = KNOWN_NONE, .first = -1, .oom = CGROUP_OOM_NONE };
      ret = open_one (a, a->ids[n], &w[n], err);
    }
  if (ret == 0)
    ret = tell_all (a, w, tell_stats, err);
  if (ret == 0 && ! a->once)
    ret = watch (a, w, fds, err);
  for (size_t i = 0; i < n; i++)
    {
      end (&w[i]);
      known_close (&w[i].k);
    }
  return ret;
}
