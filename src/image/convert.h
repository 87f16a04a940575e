/* SPDX-License-Identifier: Apache-2.0 */
/* An image's configuration as the config.json of a bundle (conversion.md of image-spec).  */
#ifndef ORLOP_IMAGE_CONVERT_H
#define ORLOP_IMAGE_CONVERT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/opt.h"
#include "image/documents.h"

struct call;
struct err;

/* What the caller wants otherwise than the image.  */
struct convert_args
{
  char **command;         /* in the place of Cmd; NULL-terminated */
  const char *entrypoint; /* in the place of Entrypoint, and without Cmd */
  const char *user, *workdir, *hostname;
  struct opt_list env;    /* NAME=VALUE, or NAME: as the caller has it */
  bool tty, read_only;
  bool rootless;          /* for a user namespace */
  const struct call *call; /* of the command that tells of what is left out */
};

/* Makes the document for IMAGE, whose root file system is ROOT: JSON text that the caller frees.  Returns 0 or negative errno.  */
int convert_config (const struct image_config *image, int root, const struct convert_args *args, char **ret_json, struct err *err);

#endif
