/* SPDX-License-Identifier: Apache-2.0 */
/* The encoding of Protocol Buffers (protobuf.dev, "Encoding"), as far as messages of numbers, texts and other messages go: enough to talk
 * to a program without a library. */
#ifndef ORLOP_BASE_WIRE_H
#define ORLOP_BASE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A message in the making: zero-initialise, free with wire_free.  */
struct wire
{
  char *data;
  size_t len, size;
  bool short_of_memory; /* something is missing in it */
};

/* Appends FIELD with VALUE: every kind of whole number, true and false, enum.  */
void wire_number (struct wire *w, unsigned field, uint64_t value);

/* Appends FIELD with LEN bytes.  */
void wire_bytes (struct wire *w, unsigned field, const void *data, size_t len);

/* Appends FIELD with TEXT.  */
void wire_text (struct wire *w, unsigned field, const char *text);

/* Appends FIELD with the message PART.  */
void wire_message (struct wire *w, unsigned field, const struct wire *part);

/* Frees what W holds.  */
void wire_free (struct wire *w);

/* One field of a message that was received.  */
struct wire_field
{
  unsigned field;
  uint64_t number;  /* of a number */
  const char *data; /* of a text or a message, inside the message; NULL: it is a number */
  size_t len;
};

/* Takes the next field off the *IN_OUT_LEN bytes at *IN_OUT_DATA, which become what follows it.  Returns 1, 0 at the end, or -EPROTO.  */
int wire_next (const char **in_out_data, size_t *in_out_len, struct wire_field *ret_field);

#endif
