/* SPDX-License-Identifier: Apache-2.0 */
/* orlop list */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cmd/cmd.h"

struct list_args
{
  const char *format;
  bool quiet;
};

static const struct opt list_options[] = {
  { "format", 'f', OPT_STRING, offsetof (struct list_args, format), "table|json", "form of the output" },
  { "quiet", 'q', OPT_FLAG, offsetof (struct list_args, quiet), NULL, "ids only" },
  { .name = NULL },
};

static const char *const titles[] = { "ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER" };

enum
{
  N_COLUMNS = sizeof titles / sizeof *titles
};

/* What of a row is made for it.  */
struct texts
{
  char pid[16], bundle[PATH_MAX];
};

/* The cells of one row, of which some are in T.  A bundle's path may be anything.  */
static void
cells (const struct orlop_container *c, struct texts *t, const char *cell[N_COLUMNS])
{
  (void) snprintf (t->pid, sizeof t->pid, "%d", c->pid);
  (void) str_copy (t->bundle, sizeof t->bundle, c->bundle);
  str_make_line (t->bundle);
  cell[0] = c->id;
  cell[1] = t->pid;
  cell[2] = c->status;
  cell[3] = t->bundle;
  cell[4] = c->created;
  cell[5] = c->owner;
}

static void
print_row (FILE *out, const char *const cell[N_COLUMNS], const int width[N_COLUMNS])
{
  for (size_t i = 0; i + 1 < N_COLUMNS; i++)
    (void) fprintf (out, "%-*s  ", width[i], cell[i]);
  (void) fprintf (out, "%s\n", cell[N_COLUMNS - 1]);
}

static void
print_table (FILE *out, const struct orlop_container *list, size_t n)
{
  int width[N_COLUMNS];
  const char *cell[N_COLUMNS];
  struct texts t;

  for (size_t i = 0; i < N_COLUMNS; i++)
    width[i] = (int) strlen (titles[i]);
  for (size_t i = 0; i < n; i++)
    {
      cells (&list[i], &t, cell);
      for (size_t j = 0; j < N_COLUMNS; j++)
        if ((int) strlen (cell[j]) > width[j])
          width[j] = (int) strlen (cell[j]);
    }
  print_row (out, titles, width);
  for (size_t i = 0; i < n; i++)
    {
      cells (&list[i], &t, cell);
      print_row (out, cell, width);
    }
}

static int
print_list (struct cmd_call *c, bool quiet)
{
  struct orlop_container *list = NULL;
  size_t n = 0, size = 0;
  char *text = NULL;
  int ret = orlop_list (c->o, &list, &n);
  FILE *out = ret == 0 ? open_memstream (&text, &size) : NULL;

  if (ret < 0)
    return ret;
  if (out == NULL)
    {
      free (list);
      return cmd_fail (c, "%s", strerror (ENOMEM));
    }
  if (! quiet)
    print_table (out, list, n);
  for (size_t i = 0; quiet && i < n; i++)
    (void) fprintf (out, "%s\n", list[i].id);
  ret = fclose (out) == 0 ? cmd_print (c, text) : cmd_fail (c, "%s", strerror (ENOMEM));
  free (text);
  free (list);
  return ret;
}

static int
print_json (struct cmd_call *c)
{
  char *json = NULL;
  int ret = orlop_list_json (c->o, &json);

  /* none at all is "null", as runc prints it: its callers decode it to an empty list */
  if (ret == 0)
    ret = cmd_print (c, strcmp (json, "[]\n") == 0 ? "null\n" : json);
  free (json);
  return ret;
}

static int
list_run (struct cmd_call *c)
{
  const struct list_args *a = c->args;
  bool json = a->format && strcmp (a->format, "json") == 0;

  if (a->format && ! json && strcmp (a->format, "table") != 0)
    return cmd_fail (c, "invalid format \"%s\": table or json", a->format);
  return json && ! a->quiet ? print_json (c) : print_list (c, a->quiet);
}

const struct cmd cmd_list = { .name = "list", .operands = "", .help = "list containers", .options = list_options,
                              .args_size = sizeof (struct list_args), .min = 0, .max = 0, .failed = CMD_FAILED, .run = list_run };
