/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles of images: a directory with
 *
 *   orlop-image.json  struct bundle_record: where it is, of which image in which store
 *   rootfs            where the overlay is mounted
 *   upper, work       what the container writes
 *   config.json
 *
 * of mode 0700: users of the host must not reach programs of an image that are setuid. */
#ifndef ORLOP_IMAGE_BUNDLE_H
#define ORLOP_IMAGE_BUNDLE_H

#include "image/convert.h"
#include "image/store.h"

struct err;

/* Makes a bundle of the image WHAT in the directory PATH, which is made, or is empty.  Nothing is left of one that cannot be made.
 * Returns 0 or negative errno.  */
int bundle_make (const struct store *s, const char *what, const char *path, const struct convert_args *args, struct err *err);

/* Mounts the root file system of the bundle at PATH again, as after the machine was started anew; nothing if it is mounted.  Returns 0 or
 * negative errno.  */
int bundle_mount (const char *path, struct err *err);

/* Unmounts it; nothing if it is not mounted.  Returns 0 or negative errno.  */
int bundle_unmount (const char *path, struct err *err);

/* Unmounts and removes the bundle at PATH with all that its container wrote.  Files that are not of a bundle are left, and then the directory.
 * Returns 0 or negative errno.  */
int bundle_remove (const char *path, struct err *err);

#endif
