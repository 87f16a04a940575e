/* SPDX-License-Identifier: Apache-2.0 */
/* Bringing an image into the store.  */
#ifndef ORLOP_IMAGE_IMPORT_H
#define ORLOP_IMAGE_IMPORT_H

#include <stdint.h>

#include "image/pick.h"
#include "image/store.h"

struct err;

struct import_args
{
  const char *source;   /* a directory, an archive, or "-" */
  const char *name;     /* in the store, or NULL: what the source calls it */
  struct wanted wanted;
  uint64_t max_bytes, max_entries; /* of the whole image */
};

struct imported
{
  char id[DIGEST_TEXT], name[256];
  size_t n_layers, n_new;  /* layers, and those that were not there */
  uint64_t n_left_out;     /* attributes, devices and sockets */
};

/* Imports into S, which is STORE_ADD.  Nothing is left of an import that fails.  Returns 0 or negative errno.  */
int import_image (const struct store *s, const struct import_args *args, struct imported *ret_imported, struct err *err);

#endif
