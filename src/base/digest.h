/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256, by libmd: what names a thing by its contents.  */
#ifndef ORLOP_BASE_DIGEST_H
#define ORLOP_BASE_DIGEST_H

#include <stddef.h>

enum
{
  DIGEST_SIZE = 32,
  DIGEST_TEXT = 2 * DIGEST_SIZE + 1 /* in hexadecimal digits, with the NUL */
};

/* Writes the digest of LEN bytes of DATA.  Returns 0, or -ENOTSUP in a build without libmd.  */
int digest_of (const void *data, size_t len, unsigned char ret_digest[DIGEST_SIZE]);

/* Writes DIGEST in hexadecimal digits.  */
void digest_text (const unsigned char digest[DIGEST_SIZE], char ret_text[DIGEST_TEXT]);

#endif
