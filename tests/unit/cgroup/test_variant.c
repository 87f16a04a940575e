/* SPDX-License-Identifier: Apache-2.0 */
/* GVariant's text format, as annotations have it.  */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "cgroup/variant.h"
#include "ocispec/table.h"

static struct oci_arena *arena;

/* Writes V in a form of its own: what was understood, apart from how it was said.  */
static void
show (const struct variant *v, char *buf, size_t size)
{
  size_t n = strlen (buf);

  if (*v->signature == 'a' || *v->signature == '(')
    {
      (void) snprintf (buf + n, size - n, "%s{", v->signature);
      for (size_t i = 0; i < v->n; i++)
        show (&v->items[i], buf, size);
      n = strlen (buf);
      (void) snprintf (buf + n, size - n, "}");
    }
  else if (v->text)
    (void) snprintf (buf + n, size - n, "%s<%s>", v->signature, v->text);
  else if (*v->signature == 'd')
    (void) snprintf (buf + n, size - n, "d<%g>", v->real);
  else
    (void) snprintf (buf + n, size - n, "%s<%" PRId64 ">", v->signature, (int64_t) v->number);
}

static void
variant_parse_good (void **state)
{
  static const struct
  {
    const char *text, *shown;
  } cases[] = {
    { "'a b'", "s<a b>" },
    { "\"it's\"", "s<it's>" },
    { "'\\'\\n\\\\\\u00e9\\U0001f600'", "s<'\n\\\xc3\xa9\xf0\x9f\x98\x80>" },
    { "true", "b<1>" },
    { " false ", "b<0>" },
    { "17", "i<17>" },
    { "-5", "i<-5>" },
    { "+5", "i<5>" },
    { "0x10", "i<16>" },
    { "3000000000", "x<3000000000>" },
    { "uint64 123000000", "t<123000000>" },
    { "uint64 18446744073709551615", "t<-1>" },
    { "int64 -9223372036854775808", "x<-9223372036854775808>" },
    { "byte 255", "y<255>" },
    { "1.5", "d<1.5>" },
    { "1e3", "d<1000>" },
    { "double 2", "d<2>" },
    { "@t 7", "t<7>" },
    { "objectpath '/a'", "o</a>" },
    { "['a', \"b\"]", "as{s<a>s<b>}" },
    { "[ uint64 1, 2 ]", "at{t<1>t<2>}" },
    { "@as []", "as{}" },
    { "@ay [1,2]", "ay{y<1>y<2>}" },
    { "('a', uint64 5, true)", "(stb){s<a>t<5>b<1>}" },
    { "[('/dev/null', 'rw')]", "a(ss){(ss){s</dev/null>s<rw>}}" },
    { "@a(st) [('/dev/sda', 10), ('/dev/sdb', 20)]", "a(st){(st){s</dev/sda>t<10>}(st){s</dev/sdb>t<20>}}" },
    { "[['a'],['b','c']]", "aas{as{s<a>}as{s<b>s<c>}}" },
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      struct variant *v = NULL;
      struct err err = { 0 };
      char shown[256] = "";

      if (variant_parse (cases[i].text, &arena, &v, &err) < 0)
        fail_msg ("%s: %s", cases[i].text, err.what);
      show (v, shown, sizeof shown);
      assert_string_equal (shown, cases[i].shown);
    }
}

static void
variant_parse_bad (void **state)
{
  static const char *const cases[]
      = { "",          "'a",        "a",           "'a' 'b'",   "[",          "[1",         "[]",        "[1,'a']",        "(1",
          "()",        "{}",        "<1>",         "1x",        "--1",        "-",          "0x",        "byte 256",       "byte -1",
          "uint64 -1", "int32 2147483648", "18446744073709551616", "uint64 'a'", "string 5", "@", "@z 5",  "@as ['a', 5]",  "@(ss) ('a')",
          "@(s) ('a', 'b')", "'\\u12'", "'\\u0000'", "'\\ud800'", "'\\",      "true 1",     "tru",       "[1 2]",          "[[[[[[[[[[1]]]]]]]]]]",
          "@t true",   "1.5.5",     "inf",         "uint64 1.5", "[1,,2]",    "boolean 1",  "@a", "@() ()" };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      struct variant *v = NULL;
      struct err err = { 0 };

      if (variant_parse (cases[i], &arena, &v, &err) != -EINVAL)
        fail_msg ("taken: %s", cases[i]);
      assert_int_equal (err.kind, ERR_SPEC);
      assert_true (*err.what != '\0');
    }
}

static void
variant_type_length_cases (void **state)
{
  (void) state;
  assert_int_equal (variant_type_length ("t"), 1);
  assert_int_equal (variant_type_length ("asx"), 2);
  assert_int_equal (variant_type_length ("a(st)s"), 5);
  assert_int_equal (variant_type_length ("((s)t)"), 6);
  assert_int_equal (variant_type_length ("(s"), 0);
  assert_int_equal (variant_type_length ("a"), 0);
  assert_int_equal (variant_type_length (""), 0);
  assert_int_equal (variant_type_length ("v"), 0);
}

static int
teardown (void **state)
{
  (void) state;
  oci_arena_free (arena);
  arena = NULL;
  return 0;
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_teardown (variant_parse_good, teardown),
    cmocka_unit_test_teardown (variant_parse_bad, teardown),
    cmocka_unit_test (variant_type_length_cases),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
