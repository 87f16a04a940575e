/* SPDX-License-Identifier: Apache-2.0 */
/* What a document says, on its way into the members of C structs: memory, numbers, strings.  Must store nothing that
 * the row does not describe.  */
#include "ocispec/decoder.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "ocispec/names.h"
#include "ocispec/text.h"

static const char *const json_names[] = { "null", "boolean", "number", "string", "object", "array" };

bool
decoder_may_take (struct decoder *d, size_t n)
{
  if (n > OCI_MEMORY_MAX - d->taken)
    {
      decoder_stop (d, -EFBIG, "the document needs too much memory");
      return false;
    }
  d->taken += n;
  return true;
}

void *
decoder_take (struct decoder *d, size_t n)
{
  void *p = decoder_may_take (d, n) ? oci_alloc (d->arena, n) : NULL;

  if (p == NULL && ! d->stop)
    decoder_stop (d, -ENOMEM, "out of memory");
  return p;
}

char *
decoder_take_string (struct decoder *d, const char *text, size_t len)
{
  char *p = decoder_may_take (d, len + 1) ? oci_strndup (d->arena, text, len) : NULL;

  if (p == NULL && ! d->stop)
    decoder_stop (d, -ENOMEM, "out of memory");
  return p;
}

/* Members are pointers of many types; all have one representation.  */
static void
set_pointer (void *member, const void *p)
{
  memcpy (member, &p, sizeof p);
}

static uint64_t
bit_of (const struct frame *f)
{
  return UINT64_C (1) << (f->field - f->type->fields);
}

/* Bytes of one value, or of one item, of a row.  */
static size_t
item_size (const struct oci_field *field)
{
  switch (field->kind)
    {
    case OCI_KIND_BOOL:
      return sizeof (bool);
    case OCI_KIND_NUMBER:
      return field->flags & OCI_MAP ? sizeof (struct oci_number) : field->width;
    case OCI_KIND_STRING:
      return field->flags & OCI_MAP ? sizeof (struct oci_pair) : sizeof (const char *);
    default:
      return field->type->size;
    }
}

/* Makes room for at least one more item, and a zeroed one after it.  Returns 1, or 0 with the search ended.  */
static int
grow (struct decoder *d, struct frame *f)
{
  size_t size = item_size (f->field), cap = f->cap ? f->cap * 2 : 4;
  char *items = decoder_take (d, (cap + 1) * size);

  if (items == NULL)
    return 0;
  if (f->n)
    memcpy (items, f->items, f->n * size);
  f->items = items;
  f->cap = cap;
  return 1;
}

int
decoder_open_list (struct decoder *d, struct frame *f, char *obj, const struct oci_field *field)
{
  f->obj = obj;
  f->field = field;
  return grow (d, f);
}

void
decoder_close_list (struct frame *f)
{
  set_pointer (f->obj + f->field->offset, f->items);
  memcpy (f->obj + f->field->count, &f->n, sizeof f->n);
}

void *
decoder_slot (struct decoder *d)
{
  struct frame *f = decoder_inner (d);
  size_t size = item_size (f->field);
  void *p;

  if (f->kind != FRAME_OBJECT)
    {
      if (f->n == f->cap && ! grow (d, f))
        return NULL;
      p = f->items + f->n++ * size;
      if (f->kind == FRAME_MAP)
        set_pointer (p, f->key); /* the first member of a pair as of an object */
      return p;
    }
  if (! (f->field->flags & OCI_POINTER))
    return f->obj + f->field->offset;
  p = decoder_take (d, size);
  if (p)
    set_pointer (f->obj + f->field->offset, p);
  return p;
}

/* The kind of JSON value that belongs here.  */
static enum json
wanted (const struct frame *f)
{
  static const enum json kinds[] = { [OCI_KIND_BOOL] = JSON_BOOL,
                                     [OCI_KIND_NUMBER] = JSON_NUMBER,
                                     [OCI_KIND_STRING] = JSON_STRING,
                                     [OCI_KIND_OBJECT] = JSON_OBJECT };

  if (f->kind == FRAME_OBJECT && (f->field->flags & OCI_LIST))
    return JSON_ARRAY;
  if (f->kind == FRAME_OBJECT && (f->field->flags & OCI_MAP))
    return JSON_OBJECT;
  return kinds[f->field->kind];
}

bool
decoder_accept (struct decoder *d, enum json got)
{
  struct frame *f = decoder_top (d);
  enum json want = JSON_OBJECT;

  d->before = d->end;
  if (! d->is_complete)
    d->end = yajl_get_bytes_consumed (d->yajl);
  if (f)
    {
      f->n_seen++;
      if (f->field == NULL || f->field->kind == OCI_KIND_SKIP)
        return false;
      if (f->kind == FRAME_OBJECT)
        {
          if (got == JSON_NULL)
            return false; /* null is absent */
          f->values |= bit_of (f);
        }
      want = wanted (f);
    }
  if (got != want)
    decoder_fault (d, d->before, "expected %s, got %s", json_names[want], json_names[got]);
  return got == want;
}

int
decoder_on_null (void *ctx)
{
  decoder_accept (ctx, JSON_NULL); /* never true */
  return 1;
}

int
decoder_on_bool (void *ctx, int value)
{
  bool *at;

  if (! decoder_accept (ctx, JSON_BOOL))
    return 1;
  at = decoder_slot (ctx);
  if (at == NULL)
    return 0;
  *at = value;
  return 1;
}

/* Reads decimal digits with an optional minus.  Returns 0, -EINVAL for a fraction or exponent, -ERANGE beyond 64 bits.
 */
static int
read_integer (const char *text, size_t len, bool *negative, uint64_t *magnitude)
{
  uint64_t n = 0;
  int ret = 0;

  *negative = text[0] == '-';
  for (size_t i = *negative; i < len; i++)
    {
      unsigned digit = (unsigned) text[i] - '0';

      if (digit > 9)
        return -EINVAL;
      if (n > (UINT64_MAX - digit) / 10)
        ret = -ERANGE; /* go on: there may be a fraction */
      else
        n = n * 10 + digit;
    }
  *magnitude = n;
  return ret;
}

/* Stores the low WIDTH bytes of VALUE, whatever the byte order.  */
static void
set_number (void *at, size_t width, uint64_t value)
{
  uint8_t v8 = (uint8_t) value;
  uint16_t v16 = (uint16_t) value;
  uint32_t v32 = (uint32_t) value;

  switch (width)
    {
    case 1:
      memcpy (at, &v8, sizeof v8);
      break;
    case 2:
      memcpy (at, &v16, sizeof v16);
      break;
    case 4:
      memcpy (at, &v32, sizeof v32);
      break;
    default:
      memcpy (at, &value, sizeof value);
    }
}

/* Writes the number TEXT times 100, without what is left behind the point, into BUF of SIZE bytes; a text too long for it is as good as
 * too great a number.  Returns its length.  */
static size_t
make_hundredths (const char *text, size_t len, char *buf, size_t size)
{
  const char *point = memchr (text, '.', len);
  size_t n = point ? (size_t) (point - text) : len, decimals = point ? len - n - 1 : 0;

  if (n > size - 3)
    n = size - 3;
  memcpy (buf, text, n);
  for (size_t i = 0; i < 2; i++)
    buf[n + i] = i < decimals ? point[1 + i] : '0';
  return n + 2;
}

/* Reads and stores a number for FIELD at AT, or records why not.  Returns 1.  */
static int
store_number (struct decoder *d, const struct oci_field *field, const char *text, size_t len, void *at)
{
  bool is_signed = field->flags & OCI_SIGNED, negative;
  uint64_t max = UINT64_MAX >> (64 - 8 * field->width + is_signed), magnitude = 0;
  uint64_t limit;
  char quoted[40], digits[40];
  size_t n = field->flags & OCI_DECIMAL ? make_hundredths (text, len, digits, sizeof digits) : len;
  int ret = read_integer (field->flags & OCI_DECIMAL ? digits : text, n, &negative, &magnitude);

  oci_text_quote (quoted, sizeof quoted, text, len);
  limit = ! negative ? max : is_signed ? max + 1 : 0;
  if (ret == -EINVAL)
    return decoder_fault (d, d->before, "%s is not an integer: no fraction and no exponent is allowed here", quoted);
  if (ret == 0 && magnitude <= limit)
    {
      set_number (at, field->width, negative ? 0 - magnitude : magnitude);
      return 1;
    }
  if (is_signed)
    return decoder_fault (d, d->before, "%s is out of range (-%" PRIu64 " to %" PRIu64 ")", quoted, max + 1, max);
  return decoder_fault (d, d->before, "%s is out of range (0 to %" PRIu64 ")", quoted, max);
}

int
decoder_on_number (void *ctx, const char *text, size_t len)
{
  struct decoder *d = ctx;
  const struct oci_field *field;
  void *at;

  if (! decoder_accept (d, JSON_NUMBER))
    return 1;
  field = decoder_inner (d)->field;
  at = decoder_slot (d);
  if (at && (field->flags & OCI_MAP))
    at = &((struct oci_number *) at)->value;
  return at ? store_number (d, field, text, len, at) : 0;
}

int
decoder_on_string (void *ctx, const unsigned char *bytes, size_t len)
{
  struct decoder *d = ctx;
  const char *text = (const char *) bytes, *copy;
  const struct oci_field *field;
  char *at;

  if (! decoder_accept (d, JSON_STRING))
    return 1;
  field = decoder_inner (d)->field;
  at = decoder_slot (d);
  copy = at ? decoder_take_string (d, text, len) : NULL;
  if (copy == NULL)
    return 0;
  set_pointer (field->flags & OCI_MAP ? at + offsetof (struct oci_pair, value) : at, copy);
  if (memchr (text, '\0', len))
    return decoder_fault (d, d->before, "the string contains a NUL byte");
  if (field->names && ! oci_name_known (field->names, copy))
    return decoder_unknown_word (d, field->names, "value", text, len);
  return 1;
}
