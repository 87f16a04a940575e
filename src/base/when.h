/* SPDX-License-Identifier: Apache-2.0 */
/* The time of day as text.  Without the C library's calendar, which reads the machine's time zone (seven calls) to tell UTC. */
#ifndef ORLOP_BASE_WHEN_H
#define ORLOP_BASE_WHEN_H

#include <stddef.h>
#include <time.h>

enum
{
  WHEN_SIZE = 40 /* room for the text */
};

/* Writes T as RFC 3339 in UTC with nanoseconds, "2026-01-31T23:59:59.000000001Z", into BUF of SIZE bytes.  child-safe */
void when_text (const struct timespec *t, char *buf, size_t size);

/* The same for now.  */
void when_now (char *buf, size_t size);

#endif
