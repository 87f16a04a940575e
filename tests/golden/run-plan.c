/* SPDX-License-Identifier: Apache-2.0 */
/* Golden tests of plans.  Each directory below tests/golden/plan is a case:
 *
 *   config.json   the document (or a line `config PATH` in case.txt: a file below tests/)
 *   process.json  if there: a plan of exec, for this process
 *   case.txt      the machine and the caller, by line:
 *                   include NAME          lines of tests/golden/hosts/NAME.txt
 *                   config PATH           the document, below tests/
 *                   cgroup LINE           a line of cgroup_layout_parse
 *                   joined-uid A B C, joined-gid A B C, joined-setgroups
 *                                         maps of the user namespace that is joined; setgroups is allowed in it
 *                   args KEY [VALUE]      id, bundle, run, no-pivot, no-new-keyring, preserve-fds, env, cgroup-driver
 *                   anything else         a line of host_parse
 *   expected.txt  warnings and the plan's text, or `error: ` and the error's
 *
 * Usage: run-plan [CASE]...   With UPDATE=1 in the environment expected.txt is rewritten: read it before committing it.
 * The tests are found below $srcdir/tests, or where they were when this was built. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check_arena.h"

#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/own.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "cgroup/layout.h"
#include "kernel/idmap.h"
#include "launch/child.h"
#include "launch/parent.h"
#include "ocispec/config.h"
#include "plan/arena.h"
#include "plan/document.h"
#include "plan/host.h"
#include "plan/make.h"
#include "plan/rules.h"
#include "plan/show.h"

#ifndef TOP
#define TOP "."
#endif

enum { TEXT_MAX = 1 << 16, ENV_MAX = 8 };

/* A case in the making.  */
struct golden
{
  const char *tests, *name; /* directory of all tests; name of the case */
  char host[TEXT_MAX], cgroup[TEXT_MAX]; /* lines for the two parsers */
  char config[256];                      /* document, below the tests */
  char id[256], bundle[256], driver[64];
  const char *env[ENV_MAX + 1];
  size_t n_env;
  bool has_cgroup;
  struct plan_args args;
  struct idmap_maps joined;
  char *warnings;
};

static void __attribute__ ((noreturn, format (printf, 1, 2)))
give_up (const char *fmt, ...)
{
  va_list args;

  va_start (args, fmt);
  vfprintf (stderr, fmt, args);
  va_end (args);
  fputc ('\n', stderr);
  exit (99);
}

static char *
read_text (const char *path)
{
  char *text = NULL;

  return file_read_at (AT_FDCWD, path, TEXT_MAX * 16, &text, NULL) < 0 ? NULL : text;
}

static void __attribute__ ((format (printf, 2, 3)))
append (char **text, const char *fmt, ...)
{
  char *more = NULL, *joined = NULL;
  va_list args;

  va_start (args, fmt);
  if (vasprintf (&more, fmt, args) < 0 || asprintf (&joined, "%s%s", *text ? *text : "", more) < 0)
    give_up ("out of memory");
  va_end (args);
  free (more);
  free (*text);
  *text = joined;
}

static void
add_line (char *lines, const char *line)
{
  size_t used = strlen (lines);

  if (snprintf (lines + used, TEXT_MAX - used, "%s\n", line) >= (int) (TEXT_MAX - used))
    give_up ("too many lines");
}

static void
set_arg (struct golden *g, const char *key, const char *value)
{
  if (strcmp (key, "id") == 0)
    (void) str_copy (g->id, sizeof g->id, value);
  else if (strcmp (key, "bundle") == 0)
    (void) str_copy (g->bundle, sizeof g->bundle, value);
  else if (strcmp (key, "cgroup-driver") == 0)
    (void) str_copy (g->driver, sizeof g->driver, value);
  else if (strcmp (key, "run") == 0)
    g->args.run = true;
  else if (strcmp (key, "no-pivot") == 0)
    g->args.no_pivot = true;
  else if (strcmp (key, "no-new-keyring") == 0)
    g->args.no_new_keyring = true;
  else if (strcmp (key, "preserve-fds") == 0)
    g->args.preserve_fds = (unsigned) atoi (value);
  else if (strcmp (key, "env") == 0 && g->n_env < ENV_MAX)
    g->env[g->n_env++] = strdup (value);
  else
    give_up ("%s: unknown argument %s", g->name, key);
}

static void read_lines (struct golden *g, const char *path);

static void
take_line (struct golden *g, char *line)
{
  struct idmap_maps *j = &g->joined;
  char *rest = strchr (line, ' '), path[512];

  if (line[0] == '\0' || line[0] == '#')
    return;
  rest = rest ? rest + 1 : line + strlen (line);
  if (str_after (line, "include "))
    {
      (void) snprintf (path, sizeof path, "%s/golden/hosts/%s.txt", g->tests, rest);
      read_lines (g, path);
    }
  else if (str_after (line, "config "))
    (void) str_copy (g->config, sizeof g->config, rest);
  else if (str_after (line, "cgroup "))
    {
      g->has_cgroup = true;
      add_line (g->cgroup, rest);
    }
  else if (str_after (line, "joined-uid ") && sscanf (rest, "%u %u %u", &j->uid[j->n_uid].inside, &j->uid[j->n_uid].outside, &j->uid[j->n_uid].size) == 3)
    j->n_uid++;
  else if (str_after (line, "joined-gid ") && sscanf (rest, "%u %u %u", &j->gid[j->n_gid].inside, &j->gid[j->n_gid].outside, &j->gid[j->n_gid].size) == 3)
    j->n_gid++;
  else if (strcmp (line, "joined-setgroups") == 0)
    j->setgroups = true;
  else if (str_after (line, "args "))
    {
      char *value = strchr (rest, ' ');
      if (value)
        *value++ = '\0';
      set_arg (g, rest, value ? value : "");
    }
  else
    add_line (g->host, line);
}

static void
read_lines (struct golden *g, const char *path)
{
  own_mem char *text = read_text (path);

  if (text == NULL)
    give_up ("cannot read %s", path);
  for (char *line = text, *next; line; line = next)
    {
      next = strchr (line, '\n');
      if (next)
        *next++ = '\0';
      take_line (g, line);
    }
}

static void
take_warning (void *data, enum log_level level, const char *message)
{
  struct golden *g = data;

  if (level >= LOG_LEVEL_WARNING)
    append (&g->warnings, "warning: %s\n", message);
}

/* --- making the plan */

struct made
{
  struct plan_arena arena;
  struct cgroup_layout layout;
  struct document config, process;
  struct plan *plan;
};

static int
load (const struct golden *g, struct made *m, struct err *err)
{
  char path[1024];
  int ret;

  if (g->config[0])
    (void) snprintf (path, sizeof path, "%s/%s", g->tests, g->config);
  else
    (void) snprintf (path, sizeof path, "%s/golden/plan/%s/config.json", g->tests, g->name);
  ret = document_load (AT_FDCWD, path, &oci_config_type, &m->config, err);
  if (ret < 0)
    return ret;
  (void) snprintf (path, sizeof path, "%s/golden/plan/%s/process.json", g->tests, g->name);
  if (access (path, F_OK) == 0)
    ret = document_load (AT_FDCWD, path, &oci_process_type, &m->process, err);
  return ret;
}

static int
decide_cgroup (const struct golden *g, struct made *m, struct host *h, struct err *err)
{
  const struct oci_config *c = m->config.object;
  const struct cgroup_args args = { .driver = g->driver[0] ? g->driver : NULL, .id = g->id, .rootless = h->in_user_ns,
                                    .path = c->linux_ ? c->linux_->cgroups_path : NULL };
  struct cgroup *cg = NULL;
  int ret;

  if (! g->has_cgroup)
    return 0;
  ret = cgroup_layout_parse (g->cgroup, &m->layout, err);
  if (ret == 0)
    ret = cgroup_plan (&m->layout, &args, &m->config.arena, &cg, err);
  h->layout = &m->layout;
  h->cgroup = cg;
  return ret;
}

static int
make (struct golden *g, struct made *m, struct err *err)
{
  const struct log log = { .level = LOG_LEVEL_WARNING, .write = take_warning, .data = g };
  const struct oci_config *c = m->config.object;
  const struct oci_process *p = m->process.object;
  struct host host = { 0 };
  int ret = rules_check (c, m->config.text, m->config.len, err);

  if (ret == 0 && p)
    ret = rules_check_process (p, m->process.text, m->process.len, err);
  if (ret == 0)
    ret = host_parse (g->host, &host, err);
  host.joined = g->joined.n_uid ? &g->joined : NULL;
  if (ret == 0)
    ret = decide_cgroup (g, m, &host, err);
  if (ret == 0)
    ret = plan_arena_open (&m->arena, err);
  if (ret < 0)
    return ret;
  g->args.id = g->id;
  g->args.bundle = g->bundle;
  g->args.extra_env = g->env;
  return p ? plan_make_exec (&m->arena, c, p, &host, &g->args, &log, &m->plan, err)
           : plan_make (&m->arena, c, &host, &g->args, &log, &m->plan, err);
}

/* True if both sides of the plan's launch exchange their messages in one order.  */
static bool
meets (const struct plan *p)
{
  return p->action == PLAN_EXEC ? steps_meet (parent_exec, child_exec, p) : steps_meet (parent_create, child_create, p);
}

/* The text that the case gives: warnings, then the plan or the error.  */
static char *
result (struct golden *g)
{
  struct made *m = calloc (1, sizeof *m);
  own_mem char *text = NULL;
  char line[8192], *all = NULL;
  struct err err = { 0 };
  const char *wrong;
  int ret;

  if (m == NULL)
    give_up ("out of memory");
  m->arena.fd = -1;
  ret = load (g, m, &err);
  if (ret == 0)
    ret = make (g, m, &err);
  if (ret == 0)
    ret = plan_show (m->plan, &text, &err);
  if (ret < 0 && m->process.object == NULL)
    document_locate (m->config.text, m->config.len, &err);
  append (&all, "%s", g->warnings ? g->warnings : "");
  if (ret < 0)
    append (&all, "error: %s\n", err_text (&err, m->process.object ? "process.json" : "config.json", line, sizeof line));
  else
    append (&all, "%s", text);
  if (ret == 0 && ! meets (m->plan))
    append (&all, "DEADLOCK: parent and child do not meet\n");
  wrong = ret == 0 ? check_arena (&m->arena, m->plan) : NULL;
  if (wrong)
    append (&all, "NOT IN THE ARENA: %s\n", wrong);
  plan_arena_close (&m->arena);
  document_close (&m->config);
  document_close (&m->process);
  free (m);
  return all;
}

/* --- comparing */

/* Shows the first line in which EXPECTED and GOT differ.  */
static void
show_difference (const char *expected, const char *got)
{
  unsigned line = 1;

  for (; *expected && *got; line++)
    {
      size_t e = strcspn (expected, "\n"), g = strcspn (got, "\n");

      if (e != g || memcmp (expected, got, e) != 0)
        break;
      expected += e + (expected[e] == '\n');
      got += g + (got[g] == '\n');
    }
  printf ("# line %u\n# expected: %.*s\n# got:      %.*s\n", line, (int) strcspn (expected, "\n"), expected,
          (int) strcspn (got, "\n"), got);
}

static bool
run_case (const char *tests, const char *name)
{
  struct golden *g = calloc (1, sizeof *g);
  char path[1024];
  bool good = true;

  if (g == NULL)
    give_up ("out of memory");
  g->tests = tests;
  g->name = name;
  (void) str_copy (g->id, sizeof g->id, "c1");
  (void) str_copy (g->bundle, sizeof g->bundle, "/bundle");
  (void) snprintf (path, sizeof path, "%s/golden/plan/%s/case.txt", tests, name);
  read_lines (g, path);
  own_mem char *got = result (g);
  (void) snprintf (path, sizeof path, "%s/golden/plan/%s/expected.txt", tests, name);
  own_mem char *expected = read_text (path);
  if (getenv ("UPDATE"))
    good = file_replace_at (AT_FDCWD, path, got, strlen (got), 0644, NULL) == 0;
  else
    good = expected && strcmp (expected, got) == 0;
  printf ("%s - %s\n", good ? "ok" : "not ok", name);
  if (! good)
    show_difference (expected ? expected : "", got);
  for (size_t i = 0; i < g->n_env; i++)
    free ((char *) g->env[i]);
  free (g->warnings);
  free (g);
  return good;
}

static int
visible (const struct dirent *d)
{
  return d->d_name[0] != '.';
}

int
main (int argc, char **argv)
{
  const char *srcdir = getenv ("srcdir") ? getenv ("srcdir") : TOP;
  struct dirent **cases;
  char tests[512], path[600];
  int failed = 0, n;

  (void) snprintf (tests, sizeof tests, "%s/tests", srcdir);
  (void) snprintf (path, sizeof path, "%s/golden/plan", tests);
  for (int i = 1; i < argc; i++)
    failed += ! run_case (tests, argv[i]);
  if (argc > 1)
    return failed > 0;
  n = scandir (path, &cases, visible, alphasort);
  if (n <= 0)
    give_up ("no cases in %s", path);
  for (int i = 0; i < n; i++)
    {
      failed += ! run_case (tests, cases[i]->d_name);
      free (cases[i]);
    }
  free (cases);
  printf ("1..%d\n# %d failed\n", n, failed);
  return failed > 0;
}
