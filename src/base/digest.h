/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256, by libmd: what names a thing by its contents.  */
#ifndef ORLOP_BASE_DIGEST_H
#define ORLOP_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

enum
{
  DIGEST_SIZE = 32,
  DIGEST_TEXT = 2 * DIGEST_SIZE + 1 /* in hexadecimal digits, with the NUL */
};

/* A digest in the making: room for the library's own state.  */
struct digest
{
  uint64_t room[32];
};

/* Begins, goes on with LEN bytes of DATA, and ends, after which it must begin anew.  digest_begin returns 0, or -ENOTSUP in a build without
 * libmd, where the others do nothing.  */
int digest_begin (struct digest *digest);

/* See digest_begin.  */
void digest_add (struct digest *digest, const void *data, size_t len);

/* See digest_begin.  */
void digest_end (struct digest *digest, unsigned char ret_digest[DIGEST_SIZE]);

/* Writes the digest of LEN bytes of DATA.  Returns 0, or -ENOTSUP in a build without libmd.  */
int digest_of (const void *data, size_t len, unsigned char ret_digest[DIGEST_SIZE]);

/* Writes DIGEST in hexadecimal digits.  */
void digest_text (const unsigned char digest[DIGEST_SIZE], char ret_text[DIGEST_TEXT]);

#endif
