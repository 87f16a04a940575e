/* SPDX-License-Identifier: Apache-2.0 */
/* mounts list: what is mounted in a container, by the kernel's table, in the words of config.json. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "handle.h"
#include "launch/live.h"

#define PUBLIC __attribute__ ((visibility ("default")))

enum
{
  OPTIONS_MAX = 128
};

/* Words of one mount, one after the other in TEXT.  */
struct words
{
  const char *word[OPTIONS_MAX];
  size_t n;
};

static bool
has_word (const struct words *w, const char *word)
{
  for (size_t i = 0; i < w->n; i++)
    if (strcmp (w->word[i], word) == 0)
      return true;
  return false;
}

static void
add_word (struct words *w, const char *word)
{
  if (w->n < OPTIONS_MAX && *word && ! has_word (w, word))
    w->word[w->n++] = word;
}

/* Adds the words of TEXT, which is cut, without UNLESS.  */
static void
add_words (struct words *w, char *text, const char *unless)
{
  for (char *rest = text, *word; (word = strsep (&rest, ",")) != NULL;)
    if (strcmp (word, unless) != 0)
      add_word (w, word);
}

/* Begins with whether it can be written: the mount and its file system both say.  TEXTS are cut.  */
static void
fold (struct words *w, const struct mountinfo *m, char *options, char *super)
{
  static const char *const kinds[][2] = { { "shared:", "shared" }, { "master:", "slave" }, { "unbindable", "unbindable" } };
  bool readonly = strncmp (options, "ro", 2) == 0 || strcmp (super, "ro") == 0 || strncmp (super, "ro,", 3) == 0;

  add_word (w, readonly ? "ro" : "rw");
  add_words (w, options, readonly ? "rw" : "ro");
  add_words (w, super, readonly ? "rw" : "ro");
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strstr (m->tags, kinds[i][0]))
      add_word (w, kinds[i][1]);
}

/* What one mount is in JSON.  */
struct mount_row
{
  const char *destination, *type, *source, *root;
  const char **options;
  size_t n_options;
  bool added;
};

static OCI_TYPE (mount_row,
  OCI_STR  (mount_row, destination, "destination", OCI_REQUIRED),
  OCI_STR  (mount_row, type,        "type",        OCI_REQUIRED),
  OCI_STR  (mount_row, source,      "source",      0),
  OCI_STR  (mount_row, root,        "root",        0),
  OCI_STRS (mount_row, options,     "options",     0),
  OCI_BOOL (mount_row, added,       "added",       OCI_REQUIRED));

/* Writes row W of M to OUT.  Names that are no UTF-8 are shown as they can be.  */
static int
put_json (FILE *out, const struct mountinfo *m, const struct words *w, bool added, struct err *err)
{
  struct mount_row row = { .destination = m->point, .type = m->type, .source = m->source, .root = m->root,
                           .options = (const char **) w->word, .n_options = w->n, .added = added };
  char *const texts[] = { (char *) m->point, (char *) m->source, (char *) m->root };
  own_mem char *text = NULL;
  size_t len;
  int ret;

  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    str_make_utf8 (texts[i]);
  ret = oci_encode (&mount_row_type, &row, false, &text, &len);
  if (ret < 0)
    return err_sys (err, -ret, "malloc", "list of mounts");
  (void) fprintf (out, "%s%s", ftell (out) > 1 ? "," : "", text);
  return 0;
}

/* Writes one mount, with its options, to OUT; ADDED: by us, since the container began.  */
typedef int each_mount (FILE *out, const struct mountinfo *m, const struct words *w, bool added, struct err *err);

/* Calls EACH for every mount of container ID.  */
static int
for_each (struct orlop *o, const char *id, each_mount *each, FILE *out, struct err *err)
{
  struct live live = LIVE_NONE;
  int ret = live_open (&live, o->root, id, false, err);
  const struct live_state state = live_state (&live);

  for (size_t i = 0; ret == 0 && i < live.n_table; i++)
    {
      const struct mountinfo *m = &live.table[i];
      own_mem char *options = strdup (m->options), *super = strdup (m->super);
      struct words w = { .n = 0 };

      if (options == NULL || super == NULL)
        ret = err_sys (err, ENOMEM, "malloc", "list of mounts");
      else
        {
          fold (&w, m, options, super);
          ret = each (out, m, &w, live_is_added (&state, m), err);
        }
    }
  live_close (&live);
  return ret;
}

static int
put_row (FILE *out, const struct mountinfo *m, const struct words *w, bool added, struct err *err)
{
  (void) err;
  (void) fprintf (out, "%s%c%s%c%s%c%s%c", m->point, '\0', m->type, '\0', m->source, '\0', m->root, '\0');
  for (size_t i = 0; i < w->n; i++)
    (void) fprintf (out, "%s%s", i ? "," : "", w->word[i]);
  (void) fprintf (out, "%c%c", '\0', added ? 'y' : 'n');
  return 0;
}

/* Makes one allocation of the SIZE bytes at TEXT, rows of five texts and a letter.  */
static int
pack (const char *text, size_t size, struct orlop_mount **ret_list, size_t *ret_n, struct err *err)
{
  size_t n = 0;
  struct orlop_mount *list;
  char *copy;

  for (const char *p = text; p < text + size; n++, p++)
    for (int i = 0; i < 5; i++)
      p += strlen (p) + 1;
  list = calloc (1, (n + 1) * sizeof *list + size);
  if (list == NULL)
    return err_sys (err, ENOMEM, "calloc", "list of mounts");
  copy = memcpy ((char *) (list + n + 1), text, size);
  for (size_t i = 0; i < n; i++)
    {
      const char **const to[] = { &list[i].destination, &list[i].type, &list[i].source, &list[i].root, &list[i].options };

      for (size_t j = 0; j < sizeof to / sizeof *to; j++, copy += strlen (copy) + 1)
        *to[j] = copy;
      list[i].added = *copy++ == 'y';
    }
  *ret_list = list;
  *ret_n = n;
  return 0;
}

/* What EACH writes for the mounts of container ID, between BEFORE and AFTER.  *RET_TEXT is freed with free(3).  */
static int
list_mounts (struct orlop *o, const char *id, each_mount *each, const char *before, const char *after, char **ret_text, size_t *ret_size,
             struct err *err)
{
  own_mem char *text = NULL;
  FILE *out = open_memstream (&text, ret_size);
  int ret;

  if (out == NULL)
    return err_sys (err, errno, "open_memstream", "list of mounts");
  (void) fputs (before, out);
  ret = for_each (o, id, each, out, err);
  (void) fputs (after, out);
  if (fclose (out) != 0 && ret == 0)
    ret = err_sys (err, ENOMEM, "open_memstream", "list of mounts");
  if (ret == 0)
    *ret_text = take_ptr (text);
  return ret;
}

PUBLIC int
orlop_mounts_list (struct orlop *o, const char *id, struct orlop_mount **ret_list, size_t *ret_n)
{
  struct err *err = handle_begin (o);
  own_mem char *text = NULL;
  size_t size = 0;
  int ret = list_mounts (o, id, put_row, "", "", &text, &size, err);

  return handle_end (o, ret < 0 ? ret : pack (text, size, ret_list, ret_n, err));
}

PUBLIC int
orlop_mounts_list_json (struct orlop *o, const char *id, char **ret_json)
{
  struct err *err = handle_begin (o);
  size_t size = 0;

  return handle_end (o, list_mounts (o, id, put_json, "[", "]\n", ret_json, &size, err));
}
