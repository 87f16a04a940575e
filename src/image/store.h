/* SPDX-License-Identifier: Apache-2.0 */
/* The store: a directory of mode 0700 with
 *
 *   store.json        what all layers have in common (struct store_format)
 *   lock              flock(2): shared by those who read or add, exclusive for those who remove
 *   layers/NAME/      fs, the unpacked layer, and layer.json; NAME is the digest of the layer's archive, or of its chain of layers when
 *                     it took something from those below
 *   images/ID.json    struct image_record; ID.config is the image's own configuration, ID its digest
 *   names/HASH.json   a name of an image
 *   bundles/HASH.json a bundle that uses an image
 *   tmp/              what is being made or removed; of nobody when the lock is free
 *
 * Everything but tmp changes by rename(2) alone, so that a process may be killed at any time. */
#ifndef ORLOP_IMAGE_STORE_H
#define ORLOP_IMAGE_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/digest.h"
#include "image/documents.h"

struct store
{
  char path[4096];
  int dir, lock, layers, images, names, bundles, tmp;
  bool is_trusted;   /* made by the machine's root: attributes trusted.*, devices */
  bool keeps_owners; /* else all files belong to who unpacked them */
};

#define STORE_CLOSED { .dir = -1, .lock = -1, .layers = -1, .images = -1, .names = -1, .bundles = -1, .tmp = -1 }

/* How store_open opens.  */
enum store_use
{
  STORE_READ, /* must be there; shared */
  STORE_ADD,  /* is made if it is not there; shared, after cleaning tmp if nobody else is there */
  STORE_REMOVE /* must be there; exclusive */
};

/* Opens the store at PATH (NULL: the default) into S, which is STORE_CLOSED.  SQUASH is for a store that is made here: files belong to who
 * unpacks them.  Returns 0 or negative errno.  */
int store_open (struct store *s, const char *path, enum store_use use, bool squash, struct err *err);

/* Closes S and gives its lock back.  */
void store_close (struct store *s);

/* True if the caller is the superuser of the whole machine, not of a user namespace.  */
bool store_is_root (void);

/* The file name of the record of KEY in names/ and bundles/.  */
void store_file (const char *key, char buf[DIGEST_TEXT + 8]);

/* True if NAME may name an image: letters, digits and "._:/@+-", at most 255, beginning with a letter or digit.  */
bool store_is_name (const char *name);

/* Reads the record of the image that WHAT, a name or the beginning of an id (4 digits or more), means.  Returns 0 or negative errno.  */
int store_find (const struct store *s, const char *what, struct oci_arena **arena, struct image_record **ret_image,
                struct err *err);

/* Reads IMAGE's configuration as text, which the caller frees, and as a struct in *ARENA (which may be NULL).  Returns 0 or negative errno.  */
int store_config (const struct store *s, const char *id, struct oci_arena **arena, char **ret_text,
                  struct image_config **ret_config, struct err *err);

/* Calls EACH with every record of TYPE in the directory DIR of the store, and the name of its file; one that cannot be read, after a crash of
 * the machine, is passed over.  Ends early when EACH returns a negative errno, and returns it, or 0.  */
int store_each (int dir, const struct oci_type *type, int (*each) (void *data, const char *file, void *object, struct err *err),
                void *data, struct err *err);

/* Removes what nothing refers to: records of bundles that are gone, images without name and bundle, layers without image, what is in tmp.
 * S is STORE_REMOVE.  Adds the number of layers removed to *RET_LAYERS.  Returns 0 or negative errno.  */
int store_collect (const struct store *s, size_t *ret_layers, struct err *err);

#endif
