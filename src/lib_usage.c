/* SPDX-License-Identifier: Apache-2.0 */
/* What containers use: events. */
#include "base/err.h"
#include "handle.h"
#include "launch/events.h"

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
