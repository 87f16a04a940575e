/* SPDX-License-Identifier: Apache-2.0 */
/* Telling what containers use and when they run out of memory, until they end. */
#ifndef ORLOP_LAUNCH_EVENTS_H
#define ORLOP_LAUNCH_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct log;

struct events_args
{
  const char *root;       /* directory of all containers */
  const char *const *ids; /* N_IDS of them */
  size_t n_ids;
  bool once;              /* what they use now, and no more */
  uint64_t interval_ns;   /* between two tellings of that; not 0 */
  int stop;               /* ends when this descriptor can be read; -1: none */
  int (*event) (void *data, const char *json); /* one line of JSON; anything but 0 ends */
  void *data;
  const struct log *log;
};

/* Calls args->event for each event.  At first all containers are looked at, and nothing is told if one of them is not there (-ENOENT), has ended
 * (-ESRCH) or has no cgroup of its own (-ENOTSUP).  Those that end later are left out from then on.  The kernel wakes us; nothing is asked for
 * more often than each interval.
 * Returns 0 when all have ended, or at once was told, or the stop came; what args->event returned; or negative errno.  */
int launch_events (const struct events_args *args, struct err *err);

#endif
