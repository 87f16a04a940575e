/* SPDX-License-Identifier: Apache-2.0 */
/* What a command of orlop-image is: a row of names, options and a function.  main.c has the one list of them.  */
#ifndef ORLOP_IMAGE_COMMAND_H
#define ORLOP_IMAGE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/opt.h"

/* One call of the program.  */
struct call
{
  const char *store; /* or NULL: the default */
  bool json;         /* messages are records */
  const char *name;  /* of the command */
  int argc;          /* operands */
  char **argv;       /* NULL-terminated */
  const void *args;  /* the command's own struct, filled from its options */
};

struct command
{
  const char *name;
  const char *operands; /* for the usage line */
  const char *help;     /* one sentence */
  const struct opt *options;
  size_t args_size;
  int min, max;         /* operands */
  bool stop;            /* options end at the first operand */
  int (*run) (struct call *c, struct err *err);
};

extern const struct command command_bundle, command_gc, command_import, command_inspect, command_list, command_mount,
    command_remove, command_rm_bundle, command_unmount;

/* Writes all of TEXT to standard output.  Returns 0 or negative errno.  */
int command_print (const char *text, struct err *err);

/* Says MESSAGE, of COMMAND (or NULL), on standard error: LEVEL is "error" or "warning".  A line, or with JSON a record with what ERR (or NULL) knows.  */
void command_report (bool json, const char *level, const char *command, const char *message, const struct err *err);

#endif
