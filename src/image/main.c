/* SPDX-License-Identifier: Apache-2.0 */
/* orlop-image: global options, the list of commands, one error, the exit status.  */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "image/command.h"

enum
{
  TEXT_MAX = 8192,
  FAILED = 1 /* exit status */
};

static const struct command *const commands[]
    = { &command_bundle, &command_gc,     &command_import,    &command_inspect, &command_list,
        &command_mount,  &command_remove, &command_rm_bundle, &command_unmount, NULL };

struct globals
{
  const char *store, *log_format;
  bool version, help;
};

#define AT(m) offsetof (struct globals, m)

static const struct opt global_options[] = {
  { "store", 's', OPT_STRING, AT (store), "DIR", "directory of images and layers" },
  { "log-format", 0, OPT_STRING, AT (log_format), "text|json", "form of messages" },
  { "version", 'v', OPT_FLAG, AT (version), NULL, "print the version" },
  { "help", 'h', OPT_FLAG, AT (help), NULL, "print this help; COMMAND --help tells of a command" },
  { .name = NULL },
};

static const struct opt help_option[] = { { "help", 'h', OPT_FLAG, 0, NULL, "print this help" }, { .name = NULL } };

static int
fail (const struct call *c, const struct err *err)
{
  char text[TEXT_MAX];

  command_report (c->json, "error", c->name, err_text (err, NULL, text, sizeof text), err);
  return FAILED;
}

/* Returns the exit status.  */
static int
print (const struct call *c, const char *text)
{
  struct err err = { 0 };

  return command_print (text, &err) < 0 ? fail (c, &err) : 0;
}

static int
print_help (const struct call *call)
{
  char text[TEXT_MAX];
  size_t used = (size_t) snprintf (text, sizeof text, "Usage: orlop-image [OPTION...] COMMAND [OPTION...] [OPERAND...]\n\n"
                                                      "Makes bundles of OCI images.\n\nCommands:\n");

  for (const struct command *const *c = commands; *c; c++)
    used += (size_t) snprintf (text + used, sizeof text - used, "  %-28s  %s\n", (*c)->name, (*c)->help);
  used += (size_t) snprintf (text + used, sizeof text - used, "\nOptions:\n");
  opt_help (global_options, text, sizeof text, &used);
  return print (call, text);
}

static int
print_command_help (const struct call *call, const struct command *c)
{
  char text[TEXT_MAX];
  size_t used = (size_t) snprintf (text, sizeof text, "Usage: orlop-image %s [OPTION...] %s\n\n%c%s.\n\nOptions:\n", c->name, c->operands,
                                   c->help[0] - 'a' + 'A', c->help + 1);

  opt_help (c->options, text, sizeof text, &used);
  opt_help (help_option, text, sizeof text, &used);
  return print (call, text);
}

static int
print_version (const struct call *call)
{
  char text[256];

  (void) snprintf (text, sizeof text, "orlop-image version %s\ncommit: %s\n", ORLOP_VERSION, ORLOP_COMMIT);
  return print (call, text);
}

static const struct command *
find (const char *name)
{
  for (const struct command *const *c = commands; *c; c++)
    if (strcmp ((*c)->name, name) == 0)
      return *c;
  return NULL;
}

/* True if --help (or -h) is among the command's own words.  */
static bool
wants_help (const struct command *c, int argc, char **argv)
{
  for (int i = 0; i < argc; i++)
    if (strcmp (argv[i], "--help") == 0 || strcmp (argv[i], "-h") == 0)
      return true;
    else if (strcmp (argv[i], "--") == 0 || (c->stop && argv[i][0] != '-'))
      return false;
  return false;
}

/* Parses the command's own words and runs it.  Returns the exit status.  */
static int
run (const struct command *cmd, struct call *c, int argc, char **argv)
{
  struct err err = { 0 };
  void *args = calloc (1, cmd->args_size ? cmd->args_size : 1);
  int next = 0, ret;

  c->name = cmd->name;
  if (args == NULL)
    ret = err_host (&err, ENOMEM, "out of memory");
  else
    ret = opt_parse (cmd->options, args, argc, argv, &next, cmd->stop, &err);
  if (ret == 0 && (argc - next < cmd->min || argc - next > cmd->max))
    ret = err_usage (&err, argc - next < cmd->min ? "an operand is missing, see --help" : "too many operands, see --help");
  if (ret == 0)
    {
      c->argc = argc - next;
      c->argv = argv + next;
      c->args = args;
      ret = cmd->run (c, &err);
    }
  free (args);
  return ret < 0 ? fail (c, &err) : 0;
}

static int
dispatch (const struct globals *g, int argc, char **argv)
{
  struct call c = { .store = g->store };
  struct err err = { 0 };
  const struct command *cmd = argc > 0 ? find (argv[0]) : NULL;

  if (g->log_format && strcmp (g->log_format, "json") != 0 && strcmp (g->log_format, "text") != 0)
    (void) err_usage (&err, "invalid --log-format: text or json");
  else if (g->store && g->store[0] == '\0')
    (void) err_usage (&err, "invalid --store");
  else if (argc == 0)
    (void) err_usage (&err, "a command is missing, see --help");
  else if (cmd == NULL)
    (void) err_usage (&err, "%s: unknown command, see --help", argv[0]);
  c.json = g->log_format && strcmp (g->log_format, "json") == 0;
  if (err.kind != ERR_NONE)
    return fail (&c, &err);
  return wants_help (cmd, argc - 1, argv + 1) ? print_command_help (&c, cmd) : run (cmd, &c, argc - 1, argv + 1);
}

int
main (int argc, char **argv)
{
  struct globals g = { 0 };
  struct err err = { 0 };
  int next = 1;

  (void) umask (0077); /* what is meant to be open is said to be */
  if (opt_parse (global_options, &g, argc, argv, &next, true, &err) < 0)
    return fail (&(struct call){ 0 }, &err);
  if (g.version)
    return print_version (&(struct call){ 0 });
  return g.help ? print_help (&(struct call){ 0 }) : dispatch (&g, argc - next, argv + next);
}
