/* SPDX-License-Identifier: Apache-2.0 */
/* Making the environment; see environment.h. */
#include "plan/environment.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/own.h"
#include "base/str.h"
#include "plan/arena.h"
#include "plan/plan.h"

/* One entry; LAST tells whether no later one has its name.  */
struct entry
{
  const char *text;
  size_t name_len, index;
  bool last;
};

static int
by_name (const void *a, const void *b)
{
  const struct entry *x = *(const struct entry *const *) a, *y = *(const struct entry *const *) b;
  size_t common = x->name_len < y->name_len ? x->name_len : y->name_len;
  int order = memcmp (x->text, y->text, common);

  if (order != 0)
    return order;
  if (x->name_len != y->name_len)
    return x->name_len < y->name_len ? -1 : 1;
  return x->index < y->index ? -1 : x->index > y->index;
}

static bool
same_name (const struct entry *x, const struct entry *y)
{
  return x->name_len == y->name_len && memcmp (x->text, y->text, x->name_len) == 0;
}

/* Marks the entries whose name comes later again.  Sorted, not compared each with each: there may be a million.  */
static int
mark (struct entry *entries, size_t n)
{
  own_mem struct entry **sorted = calloc (n + 1, sizeof (struct entry *));

  if (sorted == NULL)
    return -ENOMEM;
  for (size_t i = 0; i < n; i++)
    sorted[i] = &entries[i];
  qsort (sorted, n, sizeof (struct entry *), by_name);
  for (size_t i = 0; i < n; i++)
    sorted[i]->last = i + 1 == n || ! same_name (sorted[i], sorted[i + 1]);
  return 0;
}

static void
add (struct entry *e, const char *text, size_t index)
{
  *e = (struct entry){ .text = text, .name_len = strcspn (text, "="), .index = index };
}

/* Copies the marked entries.  */
static int
copy (struct plan_arena *arena, const struct entry *entries, size_t n, struct plan_process *to)
{
  to->add_home = true;
  to->path_env = plan_strdup (arena, ENVIRONMENT_PATH);
  for (size_t i = 0; i < n; i++)
    {
      const char *text, *path;

      if (! entries[i].last)
        continue;
      text = plan_strdup (arena, entries[i].text);
      if (text == NULL)
        return -ENOMEM;
      to->envp[to->n_envp++] = text;
      path = str_after (text, "PATH=");
      if (path)
        to->path_env = path;
      if (str_after (text, "HOME="))
        to->add_home = false;
    }
  return 0;
}

int
environment_make (struct plan_arena *arena, const char *const *env, size_t n, const char *const *extra,
                  struct plan_process *to, struct err *err)
{
  size_t n_extra = 0, total;
  int ret;

  while (extra && extra[n_extra])
    n_extra++;
  total = n + n_extra;
  own_mem struct entry *entries = calloc (total + 1, sizeof *entries);
  to->envp = plan_alloc (arena, (total + 1) * sizeof *to->envp);
  if (entries == NULL || to->envp == NULL)
    return err_host (err, ENOMEM, "out of memory for the environment");
  for (size_t i = 0; i < total; i++)
    add (&entries[i], i < n ? env[i] : extra[i - n], i);
  ret = mark (entries, total);
  if (ret == 0)
    ret = copy (arena, entries, total, to);
  return ret < 0 || to->path_env == NULL ? err_host (err, ENOMEM, "out of memory for the environment") : 0;
}
