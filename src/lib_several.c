/* SPDX-License-Identifier: Apache-2.0 */
/* Deeds on several containers at once: all are tried, the first failure is the answer. */
#include <errno.h>
#include <regex.h>
#include <string.h>

#include "base/own.h"
#include "handle.h"
#include "launch/launch.h"
#include "launch/record.h"

#define PUBLIC __attribute__ ((visibility ("default")))

/* What is done to each, and with what.  */
struct deed
{
  int (*run) (struct orlop *o, const struct deed *deed, const char *id, struct err *err);
  int signal;
  bool all, force;
};

static int
kill_one (struct orlop *o, const struct deed *d, const char *id, struct err *err)
{
  int ret = launch_kill (o->root, id, d->signal, d->all, err);

  return ret == -ESRCH ? 0 : ret;
}

static int
delete_one (struct orlop *o, const struct deed *d, const char *id, struct err *err)
{
  return launch_delete (o->root, id, d->force, handle_log (o), err);
}

static int
each (struct orlop *o, const struct deed *d, const char *const *ids, size_t n, struct err *err)
{
  int first = 0;

  for (size_t i = 0; i < n; i++)
    {
      struct err own = { 0 };
      char text[4096];
      int ret = d->run (o, d, ids[i], &own);

      if (ret == 0)
        continue;
      if (first < 0)
        log_warn (handle_log (o), "%s: %s", ids[i], err_text (&own, NULL, text, sizeof text));
      else
        *err = own;
      first = first < 0 ? first : ret;
    }
  return first;
}

/* Leaves of the N names those that RE matches; returns how many.  */
static size_t
keep_matching (const regex_t *re, char **names, size_t n)
{
  size_t kept = 0;

  for (size_t i = 0; i < n; i++)
    if (regexec (re, names[i], 0, NULL, 0) == 0)
      names[kept++] = names[i];
  return kept;
}

static int
names_of (struct orlop *o, char ***ret_names, size_t *ret_n, struct err *err)
{
  own_fd int root = record_root (o->root, false, err);

  if (root != -ENOENT)
    return root < 0 ? root : record_names (root, ret_names, ret_n, err);
  err_clear (err); /* no container was ever made */
  return 0;
}

static int
each_matching (struct orlop *o, const struct deed *d, const char *regex, struct err *err)
{
  own_mem char **names = NULL;
  size_t n = 0;
  regex_t re;
  int ret = regcomp (&re, regex ? regex : "", REG_EXTENDED | REG_NOSUB);
  char why[128];

  if (ret != 0 || regex == NULL)
    {
      (void) regerror (ret, &re, why, sizeof why);
      return err_usage (err, "invalid regular expression \"%s\": %s", regex ? regex : "", ret ? why : "there is none");
    }
  ret = names_of (o, &names, &n, err);
  if (ret == 0)
    n = keep_matching (&re, names, n);
  regfree (&re);
  return ret < 0 ? ret : each (o, d, (const char *const *) names, n, err);
}

PUBLIC int
orlop_kill_matching (struct orlop *o, const char *regex, int signal, bool all)
{
  const struct deed kill = { .run = kill_one, .signal = signal, .all = all };
  struct err *err = handle_begin (o);

  if ((signal < 0 && signal != ORLOP_STOP_SIGNAL) || signal > 64)
    return handle_end (o, err_usage (err, "%d is no signal", signal));
  return handle_end (o, each_matching (o, &kill, regex, err));
}

PUBLIC int
orlop_delete_matching (struct orlop *o, const char *regex, bool force)
{
  const struct deed del = { .run = delete_one, .force = force };
  struct err *err = handle_begin (o);

  return handle_end (o, each_matching (o, &del, regex, err));
}

PUBLIC int
orlop_delete_several (struct orlop *o, const char *const *ids, size_t n, bool force)
{
  const struct deed del = { .run = delete_one, .force = force };
  struct err *err = handle_begin (o);

  return handle_end (o, each (o, &del, ids, n, err));
}
