/* SPDX-License-Identifier: Apache-2.0 */
/* The place of a JSON path in a text, for errors that are found after decoding.  Reads the text a second
 * time, which only errors do; needs no rows.  */
#include "ocispec/table.h"

#include <errno.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "ocispec/text.h"

/* An array or object that is open.  */
struct level
{
  bool is_array;
  bool on_way;    /* the path leads through it */
  size_t matched; /* bytes of the wanted path up to here */
  size_t n_seen;  /* values met, if an array */
};

struct search
{
  yajl_handle yajl;
  const char *text;
  size_t len;
  const char *wanted;
  size_t end;       /* offset where the last token ended */
  size_t best;      /* offset before the best match so far */
  bool found;       /* best is the value itself */
  bool key_matches; /* the last key is the next word of the path */
  size_t key_matched;
  size_t depth;
  struct level stack[OCI_DEPTH_MAX];
};

/* Appends the next word to the empty path of BUF: a key, or an index if KEY is NULL.  The dot needs a word before it.
 */
static void
write_word (struct oci_path *path, bool is_first, const char *key, size_t len, size_t index)
{
  path->buf[0] = is_first ? '\0' : '/';
  path->buf[1] = '\0';
  path->len = is_first ? 0 : 1;
  if (key)
    oci_path_key (path, key, len);
  else
    oci_path_index (path, index);
}

/* Returns how much of the wanted path is matched when the word KEY or INDEX follows MATCHED bytes; 0 if it is another
 * word.  */
static size_t
match (const struct search *s, size_t matched, const char *key, size_t len, size_t index)
{
  char buf[512];
  struct oci_path path = { .buf = buf, .size = sizeof buf };
  size_t skip = matched ? 1 : 0, n;
  char next;

  write_word (&path, matched == 0, key, len, index);
  n = path.len - skip;
  if (path.cut || strncmp (s->wanted + matched, buf + skip, n) != 0)
    return 0;
  next = s->wanted[matched + n];
  return next == '\0' || next == '.' || next == '[' ? matched + n : 0;
}

/* Every value passes here.  Returns how much of the wanted path leads to it in *RET_MATCHED, and whether it is on the
 * way.  */
static bool
visit (struct search *s, size_t *ret_matched)
{
  struct level *up = s->depth ? &s->stack[s->depth - 1] : NULL;
  size_t before = s->end, matched = 0;
  bool on_way = true;

  s->end = yajl_get_bytes_consumed (s->yajl);
  if (up)
    {
      matched = ! up->on_way     ? 0
                : up->is_array   ? match (s, up->matched, NULL, 0, up->n_seen)
                : s->key_matches ? s->key_matched
                                 : 0;
      up->n_seen++;
      on_way = matched != 0;
    }
  if (on_way)
    {
      s->best = before;
      s->found = s->wanted[matched] == '\0';
    }
  *ret_matched = matched;
  return on_way;
}

static int
on_value (void *ctx)
{
  struct search *s = ctx;
  size_t matched;

  visit (s, &matched);
  return ! s->found;
}

static int
on_bool (void *ctx, int value)
{
  (void) value;
  return on_value (ctx);
}

static int
on_number (void *ctx, const char *text, size_t len)
{
  (void) text;
  (void) len;
  return on_value (ctx);
}

static int
on_string (void *ctx, const unsigned char *text, size_t len)
{
  (void) text;
  (void) len;
  return on_value (ctx);
}

static int
start (struct search *s, bool is_array)
{
  size_t matched;
  bool on_way = visit (s, &matched);

  if (s->found || s->depth == OCI_DEPTH_MAX)
    return 0;
  s->stack[s->depth++] = (struct level){ .is_array = is_array, .on_way = on_way, .matched = matched };
  return 1;
}

static int
on_start_map (void *ctx)
{
  return start (ctx, false);
}

static int
on_start_array (void *ctx)
{
  return start (ctx, true);
}

static int
on_key (void *ctx, const unsigned char *key, size_t len)
{
  struct search *s = ctx;
  struct level *l = &s->stack[s->depth - 1];

  s->end = yajl_get_bytes_consumed (s->yajl);
  s->key_matched = l->on_way ? match (s, l->matched, (const char *) key, len, 0) : 0;
  s->key_matches = s->key_matched != 0;
  return 1;
}

static int
on_end (void *ctx)
{
  struct search *s = ctx;

  s->end = yajl_get_bytes_consumed (s->yajl);
  s->depth--;
  return 1;
}

int
oci_locate (const char *text, size_t len, const char *path, unsigned *ret_line, unsigned *ret_column)
{
  static const yajl_callbacks callbacks = { .yajl_null = on_value,
                                            .yajl_boolean = on_bool,
                                            .yajl_number = on_number,
                                            .yajl_string = on_string,
                                            .yajl_start_map = on_start_map,
                                            .yajl_map_key = on_key,
                                            .yajl_end_map = on_end,
                                            .yajl_start_array = on_start_array,
                                            .yajl_end_array = on_end };
  struct search s = { .text = text, .len = len, .wanted = path };
  yajl_status status;

  *ret_line = *ret_column = 1;
  if (len > OCI_DOCUMENT_MAX)
    return -EINVAL;
  s.yajl = yajl_alloc (&callbacks, NULL, &s);
  if (s.yajl == NULL)
    return -ENOMEM;
  status = yajl_parse (s.yajl, (const unsigned char *) text, len);
  yajl_free (s.yajl);
  oci_text_place (text, 0, oci_text_token (text, len, s.best), ret_line, ret_column);
  if (s.found)
    return 0;
  return status == yajl_status_ok && s.depth == 0 && s.end ? 1 : -EINVAL;
}
