/* SPDX-License-Identifier: Apache-2.0 */
/* Which image of a source is meant, and what it consists of: every document on the way is verified by its digest.  */
#ifndef ORLOP_IMAGE_PICK_H
#define ORLOP_IMAGE_PICK_H

#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "image/documents.h"
#include "image/source.h"

struct err;

struct picked_layer
{
  const char *file;    /* in the source */
  const char *digest;  /* of the file, hexadecimal digits; NULL: not told */
  int64_t size;        /* of the file, or -1 */
  const char *diff_id; /* digest of the archive in it, hexadecimal digits */
};

struct picked
{
  const char *name; /* what the source calls it, or NULL */
  char id[DIGEST_TEXT];
  char *config_text; /* freed by the caller */
  size_t config_len;
  struct image_config *config;
  struct picked_layer *layer; /* the lowest first */
  size_t n_layers;
};

/* The platform that PICK wants.  */
struct wanted
{
  const char *ref;      /* name in the source, or NULL: the only one */
  const char *platform; /* "os/architecture[/variant]", or NULL: this machine's */
};

/* Finds the image in S and reads its documents; all but the text lives in *ARENA.  Returns 0 or negative errno.  */
int pick_image (const struct source *s, const struct wanted *wanted, struct oci_arena **arena, struct picked *ret_picked,
                struct err *err);

#endif
