/* SPDX-License-Identifier: Apache-2.0 */
/* What containers use: events, a few numbers of one, metrics of all. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/own.h"
#include "base/str.h"
#include "handle.h"
#include "launch/events.h"
#include "look.h"
#include "metrics.h"

#define PUBLIC __attribute__ ((visibility ("default")))

/* Five seconds, as runc has it.  */
static const uint64_t default_interval_ns = 5000000000;

PUBLIC int
orlop_events (struct orlop *o, const char *const *ids, size_t n, const struct orlop_events_options *options)
{
  struct err *err = handle_begin (o);
  struct events_args args = { .root = o->root, .ids = ids, .n_ids = n, .stop = -1, .log = handle_log (o) };
  int ret;

  if (options == NULL || options->event == NULL || options->stop_fd < 0)
    return handle_end (o, err_usage (err, "events without a function to tell them to"));
  args.once = options->once;
  args.interval_ns = options->interval_ns ? options->interval_ns : default_interval_ns;
  args.stop = options->stop_fd > 0 ? options->stop_fd : -1;
  args.event = options->event;
  args.data = options->data;
  ret = launch_events (&args, err);
  return ret > 0 ? ret : handle_end (o, ret);
}

/* --- a few numbers */

/* The bytes that OP ("Read") moved, of all devices.  */
static uint64_t
sum_io (const struct usage_blkio *b, const char *op)
{
  uint64_t sum = 0;

  for (size_t i = 0; i < b->n_bytes; i++)
    if (b->bytes[i].op && strcmp (b->bytes[i].op, op) == 0)
      sum += b->bytes[i].value;
  return sum;
}

/* What all interfaces but lo have carried, the number at offset AT of each.  */
static uint64_t
sum_network (const struct usage *u, size_t at)
{
  uint64_t sum = 0, one;

  for (size_t i = 0; i < u->n_networks; i++)
    if (strcmp (u->networks[i].name, "lo") != 0)
      {
        memcpy (&one, (const char *) &u->networks[i] + at, sizeof one);
        sum += one;
      }
  return u->networks ? sum : ORLOP_UNKNOWN;
}

/* v1 writes no limit of memory as the greatest multiple of a page below 2^63.  */
static uint64_t
memory_limit (uint64_t limit)
{
  return limit == 0 || limit >> 62 ? ORLOP_UNKNOWN : limit;
}

static void
shorten (const struct usage *u, const struct timespec *at, struct orlop_usage *ret)
{
  *ret = (struct orlop_usage){ .at_ns = (uint64_t) at->tv_sec * 1000000000 + (uint64_t) at->tv_nsec,
                               .cpu_ns = u->cpu.usage.total,
                               .memory = u->memory.usage.limit ? u->memory.usage.usage : ORLOP_UNKNOWN,
                               .memory_limit = memory_limit (u->memory.usage.limit),
                               .pids = u->pids.current,
                               .pids_limit = u->pids.limit ? u->pids.limit : ORLOP_UNKNOWN,
                               .io_read = sum_io (&u->blkio, "Read"),
                               .io_written = sum_io (&u->blkio, "Write"),
                               .net_received = sum_network (u, offsetof (struct usage_network, rx_bytes)),
                               .net_sent = sum_network (u, offsetof (struct usage_network, tx_bytes)) };
}

PUBLIC int
orlop_usage (struct orlop *o, const char *id, struct orlop_usage *ret_usage)
{
  struct err *err = handle_begin (o);
  struct oci_arena *arena = NULL;
  struct usage usage;
  struct timespec at;
  struct look l;
  int ret = look_at (&l, o->root, id, err);

  if (ret == 0 && l.pid == 0)
    ret = err_state (err, ESRCH, "container not running");
  (void) clock_gettime (CLOCK_MONOTONIC, &at); /* right before the use of processors, which is read first */
  if (ret == 0)
    ret = usage_read (l.rec, &arena, &usage, err);
  if (ret == 0)
    shorten (&usage, &at, ret_usage);
  oci_arena_free (arena);
  look_away (&l);
  return handle_end (o, ret);
}

/* --- metrics */

struct gathered
{
  struct orlop *o;
  struct oci_arena *arena;
  struct metrics_of *list;
  size_t n;
};

static const char *
copy (struct gathered *g, const char *text)
{
  char *got = oci_strndup (&g->arena, text, strlen (text));

  if (got)
    str_make_utf8 (got);
  return got;
}

/* A container whose use cannot be read is there without it; one that vanishes meanwhile is not.  */
static int
gather (void *data, const struct look *l, struct err *err)
{
  struct gathered *g = data;
  struct err own = { 0 };
  char text[4096];
  struct metrics_of m = { .id = copy (g, l->rec->id), .status = copy (g, l->status), .bundle = copy (g, l->rec->bundle) };
  struct metrics_of *list = realloc (g->list, (g->n + 1) * sizeof *list);
  int ret = usage_read (l->rec, &g->arena, &m.usage, &own);

  if (list)
    g->list = list;
  if (list == NULL || m.id == NULL || m.status == NULL || m.bundle == NULL || ret == -ENOMEM)
    return err_sys (err, ENOMEM, "malloc", "metrics");
  m.used = ret == 0;
  if (ret < 0 && ret != -ENOTSUP && ret != -ENODEV)
    log_warn (handle_log (g->o), "%s: %s", m.id, err_text (&own, NULL, text, sizeof text));
  if (ret != -ENODEV || faccessat (l->dir.fd, RECORD_STATE, F_OK, 0) == 0)
    list[g->n++] = m;
  return 0;
}

PUBLIC int
orlop_metrics (struct orlop *o, char **ret_text)
{
  struct err *err = handle_begin (o);
  struct gathered g = { .o = o };
  int ret = look_each (o, gather, &g, err);

  if (ret == 0)
    ret = metrics_text (g.list, g.n, ret_text, err);
  free (g.list);
  oci_arena_free (g.arena);
  return handle_end (o, ret);
}
