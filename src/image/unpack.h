/* SPDX-License-Identifier: Apache-2.0 */
/* A layer's archive, unpacked into a directory and verified by its digests.  */
#ifndef ORLOP_IMAGE_UNPACK_H
#define ORLOP_IMAGE_UNPACK_H

#include "image/blob.h"
#include "image/entry.h"
#include "image/pick.h"

struct err;

/* Unpacks the piece W, which PICKED describes, into L, whose root is empty and whose max_bytes and max_entries are what may be used.  Returns 0 or
 * negative errno; then the directory has part of it.  */
int unpack_layer (const struct window *w, const struct picked_layer *picked, struct layer *l, struct err *err);

#endif
