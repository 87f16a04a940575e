/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of base/digest.c by the examples of FIPS 180-2.  */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/digest.h"

static void
digest_examples (void **state)
{
  static const struct { const char *data, *text; } rows[] = {
    { "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
    { "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" } };
  unsigned char digest[DIGEST_SIZE];
  char text[DIGEST_TEXT];

  (void) state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    {
      int ret = digest_of (rows[i].data, strlen (rows[i].data), digest);

      assert_int_equal (ret, HAVE_MD ? 0 : -ENOTSUP);
      if (! HAVE_MD)
        return;
      digest_text (digest, text);
      assert_string_equal (text, rows[i].text);
    }
}

/* What comes in pieces has the digest of the whole.  */
static void
digest_add_pieces (void **state)
{
  static const char data[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
  unsigned char whole[DIGEST_SIZE], pieces[DIGEST_SIZE];
  struct digest digest;

  (void) state;
  assert_int_equal (digest_begin (&digest), HAVE_MD ? 0 : -ENOTSUP);
  if (! HAVE_MD)
    return;
  for (size_t at = 0, len = 1; at < sizeof data - 1; at += len, len = at + 5 < sizeof data - 1 ? 5 : sizeof data - 1 - at)
    digest_add (&digest, data + at, len);
  digest_end (&digest, pieces);
  assert_int_equal (digest_of (data, sizeof data - 1, whole), 0);
  assert_memory_equal (whole, pieces, sizeof whole);
}

int
main (void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test (digest_examples), cmocka_unit_test (digest_add_pieces) };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
