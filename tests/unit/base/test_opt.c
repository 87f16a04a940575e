/* SPDX-License-Identifier: Apache-2.0 */
/* Options of command lines, and their help. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/opt.h"

struct args
{
  bool force, systemd, tty;
  const char *root;
  unsigned fds;
  struct opt_list env;
};

#define AT(member) offsetof (struct args, member)
static const struct opt table[] = {
  { "force", 'f', OPT_FLAG, AT (force), NULL, "do it anyway" },
  { "systemd-cgroup", 0, OPT_FLAG, AT (systemd), NULL, "ask systemd" },
  { "no-tty", 0, OPT_NOT, AT (tty), NULL, "no terminal" },
  { "root", 0, OPT_STRING, AT (root), "DIR", "where state lives" },
  { "preserve-fds", 'n', OPT_UNSIGNED, AT (fds), "N", "pass N descriptors" },
  { "env", 'e', OPT_LIST, AT (env), "NAME=VALUE", "add to the environment" },
  { "old", 'o', OPT_AUTO, 0, "X", NULL },
  { NULL, 0, OPT_FLAG, 0, NULL, NULL },
};

enum
{
  WORDS_MAX = 16
};

/* A command line, and what came of it.  */
struct line
{
  int argc, next, ret;
  char *argv[WORDS_MAX + 1];
  char text[512];
  struct args args;
  struct err err;
};

/* Parses the words of COMMAND, which one space separates; "_" is an empty word.  */
static void
parse (struct line *l, const char *command, bool stop)
{
  memset (l, 0, sizeof *l);
  l->args.tty = true;
  (void) snprintf (l->text, sizeof l->text, "%s", command);
  for (char *word = strtok (l->text, " "); word; word = strtok (NULL, " "))
    {
      assert_in_range (l->argc, 0, WORDS_MAX - 1);
      l->argv[l->argc++] = strcmp (word, "_") == 0 ? word + 1 : word;
    }
  l->next = 1;
  l->ret = opt_parse (table, &l->args, l->argc, l->argv, &l->next, stop, &l->err);
}

/* The operands are the words of EXPECTED.  */
static void
assert_operands (const struct line *l, const char *expected)
{
  char text[512] = "";

  for (int i = l->next; i < l->argc; i++)
    (void) snprintf (text + strlen (text), sizeof text - strlen (text), "%s%s", i > l->next ? " " : "", l->argv[i]);
  assert_string_equal (text, expected);
}

static void
assert_usage (const char *command, const char *what)
{
  struct line l;

  parse (&l, command, false);
  assert_int_equal (l.ret, -EINVAL);
  assert_int_equal (l.err.kind, ERR_USAGE);
  assert_string_equal (l.err.what, what);
}

static void
opt_parse_spellings (void **state)
{
  static const char *const same[] = { "x --root /r -n 3 -f",   "x --root=/r -n3 --force",       "x -root /r -preserve-fds=3 -force",
                                      "x -root=/r -n=3 -f",    "x --root /r --preserve-fds 3 -f", "x -f --root=/r --preserve-fds=3" };
  struct line l;

  (void) state;
  for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
    {
      parse (&l, same[i], false);
      assert_int_equal (l.ret, 0);
      assert_string_equal (l.args.root, "/r");
      assert_int_equal (l.args.fds, 3);
      assert_true (l.args.force);
      assert_operands (&l, "");
    }
}

static void
opt_parse_nothing (void **state)
{
  struct line l;

  (void) state;
  parse (&l, "x", false);
  assert_true (l.ret == 0 && l.next == 1 && l.args.root == NULL && ! l.args.force && l.args.tty);
}

static void
opt_parse_bools (void **state)
{
  struct line l;

  (void) state;
  parse (&l, "x --systemd-cgroup=true --force=1 --no-tty", false);
  assert_true (l.ret == 0 && l.args.systemd && l.args.force && ! l.args.tty);
  parse (&l, "x --systemd-cgroup --systemd-cgroup=false --no-tty=false --force=0", false);
  assert_true (l.ret == 0 && ! l.args.systemd && ! l.args.force && l.args.tty);
  parse (&l, "x --systemd-cgroup=T --force=True -no-tty=f", false);
  assert_true (l.ret == 0 && l.args.systemd && l.args.force && l.args.tty);
  parse (&l, "x --systemd-cgroup=no --force=yes", false);
  assert_true (l.ret == 0 && ! l.args.systemd && l.args.force);
  parse (&l, "x -f=true", false);
  assert_true (l.ret == 0 && l.args.force);
  parse (&l, "x --force -f=false", false);
  assert_true (l.ret == 0 && ! l.args.force);
  assert_usage ("x -ftrue", "unknown option -ftrue");
  assert_usage ("x --force=maybe", "option --force is true or false, not \"maybe\"");
  /* a flag takes no value from the next word */
  parse (&l, "x --force true", false);
  assert_true (l.ret == 0 && l.args.force);
  assert_operands (&l, "true");
}

static void
opt_parse_lists (void **state)
{
  struct line l;

  (void) state;
  parse (&l, "x -e A=1 --env B=2=3 --env=C= -eD", false);
  assert_int_equal (l.ret, 0);
  assert_int_equal (l.args.env.n, 4);
  assert_string_equal (l.args.env.item[0], "A=1");
  assert_string_equal (l.args.env.item[1], "B=2=3");
  assert_string_equal (l.args.env.item[2], "C=");
  assert_string_equal (l.args.env.item[3], "D");
  assert_null (l.args.env.item[4]);
}

static void
opt_parse_list_is_bounded (void **state)
{
  static char *argv[2 * OPT_LIST_MAX + 4];
  static struct args args;
  char name[] = "--env", value[] = "A=1";
  struct err err;
  int argc = 0, next = 0;

  (void) state;
  for (int i = 0; i <= OPT_LIST_MAX; i++)
    {
      argv[argc++] = name;
      argv[argc++] = value;
    }
  assert_int_equal (opt_parse (table, &args, argc - 2, argv, &next, false, &err), 0);
  assert_null (args.env.item[OPT_LIST_MAX]);
  args.env.n = 0;
  next = 0;
  assert_int_equal (opt_parse (table, &args, argc, argv, &next, false, &err), -EINVAL);
  assert_string_equal (err.what, "option --env is given too often");
}

static void
opt_parse_numbers (void **state)
{
  struct line l;

  (void) state;
  parse (&l, "x --preserve-fds 4294967295", false);
  assert_true (l.ret == 0 && l.args.fds == UINT_MAX);
  assert_usage ("x --preserve-fds 4294967296", "option --preserve-fds takes a number, not \"4294967296\"");
  assert_usage ("x --preserve-fds -1", "option --preserve-fds takes a number, not \"-1\"");
  assert_usage ("x --preserve-fds=", "option --preserve-fds takes a number, not \"\"");
}

static void
opt_parse_auto (void **state)
{
  struct line l;

  (void) state;
  parse (&l, "x --old auto -oAUTO --old=true --old 0 --old= --old _ name", false);
  assert_int_equal (l.ret, 0);
  assert_operands (&l, "name");
  assert_usage ("x --old maybe name", "option --old is true, false or auto, not \"maybe\"");
  assert_usage ("x --old=automatic name", "option --old is true, false or auto, not \"automatic\"");
}

static void
opt_parse_values_may_look_like_options (void **state)
{
  struct line l;

  (void) state;
  parse (&l, "x --root --force -e -- name", false);
  assert_int_equal (l.ret, 0);
  assert_string_equal (l.args.root, "--force");
  assert_string_equal (l.args.env.item[0], "--");
  assert_operands (&l, "name");
  parse (&l, "x --root _ name", false);
  assert_true (l.ret == 0 && l.args.root[0] == '\0');
}

static void
opt_parse_after_operands (void **state)
{
  struct line l;

  (void) state;
  parse (&l, "x a --force b --root /r c", false);
  assert_true (l.ret == 0 && l.args.force);
  assert_string_equal (l.args.root, "/r");
  assert_operands (&l, "a b c");
  parse (&l, "x a --root", false); /* `a` is no value of it, though it is moved behind */
  assert_int_equal (l.ret, -EINVAL);
  parse (&l, "x - --force", false);
  assert_true (l.ret == 0 && l.args.force);
  assert_operands (&l, "-");
}

static void
opt_parse_stops (void **state)
{
  struct line l;

  (void) state;
  parse (&l, "x --force name sh -c --root -x", true);
  assert_true (l.ret == 0 && l.args.force && l.args.root == NULL);
  assert_operands (&l, "name sh -c --root -x");
  parse (&l, "x -- --force", true);
  assert_true (l.ret == 0 && ! l.args.force);
  assert_operands (&l, "--force");
}

static void
opt_parse_double_dash (void **state)
{
  struct line l;

  (void) state;
  parse (&l, "x a --force -- --root -- b", false);
  assert_true (l.ret == 0 && l.args.force && l.args.root == NULL);
  assert_operands (&l, "a --root -- b");
  parse (&l, "x --force --", false);
  assert_true (l.ret == 0);
  assert_operands (&l, "");
}

static void
opt_parse_unknown (void **state)
{
  (void) state;
  assert_usage ("x --nope", "unknown option --nope");
  assert_usage ("x --nope=1", "unknown option --nope=1");
  assert_usage ("x -z", "unknown option -z");
  assert_usage ("x --forc", "unknown option --forc"); /* no abbreviations */
  assert_usage ("x --f", "unknown option --f");
  assert_usage ("x -fn3", "unknown option -fn3"); /* no bundles */
  assert_usage ("x --=1", "unknown option --=1");
}

static void
opt_parse_missing_value (void **state)
{
  (void) state;
  assert_usage ("x --root", "option --root requires an argument");
  assert_usage ("x -e", "option --env requires an argument");
}

static void
opt_help_rows (void **state)
{
  char buf[1024];
  size_t used = 0;

  (void) state;
  opt_help (table, buf, sizeof buf, &used);
  assert_int_equal (used, strlen (buf));
  assert_string_equal (buf, "  -f, --force                   do it anyway\n"
                            "      --systemd-cgroup          ask systemd\n"
                            "      --no-tty                  no terminal\n"
                            "      --root DIR                where state lives\n"
                            "  -n, --preserve-fds N          pass N descriptors\n"
                            "  -e, --env NAME=VALUE          add to the environment\n");
}

static void
opt_help_small_buffer (void **state)
{
  char buf[40];
  size_t used = 0;

  (void) state;
  memset (buf, 'x', sizeof buf);
  opt_help (table, buf, 20, &used);
  assert_int_equal (strlen (buf), 19);
  assert_int_equal (buf[20], 'x');
  assert_true (used >= 20); /* as much as it would have been, and nothing after it */
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (opt_parse_spellings),
    cmocka_unit_test (opt_parse_nothing),
    cmocka_unit_test (opt_parse_bools),
    cmocka_unit_test (opt_parse_lists),
    cmocka_unit_test (opt_parse_list_is_bounded),
    cmocka_unit_test (opt_parse_numbers),
    cmocka_unit_test (opt_parse_auto),
    cmocka_unit_test (opt_parse_values_may_look_like_options),
    cmocka_unit_test (opt_parse_after_operands),
    cmocka_unit_test (opt_parse_stops),
    cmocka_unit_test (opt_parse_double_dash),
    cmocka_unit_test (opt_parse_unknown),
    cmocka_unit_test (opt_parse_missing_value),
    cmocka_unit_test (opt_help_rows),
    cmocka_unit_test (opt_help_small_buffer),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
