/* SPDX-License-Identifier: Apache-2.0 */
/* Bad documents: what is said, and where.  And hostile ones: that an answer comes.  */
#include "sample.h"

#include "ocispec/config.h"

static struct oci_faults faults;

/* Decodes an exact copy of TEXT, so that the sanitizer sees reads beyond it.  */
static int
decode (const struct oci_type *type, const char *text, size_t len)
{
  struct oci_arena *arena = NULL;
  char *copy = malloc (len ? len : 1);
  void *object = NULL;
  int ret;

  memcpy (copy, text, len);
  ret = oci_decode (type, copy, len, &object, &arena, &faults);
  free (copy);
  oci_arena_free (arena);
  assert_true ((ret == 0) == (faults.total == 0));
  assert_true ((ret == 0) == (object != NULL));
  return ret;
}

/* A fault: the line, what stands there from the column on (nothing: the end of the text), path and sentence.  */
struct expected
{
  unsigned line;
  const char *at, *path, *what;
};

/* One document, whose bytes may include NUL, and its faults in order.  */

struct expectation
{
  const char *text;
  size_t len;
  struct expected faults[8];
};

#define TEXT(s) s, sizeof s - 1
#define EMPTY "the document is empty"
#define EARLY "the document ends too early"
#define FRACTION " is not an integer: no fraction and no exponent is allowed here"

/* True if F's line and column, in characters, are where AT stands in TEXT.  */
static bool
is_at (const struct expectation *e, const struct expected *want, const struct oci_fault *f)
{
  const char *p = e->text, *end = e->text + e->len;

  for (unsigned line = 1; line < f->line; line++)
    p = (const char *) memchr (p, '\n', (size_t) (end - p)) + 1;
  for (unsigned column = 1; column < f->column && p < end; column++)
    do
      p++;
    while (p < end && ((unsigned char) *p & 0xc0) == 0x80);
  if (f->line != want->line || want->at[0] == '\0')
    return f->line == want->line && p == end;
  return (size_t) (end - p) >= strlen (want->at) && memcmp (p, want->at, strlen (want->at)) == 0;
}

static void
check (const struct oci_type *type, const struct expectation *e)
{
  size_t n = 0;

  assert_int_equal (decode (type, e->text, e->len), -EINVAL);
  for (; n < 8 && e->faults[n].what; n++)
    {
      const struct oci_fault *f = &faults.fault[n];

      if (n >= faults.n || ! is_at (e, &e->faults[n], f) || strcmp (f->path, e->faults[n].path) != 0
          || strcmp (f->what, e->faults[n].what) != 0)
        fail_msg ("%s: fault %zu of %zu: %u:%u: %s: %s", e->text, n, faults.n, f->line, f->column, f->path, f->what);
    }
  if (faults.n != n || faults.total != n)
    fail_msg ("%s: %zu faults, and one is %s: %s", e->text, faults.total, faults.fault[n].path, faults.fault[n].what);
}

static void
oci_decode_syntax (void **state)
{
  static const struct expectation cases[] = {
    { TEXT (""), { { 1, "", "", EMPTY } } },
    { TEXT (" \n "), { { 2, "", "", EMPTY } } },
    { TEXT ("{"), { { 1, "", "", EARLY } } },
    { TEXT ("{\"u64\":1,\n\"sure\":tru"), { { 2, "", "", EARLY } } },
    { TEXT ("{\"u64\":1,\"text\":\"abc"), { { 1, "", "", EARLY } } },
    { TEXT ("{" SAMPLE_MUST "} x"), { { 1, "x", "", "not JSON: trailing garbage" } } },
    { TEXT ("{" SAMPLE_MUST "}\n{}"), { { 2, "{}", "", "not JSON: trailing garbage" } } },
    { TEXT ("{" SAMPLE_MUST "}]"), { { 1, "]", "", "not JSON: trailing garbage" } } },
    { TEXT ("{" SAMPLE_MUST ",}"), { { 1, "}", "", "not JSON: invalid object key (must be a string)" } } },
    { TEXT ("{\"list16\":[1,,2]}"), { { 1, ",2", "", "not JSON: unallowed token at this point in JSON text" } } },
    { TEXT ("{\"list16\":[1 2]}"), { { 1, "2", "", "not JSON: after array element, I expect ',' or ']'" } } },
    { TEXT ("{\"sure\" true}"),
      { { 1, "true", "", "not JSON: object key and value must be separated by a colon (':')" } } },
    { TEXT ("{\"u64\":01}"), { { 1, "1}", "", "not JSON: after key and value, inside map, I expect ',' or '}'" } } },
    { TEXT ("{\"u64\":1:2}"), { { 1, ":2", "", "not JSON: after key and value, inside map, I expect ',' or '}'" } } },
    { TEXT ("{sure:true}"), { { 1, "sure:", "", "not JSON: invalid char in json text" } } },
    { TEXT ("{'sure':true}"), { { 1, "'sure'", "", "not JSON: invalid char in json text" } } },
    { TEXT ("{\"text\":\"a\nb\"}"), { { 1, "\nb", "", "not JSON: invalid character inside string" } } },
    { TEXT ("/* c */ {}"),
      { { 1, "/*", "", "not JSON: probable comment found in input text, comments are not enabled" } } },
    { TEXT ("\xef\xbb\xbf{}"), { { 1, "\xef\xbb\xbf", "", "the document begins with a byte order mark" } } },
    { TEXT ("\xff\xfe{\0}\0"), { { 1, "\xff\xfe", "", "not valid UTF-8" } } },
    { TEXT ("{\"text\":\n\"\xc3\xa4\xc0\x80\"}"), { { 2, "\xc0", "", "not valid UTF-8" } } },
    { TEXT ("{\"text\":\"\xed\xa0\x80\"}"), { { 1, "\xed", "", "not valid UTF-8" } } },
    { TEXT ("{\"text\":\"\\ud800\"}"), { { 1, "\\ud800", "", "half of a surrogate pair" } } },
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    check (&sample_type, &cases[i]);
}

static void
oci_decode_wrong_kinds (void **state)
{
  static const struct expectation cases[] = {
    { TEXT ("[]"), { { 1, "[", "", "expected object, got array" } } },
    { TEXT ("5"), { { 1, "5", "", "expected object, got number" } } },
    { TEXT (" \"{}\""), { { 1, "\"{}\"", "", "expected object, got string" } } },
    { TEXT ("null"), { { 1, "null", "", "expected object, got null" } } },
    { TEXT ("{\"sure\":1,\"u64\":\"1\"}"),
      { { 1, "1,", "sure", "expected boolean, got number" }, { 1, "\"1\"", "u64", "expected number, got string" } } },
    { TEXT ("{" SAMPLE_MUST ",\"maybe\":\"true\",\n\"text\":[\"a\"],\n\"texts\":\"a\"}"),
      { { 1, "\"true\"", "maybe", "expected boolean, got string" },
        { 2, "[\"a\"]", "text", "expected string, got array" },
        { 3, "\"a\"", "texts", "expected array, got string" } } },
    { TEXT ("{" SAMPLE_MUST ",\"texts\":[\"a\",1,null,[\"x\"],{\"y\":1},\"b\"]}"),
      { { 1, "1,null", "texts[1]", "expected string, got number" },
        { 1, "null,", "texts[2]", "expected string, got null" },
        { 1, "[\"x\"]", "texts[3]", "expected string, got array" },
        { 1, "{\"y\":1}", "texts[4]", "expected string, got object" } } },
    { TEXT ("{" SAMPLE_MUST ",\"one\":[],\"many\":{\"name\":1},\"pairs\":[1],\"things\":7}"),
      { { 1, "[],", "one", "expected object, got array" },
        { 1, "{\"name\":1}", "many", "expected array, got object" },
        { 1, "[1]", "pairs", "expected object, got array" },
        { 1, "7}", "things", "expected object, got number" } } },
    { TEXT ("{" SAMPLE_MUST ",\"pairs\":{\"a\":1,\"b\":null,\"c d\":{}},\"things\":{\"x\":\"y\"}}"),
      { { 1, "1,\"b\"", "pairs.a", "expected string, got number" },
        { 1, "null,", "pairs.b", "expected string, got null" },
        { 1, "{}},", "pairs[\"c d\"]", "expected string, got object" },
        { 1, "\"y\"", "things.x", "expected object, got string" } } },
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    check (&sample_type, &cases[i]);
}

static void
oci_decode_bad_numbers (void **state)
{
  static const struct expectation cases[] = {
    { TEXT ("{" SAMPLE_MUST ",\"i8\":128,\"i16\":-32769,\"u8\":256,\"u32\":-1,\"o16\":65536}"),
      { { 1, "128", "i8", "128 is out of range (-128 to 127)" },
        { 1, "-32769", "i16", "-32769 is out of range (-32768 to 32767)" },
        { 1, "256", "u8", "256 is out of range (0 to 255)" },
        { 1, "-1", "u32", "-1 is out of range (0 to 4294967295)" },
        { 1, "65536", "o16", "65536 is out of range (0 to 65535)" } } },
    { TEXT ("{" SAMPLE_MUST ",\"i64\":9223372036854775808,\"o64\":18446744073709551616}"),
      { { 1, "9223372036854775808", "i64",
          "9223372036854775808 is out of range (-9223372036854775808 to 9223372036854775807)" },
        { 1, "18446744073709551616", "o64", "18446744073709551616 is out of range (0 to 18446744073709551615)" } } },
    { TEXT ("{" SAMPLE_MUST ",\"i32\":1.0,\"u16\":1e3,\"list16\":[0,0.5,1E0]}"),
      { { 1, "1.0", "i32", "1.0" FRACTION },
        { 1, "1e3", "u16", "1e3" FRACTION },
        { 1, "0.5", "list16[1]", "0.5" FRACTION },
        { 1, "1E0", "list16[2]", "1E0" FRACTION } } },
    { TEXT ("{" SAMPLE_MUST ",\"i32\":100000000000000000000000000000000000000000000000000000}"),
      { { 1, "100000", "i32",
          "100000000000000000000000000000000000... is out of range (-2147483648 to 2147483647)" } } },
    { TEXT ("{" SAMPLE_MUST ",\"i32\":99999999999999999999.5}"),
      { { 1, "99999", "i32", "99999999999999999999.5" FRACTION } } },
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    check (&sample_type, &cases[i]);
}

static void
oci_decode_bad_words (void **state)
{
  static const struct expectation cases[] = {
    { TEXT ("{" SAMPLE_MUST ",\"word\":\"blue\",\"words\":[\"red\",\"\"],\"planets\":{\"moon\":{\"name\":\"m\"}}}"),
      { { 1, "\"blue\"", "word", "unknown value 'blue', expected one of: red green" },
        { 1, "\"\"]", "words[1]", "unknown value '', expected one of: red green" },
        { 1, "\"moon\"", "planets.moon", "unknown key 'moon', expected one of: mars venus" } } },
    { TEXT ("{" SAMPLE_MUST ",\"word\":\"re\\u001b[1m\"}"),
      { { 1, "\"re\\u001b", "word", "unknown value 're?[1m', expected one of: red green" } } },
    { TEXT ("{" SAMPLE_MUST ",\"word\":\"red\\u0000\",\"text\":\"\\u0000\",\"pairs\":{\"a\\u0000\":\"b\",\"\":\"c\"}}"),
      { { 1, "\"red\\u0000\"", "word", "the string contains a NUL byte" },
        { 1, "\"\\u0000\",", "text", "the string contains a NUL byte" },
        { 1, "\"a\\u0000\"", "pairs[\"a\\u0000\"]", "the key contains a NUL byte" },
        { 1, "\"\":\"c\"", "pairs[\"\"]", "empty key" } } },
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    check (&sample_type, &cases[i]);
}

static void
oci_decode_missing (void **state)
{
  static const struct expectation cases[] = {
    { TEXT ("\n {}"), { { 2, "{}", "sure", "required but missing" }, { 2, "{}", "u64", "required but missing" } } },
    { TEXT ("{\"sure\":null,\"u64\":1,\n\"many\":[{\"name\":\"a\"},\n  {}]}"),
      { { 1, "{\"sure\"", "sure", "required but missing" }, { 3, "{}]", "many[1].name", "required but missing" } } },
    { TEXT ("{" SAMPLE_MUST ",\"things\":{\"a.b\":{}}}"),
      { { 1, "{}}}", "things[\"a.b\"].name", "required but missing" } } },
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    check (&sample_type, &cases[i]);
}

static void
oci_decode_given_twice (void **state)
{
  static const struct expectation cases[] = {
    { TEXT ("{" SAMPLE_MUST ",\"yes\":true,\"u64\":true,\n\"\\u0079es\":null}"),
      { { 1, "\"u64\":true", "u64", "given twice" }, { 2, "\"\\u0079es\"", "yes", "given twice" } } },
    { TEXT ("{" SAMPLE_MUST ",\"x\":1,\"y\":{\"a\":1,\"b\":[{\"c\":1,\"c\":1}],\"a\":2},\"\\u0078\":2,\"x\":3}"),
      { { 1, "\"c\":1}", "y.b[0].c", "given twice" },
        { 1, "\"a\":2", "y.a", "given twice" },
        { 1, "\"\\u0078\"", "x", "given twice" },
        { 1, "\"x\":3", "x", "given twice" } } },
    { TEXT (
          "{" SAMPLE_MUST
          ",\"pairs\":{\"k\":\"1\",\"l\":\"2\",\"k\":\"1\"},\"things\":{\"k\":{\"name\":\"\"},\"k\":{\"name\":\"\"}}}"),
      { { 1, "\"k\":\"1\"}", "pairs.k", "given twice" },
        { 1, "\"k\":{\"name\":\"\"}}}", "things.k", "given twice" } } },
    { TEXT ("{" SAMPLE_MUST ",\"windows\":{\"a\":{},\"a\":{}}}"), { { 1, "\"a\":{}}", "windows.a", "given twice" } } },
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    check (&sample_type, &cases[i]);
}

static void
oci_decode_tells_all_in_order (void **state)
{
  static const struct expectation all
      = { TEXT ("{\n"
                "  \"process\": { \"args\": \"sh\", \"user\": { \"uid\": -1 } },\n"
                "  \"mounts\": [ {}, { \"destination\": \"/\", \"options\": [ 1 ] } ],\n"
                "  \"linux\": { \"namespaces\": [ { \"type\": \"pidd\" } ] }\n"
                "}\n"),
          { { 1, "{\n", "ociVersion", "required but missing" },
            { 2, "{ \"args\"", "process.cwd", "required but missing" },
            { 2, "\"sh\"", "process.args", "expected array, got string" },
            { 2, "{ \"uid\"", "process.user.gid", "required but missing" },
            { 2, "-1", "process.user.uid", "-1 is out of range (0 to 4294967295)" },
            { 3, "{}, {", "mounts[0].destination", "required but missing" },
            { 3, "1 ]", "mounts[1].options[0]", "expected string, got number" },
            { 4, "\"pidd\"", "linux.namespaces[0].type",
              "unknown value 'pidd', expected one of: pid network mount ipc uts user cgroup time" } } };

  (void) state;
  check (&oci_config_type, &all);
}

/* What precedes a mistake of syntax is told too.  */
static void
oci_decode_tells_all_up_to_syntax (void **state)
{
  static const struct expectation e = { TEXT ("{\"u64\":-1,\"text\":1,}"),
                                        { { 1, "-1", "u64", "-1 is out of range (0 to 18446744073709551615)" },
                                          { 1, "1,}", "text", "expected string, got number" },
                                          { 1, "}", "", "not JSON: invalid object key (must be a string)" } } };

  (void) state;
  check (&sample_type, &e);
}

static void
oci_decode_counts_what_it_does_not_keep (void **state)
{
  char text[4096] = "{" SAMPLE_MUST ",\"many\":[{}";
  size_t n = strlen (text);

  (void) state;
  for (int i = 0; i < 999; i++, n += 3)
    strcpy (text + n, ",{}");
  strcpy (text + n, "]}");
  assert_int_equal (decode (&sample_type, text, n + 2), -EINVAL);
  assert_int_equal (faults.total, 1000);
  assert_int_equal (faults.n, OCI_FAULTS_MAX);
  assert_string_equal (faults.fault[OCI_FAULTS_MAX - 1].path, "many[63].name");
}

static void
oci_decode_each_beginning_is_a_fault (void **state)
{
  static const char text[]
      = "{" SAMPLE_MUST ",\"text\":\"\\u00e4\xc3\xa4\\ud83d\\ude00\",\"many\":[{\"name\":\"x\",\"size\":-12}],"
        "\"pairs\":{\"a\":\"b\"},\"maybe\":null,\"texts\":[\"\"],\"i16\":-3}";

  (void) state;
  assert_int_equal (decode (&sample_type, text, sizeof text - 1), 0);
  for (size_t len = 0; len < sizeof text - 1; len++)
    assert_int_equal (decode (&sample_type, text, len), -EINVAL);
}

/* Every byte of a good document changed to every class of byte: no crash, and a fault or a good result.  */
static void
oci_decode_each_byte_changed (void **state)
{
  static const char bytes[] = "\"\\{}[]:,0-.eEtn x\n\x01\x7f\x80\xc3\xff";
  static const char good[]
      = "{" SAMPLE_MUST
        ",\"text\":\"\\u00e4\xc3\xa4\",\"many\":[{\"name\":\"x\",\"size\":-12}],\"pairs\":{\"a\":\"b\"},\"i16\":-3}";
  char text[sizeof good];

  (void) state;
  for (size_t at = 0; at < sizeof good - 1; at++)
    for (const char *b = bytes; b < bytes + sizeof bytes; b++)
      {
        memcpy (text, good, sizeof good);
        text[at] = *b;
        decode (&sample_type, text, sizeof good - 1);
        for (size_t i = 0; i < faults.n; i++)
          assert_true (faults.fault[i].line >= 1 && faults.fault[i].column >= 1 && faults.fault[i].what[0]);
      }
}

static void
oci_decode_too_deep (void **state)
{
  static char text[100000];

  (void) state;
  memset (text, '[', sizeof text);
  memcpy (text, "{\"x\":", 5);
  assert_int_equal (decode (&sample_type, text, sizeof text), -EINVAL);
  assert_int_equal (faults.total, 1);
  assert_string_equal (faults.fault[0].what, "nested too deeply");
  assert_int_equal (faults.fault[0].column, 5 + OCI_DEPTH_MAX);
}

/* 100 MB of garbage: the length is refused, the bytes are not even read.  */
static void
oci_decode_too_long (void **state)
{
  struct oci_arena *arena = NULL;
  void *object = NULL;

  (void) state;
  assert_int_equal (oci_decode (&sample_type, (const char *) &arena, 100 << 20, &object, &arena, &faults), -EFBIG);
  assert_int_equal (faults.total, 1);
  assert_string_equal (faults.fault[0].what, "the document is longer than 16 MiB");
  assert_null (arena);
}

/* The longest document that is read, filled with N times WHAT after HEAD.  */
static int
decode_flood (const struct oci_type *type, const char *head, const char *what)
{
  size_t len = OCI_DOCUMENT_MAX, n = strlen (head), step = strlen (what);
  struct oci_arena *arena = NULL;
  char *text = malloc (len);
  void *object = NULL;
  int ret;

  memcpy (text, head, n);
  for (; n < len; n += step)
    memcpy (text + n, what, n + step <= len ? step : len - n);
  ret = oci_decode (type, text, len, &object, &arena, &faults);
  assert_true (oci_arena_size (arena) < 2 * OCI_MEMORY_MAX);
  oci_arena_free (arena);
  free (text);
  return ret;
}

static void
oci_decode_floods (void **state)
{
  (void) state;
  assert_int_equal (decode_flood (&oci_config_type, "{\"mounts\":[{}", ",{}"), -EFBIG);
  assert_true (faults.total > 100000);
  assert_int_equal (decode_flood (&sample_type, "{\"texts\":[\"\"", ",\"\""), -EFBIG);
  assert_int_equal (decode_flood (&sample_type, "{\"pairs\":{\"\":\"\"", ",\"\":\"\""), -EFBIG);
  assert_int_equal (decode_flood (&sample_type, "{\"x\":1", ",\"x\":1"), -EFBIG);
  assert_int_equal (decode_flood (&sample_type, "{\"x\":[1", ",{\"a\":[],\"a\":[]}"), -EINVAL);
  assert_true (faults.total > 900000);
  assert_int_equal (decode_flood (&sample_type, "{\"text\":\"", "\\n"), -EINVAL);
  assert_int_equal (decode_flood (&sample_type, "", "\xff\x01 {"), -EINVAL);
  assert_int_equal (decode_flood (&sample_type, "", "[]"), -EINVAL);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (oci_decode_syntax),
    cmocka_unit_test (oci_decode_wrong_kinds),
    cmocka_unit_test (oci_decode_bad_numbers),
    cmocka_unit_test (oci_decode_bad_words),
    cmocka_unit_test (oci_decode_missing),
    cmocka_unit_test (oci_decode_given_twice),
    cmocka_unit_test (oci_decode_tells_all_in_order),
    cmocka_unit_test (oci_decode_tells_all_up_to_syntax),
    cmocka_unit_test (oci_decode_counts_what_it_does_not_keep),
    cmocka_unit_test (oci_decode_each_beginning_is_a_fault),
    cmocka_unit_test (oci_decode_each_byte_changed),
    cmocka_unit_test (oci_decode_too_deep),
    cmocka_unit_test (oci_decode_too_long),
    cmocka_unit_test (oci_decode_floods),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
