/* SPDX-License-Identifier: Apache-2.0 */
/* The encoding of Protocol Buffers against the examples of its description, and against rubbish. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/wire.h"

static void
assert_wire (struct wire *w, const void *bytes, size_t len)
{
  assert_false (w->short_of_memory);
  assert_int_equal (w->len, len);
  assert_memory_equal (w->data, bytes, len);
  wire_free (w);
}

/* The document's own examples: 150 in field 1, "testing" in field 2, and the former as a message in field 3.  */
static void
wire_write_examples (void **state)
{
  struct wire number = { 0 }, text = { 0 }, outer = { 0 }, large = { 0 };

  (void) state;
  wire_number (&number, 1, 150);
  wire_message (&outer, 3, &number);
  assert_wire (&number, "\x08\x96\x01", 3);
  wire_text (&text, 2, "testing");
  assert_wire (&text, "\x12\x07testing", 9);
  assert_wire (&outer, "\x1a\x03\x08\x96\x01", 5);
  wire_number (&large, 1, (uint64_t) -1);
  assert_wire (&large, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11);
}

/* What was written is read, field by field, and nothing after it.  */
static void
wire_next_reads_what_was_written (void **state)
{
  struct wire w = { 0 };
  struct wire_field f;
  const char *data;
  size_t len;

  (void) state;
  wire_number (&w, 65, 0);
  wire_text (&w, 2, "");
  wire_bytes (&w, 3, "a\0b", 3);
  data = w.data;
  len = w.len;
  assert_int_equal (wire_next (&data, &len, &f), 1);
  assert_true (f.field == 65 && f.number == 0 && f.data == NULL);
  assert_int_equal (wire_next (&data, &len, &f), 1);
  assert_true (f.field == 2 && f.data && f.len == 0);
  assert_int_equal (wire_next (&data, &len, &f), 1);
  assert_true (f.field == 3 && f.len == 3 && memcmp (f.data, "a\0b", 3) == 0);
  assert_int_equal (wire_next (&data, &len, &f), 0);
  wire_free (&w);
}

/* Fields of a fixed length, which we never write, are passed over.  */
static void
wire_next_fixed (void **state)
{
  const char *data = "\x0d" "abcd" "\x09" "12345678";
  size_t len = 14;
  struct wire_field f;

  (void) state;
  assert_int_equal (wire_next (&data, &len, &f), 1);
  assert_int_equal (f.len, 4);
  assert_int_equal (wire_next (&data, &len, &f), 1);
  assert_int_equal (f.len, 8);
  assert_int_equal (wire_next (&data, &len, &f), 0);
}

static void
wire_next_rubbish (void **state)
{
  static const struct
  {
    const char *data;
    size_t len;
  } rows[] = {
    { "\x08", 1 },                 /* no value */
    { "\x08\x80", 2 },             /* a value without end */
    { "\x80", 1 },                 /* a tag without end */
    { "\x00\x01", 2 },             /* field 0 */
    { "\x0b", 1 },                 /* a group */
    { "\x12\x05" "abc", 5 },       /* longer than the message */
    { "\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01" "a", 12 },
    { "\x0d" "abc", 4 },
    { "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12 }, /* more than 64 bits */
  };

  (void) state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    {
      const char *data = rows[i].data;
      size_t len = rows[i].len;
      struct wire_field f;

      assert_int_equal (wire_next (&data, &len, &f), -EPROTO);
    }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (wire_write_examples),
    cmocka_unit_test (wire_next_reads_what_was_written),
    cmocka_unit_test (wire_next_fixed),
    cmocka_unit_test (wire_next_rubbish),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
