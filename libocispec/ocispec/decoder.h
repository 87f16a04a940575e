/* SPDX-License-Identifier: Apache-2.0 */
/* The decoder's insides, shared by decode.c (objects, arrays, keys), value.c (what is stored) and fault.c
 * (what is wrong).  For the files of this library only.  */
#ifndef OCISPEC_DECODER_H
#define OCISPEC_DECODER_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <yajl/yajl_parse.h>

#include "ocispec/table.h"

/* Kinds of JSON values, as the parser tells them.  */
enum json
{
  JSON_NULL,
  JSON_BOOL,
  JSON_NUMBER,
  JSON_STRING,
  JSON_OBJECT,
  JSON_ARRAY
};

enum frame_kind
{
  FRAME_OBJECT, /* an object with rows */
  FRAME_MAP,    /* an object with free keys */
  FRAME_LIST,   /* an array */
  FRAME_SKIP    /* an object or array that is ignored */
};

/* An array or object that is open.  */
struct frame
{
  enum frame_kind kind;
  bool is_array;
  const struct oci_type *type;   /* FRAME_OBJECT: of obj */
  char *obj;                     /* FRAME_OBJECT: what is filled; FRAME_MAP, FRAME_LIST: where the list goes */
  const struct oci_field *field; /* FRAME_OBJECT: of the last key, NULL if to be ignored; MAP, LIST: of the items */
  char *items;                   /* FRAME_MAP, FRAME_LIST */
  size_t n, cap;                 /* items filled; room, without the zeroed one at the end */
  size_t n_seen;                 /* values met */
  uint64_t keys, values;         /* FRAME_OBJECT: rows whose key was met, and whose value was not null */
  size_t start;                  /* offset before its first token */
  const char *key;               /* the last key, NULL before the first */
  size_t key_len;
  size_t first_key; /* its keys among decoder.keys */
};

/* A key without a row, kept until its object ends to find those given twice.  */
struct key
{
  const char *text;
  size_t len;
  size_t at; /* offset before it */
};

struct decoder
{
  yajl_handle yajl;
  const struct oci_type *type;
  const char *text;
  size_t len;
  size_t before, end; /* offsets where the last token but one ended, and the last one */
  bool is_complete;   /* all text was handed over */
  struct oci_arena **arena;
  size_t taken; /* bytes of memory */
  struct oci_faults *faults;
  size_t total;                   /* faults found */
  size_t offsets[OCI_FAULTS_MAX]; /* of the faults kept */
  int stop;                       /* negative errno that ended the search, or 0 */
  void *result;
  struct key *keys;
  size_t n_keys, cap_keys;
  size_t depth;
  struct frame stack[OCI_DEPTH_MAX];
};

/* The innermost frame; NULL before the document's own.  */
static inline struct frame *
decoder_top (struct decoder *d)
{
  return d->depth ? &d->stack[d->depth - 1] : NULL;
}

/* The innermost frame, where there must be one.  */
static inline struct frame *
decoder_inner (struct decoder *d)
{
  assert (d->depth > 0);
  return &d->stack[d->depth - 1];
}

/* ---- fault.c ---- */

/* Writes the JSON path of what the stack points to.  */
void decoder_path (const struct decoder *d, char *buf, size_t size);

/* Records a fault of what the stack points to, at the first token after offset BEFORE.  Returns 1, for the parser to go
 * on.  */
int decoder_fault (struct decoder *d, size_t before, const char *fmt, ...) __attribute__ ((format (printf, 3, 4)));

/* Ends the search with NUM (negative errno), which WHAT explains.  Returns 0, for the parser to stop.  */
int decoder_stop (struct decoder *d, int num, const char *what);

/* Records a mistake of the text itself at offset AT.  */
void decoder_text_fault (struct decoder *d, size_t at, const char *what);

/* Records what the parser dislikes.  */
void decoder_syntax_fault (struct decoder *d);

/* Forgets the faults of an earlier document.  */
void decoder_faults_begin (struct decoder *d);

/* Gives all faults their lines and columns.  */
void decoder_faults_end (struct decoder *d);

/* Says that TEXT is not among NAMES, and lists them if they fit.  NOUN: "value" or "key".  Returns 1.  */
int decoder_unknown_word (struct decoder *d, const char *const *names, const char *noun, const char *text, size_t len);

/* ---- value.c ---- */

/* Counts N bytes for this document.  False, with the search ended, if they are too many.  */
bool decoder_may_take (struct decoder *d, size_t n);

/* Takes N zeroed bytes from the arena.  NULL with the search ended if there are none.  */
void *decoder_take (struct decoder *d, size_t n);

/* Copies LEN bytes of TEXT into the arena and terminates them.  NULL with the search ended if memory is short.  */
char *decoder_take_string (struct decoder *d, const char *text, size_t len);

/* Moves the place to the value at hand.  True if it is to be stored; what is of the wrong kind is a fault and is not.
 */
bool decoder_accept (struct decoder *d, enum json got);

/* Where the value at hand goes.  NULL, with the search ended, when memory is short.  */
void *decoder_slot (struct decoder *d);

/* Opens the list or map FIELD of the object of FRAME_OBJECT.  Returns 1, or 0 with the search ended.  */
int decoder_open_list (struct decoder *d, struct frame *f, char *obj, const struct oci_field *field);

/* Hands the items of a list or map over to its object.  */
void decoder_close_list (struct frame *f);

/* The parser's callback for null.  CTX is the decoder, as for those below; they return 1, or 0 with the search ended.
 */
int decoder_on_null (void *ctx);

/* The parser's callback for true and false.  */
int decoder_on_bool (void *ctx, int value);

/* The parser's callback for numbers, as they stand in the text.  */
int decoder_on_number (void *ctx, const char *text, size_t len);

/* The parser's callback for strings that are no keys, without their escapes.  */
int decoder_on_string (void *ctx, const unsigned char *bytes, size_t len);

#endif
