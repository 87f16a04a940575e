/* SPDX-License-Identifier: Apache-2.0 */
/* JSON text -> C structs, by the rows of an oci_type.  The parser calls back for every token; the stack of
 * frames says what the token belongs to, and is the JSON path of the errors.  Must bound time and memory for any text,
 * and never judge what a document asks for beyond what a row says.  */
#include "ocispec/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ocispec/decoder.h"
#include "ocispec/names.h"
#include "ocispec/text.h"

static struct frame *
push (struct decoder *d, enum frame_kind kind, bool is_array)
{
  struct frame *f;

  if (d->depth == OCI_DEPTH_MAX)
    {
      decoder_stop (d, -EINVAL, "nested too deeply");
      return NULL;
    }
  f = &d->stack[d->depth++];
  *f = (struct frame){ .kind = kind, .is_array = is_array, .start = d->before, .first_key = d->n_keys };
  return f;
}

/* Opens the object at hand, which goes to a member or item, or is the document.  */
static int
start_object (struct decoder *d, struct frame *up)
{
  const struct oci_type *type = up ? up->field->type : d->type;
  char *obj = up ? decoder_slot (d) : decoder_take (d, type->size);
  struct frame *f = obj ? push (d, FRAME_OBJECT, false) : NULL;

  if (f == NULL)
    return 0;
  f->obj = obj;
  f->type = type;
  if (up == NULL)
    d->result = obj;
  return 1;
}

static int
on_start_map (void *ctx)
{
  struct decoder *d = ctx;
  struct frame *up = decoder_top (d), *f;

  if (! decoder_accept (d, JSON_OBJECT))
    return push (d, FRAME_SKIP, false) != NULL;
  if (up == NULL || up->kind != FRAME_OBJECT || ! (up->field->flags & OCI_MAP))
    return start_object (d, up);
  f = push (d, FRAME_MAP, false);
  return f ? decoder_open_list (d, f, up->obj, up->field) : 0;
}

static int
on_start_array (void *ctx)
{
  struct decoder *d = ctx;
  struct frame *up, *f;

  if (! decoder_accept (d, JSON_ARRAY))
    return push (d, FRAME_SKIP, true) != NULL;
  up = decoder_inner (d); /* no document is an array */
  f = push (d, FRAME_LIST, true);
  return f ? decoder_open_list (d, f, up->obj, up->field) : 0;
}

static int
on_end_array (void *ctx)
{
  struct decoder *d = ctx;

  d->end = yajl_get_bytes_consumed (d->yajl);
  if (decoder_inner (d)->kind == FRAME_LIST)
    decoder_close_list (decoder_inner (d));
  d->depth--;
  return 1;
}

/* Remembers the key of F, which has no row, until its object ends.  Returns 1, or 0 with the search ended.  */
static int
remember (struct decoder *d, const struct frame *f)
{
  if (d->n_keys == d->cap_keys)
    {
      size_t cap = d->cap_keys ? d->cap_keys * 2 : 32;
      struct key *keys;

      if (! decoder_may_take (d, (cap - d->cap_keys) * sizeof *keys))
        return 0;
      keys = realloc (d->keys, cap * sizeof *keys);
      if (keys == NULL)
        return decoder_stop (d, -ENOMEM, "out of memory");
      d->keys = keys;
      d->cap_keys = cap;
    }
  d->keys[d->n_keys++] = (struct key){ .text = f->key, .len = f->key_len, .at = d->before };
  return 1;
}

static const struct oci_field *
find_field (const struct oci_type *type, const char *name, size_t len)
{
  for (const struct oci_field *field = type->fields; field->name; field++)
    if (field->length == len && memcmp (field->name, name, len) == 0)
      return field;
  return NULL;
}

/* The key at hand has the row FIELD.  */
static int
known_key (struct decoder *d, struct frame *f, const struct oci_field *field)
{
  uint64_t bit = UINT64_C (1) << (field - f->type->fields);

  f->field = field;
  f->key = field->name;
  f->key_len = field->length;
  if (f->keys & bit)
    {
      decoder_fault (d, d->before, "given twice");
      f->field = NULL; /* the second value is of no interest */
    }
  f->keys |= bit;
  return 1;
}

/* The key at hand has no row in its object: config.md, Extensibility, wants the property ignored.  */
static int
unknown_key (struct decoder *d, struct frame *f)
{
  f->field = NULL;
  if (d->faults && d->faults->n_unknown++ == 0)
    decoder_path (d, d->faults->first_unknown, sizeof d->faults->first_unknown);
  return remember (d, f);
}

/* The key at hand belongs to a map.  config.md, Annotations, forbids empty ones; no other map has a use for them.  */
static int
map_key (struct decoder *d, struct frame *f)
{
  if (f->key_len == 0)
    decoder_fault (d, d->before, "empty key");
  if (memchr (f->key, '\0', f->key_len))
    decoder_fault (d, d->before, "the key contains a NUL byte");
  else if (f->field->kind == OCI_KIND_OBJECT && f->field->names && ! oci_name_known (f->field->names, f->key))
    decoder_unknown_word (d, f->field->names, "key", f->key, f->key_len);
  return remember (d, f);
}

static int
on_key (void *ctx, const unsigned char *bytes, size_t len)
{
  struct decoder *d = ctx;
  struct frame *f = decoder_inner (d);
  bool in_text
      = (uintptr_t) bytes - (uintptr_t) d->text < d->len; /* without escapes the parser passes it as it stands */
  const struct oci_field *field = NULL;

  d->before = d->end;
  d->end = yajl_get_bytes_consumed (d->yajl);
  if (f->kind == FRAME_OBJECT)
    field = find_field (f->type, (const char *) bytes, len);
  if (field)
    return known_key (d, f, field);
  f->key = (const char *) bytes;
  f->key_len = len;
  if (! in_text || f->kind == FRAME_MAP)
    f->key = decoder_take_string (d, f->key, len);
  if (f->key == NULL)
    return 0;
  return f->kind == FRAME_OBJECT ? unknown_key (d, f) : f->kind == FRAME_MAP ? map_key (d, f) : remember (d, f);
}

static int
compare_keys (const void *a, const void *b)
{
  const struct key *x = a, *y = b;
  int order;

  if (x->len != y->len)
    return x->len < y->len ? -1 : 1;
  order = memcmp (x->text, y->text, x->len);
  return order ? order : x->at < y->at ? -1 : x->at > y->at;
}

/* Finds those of the object's remembered keys that were given twice, and forgets all.  They are sorted, because a
 * hostile document may have millions of them.  */
static void
check_twice (struct decoder *d, struct frame *f)
{
  size_t n = d->n_keys - f->first_key;
  struct key *keys;

  d->n_keys = f->first_key;
  if (n < 2)
    return;
  keys = d->keys + f->first_key;
  qsort (keys, n, sizeof *keys, compare_keys);
  for (size_t i = 1; i < n; i++)
    if (keys[i].len == keys[i - 1].len && memcmp (keys[i].text, keys[i - 1].text, keys[i].len) == 0)
      {
        f->key = keys[i].text;
        f->key_len = keys[i].len;
        decoder_fault (d, keys[i].at, "given twice");
      }
}

/* Finds the required properties that are absent.  Their place is that of the object.  */
static void
check_required (struct decoder *d, struct frame *f)
{
  for (const struct oci_field *field = f->type->fields; field->name; field++)
    if ((field->flags & OCI_REQUIRED) && ! (f->values >> (field - f->type->fields) & 1))
      {
        f->key = field->name;
        f->key_len = field->length;
        decoder_fault (d, f->start, "required but missing");
      }
}

static int
on_end_map (void *ctx)
{
  struct decoder *d = ctx;
  struct frame *f = decoder_inner (d);

  d->end = yajl_get_bytes_consumed (d->yajl);
  check_twice (d, f);
  if (f->kind == FRAME_OBJECT)
    check_required (d, f);
  if (f->kind == FRAME_MAP)
    decoder_close_list (f);
  d->depth--;
  return 1;
}

static void
parse (struct decoder *d)
{
  static const yajl_callbacks callbacks = { .yajl_null = decoder_on_null,
                                            .yajl_boolean = decoder_on_bool,
                                            .yajl_number = decoder_on_number,
                                            .yajl_string = decoder_on_string,
                                            .yajl_start_map = on_start_map,
                                            .yajl_map_key = on_key,
                                            .yajl_end_map = on_end_map,
                                            .yajl_start_array = on_start_array,
                                            .yajl_end_array = on_end_array };
  yajl_status status;

  d->yajl = yajl_alloc (&callbacks, NULL, d);
  if (d->yajl == NULL)
    {
      decoder_stop (d, -ENOMEM, "out of memory");
      return;
    }
  (void) yajl_config (d->yajl, yajl_dont_validate_strings, 1); /* oci_text_mistake did, and better; cannot fail */
  status = yajl_parse (d->yajl, (const unsigned char *) d->text, d->len);
  if (status == yajl_status_ok)
    {
      d->is_complete = true;
      status = yajl_complete_parse (d->yajl);
    }
  if (status == yajl_status_error)
    decoder_syntax_fault (d);
  yajl_free (d->yajl);
  free (d->keys);
}

int
oci_decode (const struct oci_type *type, const char *text, size_t len, void **ret_object, struct oci_arena **arena,
            struct oci_faults *faults)
{
  struct decoder d = { .type = type, .text = text, .len = len, .arena = arena, .faults = faults };
  const char *mistake;
  size_t at = 0;

  decoder_faults_begin (&d);
  if (len > OCI_DOCUMENT_MAX)
    {
      d.len = 0;
      decoder_stop (&d, -EFBIG, "the document is longer than 16 MiB");
    }
  else if ((mistake = oci_text_mistake (text, len, &at)))
    decoder_text_fault (&d, at, mistake);
  else
    parse (&d);
  decoder_faults_end (&d);
  if (d.total)
    return d.stop ? d.stop : -EINVAL;
  *ret_object = d.result;
  return 0;
}
