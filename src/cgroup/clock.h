/* SPDX-License-Identifier: Apache-2.0 */
/* Inside this room: waiting with an end.  */
#ifndef ORLOP_CGROUP_CLOCK_H
#define ORLOP_CGROUP_CLOCK_H

#include <time.h>

/* Milliseconds of a clock that nobody sets.  */
static inline long
clock_ms (void)
{
  struct timespec t;
  (void) clock_gettime (CLOCK_MONOTONIC, &t); /* cannot fail with this clock */
  return (long) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Sleeps US microseconds, less than a second.  */
static inline void
clock_pause (long us)
{
  const struct timespec t = { .tv_nsec = us * 1000 };
  (void) nanosleep (&t, NULL); /* shorter after a signal, which is as well */
}

#endif
