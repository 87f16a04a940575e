/* SPDX-License-Identifier: Apache-2.0 */
/* Documents in files: read, decoded, and kept so that an error found later can still be
 * given its line.  The one place where faults of decoding become an error of the house. */
#ifndef ORLOP_PLAN_DOCUMENT_H
#define ORLOP_PLAN_DOCUMENT_H

#include <stddef.h>

struct err;
struct oci_arena;
struct oci_type;

struct document
{
  char *text;              /* owned, ends with NUL */
  size_t len;              /* without the NUL */
  void *object;            /* the struct of the type; lives in the arena */
  struct oci_arena *arena; /* owned */
  char unknown[160];       /* JSON path of the first property that has no meaning here, and was passed over, or "" */
};

/* Reads NAME (at most 16 MiB) below DIRFD, or AT_FDCWD, and decodes it as TYPE.  All faults become one error (see report_end),
 * kind ERR_SPEC.  On failure nothing is kept.  Returns 0 or negative errno (-ENOENT, -EFBIG, -EINVAL, -ENOMEM ...).  */
int document_load (int dirfd, const char *name, const struct oci_type *type, struct document *ret_doc, struct err *err);

/* As document_load of a file that the caller names himself, and that may be a pipe.  */
int document_load_stream (const char *name, const struct oci_type *type, struct document *ret_doc, struct err *err);

/* As document_load with the text at hand: *TAKE_TEXT, from malloc and LEN bytes long before its NUL, becomes the document's, or on
 * failure is freed; it is NULL afterwards in both cases.  */
int document_parse (char **take_text, size_t len, const struct oci_type *type, struct document *ret_doc,
                    struct err *err);

/* Gives ERR line and column of its JSON path (err->where) in the LEN bytes of TEXT, unless it has a line already or no path, or blames
 * something that is not in a document (ERR_USAGE, ERR_STATE, ERR_BUG).  ERR may be NULL.  */
void document_locate (const char *text, size_t len, struct err *err);

/* Frees what the document owns; nothing for a zeroed one.  */
void document_close (struct document *doc);

#endif
