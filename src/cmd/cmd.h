/* SPDX-License-Identifier: Apache-2.0 */
/* What a command of the program is: a row of names, options and a function.  main.c has the one list of them. */
#ifndef ORLOP_CMD_CMD_H
#define ORLOP_CMD_CMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/opt.h"
#include "orlop.h"

enum
{
  CMD_FAILED = 1,       /* exit status of a command that failed */
  CMD_EXEC_FAILED = 255 /* the same of exec, whose other numbers are the program's own */
};

/* What one call of the program is.  */
struct cmd_call
{
  struct orlop *o;
  int argc; /* operands */
  char **argv;
  const void *args; /* the command's own struct, filled from its options */
  int status;       /* exit status of success: that of a program that was run */
  char message[512]; /* of cmd_fail; "": the error is orlop_error's */
};

struct cmd
{
  const char *name;
  const char *operands;       /* for the usage line */
  const char *help;           /* one sentence */
  const struct opt *options;
  size_t args_size;
  int min, max;               /* operands */
  bool stop;                  /* options end at the first operand */
  int failed;                 /* exit status of failure */
  int (*run) (struct cmd_call *c);
};

extern const struct cmd cmd_checkpoint, cmd_create, cmd_delete, cmd_events, cmd_exec, cmd_features, cmd_kill,
    cmd_list, cmd_metrics, cmd_mounts, cmd_pause, cmd_ps, cmd_restore, cmd_resume, cmd_run, cmd_spec, cmd_start,
    cmd_state, cmd_stats, cmd_update;

/* Fails C with a message of the program itself.  Returns -EINVAL.  */
int cmd_fail (struct cmd_call *c, const char *fmt, ...) __attribute__ ((format (printf, 2, 3)));

/* Takes NOTIFY_SOCKET from the environment.  Returns 0 or fails C.  */
int cmd_notify (struct cmd_call *c);

/* Reads the duration TEXT of an option --interval (NULL: *RET_NS stays); it must be more than 0.  Returns 0 or fails C.  */
int cmd_interval (struct cmd_call *c, const char *text, uint64_t *ret_ns);

/* Writes all of TEXT to standard output.  Returns 0 or fails C.  */
int cmd_print (struct cmd_call *c, const char *text);

#endif
