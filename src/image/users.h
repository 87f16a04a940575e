/* SPDX-License-Identifier: Apache-2.0 */
/* The user of an image's configuration, by the image's own etc/passwd and etc/group.  */
#ifndef ORLOP_IMAGE_USERS_H
#define ORLOP_IMAGE_USERS_H

#include <stddef.h>
#include <stdint.h>

#include "ocispec/table.h"

struct err;
struct oci_user;

/* What USER, "user[:group]" by name or number, means in the root file system ROOT (conversion.md of image-spec: Config.User); WHERE it was said is for
 * errors.  The list of groups lives in *ARENA.  Returns 0 or negative errno.  */
int users_find (int root, const char *where, const char *user, struct oci_arena **arena, struct oci_user *ret_user, struct err *err);

#endif
