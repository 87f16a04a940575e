/* SPDX-License-Identifier: Apache-2.0 */
/* orlop metrics: what all containers use, as OpenMetrics text. */
#include <stdlib.h>

#include "cmd/cmd.h"

static const struct opt no_options[] = { { .name = NULL } };

static int
metrics_run (struct cmd_call *c)
{
  char *text = NULL;
  int ret = orlop_metrics (c->o, &text);

  if (ret == 0)
    ret = cmd_print (c, text);
  free (text);
  return ret;
}

const struct cmd cmd_metrics = { .name = "metrics", .operands = "", .help = "print what all containers use as OpenMetrics text",
                                 .options = no_options, .min = 0, .max = 0, .failed = CMD_FAILED, .run = metrics_run };
