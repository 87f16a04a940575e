/* SPDX-License-Identifier: Apache-2.0 */
/* One entry of a layer's archive as a file in the layer's directory.  The archive is an attacker's: every path is resolved from that directory, once,
 * through no link at all, and nothing that is there is ever opened for writing.  */
#ifndef ORLOP_IMAGE_ENTRY_H
#define ORLOP_IMAGE_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/at.h"
#include "image/attributes.h"

struct archive;
struct archive_entry;
struct err;

/* A directory, whose attributes are set when all is in it.  */
struct entry_dir
{
  char *path;
  size_t number; /* of two of the same path the later one counts */
  struct attributes a;
};

/* A layer being unpacked.  */
struct layer
{
  int root;
  bool is_trusted, keeps_owners;
  const int *lower; /* the layers below, the lowest first */
  size_t n_lower;
  uint64_t max_bytes, max_entries; /* what is left of the limits */
  uint64_t limit;                  /* of bytes, as the caller said it; a stream may have as many */

  uint64_t bytes, entries; /* of content, as files say; so far */
  uint64_t n_left_out;     /* attributes, devices and sockets that are not kept */
  bool has_root;           /* the archive told of the root directory */
  bool took;               /* it took attributes from the layers below: it is good above these alone */

  int parent;              /* of the last entry, and its path */
  char parent_path[AT_PATH_MAX];
  struct entry_dir *dir;
  size_t n_dirs, room;
  size_t path_bytes;       /* of their paths */
};

/* Adds what A is at, E, to L.  Returns 0 or negative errno.  */
int entry_add (struct layer *l, struct archive *a, struct archive_entry *e, struct err *err);

/* Sets the attributes of L's directories, the deepest first.  Returns 0 or negative errno.  */
int entry_finish (struct layer *l, struct err *err);

/* Releases what L has grown.  */
void entry_free (struct layer *l);

#endif
