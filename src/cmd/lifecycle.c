/* SPDX-License-Identifier: Apache-2.0 */
/* orlop start, state, kill, pause, resume, delete: mostly one container, one deed. */
#include <limits.h>
#include <stdlib.h>

#include "cmd/cmd.h"

static const struct opt no_options[] = { { .name = NULL } };

static int
start_run (struct cmd_call *c)
{
  int ret = cmd_notify (c);

  return ret < 0 ? ret : orlop_start (c->o, c->argv[0]);
}

static int
state_run (struct cmd_call *c)
{
  char *json = NULL;
  int ret = orlop_state (c->o, c->argv[0], &json);

  if (ret == 0)
    ret = cmd_print (c, json);
  free (json);
  return ret;
}

static int
pause_run (struct cmd_call *c)
{
  return orlop_pause (c->o, c->argv[0]);
}

static int
resume_run (struct cmd_call *c)
{
  return orlop_resume (c->o, c->argv[0]);
}

struct kill_args
{
  bool all, regex;
};

static const struct opt kill_options[] = {
  { "all", 'a', OPT_FLAG, offsetof (struct kill_args, all), NULL, "signal every process of the container" },
  { "regex", 'r', OPT_FLAG, offsetof (struct kill_args, regex), NULL, "CONTAINER is a regular expression: signal all that match" },
  { .name = NULL },
};

static int
kill_run (struct cmd_call *c)
{
  const struct kill_args *a = c->args;
  int signal = c->argc > 1 ? orlop_signal (c->argv[1]) : ORLOP_STOP_SIGNAL;

  if (c->argc > 1 && signal < 0)
    return cmd_fail (c, "unknown signal \"%s\"", c->argv[1]);
  return a->regex ? orlop_kill_matching (c->o, c->argv[0], signal, a->all) : orlop_kill (c->o, c->argv[0], signal, a->all);
}

struct delete_args
{
  bool force, regex;
};

static const struct opt delete_options[] = {
  { "force", 'f', OPT_FLAG, offsetof (struct delete_args, force), NULL, "kill a running container first; an unknown one is no error" },
  { "regex", 'r', OPT_FLAG, offsetof (struct delete_args, regex), NULL, "CONTAINER is a regular expression: delete all that match" },
  { .name = NULL },
};

static int
delete_run (struct cmd_call *c)
{
  const struct delete_args *a = c->args;

  if (a->regex && c->argc > 1)
    return cmd_fail (c, "--regex takes one expression");
  if (a->regex)
    return orlop_delete_matching (c->o, c->argv[0], a->force);
  if (c->argc > 1)
    return orlop_delete_several (c->o, (const char *const *) c->argv, (size_t) c->argc, a->force);
  return orlop_delete (c->o, c->argv[0], a->force);
}

const struct cmd cmd_start = { .name = "start", .operands = "CONTAINER", .help = "run the program of a created container",
                               .options = no_options, .min = 1, .max = 1, .failed = CMD_FAILED, .run = start_run };

const struct cmd cmd_state = { .name = "state", .operands = "CONTAINER", .help = "print a container's state as JSON",
                               .options = no_options, .min = 1, .max = 1, .failed = CMD_FAILED, .run = state_run };

const struct cmd cmd_kill = { .name = "kill", .operands = "CONTAINER [SIGNAL]", .help = "signal a container's first process (default: its stop signal)",
                              .options = kill_options, .args_size = sizeof (struct kill_args), .min = 1, .max = 2,
                              .failed = CMD_FAILED, .run = kill_run };

const struct cmd cmd_pause = { .name = "pause", .operands = "CONTAINER", .help = "freeze every process of a container",
                               .options = no_options, .min = 1, .max = 1, .failed = CMD_FAILED, .run = pause_run };

const struct cmd cmd_resume = { .name = "resume", .operands = "CONTAINER", .help = "let a paused container go on",
                                .options = no_options, .min = 1, .max = 1, .failed = CMD_FAILED, .run = resume_run };

const struct cmd cmd_delete = { .name = "delete", .operands = "CONTAINER...", .help = "delete a container that has stopped or was never started",
                                .options = delete_options, .args_size = sizeof (struct delete_args), .min = 1, .max = INT_MAX,
                                .failed = CMD_FAILED, .run = delete_run };
