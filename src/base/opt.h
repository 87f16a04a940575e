/* SPDX-License-Identifier: Apache-2.0 */
/* Options of a command line as tables: one row each says what it is called, where its value goes and
 * what to tell people.  The same rows make the help text.  No global state, no printing. */
#ifndef ORLOP_BASE_OPT_H
#define ORLOP_BASE_OPT_H

#include <stdbool.h>
#include <stddef.h>

struct err;

/* What a row's member holds.  */
enum opt_kind
{
  OPT_FLAG,     /* bool; takes no value, but "=true" and "=false" are understood */
  OPT_NOT,      /* bool that the option sets to false */
  OPT_STRING,   /* const char * */
  OPT_UNSIGNED, /* unsigned */
  OPT_LIST,     /* struct opt_list: may be given again */
  OPT_AUTO      /* nothing: true, false or auto is taken and forgotten */
};

enum
{
  OPT_LIST_MAX = 1024
};

/* Values of an OPT_LIST, NULL-terminated.  */
struct opt_list
{
  const char *item[OPT_LIST_MAX + 1];
  size_t n;
};

struct opt
{
  const char *name;   /* long name without dashes; NULL ends a table */
  char letter;        /* or 0 */
  enum opt_kind kind;
  size_t at;          /* offsetof in the arguments' struct */
  const char *value;  /* name of the value in help, or NULL */
  const char *help;
};

/* Parses ARGV from index *IN_OUT_NEXT on by TABLE into ARGS.  `--name value`, `--name=value`, `-n value`, `-nvalue`, and, for callers that
 * write it so, `-name`.  "--" ends the options.  With STOP it ends at the first operand; else options may follow operands, which
 * are moved to the end of ARGV.  *IN_OUT_NEXT becomes the index of the first operand.
 * Returns 0, or -EINVAL with ERR_USAGE: *IN_OUT_NEXT is then the index of the word behind the one at fault.  */
int opt_parse (const struct opt *table, void *args, int argc, char **argv, int *in_out_next, bool stop,
               struct err *err);

/* True if --help (or -h, and as argp has them -? and --usage) stands among the options of ARGV, which are those of TABLE and end as for opt_parse;
 * the value of an option is none.  Words that TABLE does not know are passed over.  */
bool opt_asks_help (const struct opt *table, int argc, char *const *argv, bool stop);

/* Appends the help of TABLE, one row a line, to BUF (SIZE bytes, used up to *IN_OUT_USED).  */
void opt_help (const struct opt *table, char *buf, size_t size, size_t *in_out_used);

#endif
