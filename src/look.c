/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at containers; see look.h.  Takes no lock. */
#include "look.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "handle.h"

void
look_away (struct look *l)
{
  oci_arena_free (l->arena);
  record_close (&l->dir);
}

int
look_at (struct look *l, const char *root, const char *id, struct err *err)
{
  int ret;

  *l = (struct look){ .dir = RECORD_DIR_NONE };
  ret = record_open (root, id, false, &l->dir, err);
  if (ret == 0)
    ret = record_load (&l->dir, &l->arena, &l->rec, err);
  if (ret < 0)
    return ret;
  l->status = record_status (&l->dir, l->rec);
  l->pid = strcmp (l->status, "stopped") == 0 ? 0 : l->rec->pid;
  return 0;
}

int
look_each (struct orlop *o, int (*each) (void *data, const struct look *l, struct err *err), void *data, struct err *err)
{
  own_mem char **names = NULL;
  size_t n = 0;
  int ret = 0;
  own_fd int root = record_root (o->root, false, err);

  if (root == -ENOENT)
    {
      err_clear (err);
      return 0;
    }
  if (root < 0 || (ret = record_names (root, &names, &n, err)) < 0)
    return root < 0 ? root : ret;
  for (size_t i = 0; ret == 0 && i < n; i++)
    {
      struct look l;
      struct err own = { 0 };
      char text[4096];

      if (look_at (&l, o->root, names[i], &own) == 0)
        ret = each (data, &l, err);
      else
        log_warn (handle_log (o), "%s: %s", names[i], err_text (&own, NULL, text, sizeof text));
      look_away (&l);
    }
  return ret;
}
