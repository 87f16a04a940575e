/* SPDX-License-Identifier: Apache-2.0 */
/* What exists: start, kill, pause, resume, ps, delete, state, list; and the documents that need no container. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "cgroup/layout.h"
#include "handle.h"
#include "launch/launch.h"
#include "launch/record.h"
#include "look.h"
#include "plan/features.h"
#include "plan/spec.h"

#define PUBLIC __attribute__ ((visibility ("default")))

PUBLIC int
orlop_start (struct orlop *o, const char *id)
{
  struct err *err = handle_begin (o);

  return handle_end (o, launch_start (o->root, id, o->notify, handle_log (o), err));
}

PUBLIC int
orlop_kill (struct orlop *o, const char *id, int signal, bool all)
{
  struct err *err = handle_begin (o);

  if ((signal < 0 && signal != ORLOP_STOP_SIGNAL) || signal > 64)
    return handle_end (o, err_usage (err, "%d is no signal", signal));
  return handle_end (o, launch_kill (o->root, id, signal, all, err));
}

PUBLIC int
orlop_pause (struct orlop *o, const char *id)
{
  struct err *err = handle_begin (o);

  return handle_end (o, launch_freeze (o->root, id, true, err));
}

PUBLIC int
orlop_resume (struct orlop *o, const char *id)
{
  struct err *err = handle_begin (o);

  return handle_end (o, launch_freeze (o->root, id, false, err));
}

PUBLIC int
orlop_ps (struct orlop *o, const char *id, pid_t **ret_pids, size_t *ret_n)
{
  struct err *err = handle_begin (o);

  *ret_pids = NULL;
  *ret_n = 0;
  return handle_end (o, launch_pids (o->root, id, ret_pids, ret_n, err));
}

PUBLIC int
orlop_delete (struct orlop *o, const char *id, bool force)
{
  struct err *err = handle_begin (o);

  return handle_end (o, launch_delete (o->root, id, force, handle_log (o), err));
}

PUBLIC int
orlop_state (struct orlop *o, const char *id, char **ret_json)
{
  struct err *err = handle_begin (o);
  struct look l;
  int ret = look_at (&l, o->root, id, err);

  if (ret == 0)
    ret = record_state (l.rec, l.status, l.pid, ret_json, NULL, err);
  look_away (&l);
  return handle_end (o, ret);
}

/* Rows and their text, growing apart; put together at the end.  */
struct rows
{
  struct orlop_container *rows;
  size_t n;
  char **texts; /* of each row */
};

static void
free_rows (struct rows *r)
{
  for (size_t i = 0; i < r->n; i++)
    free (r->texts[i]);
  free (r->texts);
  free (r->rows);
}

/* Copies the strings of one row, one after the other, into one allocation.  */
static char *
copy_texts (const char *const *from, const char **to[], size_t n)
{
  size_t size = 0;
  char *text, *p;

  for (size_t i = 0; i < n; i++)
    size += strlen (from[i] ? from[i] : "") + 1;
  text = p = malloc (size);
  for (size_t i = 0; text && i < n; i++)
    {
      *to[i] = p;
      p = stpcpy (p, from[i] ? from[i] : "") + 1;
    }
  return text;
}

static int
add_row (void *data, const struct look *l, struct err *err)
{
  struct rows *r = data;
  struct orlop_container row = { .pid = l->pid };
  const char *const from[] = { l->rec->id, l->status, l->rec->bundle, l->rec->rootfs, l->rec->created, l->rec->owner };
  const char **to[] = { &row.id, &row.status, &row.bundle, &row.rootfs, &row.created, &row.owner };
  struct orlop_container *rows = realloc (r->rows, (r->n + 1) * sizeof *rows);
  char **texts = realloc (r->texts, (r->n + 1) * sizeof *texts);

  if (rows)
    r->rows = rows;
  if (texts)
    r->texts = texts;
  if (rows == NULL || texts == NULL || (texts[r->n] = copy_texts (from, to, 6)) == NULL)
    return err_sys (err, ENOMEM, "malloc", "list of containers");
  rows[r->n++] = row;
  return 0;
}

/* One allocation with everything, so that the caller frees once.  */
static int
pack_rows (const struct rows *r, struct orlop_container **ret_list, struct err *err)
{
  size_t size = (r->n + 1) * sizeof **ret_list;
  struct orlop_container *list;
  char *p;

  for (size_t i = 0; i < r->n; i++)
    size += (size_t) (r->rows[i].owner + strlen (r->rows[i].owner) + 1 - r->texts[i]);
  list = calloc (1, size);
  if (list == NULL)
    return err_sys (err, ENOMEM, "calloc", "list of containers");
  p = (char *) (list + r->n + 1);
  for (size_t i = 0; i < r->n; i++)
    {
      const struct orlop_container *c = &r->rows[i];
      const char *const from[] = { c->id, c->status, c->bundle, c->rootfs, c->created, c->owner };
      const char **to[] = { &list[i].id, &list[i].status, &list[i].bundle, &list[i].rootfs, &list[i].created, &list[i].owner };

      list[i].pid = c->pid;
      for (size_t j = 0; j < 6; j++)
        {
          *to[j] = p;
          p = stpcpy (p, from[j]) + 1;
        }
    }
  *ret_list = list;
  return 0;
}

PUBLIC int
orlop_list (struct orlop *o, struct orlop_container **ret_list, size_t *ret_n)
{
  struct err *err = handle_begin (o);
  struct rows rows = { 0 };
  int ret = look_each (o, add_row, &rows, err);

  if (ret == 0)
    ret = pack_rows (&rows, ret_list, err);
  if (ret == 0)
    *ret_n = rows.n;
  free_rows (&rows);
  return handle_end (o, ret);
}

static int
add_json (void *data, const struct look *l, struct err *err)
{
  FILE *out = data;
  own_mem char *text = NULL;
  size_t len;
  int ret = record_state (l->rec, l->status, l->pid, &text, &len, err);

  if (ret == 0)
    {
      (void) fputs (ftell (out) > 1 ? "," : "", out);
      (void) fwrite (text, 1, len, out);
    }
  return ret;
}

PUBLIC int
orlop_list_json (struct orlop *o, char **ret_json)
{
  struct err *err = handle_begin (o);
  size_t size = 0;
  own_mem char *text = NULL;
  FILE *out = open_memstream (&text, &size);
  int ret;

  if (out == NULL)
    return handle_end (o, err_sys (err, errno, "open_memstream", "list of containers"));
  (void) fputc ('[', out);
  ret = look_each (o, add_json, out, err);
  (void) fputs ("]\n", out);
  if (fclose (out) != 0 && ret == 0)
    ret = err_sys (err, ENOMEM, "open_memstream", "list of containers");
  if (ret == 0)
    *ret_json = take_ptr (text);
  return handle_end (o, ret);
}

PUBLIC int
orlop_spec (struct orlop *o, bool rootless, char **ret_json)
{
  struct err *err = handle_begin (o);
  struct cgroup_layout layout;
  struct spec_args args = { .rootless = rootless, .uid = geteuid (), .gid = getegid () };
  int ret = cgroup_layout_read (&layout, 0, err);

  args.cgroup2 = ret == 0 && layout.mode == CGROUP_V2;
  return handle_end (o, ret < 0 ? ret : spec_make (&args, ret_json, err));
}

PUBLIC int
orlop_features (struct orlop *o, char **ret_json)
{
  struct err *err = handle_begin (o);

  return handle_end (o, features_make (ret_json, err));
}
