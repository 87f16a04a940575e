/* SPDX-License-Identifier: Apache-2.0 */
/* The overlay of a bundle: an image's layers, read-only and shared, below a directory of the bundle's own.  */
#ifndef ORLOP_IMAGE_OVERLAY_H
#define ORLOP_IMAGE_OVERLAY_H

#include "image/documents.h"
#include "image/store.h"

struct err;

/* Makes `upper`, `work` and `rootfs` in BUNDLE, the first with the attributes of the image's root directory.  Returns 0 or negative errno.  */
int overlay_prepare (const struct store *s, const struct image_record *image, int bundle, struct err *err);

/* Mounts the layers of IMAGE on BUNDLE's rootfs, unless something is mounted there.  Returns 0 or negative errno.  */
int overlay_mount (const struct store *s, const struct image_record *image, int bundle, struct err *err);

/* Unmounts what is mounted on BUNDLE's rootfs, if anything is.  Returns 0 or negative errno.  */
int overlay_unmount (int bundle, struct err *err);

#endif
