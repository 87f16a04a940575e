/* SPDX-License-Identifier: Apache-2.0 */
/* A piece of a file as a stream of bytes, decompressed, with the digests of both.  What compresses it is found by its first bytes and used
 * exactly once: a compressed file in a compressed file stays what it is.  */
#ifndef ORLOP_IMAGE_BLOB_H
#define ORLOP_IMAGE_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/digest.h"

struct err;

/* A piece of the file FD.  */
struct window
{
  int fd;
  uint64_t offset, size;
};

struct blob;

/* Whether the piece is compressed.  */
bool blob_is_compressed (const struct window *w);

/* Begins to read W, whose descriptor stays open until blob_close; more than MAX decompressed bytes are an error that NAMES the limit.
 * The caller closes *RET_BLOB.  Returns 0 or negative errno.  */
int blob_open (const struct window *w, uint64_t max, struct blob **ret_blob, struct err *err);

/* Sets *RET_DATA to the next decompressed bytes, which are there until the next call.  Returns their number, 0 at the end, or negative errno.  */
ssize_t blob_next (struct blob *b, const void **ret_data, struct err *err);

/* Reads what is left of both and writes the digests, in hexadecimal digits, of the piece and of what is in it.  Returns 0 or negative errno.  */
int blob_end (struct blob *b, char ret_outer[DIGEST_TEXT], char ret_inner[DIGEST_TEXT], struct err *err);

/* How many decompressed bytes there were so far.  */
uint64_t blob_size (const struct blob *b);

/* Releases B; nothing for NULL.  */
void blob_close (struct blob *b);

#endif
