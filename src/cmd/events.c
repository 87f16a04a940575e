/* SPDX-License-Identifier: Apache-2.0 */
/* orlop events: what containers use, and when they run out of memory, as lines of JSON. */
#include <limits.h>

#include "cmd/cmd.h"

struct events_args
{
  bool stats;
  const char *interval;
};

static const struct opt events_options[] = {
  { "stats", 0, OPT_FLAG, offsetof (struct events_args, stats), NULL, "print what the containers use now, and exit" },
  { "interval", 0, OPT_STRING, offsetof (struct events_args, interval), "DURATION", "time between two prints of that (default: 5s)" },
  { .name = NULL },
};

static int
print_event (void *data, const char *json)
{
  return cmd_print (data, json);
}

static int
events_run (struct cmd_call *c)
{
  const struct events_args *a = c->args;
  struct orlop_events_options options = { .once = a->stats, .interval_ns = UINT64_C (5000000000), .event = print_event, .data = c };
  int ret = cmd_interval (c, a->interval, &options.interval_ns);

  return ret < 0 ? ret : orlop_events (c->o, (const char *const *) c->argv, (size_t) c->argc, &options);
}

const struct cmd cmd_events = { .name = "events", .operands = "CONTAINER...", .help = "print what containers use, and when they run out of memory, as JSON",
                                .options = events_options, .args_size = sizeof (struct events_args), .min = 1, .max = INT_MAX,
                                .failed = CMD_FAILED, .run = events_run };
