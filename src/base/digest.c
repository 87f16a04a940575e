/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256; see digest.h.  The library is linked statically, so that no command loads it.  */
#include "base/digest.h"

#include <errno.h>

#if HAVE_MD
#include <sys/types.h>

#include <sha2.h>

_Static_assert (DIGEST_SIZE == SHA256_DIGEST_LENGTH, "size of a digest");

_Static_assert (sizeof (struct digest) >= sizeof (SHA2_CTX), "room for the library's state");

int
digest_begin (struct digest *digest)
{
  SHA256Init ((SHA2_CTX *) digest->room);
  return 0;
}

void
digest_add (struct digest *digest, const void *data, size_t len)
{
  SHA256Update ((SHA2_CTX *) digest->room, data, len);
}

void
digest_end (struct digest *digest, unsigned char ret_digest[DIGEST_SIZE])
{
  SHA256Final (ret_digest, (SHA2_CTX *) digest->room);
}

#else

int
digest_begin (struct digest *digest)
{
  digest->room[0] = 0;
  return -ENOTSUP;
}

void
digest_add (struct digest *digest, const void *data, size_t len)
{
  (void) digest;
  (void) data;
  (void) len;
}

void
digest_end (struct digest *digest, unsigned char ret_digest[DIGEST_SIZE])
{
  (void) digest;
  ret_digest[0] = 0;
}
#endif

int
digest_of (const void *data, size_t len, unsigned char ret_digest[DIGEST_SIZE])
{
  struct digest digest;
  int ret = digest_begin (&digest);

  digest_add (&digest, data, len);
  digest_end (&digest, ret_digest);
  return ret;
}

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
