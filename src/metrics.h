/* SPDX-License-Identifier: Apache-2.0 */
/* What containers use as OpenMetrics text, version 1.0.0: https://prometheus.io/docs/specs/om/open_metrics_spec/ */
#ifndef ORLOP_METRICS_H
#define ORLOP_METRICS_H

#include <stdbool.h>
#include <stddef.h>

#include "launch/usage.h"

struct err;

/* One container.  Texts are UTF-8.  */
struct metrics_of
{
  const char *id, *status, *bundle;
  bool used;          /* `usage` is known */
  struct usage usage;
};

/* Writes the metrics of N containers; *RET_TEXT is for free (3).  Only types that Prometheus' older text format has as well are used, so that readers of
 * that one take the text, too.  Returns 0 or -ENOMEM.  */
int metrics_text (const struct metrics_of *list, size_t n, char **ret_text, struct err *err);

#endif
