/* SPDX-License-Identifier: Apache-2.0 */
/* Limits, written: row by row of the table, and `unified`.  Works from the record alone.  What the kernel refuses is an
 * error with the JSON path, never passed over. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "cgroup/devices.h"
#include "cgroup/dir.h"
#include "cgroup/layout.h" /* cgroup_list_has */
#include "cgroup/limits.h"
#include "cgroup/scope.h"
#include "cgroup/undo.h"
#include "ocispec/linux.h"

enum
{
  PUT_OFF_MAX = 4 /* rows in a row that wait for another */
};

/* One call of cgroup_limit or cgroup_limit_again.  */
struct job
{
  const struct cgroup *cg;
  const struct oci_resources *r;
  struct cgroup_undo *undo; /* NULL: the cgroup is new */
  bool enabled;   /* the controllers, or tried to */
  int refused;    /* what came of it */
  struct err why; /* likewise */
};

/* One value of a row on its way into its file.  */
struct value
{
  const struct cgroup_dir *d;
  char file[CGROUP_FILE_MAX + 1];
  char text[CGROUP_LIMIT_TEXT_MAX];
  char controller[CGROUP_CONTROLLER_MAX];
};

/* The directory that has the files of ROW, or NULL.  */
static const struct cgroup_dir *
dir_of (const struct cgroup *cg, const struct cgroup_limit_row *row)
{
  char controller[CGROUP_CONTROLLER_MAX];

  cgroup_limit_controller (row, false, controller);
  return cgroup_dir_of (cg, controller);
}

/* Formats the I-th value of ROW.  Returns its length, or 0 if there is nothing to write.  */
static int
format (const struct job *j, const struct cgroup_limit_row *row, size_t i, bool v2, char *buf, size_t size)
{
  const struct cgroup_limit_ask ask = { .r = j->r, .i = i, .v2 = v2, .update = j->undo != NULL };

  return row->text (&ask, buf, size);
}

/* Adds "+CONTROLLER" to LIST.  What does not fit is left out: the kernel then says that the file is missing.  */
static void
add_controller (char *list, size_t size, const char *controller, size_t len)
{
  size_t used = strlen (list);
  char word[80];

  if (snprintf (word, sizeof word, "+%.*s", (int) len, controller) >= (int) sizeof word || cgroup_list_has (list, word))
    return;
  if (used + strlen (word) + 2 <= size)
    (void) snprintf (list + used, size - used, "%s%s", used ? " " : "", word);
}

/* Adds the controller of ROW to LIST if one of its values is a limit.  */
static void
add_row (const struct job *j, const struct cgroup_limit_row *row, char *list, size_t size)
{
  char text[CGROUP_LIMIT_TEXT_MAX], controller[CGROUP_CONTROLLER_MAX];

  cgroup_limit_controller (row, true, controller);
  for (size_t i = 0; i < cgroup_limit_count (row, j->r); i++)
    if (format (j, row, i, true, text, sizeof text) > 0 && ! cgroup_limit_is_none (text))
      add_controller (list, size, controller, strlen (controller));
}

/* Enables on v2 all controllers that the resources need, in one go.  */
static void
enable (struct job *j, const struct cgroup_dir *d)
{
  char list[1024] = "";

  if (j->enabled)
    return;
  j->enabled = true;
  for (const struct cgroup_limit_row *row = cgroup_limit_rows (); row->where; row++)
    if (row->v2 && dir_of (j->cg, row) == d)
      add_row (j, row, list, sizeof list);
  for (size_t i = 0; i < j->r->n_unified; i++)
    {
      char controller[CGROUP_FILE_MAX + 1];

      cgroup_unified_controller (j->r->unified[i].key, controller);
      if (*controller)
        add_controller (list, sizeof list, controller, strlen (controller));
    }
  j->refused = *list ? cgroup_dir_enable (d, list, &j->why) : 0;
}

static int
write_once (struct job *j, const struct cgroup_dir *d, const char *file, const char *text, struct err *err)
{
  if (j->undo)
    cgroup_undo_note (j->undo, d, file, text);
  return cgroup_dir_write (d, file, text, err);
}

/* True if D has the controller of FILE: then the kernel lacks the file, whatever an ordinary user was refused in the cgroups above.  */
static bool
has_controller (const struct cgroup_dir *d, const char *file)
{
  char have[256], controller[CGROUP_FILE_MAX + 1];

  if (cgroup_dir_read (d, "cgroup.controllers", have, sizeof have) < 0)
    return false;
  have[strcspn (have, "\n")] = '\0';
  cgroup_unified_controller (file, controller);
  return cgroup_list_has (have, controller);
}

/* Writes TEXT to FILE of D; on v2 a missing file may be there once its controller is enabled.  */
static int
write_text (struct job *j, const struct cgroup_dir *d, const char *file, const char *text, struct err *err)
{
  int r = write_once (j, d, file, text, err);

  if (r != -ENOENT || ! cgroup_dir_is_v2 (d))
    return r;
  enable (j, d);
  err_clear (err);
  r = write_once (j, d, file, text, err);
  if (r == -ENOENT && j->refused < 0 && ! has_controller (d, file))
    {
      if (err)
        *err = j->why;
      return j->refused;
    }
  return r;
}

/* Compares the use in the file with the limit to be (config-linux.md, checkBeforeUpdate).  Without the file nothing is used.  */
static int
check_use (const struct value *v, struct err *err)
{
  char use[32];
  ssize_t n = cgroup_dir_read (v->d, v->file, use, sizeof use);

  if (n == -ENOENT)
    return 0;
  if (n < 0)
    return err_sys (err, (int) -n, "read", "%s", v->file);
  use[strcspn (use, "\n")] = '\0';
  if (strtoull (use, NULL, 10) < strtoull (v->text, NULL, 10))
    return 0;
  return err_state (err, EBUSY, "the container uses %s bytes of memory, which is not below the new limit of %s", use,
                    v->text);
}

/* What is no limit may lack its file, and some others as their rows say; old files that a kernel has for show answer EOPNOTSUPP.  */
static bool
may_lack (const struct cgroup_limit_row *row, const char *text, int r)
{
  if (cgroup_limit_is_none (text))
    return r == -ENOENT || r == -EOPNOTSUPP;
  return r == -ENOENT
         && (row->flags & CGROUP_ROW_MAY_LACK || (row->flags & CGROUP_ROW_ZERO_MAY_LACK && strcmp (text, "0") == 0));
}

/* Adds to the kernel's refusal what it was that it refused.  */
static int
refused (const char *text, int r, struct err *err)
{
  return err && strcmp (err->call, "write") == 0 && *err->what == '\0'
             ? err_doing (err, r, "cannot be set to \"%.200s\"", text)
             : r;
}

static int
no_cgroup (const struct value *v, struct err *err)
{
  if (cgroup_limit_is_none (v->text))
    return 0;
  return err_host (err, EPERM, "the container has no \"%s\" cgroup of its own to limit: an unprivileged user needs a delegated one", v->controller);
}

/* Writes the I-th value of ROW.  Returns 1 if there was something to write, 0 if not, or negative errno.  */
static int
write_value (struct job *j, const struct cgroup_limit_row *row, size_t i, struct err *err)
{
  struct value v = { .d = dir_of (j->cg, row) };
  bool v2 = v.d && cgroup_dir_is_v2 (v.d);
  const struct cgroup_limit_ask ask = { .r = j->r, .i = i, .v2 = v2, .update = j->undo != NULL };
  int n = row->text (&ask, v.text, sizeof v.text), r;

  if (n <= 0)
    return 0;
  cgroup_limit_controller (row, v2, v.controller);
  r = cgroup_limit_file (row, &ask, v.file, sizeof v.file);
  if (r == -ENOTSUP)
    return cgroup_limit_is_none (v.text) ? 0 : err_host (err, ENOTSUP, "cgroup v2 has nothing like it");
  if (r < 0 || n >= (int) sizeof v.text)
    return err_sys (err, E2BIG, "write", "%s", v.file);
  if (v.d == NULL || v.d->skipped)
    r = no_cgroup (&v, err);
  else
    r = row->flags & CGROUP_ROW_CHECK      ? check_use (&v, err)
        : cgroup_limit_is_none (v.text) ? write_once (j, v.d, v.file, v.text, err) /* needs no controller */
                                        : write_text (j, v.d, v.file, v.text, err);
  if (! may_lack (row, v.text, r))
    return r < 0 ? refused (v.text, r, err) : 1;
  err_clear (err);
  return 0;
}

/* Writes all values of ROW.  Returns 1 if there were any, 0 if not, or negative errno.  */
static int
write_row (struct job *j, const struct cgroup_limit_row *row, struct err *err)
{
  int written = 0;

  for (size_t i = 0; i < cgroup_limit_count (row, j->r); i++)
    {
      char where[160];
      int r = write_value (j, row, i, err);

      if (r < 0)
        {
          cgroup_limit_where (row, j->r, i, where, sizeof where);
          return err_in (err, r, "%s", where);
        }
      written |= r;
    }
  return written;
}

/* The rows that wait until another one is written.  */
struct put_off
{
  const struct cgroup_limit_row *rows[PUT_OFF_MAX];
  size_t n;
};

/* Writes ROW, or puts it off.  */
static int
try_row (struct job *j, const struct cgroup_limit_row *row, struct put_off *later, struct err *err)
{
  int r = write_row (j, row, err);

  if (r == -EINVAL && row->flags & CGROUP_ROW_RETRY && later->n < PUT_OFF_MAX)
    {
      err_clear (err);
      later->rows[later->n++] = row;
      return 0;
    }
  if (row->flags & CGROUP_ROW_RETRY)
    return r;
  for (size_t i = 0; r >= 0 && i < later->n; i++)
    {
      int again = write_row (j, later->rows[i], err);
      r = again < 0 ? again : r;
    }
  later->n = 0;
  return r;
}

static int
write_rows (struct job *j, int late, struct err *err)
{
  struct put_off later = { .n = 0 };

  for (const struct cgroup_limit_row *row = cgroup_limit_rows (); row->where; row++)
    {
      int r = (row->flags & CGROUP_ROW_LATE ? 1 : 0) == late ? try_row (j, row, &later, err) : 0;

      if (row->flags & CGROUP_ROW_OR_NEXT && r == -ENOENT)
        {
          err_clear (err);
          continue;
        }
      if (r < 0)
        return r;
      if (row->flags & CGROUP_ROW_OR_NEXT)
        row++;
    }
  return 0;
}

/* Writes VALUE line by line: the kernel's files take one setting a write.  */
static int
write_lines (struct job *j, const struct cgroup_dir *d, const char *file, const char *value, struct err *err)
{
  int r = *value ? 0 : write_text (j, d, file, "\n", err);

  while (r == 0 && *value)
    {
      char line[CGROUP_LIMIT_TEXT_MAX];
      size_t len = strcspn (value, "\n");

      if (len >= sizeof line)
        return err_sys (err, E2BIG, "write", "%s", file);
      memcpy (line, value, len);
      line[len] = '\0';
      r = len ? write_text (j, d, file, line, err) : 0;
      value += len + (value[len] == '\n');
    }
  return r;
}

static int
write_unified (struct job *j, int late, struct err *err)
{
  const struct cgroup_dir *d = cgroup_dir_find (j->cg, "");

  for (size_t i = 0; i < j->r->n_unified; i++)
    {
      const struct oci_pair *u = &j->r->unified[i];
      int r;

      if (late != (str_after (u->key, "pids.") ? 1 : 0))
        continue;
      r = d && ! d->skipped ? write_lines (j, d, u->key, u->value, err)
                            : err_host (err, EPERM, "the container has no cgroup v2 of its own");
      if (r < 0)
        return err_in (err, refused (u->value, r, err), "linux.resources.unified[\"%.100s\"]", u->key);
    }
  return 0;
}

static int
write_phase (struct job *j, int late, struct err *err)
{
  int ret = write_rows (j, late, err);

  return ret < 0 ? ret : write_unified (j, late, err);
}

int
cgroup_limit (const struct cgroup *cg, const struct oci_resources *r, int fd, enum cgroup_limit_phase phase,
              struct err *err)
{
  struct job j = { .cg = cg, .r = r };
  int ret = phase & CGROUP_LIMIT_EARLY ? cgroup_devices_write (cg, r, fd, err) : 0;

  if (ret == 0 && cg->unit)
    ret = scope_limit (cg, r, phase, err);
  if (ret > 0) /* systemd writes all that it has words for, in its precision */
    phase |= CGROUP_LIMIT_EARLY;
  if (ret >= 0 && r && phase & CGROUP_LIMIT_EARLY)
    ret = write_phase (&j, 0, err);
  if (ret >= 0 && r && phase & CGROUP_LIMIT_LATE)
    ret = write_phase (&j, 1, err);
  return ret < 0 ? ret : 0;
}

/* Writes all, and what systemd knows of it into the unit, which makes it write files, too; then they are written once more, since its precision is
 * another.  */
int
cgroup_limit_again (const struct cgroup *cg, const struct oci_resources *r, struct cgroup_undo *undo, struct err *err)
{
  struct job j = { .cg = cg, .r = r, .undo = undo };
  int ret = write_phase (&j, 0, err);

  if (ret == 0)
    ret = write_phase (&j, 1, err);
  if (ret == 0 && cg->unit)
    ret = scope_update (cg, r, undo, err);
  if (ret <= 0)
    return ret;
  ret = write_phase (&j, 0, err);
  return ret < 0 ? ret : write_phase (&j, 1, err);
}
