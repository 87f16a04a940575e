/* SPDX-License-Identifier: Apache-2.0 */
/* The program: global options, the list of commands, one error, the exit status.  A client of orlop.h. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/opt.h"
#include "base/own.h"
#include "cmd/cmd.h"
#include "cmd/report.h"

/* See base/own.h: a command ends soon.  */
const int own_leave = 48;

static const struct cmd *const commands[]
    = { &cmd_checkpoint, &cmd_create, &cmd_delete, &cmd_events, &cmd_exec, &cmd_features, &cmd_kill, &cmd_list,
        &cmd_metrics, &cmd_mounts, &cmd_pause, &cmd_ps, &cmd_restore, &cmd_resume, &cmd_run, &cmd_spec, &cmd_start,
        &cmd_state, &cmd_stats, &cmd_update, NULL };

struct globals
{
  const char *root, *log, *log_format, *log_level, *cgroup_manager, *criu;
  bool debug, systemd_cgroup, version, help;
};

#define AT(m) offsetof (struct globals, m)

static const struct opt global_options[] = {
  { "root", 'r', OPT_STRING, AT (root), "DIR", "directory for the state of containers" },
  { "log", 0, OPT_STRING, AT (log), "FILE", "append errors (and with --debug everything) to FILE" },
  { "log-format", 0, OPT_STRING, AT (log_format), "text|json", "form of the log" },
  { "log-level", 0, OPT_STRING, AT (log_level), "error|warning|debug", "what is logged (default: error)" },
  { "debug", 0, OPT_FLAG, AT (debug), NULL, "the same as --log-level debug" },
  { "systemd-cgroup", 0, OPT_FLAG, AT (systemd_cgroup), NULL, "let systemd make cgroups" },
  { "cgroup-manager", 0, OPT_STRING, AT (cgroup_manager), "cgroupfs|systemd|disabled", "who makes cgroups" },
  { "rootless", 0, OPT_AUTO, 0, "true|false|auto", "accepted for compatibility: found out by itself" },
  { "criu", 0, OPT_STRING, AT (criu), "PATH", "program for checkpoint and restore (default: criu)" },
  { "version", 'v', OPT_FLAG, AT (version), NULL, "print the version" },
  { "version", 'V', OPT_FLAG, AT (version), NULL, NULL },
  { "help", 'h', OPT_FLAG, AT (help), NULL, "print this help; COMMAND --help tells of a command" },
  { "usage", '?', OPT_FLAG, AT (help), NULL, NULL },
  { .name = NULL },
};

static const struct opt help_option[] = { { "help", 'h', OPT_FLAG, 0, NULL, "print this help" }, { .name = NULL } };

/* Returns the exit status.  */
static int
print (const struct report_to *to, const char *text)
{
  struct cmd_call c = { 0 };

  if (cmd_print (&c, text) == 0)
    return 0;
  report_message (to, NULL, c.message);
  return CMD_FAILED;
}

static int
print_help (const struct report_to *to)
{
  char text[8192];
  size_t used = (size_t) snprintf (text, sizeof text, "Usage: orlop [OPTION...] COMMAND [OPTION...] [OPERAND...]\n\n"
                                                      "Runs OCI containers.\n\nCommands:\n");

  for (const struct cmd *const *c = commands; *c; c++)
    used += (size_t) snprintf (text + used, sizeof text - used, "  %-28s  %s\n", (*c)->name, (*c)->help);
  used += (size_t) snprintf (text + used, sizeof text - used, "  %-28s  %s\n\nOptions:\n", "help [COMMAND]", "print help");
  opt_help (global_options, text, sizeof text, &used);
  return print (to, text);
}

static int
print_command_help (const struct report_to *to, const struct cmd *c)
{
  char text[8192];
  size_t used = (size_t) snprintf (text, sizeof text, "Usage: orlop %s [OPTION...] %s\n\n%c%s.\n\nOptions:\n", c->name, c->operands,
                                   c->help[0] - 'a' + 'A', c->help + 1);

  opt_help (c->options, text, sizeof text, &used);
  opt_help (help_option, text, sizeof text, &used);
  return print (to, text);
}

static int
print_version (const struct report_to *to)
{
  char text[256];

  (void) snprintf (text, sizeof text, "orlop version %s\ncommit: %s\nspec: 1.3.0\n", orlop_version (), ORLOP_COMMIT);
  return print (to, text);
}

static const struct cmd *
find (const char *name)
{
  for (const struct cmd *const *c = commands; *c; c++)
    if (strcmp ((*c)->name, name) == 0)
      return *c;
  return NULL;
}

static int
set_log (struct orlop *o, const struct globals *g, struct report_to *to)
{
  enum orlop_log_level level = ORLOP_LOG_ERROR;

  if (g->log_level && strcmp (g->log_level, "warning") == 0)
    level = ORLOP_LOG_WARNING;
  else if (g->log_level && strcmp (g->log_level, "debug") == 0)
    level = ORLOP_LOG_DEBUG;
  else if (g->log_level && strcmp (g->log_level, "error") != 0)
    return -1;
  if (g->debug)
    level = ORLOP_LOG_DEBUG;
  if (level != ORLOP_LOG_ERROR) /* the error itself is the program's to report, once */
    orlop_set_log (o, level, report_event, to);
  return 0;
}

static int
set_manager (struct orlop *o, const struct globals *g)
{
  static const char *const names[] = { [ORLOP_CGROUP_CGROUPFS] = "cgroupfs", [ORLOP_CGROUP_SYSTEMD] = "systemd",
                                       [ORLOP_CGROUP_DISABLED] = "disabled" };

  if (g->systemd_cgroup)
    orlop_set_cgroup_manager (o, ORLOP_CGROUP_SYSTEMD);
  if (g->cgroup_manager == NULL)
    return 0;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp (names[i], g->cgroup_manager) == 0)
      {
        orlop_set_cgroup_manager (o, (enum orlop_cgroup_manager) i);
        return 0;
      }
  return -1;
}

/* Parses the command's own words and runs it.  Returns the exit status.  */
static int
run_command (struct orlop *o, const struct cmd *cmd, const struct report_to *to, int argc, char **argv)
{
  struct cmd_call c = { .o = o };
  struct err err = { 0 };
  void *args = calloc (1, cmd->args_size ? cmd->args_size : 1);
  int next = 0, ret = -1;

  if (args == NULL)
    report_message (to, cmd->name, "out of memory");
  else if (opt_parse (cmd->options, args, argc, argv, &next, cmd->stop, &err) < 0)
    report_message (to, cmd->name, err.what);
  else if (argc - next < cmd->min || argc - next > cmd->max)
    report_message (to, cmd->name, argc - next < cmd->min ? "an operand is missing, see --help" : "too many operands, see --help");
  else
    {
      c.argc = argc - next;
      c.argv = argv + next;
      c.args = args;
      ret = cmd->run (&c);
      if (ret < 0 && c.message[0])
        report_message (to, cmd->name, c.message);
      else if (ret < 0)
        report_error (to, cmd->name, orlop_error (o));
    }
  free (args);
  return ret < 0 ? cmd->failed : c.status;
}

/* Applies the global options.  */
static int
apply (struct orlop *o, const struct globals *g, struct report_to *to, struct err *err)
{
  int ret;

  ret = report_open (to, g->log); /* first: what is wrong with the others is told there */
  if (ret < 0)
    return err_usage (err, "the log cannot be opened: open(\"%.200s\"): %s", g->log, strerror (-ret));
  if (g->log_format && ! to->json && strcmp (g->log_format, "text") != 0)
    return err_usage (err, "invalid --log-format \"%.100s\": text or json", g->log_format);
  if (set_log (o, g, to) < 0)
    return err_usage (err, "invalid --log-level \"%.100s\": error, warning or debug", g->log_level);
  if (set_manager (o, g) < 0)
    return err_usage (err, "invalid --cgroup-manager \"%.100s\": cgroupfs, systemd or disabled", g->cgroup_manager);
  if (g->root && (g->root[0] == '\0' || orlop_set_root (o, g->root) < 0))
    return err_usage (err, "invalid --root \"%.200s\": a directory other than \"/\"", g->root);
  if (g->criu && (g->criu[0] == '\0' || orlop_set_criu (o, g->criu) < 0))
    return err_usage (err, "invalid --criu \"%.200s\": a program", g->criu);
  return 0;
}

static int
dispatch (struct orlop *o, const struct globals *g, struct report_to *to, int argc, char **argv)
{
  struct err err = { 0 };
  const struct cmd *cmd;

  if (apply (o, g, to, &err) < 0 || (argc == 0 && err_usage (&err, "a command is missing, see --help") < 0))
    {
      report_message (to, NULL, err.what);
      return CMD_FAILED;
    }
  if (strcmp (argv[0], "help") == 0 && argc == 1)
    return print_help (to);
  cmd = find (strcmp (argv[0], "help") == 0 ? argv[1] : argv[0]);
  if (cmd == NULL)
    {
      report_message (to, argv[0], "unknown command, see --help");
      return CMD_FAILED;
    }
  if (strcmp (argv[0], "help") == 0 || opt_asks_help (cmd->options, argc - 1, argv + 1, cmd->stop))
    return print_command_help (to, cmd);
  return run_command (o, cmd, to, argc - 1, argv + 1);
}

/* Reports that WRONG is wrong with the global options, in the log if there is one: engines read it there.  The options behind the one
 * at fault, from NEXT on, may be what names it.  */
static int
refuse_options (struct globals *g, int argc, char **argv, int next, const char *wrong)
{
  struct report_to to = { .log = -1 };

  while (opt_parse (global_options, g, argc, argv, &next, true, NULL) < 0)
    ;
  to.json = g->log_format && strcmp (g->log_format, "json") == 0;
  (void) report_open (&to, g->log); /* without a log there is still standard error */
  report_message (&to, NULL, wrong);
  return CMD_FAILED;
}

int
main (int argc, char **argv)
{
  struct globals g = { 0 };
  struct report_to to = { .log = -1 };
  struct err err = { 0 };
  struct orlop *o;
  int next = 1, status;

  if (opt_parse (global_options, &g, argc, argv, &next, true, &err) < 0)
    return refuse_options (&g, argc, argv, next, err.what);
  to.json = g.log_format && strcmp (g.log_format, "json") == 0;
  if (g.version)
    return print_version (&to);
  if (g.help)
    return print_help (&to);
  o = orlop_new ();
  if (o == NULL)
    {
      report_message (&to, NULL, "out of memory");
      return CMD_FAILED;
    }
  orlop_set_exiting (o);
  status = dispatch (o, &g, &to, argc - next, argv + next);
  orlop_free (o);
  return status;
}
