/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled filters; see filters.h.  */
#include "launch/filters.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/own.h"
#include "kernel/filter.h"
#include "launch/filter_cache.h"
#include "plan/profile.h"

/* Writes TEXT so that no other list of texts looks the same.  */
static void
write_text (FILE *f, const char *text)
{
  fprintf (f, "%zu:%s,", strlen (text), text);
}

/* Everything that the program depends on but the library, which the cache itself looks after.  */
static void
write_profile (FILE *f, const struct filter_profile *p)
{
  fprintf (f, "%s %s %zu %#x %zu ", ORLOP_VERSION, ORLOP_COMMIT, sizeof (void *), p->default_action, p->n_archs);
  for (size_t i = 0; i < p->n_archs; i++)
    write_text (f, p->archs[i]);
  for (size_t i = 0; i < p->n_rules; i++)
    {
      const struct filter_rule *r = &p->rules[i];

      fprintf (f, "\n%#x %zu %zu ", r->action, r->n_args, r->n_names);
      for (size_t k = 0; k < r->n_args; k++)
        fprintf (f, "%u %u %#jx %#jx,", r->args[k].index, r->args[k].op, (uintmax_t) r->args[k].value, (uintmax_t) r->args[k].value_two);
      for (size_t k = 0; k < r->n_names; k++)
        write_text (f, r->names[k]);
    }
}

static int
make_key (const struct filter_profile *p, unsigned char ret_key[DIGEST_SIZE])
{
  own_mem char *text = NULL;
  size_t len = 0;
  FILE *f = open_memstream (&text, &len);

  if (f == NULL)
    return -ENOMEM;
  write_profile (f, p);
  return fclose (f) != 0 ? -ENOMEM : digest_of (text, len, ret_key);
}

/* Why a cached filter was not used, for people who look into it; what is not as we left it is worth a warning.  */
static void
explain (const struct log *log, const char *root, int ret)
{
  if (ret == -EPERM)
    log_warn (log, "%s/%s is not used: it must be ours alone (mode 0700, no link)", root, FILTER_CACHE_DIR);
  else
    log_debug (log, "seccomp: no compiled filter in %s/%s: %s", root, FILTER_CACHE_DIR, strerror (-ret));
}

static void
keep (const struct log *log, const char *root, const unsigned char key[DIGEST_SIZE], const struct filter *filter)
{
  struct err err = { 0 };

  if (filter_cache_put (root, key, filter, &err) < 0)
    log_debug (log, "seccomp: the compiled filter is not kept: %s %s(%s)", err.what, err.call, err.object);
}

int
filters_get (const char *root, const struct oci_seccomp *s, struct oci_arena **arena, const struct log *log,
             struct filter *ret_filter, struct err *err)
{
  unsigned char key[DIGEST_SIZE];
  struct filter_profile profile;
  int ret = profile_make (s, arena, &profile, err), cached;

  if (ret < 0)
    return ret;
  if (root == NULL || make_key (&profile, key) < 0)
    return filter_compile (&profile, log, ret_filter, err);
  cached = filter_cache_get (root, key, ret_filter);
  if (cached == 0)
    return 0;
  explain (log, root, cached);
  ret = filter_compile (&profile, log, ret_filter, err);
  if (ret == 0 && cached != -EPERM)
    keep (log, root, key, ret_filter);
  return ret;
}
