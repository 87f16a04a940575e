/* SPDX-License-Identifier: Apache-2.0 */
/* The time of day as text; see when.h.  Days are counted in eras of 400 years that begin on a first of March, so that leap days come last. */
#include "base/when.h"

#include <stdint.h>
#include <stdio.h>

enum
{
  DAY = 86400,
  ERA_DAYS = 146097,   /* 400 years */
  EPOCH_DAYS = 719468  /* from 0000-03-01 to 1970-01-01 */
};

void
when_text (const struct timespec *t, char *buf, size_t size)
{
  int64_t days = t->tv_sec / DAY - (t->tv_sec % DAY < 0) + EPOCH_DAYS;
  unsigned second = (unsigned) (t->tv_sec - (days - EPOCH_DAYS) * DAY);
  int64_t era = (days >= 0 ? days : days - ERA_DAYS + 1) / ERA_DAYS;
  unsigned day = (unsigned) (days - era * ERA_DAYS);                                     /* of the era */
  unsigned year = (day - day / 1460 + day / 36524 - day / (ERA_DAYS - 1)) / 365;         /* of the era */
  unsigned day_of_year = day - (365 * year + year / 4 - year / 100);                     /* from the first of March */
  unsigned month = (5 * day_of_year + 2) / 153;                                          /* March is 0 */

  (void) snprintf (buf, size, "%04lld-%02u-%02uT%02u:%02u:%02u.%09ldZ", (long long) (year + era * 400 + (month >= 10)),
                   month < 10 ? month + 3 : month - 9, day_of_year - (153 * month + 2) / 5 + 1, second / 3600,
                   second / 60 % 60, second % 60, t->tv_nsec);
}

void
when_now (char *buf, size_t size)
{
  struct timespec now;

  (void) clock_gettime (CLOCK_REALTIME, &now);
  when_text (&now, buf, size);
}
