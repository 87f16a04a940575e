/* SPDX-License-Identifier: Apache-2.0 */
/* Options as tables; see opt.h.  getopt_long keeps global state and guesses abbreviations, which a
 * later release could turn into something else: engines write options out. */
#include "base/opt.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/str.h"

static const struct opt *
find_name (const struct opt *table, const char *name, size_t len)
{
  for (const struct opt *o = table; o->name; o++)
    if (strlen (o->name) == len && memcmp (o->name, name, len) == 0)
      return o;
  return NULL;
}

static const struct opt *
find_letter (const struct opt *table, char letter)
{
  for (const struct opt *o = table; o->name; o++)
    if (o->letter == letter && letter != '\0')
      return o;
  return NULL;
}

static bool
takes_value (const struct opt *o)
{
  return o->kind != OPT_FLAG && o->kind != OPT_NOT;
}

/* As Go's flags have them, and crun's.  */
static const char *const yes[] = { "true", "1", "t", "T", "TRUE", "True", "yes", NULL };
static const char *const no[] = { "false", "0", "f", "F", "FALSE", "False", "no", NULL };

static int
store_bool (const struct opt *o, const char *value, bool *at, struct err *err)
{
  bool on = value == NULL || str_is_one_of (yes, value);

  if (! on && ! str_is_one_of (no, value))
    return err_usage (err, "option --%s is true or false, not \"%s\"", o->name, value);
  *at = o->kind == OPT_NOT ? ! on : on;
  return 0;
}

/* What is decided by itself may be asked for either way, or, as by runc, left empty.  */
static int
check_auto (const struct opt *o, const char *value, struct err *err)
{
  if (str_is_one_of (yes, value) || str_is_one_of (no, value) || strcasecmp (value, "auto") == 0 || value[0] == '\0')
    return 0;
  return err_usage (err, "option --%s is true, false or auto, not \"%s\"", o->name, value);
}

static int
store_number (const struct opt *o, const char *value, unsigned *at, struct err *err)
{
  uint64_t number;

  if (str_u64 (value, UINT_MAX, &number) < 0)
    return err_usage (err, "option --%s takes a number, not \"%s\"", o->name, value);
  *at = (unsigned) number;
  return 0;
}

static int
store (const struct opt *o, const char *value, void *args, struct err *err)
{
  void *at = (char *) args + o->at;
  struct opt_list *list = at;

  switch (o->kind)
    {
    case OPT_FLAG:
    case OPT_NOT: return store_bool (o, value, at, err);
    case OPT_UNSIGNED: return store_number (o, value, at, err);
    case OPT_STRING: *(const char **) at = value; return 0;
    case OPT_AUTO: return check_auto (o, value, err);
    case OPT_LIST: break;
    }
  if (list->n == OPT_LIST_MAX)
    return err_usage (err, "option --%s is given too often", o->name);
  list->item[list->n++] = value;
  return 0;
}

/* The option that WORD ("--name=value", "-name", "-nvalue") means.  *RET_VALUE is what is written in the same word, or NULL.  */
static const struct opt *
understand (const struct opt *table, const char *word, const char **ret_value)
{
  const char *name = word + (word[1] == '-' ? 2 : 1), *equals = strchr (name, '=');
  const struct opt *o = find_name (table, name, equals ? (size_t) (equals - name) : strlen (name));

  *ret_value = equals ? equals + 1 : NULL;
  if (o || word[1] == '-' || name[0] == '\0')
    return o;
  o = find_letter (table, name[0]);
  if (o == NULL || (name[1] != '\0' && name[1] != '=' && ! takes_value (o)))
    return NULL; /* no bundles of letters */
  *ret_value = name[1] == '=' ? name + 2 : name[1] ? name + 1 : NULL;
  return o;
}

/* Moves the word at FROM to the end.  */
static void
move_last (int argc, char **argv, int from)
{
  char *word = argv[from];

  memmove (argv + from, argv + from + 1, (size_t) (argc - from - 1) * sizeof *argv);
  argv[argc - 1] = word;
}

int
opt_parse (const struct opt *table, void *args, int argc, char **argv, int *in_out_next, bool stop, struct err *err)
{
  int i = *in_out_next, end = argc, ret = 0;

  while (ret == 0 && i < end)
    {
      const char *value;
      const struct opt *o;

      if (argv[i][0] != '-' || argv[i][1] == '\0')
        {
          if (stop)
            break;
          move_last (argc, argv, i);
          end--;
          continue;
        }
      if (strcmp (argv[i], "--") == 0)
        {
          i++;
          if (end < argc) /* what follows comes after the operands already seen */
            for (; i < end; end--)
              move_last (argc, argv, i);
          break;
        }
      o = understand (table, argv[i++], &value);
      if (o == NULL)
        ret = err_usage (err, "unknown option %s", argv[i - 1]);
      else if (takes_value (o) && value == NULL && (value = i < end ? argv[i++] : NULL) == NULL)
        ret = err_usage (err, "option --%s requires an argument", o->name);
      else
        ret = store (o, value, args, err);
    }
  *in_out_next = i;
  return ret;
}

/* As runc has it, and crun.  */
static const char *const help[] = { "--help", "-h", "-?", "--usage", NULL };

bool
opt_asks_help (const struct opt *table, int argc, char *const *argv, bool stop)
{
  for (int i = 0; i < argc && strcmp (argv[i], "--") != 0; i++)
    {
      const char *value;
      const struct opt *o;

      if (str_is_one_of (help, argv[i]))
        return true;
      if (argv[i][0] != '-' || argv[i][1] == '\0')
        {
          if (stop)
            return false;
          continue;
        }
      o = understand (table, argv[i], &value);
      i += o && takes_value (o) && value == NULL;
    }
  return false;
}

void
opt_help (const struct opt *table, char *buf, size_t size, size_t *in_out_used)
{
  for (const struct opt *o = table; o->name; o++)
    {
      char left[64];
      int n;

      if (o->help == NULL)
        continue;
      (void) snprintf (left, sizeof left, "%c%c%s--%s%s%s", o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
                       o->letter ? ", " : "  ", o->name, o->value ? " " : "", o->value ? o->value : "");
      if (*in_out_used >= size)
        return;
      n = snprintf (buf + *in_out_used, size - *in_out_used, "  %-28s  %s\n", left, o->help);
      *in_out_used += n > 0 ? (size_t) n : 0;
    }
}
