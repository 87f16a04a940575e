/* SPDX-License-Identifier: Apache-2.0 */
/* orlop mounts add, remove, list */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cmd/cmd.h"

struct mounts_args
{
  const char *format;
};

static const struct opt mounts_options[] = {
  { "format", 'f', OPT_STRING, offsetof (struct mounts_args, format), "table|json", "form of the list" },
  { .name = NULL },
};

static const char *const titles[] = { "DESTINATION", "TYPE", "SOURCE", "ADDED", "OPTIONS" };

enum
{
  N_COLUMNS = sizeof titles / sizeof *titles
};

static void
cells (const struct orlop_mount *m, const char *cell[N_COLUMNS])
{
  cell[0] = m->destination;
  cell[1] = m->type;
  cell[2] = m->source;
  cell[3] = m->added ? "yes" : "-";
  cell[4] = m->options;
}

/* What a container names its directories must not speak to the terminal.  */
static void
put_cell (FILE *out, const char *text, int width, const char *end)
{
  own_mem char *plain = strdup (text);

  if (plain)
    str_make_plain (plain);
  (void) fprintf (out, "%-*s%s", width, plain ? plain : "?", end);
}

static void
print_row (FILE *out, const char *const cell[N_COLUMNS], const int width[N_COLUMNS])
{
  for (size_t i = 0; i + 1 < N_COLUMNS; i++)
    put_cell (out, cell[i], width[i], "  ");
  put_cell (out, cell[N_COLUMNS - 1], 0, "\n");
}

static void
print_table (FILE *out, const struct orlop_mount *list, size_t n)
{
  int width[N_COLUMNS];
  const char *cell[N_COLUMNS];

  for (size_t i = 0; i < N_COLUMNS; i++)
    width[i] = (int) strlen (titles[i]);
  for (size_t i = 0; i < n; i++)
    {
      cells (&list[i], cell);
      for (size_t j = 0; j < N_COLUMNS; j++)
        if ((int) strlen (cell[j]) > width[j])
          width[j] = (int) strlen (cell[j]);
    }
  print_row (out, titles, width);
  for (size_t i = 0; i < n; i++)
    {
      cells (&list[i], cell);
      print_row (out, cell, width);
    }
}

static int
list_table (struct cmd_call *c, const char *id)
{
  struct orlop_mount *list = NULL;
  size_t n = 0, size = 0;
  char *text = NULL;
  int ret = orlop_mounts_list (c->o, id, &list, &n);
  FILE *out = ret == 0 ? open_memstream (&text, &size) : NULL;

  if (out)
    {
      print_table (out, list, n);
      ret = fclose (out) == 0 ? cmd_print (c, text) : cmd_fail (c, "%s", strerror (ENOMEM));
    }
  else if (ret == 0)
    ret = cmd_fail (c, "%s", strerror (ENOMEM));
  free (text);
  free (list);
  return ret;
}

static int
list_json (struct cmd_call *c, const char *id)
{
  char *json = NULL;
  int ret = orlop_mounts_list_json (c->o, id, &json);

  if (ret == 0)
    ret = cmd_print (c, json);
  free (json);
  return ret;
}

static int
list (struct cmd_call *c, const struct mounts_args *a)
{
  bool json = a->format && strcmp (a->format, "json") == 0;

  if (a->format && ! json && strcmp (a->format, "table") != 0)
    return cmd_fail (c, "invalid format \"%s\": table or json", a->format);
  return json ? list_json (c, c->argv[1]) : list_table (c, c->argv[1]);
}

static int
add (struct cmd_call *c, const struct mounts_args *a)
{
  (void) a;
  return orlop_mounts_add (c->o, c->argv[1], c->argv[2]);
}

static int
take_out (struct cmd_call *c, const struct mounts_args *a)
{
  (void) a;
  return orlop_mounts_remove (c->o, c->argv[1], c->argv[2]);
}

/* The commands of the command.  */
static const struct
{
  const char *name;
  int n; /* operands, itself included */
  int (*run) (struct cmd_call *c, const struct mounts_args *a);
} deeds[] = {
  { "add", 3, add },
  { "remove", 3, take_out },
  { "list", 2, list },
};

static int
mounts_run (struct cmd_call *c)
{
  const struct mounts_args *a = c->args;

  for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++)
    {
      if (strcmp (deeds[i].name, c->argv[0]) != 0)
        continue;
      if (c->argc != deeds[i].n)
        return cmd_fail (c, c->argc < deeds[i].n ? "an operand is missing, see --help" : "too many operands, see --help");
      if (a->format && deeds[i].run != list)
        return cmd_fail (c, "--format is for list");
      return deeds[i].run (c, a);
    }
  return cmd_fail (c, "\"%s\" is none of add, remove and list", c->argv[0]);
}

const struct cmd cmd_mounts = { .name = "mounts", .operands = "add|remove|list CONTAINER [FILE]",
                                .help = "add mounts to a running container, remove or list them", .options = mounts_options,
                                .args_size = sizeof (struct mounts_args), .min = 2, .max = 3, .failed = CMD_FAILED, .run = mounts_run };
