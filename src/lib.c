/* SPDX-License-Identifier: Apache-2.0 */
/* The handle of the public library: options, the last error, and what needs no container. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "handle.h"
#include "hints.h"
#include "kernel/signal.h"

#define PUBLIC __attribute__ ((visibility ("default")))

/* True if /run is another's: we are root of a user namespace only, as below a rootless engine, and cannot write there.  In a container
 * with users of its own /run is ours.  */
static bool
is_run_foreign (void)
{
  struct stat st;

  return stat ("/run", &st) == 0 && st.st_uid != 0;
}

static char *
default_root (uid_t uid)
{
  const char *run = getenv ("XDG_RUNTIME_DIR");
  char *path = NULL;
  int n;

  if (run && run[0] != '/')
    run = NULL;
  if (uid == 0 && (run == NULL || ! is_run_foreign ()))
    return strdup ("/run/orlop");
  n = run ? asprintf (&path, "%s/orlop", run) : asprintf (&path, "/run/user/%u/orlop", uid);
  return n < 0 ? NULL : path;
}

PUBLIC struct orlop *
orlop_new (void)
{
  struct orlop *o = calloc (1, sizeof *o);

  if (o)
    {
      o->uid = geteuid ();
      o->root = default_root (o->uid);
    }
  if (o == NULL || o->root == NULL)
    {
      free (o);
      return NULL;
    }
  (void) handle_begin (o);
  return o;
}

PUBLIC void
orlop_free (struct orlop *o)
{
  if (o)
    {
      free (o->root);
      free (o->notify);
      free (o->criu);
    }
  free (o);
}

PUBLIC int
orlop_set_root (struct orlop *o, const char *dir)
{
  char *copy;

  if (dir == NULL || dir[0] == '\0' || dir[strspn (dir, "/")] == '\0') /* containers beside the machine's own directories */
    return -EINVAL;
  copy = strdup (dir);
  if (copy == NULL)
    return -ENOMEM;
  free (o->root);
  o->root = copy;
  return 0;
}

PUBLIC int
orlop_set_notify_socket (struct orlop *o, const char *path)
{
  char *copy = NULL;

  if (path && path[0] != '/' && path[0] != '@')
    return -EINVAL;
  if (path && (copy = strdup (path)) == NULL)
    return -ENOMEM;
  free (o->notify);
  o->notify = copy;
  return 0;
}

static void
pass_on (void *data, enum log_level level, const char *message)
{
  static const enum orlop_log_level levels[] = { [LOG_LEVEL_DEBUG] = ORLOP_LOG_DEBUG,
                                                 [LOG_LEVEL_WARNING] = ORLOP_LOG_WARNING,
                                                 [LOG_LEVEL_ERROR] = ORLOP_LOG_ERROR };
  struct orlop *o = data;

  o->log_write (o->log_data, levels[level], message);
}

PUBLIC void
orlop_set_log (struct orlop *o, enum orlop_log_level level,
               void (*write) (void *data, enum orlop_log_level level, const char *message), void *data)
{
  static const enum log_level levels[] = { [ORLOP_LOG_DEBUG] = LOG_LEVEL_DEBUG,
                                           [ORLOP_LOG_WARNING] = LOG_LEVEL_WARNING,
                                           [ORLOP_LOG_ERROR] = LOG_LEVEL_ERROR };

  o->log_write = write;
  o->log_data = data;
  o->log = (struct log){ .level = (unsigned) level <= ORLOP_LOG_ERROR ? levels[level] : LOG_LEVEL_ERROR, .write = write ? pass_on : NULL, .data = o };
}

PUBLIC void
orlop_set_cgroup_manager (struct orlop *o, enum orlop_cgroup_manager manager)
{
  o->manager = (unsigned) manager <= ORLOP_CGROUP_DISABLED ? manager : ORLOP_CGROUP_CGROUPFS;
}

PUBLIC void
orlop_set_exiting (struct orlop *o)
{
  o->exiting = true;
}

PUBLIC const struct orlop_error *
orlop_error (const struct orlop *o)
{
  return &o->error;
}

PUBLIC int
orlop_signal (const char *name)
{
  return name ? signal_number (name) : -EINVAL;
}

PUBLIC const char *
orlop_version (void)
{
  return ORLOP_VERSION;
}

struct err *
handle_begin (struct orlop *o)
{
  static const char none[] = "";

  err_clear (&o->err);
  o->file[0] = o->text[0] = '\0';
  o->error = (struct orlop_error){ .file = none, .step = none, .call = none, .where = none, .object = none, .what = none,
                                   .hint = none, .text = none };
  return &o->err;
}

/* What a hook wrote, a path, or a text that was cut may be no UTF-8, and then no JSON either.  */
static void
make_utf8 (struct orlop *o)
{
  char *const texts[] = { o->err.where, o->err.object, o->err.what, o->file };

  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    str_make_utf8 (texts[i]);
}

int
handle_end (struct orlop *o, int ret)
{
  static const enum orlop_error_kind kinds[] = { [ERR_NONE] = ORLOP_ERROR_BUG,   [ERR_USAGE] = ORLOP_ERROR_USAGE,
                                                 [ERR_SPEC] = ORLOP_ERROR_SPEC,  [ERR_HOST] = ORLOP_ERROR_HOST,
                                                 [ERR_SYS] = ORLOP_ERROR_SYS,    [ERR_STATE] = ORLOP_ERROR_STATE,
                                                 [ERR_BUG] = ORLOP_ERROR_BUG };
  const struct err *e = &o->err;

  if (ret >= 0)
    return 0;
  if (e->kind == ERR_NONE) /* a failure that nobody described is a mistake of ours, but not a silent one */
    (void) err_bug (&o->err, -ret, "it failed without saying why: %s", strerror (-ret));
  (void) err_text (e, o->file, o->text, sizeof o->text);
  make_utf8 (o);
  o->error = (struct orlop_error){ .kind = kinds[e->kind], .num = e->num, .line = e->line, .column = e->column,
                                   .file = o->file, .step = e->step, .call = e->call, .where = e->where,
                                   .object = e->object, .what = e->what, .text = o->text,
                                   .hint = hint_for (e->step, e->call, e->num, e->object, o->hint, sizeof o->hint) };
  return ret;
}

const struct log *
handle_log (const struct orlop *o)
{
  return o->log.write ? &o->log : NULL;
}

void
handle_document (struct orlop *o, const char *dir, const char *name)
{
  if (dir && name[0] != '/')
    (void) snprintf (o->file, sizeof o->file, "%s/%s", dir, name);
  else
    (void) str_copy (o->file, sizeof o->file, name);
}

int
handle_check_fds (unsigned n, struct err *err)
{
  for (unsigned i = 0; i < n; i++)
    if (fcntl ((int) (3 + i), F_GETFD) < 0)
      return err_usage (err, "descriptor %u is to be preserved but is not open", 3 + i);
  return 0;
}

int
handle_check_pid_file (const char *name, struct err *err)
{
  return name && name[0] == '\0' ? err_usage (err, "the name of the pid file is empty") : 0;
}
