/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256; see digest.h.  The library is linked statically, so that no command loads it.  */
#include "base/digest.h"

#include <errno.h>

#if HAVE_MD
#include <sys/types.h>

#include <sha2.h>

_Static_assert (DIGEST_SIZE == SHA256_DIGEST_LENGTH, "size of a digest");

int
digest_of (const void *data, size_t len, unsigned char ret_digest[DIGEST_SIZE])
{
  SHA2_CTX context;

  SHA256Init (&context);
  SHA256Update (&context, data, len);
  SHA256Final (ret_digest, &context);
  return 0;
}

#else

int
digest_of (const void *data, size_t len, unsigned char ret_digest[DIGEST_SIZE])
{
  (void) data;
  (void) len;
  ret_digest[0] = 0;
  return -ENOTSUP;
}
#endif

void
digest_text (const unsigned char digest[DIGEST_SIZE], char ret_text[DIGEST_TEXT])
{
  static const char digits[] = "0123456789abcdef";

  for (size_t i = 0; i < DIGEST_SIZE; i++)
    {
      ret_text[2 * i] = digits[digest[i] >> 4];
      ret_text[2 * i + 1] = digits[digest[i] & 15];
    }
  ret_text[DIGEST_TEXT - 1] = '\0';
}
