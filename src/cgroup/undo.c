/* SPDX-License-Identifier: Apache-2.0 */
/* What files of a cgroup said before; see undo.h.  Never reports: it works when something has failed already.  */
#include "cgroup/undo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cgroup/dir.h"
#include "cgroup/layout.h" /* cgroup_list_has */
#include "cgroup/limits.h" /* CGROUP_LIMIT_TEXT_MAX */
#include "ocispec/table.h"

enum
{
  OLD_MAX = 16 * 1024 /* bytes of a file that are looked at: lines of some hundred devices */
};

/* The line of OLD whose first word is that of TEXT, or NULL.  */
static const char *
find_line (const char *old, const char *text)
{
  size_t word = strcspn (text, " ");

  for (const char *line = old; *line; line += strcspn (line, "\n"), line += *line == '\n')
    if (strcspn (line, " \n") == word && memcmp (line, text, word) == 0)
      return line;
  return NULL;
}

/* No limit for the device that TEXT names, in the words of its file: "8:0 rbps=max", "8:0 default" (io.weight), "8:0 0" (v1).  */
static size_t
no_limit (const char *text, bool v2, char *buf, size_t size)
{
  size_t used = 0;

  if (strchr (text, '=') == NULL)
    return (size_t) snprintf (buf, size, "%.*s %s", (int) strcspn (text, " "), text, v2 ? "default" : "0");
  while (*text && used < size)
    {
      size_t key = strcspn (text, "= "), len = strcspn (text, " ");

      used += (size_t) snprintf (buf + used, size - used, "%s%.*s%s", used ? " " : "", (int) key, text, text[key] == '=' ? "=max" : "");
      text += len + (text[len] == ' ');
    }
  return used;
}

size_t
cgroup_undo_text (const char *old, const char *text, bool v2, char *buf, size_t size)
{
  static const char oom[] = "oom_kill_disable "; /* memory.oom_control, which is written as a bare number */
  const char *line = find_line (old, text);
  size_t n;

  if (line == NULL && memchr (text, ':', strcspn (text, " ")))
    n = no_limit (text, v2, buf, size);
  else
    {
      line = line ? line : old;
      line = str_after (line, oom) ? str_after (line, oom) : line;
      n = strcspn (line, "\n");
      n = n ? (size_t) snprintf (buf, size, "%.*s", (int) n, line) : (size_t) snprintf (buf, size, "\n"); /* an empty cpuset */
    }
  return n < size ? n : 0;
}

size_t
cgroup_undo_controllers (const char *old, const char *text, char *buf, size_t size)
{
  char have[CGROUP_LIMIT_TEXT_MAX];
  size_t used = 0;

  (void) str_copy (have, sizeof have, old);
  have[strcspn (have, "\n")] = '\0';
  for (size_t len; *(text += strspn (text, " ")); text += len)
    {
      char name[80];

      len = strcspn (text, " ");
      (void) snprintf (name, sizeof name, "%.*s", (int) len - 1, text + 1);
      if (cgroup_list_has (have, name) == (*text == '-')) /* it changes something */
        used += (size_t) snprintf (buf + used, used < size ? size - used : 0, "%s%c%s", used ? " " : "", *text == '-' ? '+' : '-', name);
      if (used >= size)
        return 0;
    }
  return used;
}

/* What takes back that TEXT is written to FILE of D, which says OLD.  */
static size_t
undo_text (const struct cgroup_dir *d, const char *file, const char *old, const char *text, char *buf, size_t size)
{
  return strcmp (file, "cgroup.subtree_control") == 0 ? cgroup_undo_controllers (old, text, buf, size)
                                                      : cgroup_undo_text (old, text, cgroup_dir_is_v2 (d), buf, size);
}

/* The file of the weight beside cpu.idle.  */
static const char *
weight_of (const struct cgroup_dir *d)
{
  return cgroup_dir_is_v2 (d) ? "cpu.weight" : "cpu.shares";
}

static bool
is_idle (const struct cgroup_dir *d)
{
  char text[8];

  return cgroup_dir_read (d, "cpu.idle", text, sizeof text) > 0 && text[0] == '1';
}

/* True if FILE of D is a cpuset, and empty: then it has what its parent has.  */
static bool
is_empty_cpuset (const struct cgroup_dir *d, const char *file)
{
  char text[8];

  return (strcmp (file, "cpuset.cpus") == 0 || strcmp (file, "cpuset.mems") == 0) && cgroup_dir_read (d, file, text, sizeof text) >= 0
         && strcspn (text, "\n") == 0;
}

/* What FILE of D says, or of an empty cpuset what it has in effect: once it is not empty it cannot be again while it has processes (Linux:
 * validate_change).  */
static int
read_old (const struct cgroup_dir *d, const char *file, bool empty, char *old, size_t size)
{
  char effective[32];

  (void) snprintf (effective, sizeof effective, "%.20s.effective", file);
  if (empty && cgroup_dir_read (d, effective, old, size) >= 0)
    return 0;
  return cgroup_dir_read (d, file, old, size) < 0 ? -1 : 0;
}

static void
note (struct cgroup_undo *u, const struct cgroup_dir *d, const char *file, const char *text)
{
  char old[OLD_MAX], back[CGROUP_LIMIT_TEXT_MAX];
  bool empty = is_empty_cpuset (d, file);
  struct cgroup_undo_step *steps;
  own_mem char *name = NULL, *copy = NULL;

  if (read_old (d, file, empty, old, sizeof old) < 0 || undo_text (d, file, old, text, back, sizeof back) == 0)
    return;
  steps = realloc (u->steps, (u->n + 1) * sizeof *steps);
  if (steps)
    u->steps = steps;
  name = strdup (file);
  copy = strdup (back);
  if (steps && name && copy)
    steps[u->n++] = (struct cgroup_undo_step){ .d = d, .file = take_ptr (name), .text = take_ptr (copy), .was_empty = empty };
}

void
cgroup_undo_note (struct cgroup_undo *u, const struct cgroup_dir *d, const char *file, const char *text)
{
  bool idle = strcmp (file, "cpu.idle") == 0, weight = strcmp (file, weight_of (d)) == 0;

  /* a cgroup that becomes idle loses its weight, and one that is idle says one that nobody could write */
  if ((idle || weight) && ! is_idle (d))
    note (u, d, weight_of (d), idle ? "" : text);
  if (! weight)
    note (u, d, file, text);
}

void
cgroup_undo_all (const struct cgroup_undo *u)
{
  for (size_t i = u->n; i > 0; i--) /* the way back leads through what was valid on the way there */
    {
      const struct cgroup_undo_step *s = &u->steps[i - 1];

      if (! (s->was_empty && is_empty_cpuset (s->d, s->file)))
        (void) cgroup_dir_write (s->d, s->file, s->text, NULL); /* see undo.h */
    }
}

void
cgroup_undo_free (struct cgroup_undo *u)
{
  for (size_t i = 0; i < u->n; i++)
    {
      free (u->steps[i].file);
      free (u->steps[i].text);
    }
  free (u->steps);
  oci_arena_free (u->arena);
  *u = (struct cgroup_undo){ .n = 0 };
}
