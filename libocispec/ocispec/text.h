/* SPDX-License-Identifier: Apache-2.0 */
/* Places in JSON text, and JSON paths.  For the files of this library only.  */
#ifndef OCISPEC_TEXT_H
#define OCISPEC_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Looks for what the parser lets pass: bytes that are not UTF-8 (RFC 3629), NUL, a byte order mark, an escaped
 * surrogate without its other half.  Returns NULL, or the mistake as a sentence and sets *RET_AT to its offset.  */
const char *oci_text_mistake (const char *text, size_t len, size_t *ret_at);

/* True if the LEN bytes at TEXT are UTF-8 (RFC 3629).  */
bool oci_text_is_utf8 (const char *text, size_t len);

/* Returns the offset of the first token at or after AT: what is neither space, comma nor colon.  */
size_t oci_text_token (const char *text, size_t len, size_t at);

/* Advances *LINE and *COLUMN (1-based, columns in characters), which stand for offset FROM, to offset TO.  */
void oci_text_place (const char *text, size_t from, size_t to, unsigned *line, unsigned *column);

/* Copies LEN bytes of TEXT into BUF of SIZE (at least 4) for a message: control characters become `?`, what is too
 * long ends with "...", and no character is cut.  */
void oci_text_quote (char *buf, size_t size, const char *text, size_t len);

/* A JSON path being written.  */
struct oci_path
{
  char *buf;
  size_t size; /* at least 4 */
  size_t len;
  bool cut; /* it did not fit: ends with "..." */
};

/* Appends `.key`, or `["key"]` if the key is not of letters, digits, _ and - only.  */
void oci_path_key (struct oci_path *path, const char *key, size_t len);

/* Appends `[index]`.  */
void oci_path_index (struct oci_path *path, size_t index);

#endif
