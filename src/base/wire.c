/* SPDX-License-Identifier: Apache-2.0 */
/* The encoding of Protocol Buffers; see wire.h.  */
#include "base/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How a field goes on after its tag.  */
enum
{
  VARINT = 0,
  FIXED64 = 1,
  LENGTH = 2,
  FIXED32 = 5
};

static void
append (struct wire *w, const void *data, size_t len)
{
  if (w->size - w->len < len)
    {
      size_t size = (w->len + len) * 2;
      char *more = realloc (w->data, size);

      if (more == NULL)
        {
          w->short_of_memory = true;
          return;
        }
      w->data = more;
      w->size = size;
    }
  if (len > 0)
    memcpy (w->data + w->len, data, len);
  w->len += len;
}

static void
append_varint (struct wire *w, uint64_t value)
{
  unsigned char buf[10];
  size_t n = 0;

  do
    {
      buf[n++] = (unsigned char) ((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
      value >>= 7;
    }
  while (value > 0);
  append (w, buf, n);
}

void
wire_number (struct wire *w, unsigned field, uint64_t value)
{
  append_varint (w, (uint64_t) field << 3 | VARINT);
  append_varint (w, value);
}

void
wire_bytes (struct wire *w, unsigned field, const void *data, size_t len)
{
  append_varint (w, (uint64_t) field << 3 | LENGTH);
  append_varint (w, len);
  append (w, data, len);
}

void
wire_text (struct wire *w, unsigned field, const char *text)
{
  wire_bytes (w, field, text, strlen (text));
}

void
wire_message (struct wire *w, unsigned field, const struct wire *part)
{
  wire_bytes (w, field, part->data, part->len);
  w->short_of_memory |= part->short_of_memory;
}

void
wire_free (struct wire *w)
{
  free (w->data);
  *w = (struct wire){ 0 };
}

static int
take_varint (const char **data, size_t *len, uint64_t *ret_value)
{
  uint64_t value = 0;

  for (unsigned shift = 0; shift < 64 && *len > 0; shift += 7)
    {
      unsigned char byte = (unsigned char) **data;

      ++*data;
      --*len;
      value |= (uint64_t) (byte & 0x7f) << shift;
      if ((byte & 0x80) == 0)
        {
          *ret_value = value;
          return 0;
        }
    }
  return -EPROTO;
}

static int
take_bytes (const char **data, size_t *len, uint64_t n, struct wire_field *f)
{
  if (n > *len)
    return -EPROTO;
  f->data = *data;
  f->len = (size_t) n;
  *data += n;
  *len -= (size_t) n;
  return 0;
}

int
wire_next (const char **in_out_data, size_t *in_out_len, struct wire_field *ret_field)
{
  struct wire_field f = { 0 };
  uint64_t tag, n;
  int ret;

  if (*in_out_len == 0)
    return 0;
  ret = take_varint (in_out_data, in_out_len, &tag);
  if (ret < 0 || tag >> 3 == 0 || tag >> 3 > UINT32_MAX >> 3)
    return -EPROTO;
  f.field = (unsigned) (tag >> 3);
  if ((tag & 7) == VARINT)
    ret = take_varint (in_out_data, in_out_len, &f.number);
  else if ((tag & 7) == FIXED64 || (tag & 7) == FIXED32)
    ret = take_bytes (in_out_data, in_out_len, (tag & 7) == FIXED64 ? 8 : 4, &f);
  else if ((tag & 7) == LENGTH)
    ret = take_varint (in_out_data, in_out_len, &n) < 0 ? -EPROTO : take_bytes (in_out_data, in_out_len, n, &f);
  else
    ret = -EPROTO;
  *ret_field = f;
  return ret < 0 ? ret : 1;
}
