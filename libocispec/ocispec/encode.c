/* SPDX-License-Identifier: Apache-2.0 */
/* C structs -> JSON text, by the rows of an oci_type, in their order.  */
#include "ocispec/table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_gen.h>

#include "ocispec/text.h"

struct encoder
{
  yajl_gen gen;
  yajl_gen_status status; /* the first that was not good */
};

static void put_object (struct encoder *e, const struct oci_type *type, const char *obj);

static void
note (struct encoder *e, yajl_gen_status status)
{
  if (e->status == yajl_gen_status_ok)
    e->status = status;
}

static void
put_string (struct encoder *e, const char *s)
{
  size_t len = strlen (s);

  if (oci_text_is_utf8 (s, len))
    note (e, yajl_gen_string (e->gen, (const unsigned char *) s, len));
  else
    note (e, yajl_gen_invalid_string);
}

/* Text that is JSON already.  */
static void
put_raw (struct encoder *e, const char *text)
{
  note (e, yajl_gen_number (e->gen, text, strlen (text)));
}

/* Members are pointers of many types; all have one representation.  */
static const char *
get_pointer (const char *member)
{
  const char *p;

  memcpy (&p, member, sizeof p);
  return p;
}

/* The number of WIDTH bytes at AT, sign-extended if it is signed.  */
static uint64_t
get_number (const char *at, size_t width, bool is_signed)
{
  uint8_t v8;
  uint16_t v16;
  uint32_t v32;
  uint64_t v64;

  switch (width)
    {
    case 1:
      memcpy (&v8, at, sizeof v8);
      return is_signed ? (uint64_t) (int8_t) v8 : v8;
    case 2:
      memcpy (&v16, at, sizeof v16);
      return is_signed ? (uint64_t) (int16_t) v16 : v16;
    case 4:
      memcpy (&v32, at, sizeof v32);
      return is_signed ? (uint64_t) (int32_t) v32 : v32;
    default:
      memcpy (&v64, at, sizeof v64);
      return v64;
    }
}

static void
put_number (struct encoder *e, const struct oci_field *field, const char *at)
{
  bool is_signed = field->flags & OCI_SIGNED;
  uint64_t n = get_number (at, field->width, is_signed);
  char text[24];

  if (field->flags & OCI_DECIMAL)
    snprintf (text, sizeof text, "%" PRIu64 ".%02u", n / 100, (unsigned) (n % 100));
  else if (is_signed)
    snprintf (text, sizeof text, "%" PRId64, (int64_t) n);
  else
    snprintf (text, sizeof text, "%" PRIu64, n);
  put_raw (e, text);
}

/* Writes one value or item at AT.  Returns its size.  */
static size_t
put_value (struct encoder *e, const struct oci_field *field, const char *at)
{
  switch (field->kind)
    {
    case OCI_KIND_BOOL:
      note (e, yajl_gen_bool (e->gen, *(const bool *) at));
      return sizeof (bool);
    case OCI_KIND_NUMBER:
      put_number (e, field, at);
      return field->width;
    case OCI_KIND_STRING:
      put_string (e, get_pointer (at));
      return sizeof (const char *);
    default:
      put_object (e, field->type, at);
      return field->type->size;
    }
}

static void
put_list (struct encoder *e, const struct oci_field *field, const char *items, size_t n)
{
  note (e, yajl_gen_array_open (e->gen));
  while (n--)
    items += put_value (e, field, items);
  note (e, yajl_gen_array_close (e->gen));
}

static void
put_map (struct encoder *e, const struct oci_field *field, const char *items, size_t n)
{
  note (e, yajl_gen_map_open (e->gen));
  while (n--)
    {
      put_string (e, get_pointer (items)); /* the key is the first member of a pair as of an object */
      if (field->kind == OCI_KIND_STRING)
        {
          put_string (e, ((const struct oci_pair *) items)->value);
          items += sizeof (struct oci_pair);
        }
      else if (field->kind == OCI_KIND_NUMBER)
        {
          put_number (e, field, (const char *) &((const struct oci_number *) items)->value);
          items += sizeof (struct oci_number);
        }
      else
        items += put_value (e, field, items);
    }
  note (e, yajl_gen_map_close (e->gen));
}

/* True if the member, held by value, says nothing: NULL, false or 0 of what is not required.  */
static bool
is_absent (const struct oci_field *field, const char *at)
{
  if (field->kind == OCI_KIND_STRING)
    return get_pointer (at) == NULL;
  if (field->flags & OCI_REQUIRED)
    return false;
  if (field->kind == OCI_KIND_BOOL)
    return ! *(const bool *) at;
  return get_number (at, field->width, false) == 0;
}

static void
put_member (struct encoder *e, const struct oci_field *field, const char *obj)
{
  const char *at = obj + field->offset;
  bool is_many = field->flags & (OCI_LIST | OCI_MAP);
  size_t n = 0;

  if (is_many || (field->flags & OCI_POINTER))
    at = get_pointer (at);
  if (at == NULL || (at == obj + field->offset && is_absent (field, at)))
    return;
  put_string (e, field->name);
  if (is_many)
    memcpy (&n, obj + field->count, sizeof n);
  if (is_many && n == 0)
    put_raw (e, field->flags & OCI_MAP ? "{}" : "[]"); /* the generator would put a line feed between */
  else if (field->flags & OCI_LIST)
    put_list (e, field, at, n);
  else if (field->flags & OCI_MAP)
    put_map (e, field, at, n);
  else
    put_value (e, field, at);
}

static void
put_object (struct encoder *e, const struct oci_type *type, const char *obj)
{
  note (e, yajl_gen_map_open (e->gen));
  for (const struct oci_field *field = type->fields; field->name; field++)
    if (field->kind != OCI_KIND_SKIP)
      put_member (e, field, obj);
  note (e, yajl_gen_map_close (e->gen));
}

/* Copies what was generated.  Returns 0 or negative errno.  */
static int
result (const struct encoder *e, char **ret_text, size_t *ret_len)
{
  const unsigned char *buf;
  size_t len;
  char *text;

  if (e->status == yajl_gen_invalid_string)
    return -EILSEQ;
  if (e->status != yajl_gen_status_ok || yajl_gen_get_buf (e->gen, &buf, &len) != yajl_gen_status_ok)
    return -ENOMEM;
  text = malloc (len + 1);
  if (text == NULL)
    return -ENOMEM;
  memcpy (text, buf, len);
  text[len] = '\0';
  *ret_text = text;
  if (ret_len)
    *ret_len = len;
  return 0;
}

int
oci_encode (const struct oci_type *type, const void *object, bool pretty, char **ret_text, size_t *ret_len)
{
  struct encoder e = { .gen = yajl_gen_alloc (NULL), .status = yajl_gen_status_ok };
  int ret;

  if (e.gen == NULL)
    return -ENOMEM;
  (void) yajl_gen_config (e.gen, yajl_gen_beautify, pretty); /* these options exist: cannot fail */
  (void) yajl_gen_config (e.gen, yajl_gen_indent_string, "  ");
  put_object (&e, type, object);
  ret = result (&e, ret_text, ret_len);
  yajl_gen_free (e.gen);
  return ret;
}
