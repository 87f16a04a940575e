/* SPDX-License-Identifier: Apache-2.0 */
/* Removing what nothing in the store refers to; see store.h.  The order is that of the references: bundles, images, layers.  */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/own.h"
#include "base/str.h"
#include "image/at.h"
#include "image/store.h"

/* Digests that are still referred to.  */
struct kept
{
  const struct store *s;
  char (*id)[DIGEST_TEXT];
  size_t n, room;
};

static int
keep (struct kept *k, const char *id, struct err *err)
{
  void *more;

  if (k->n == k->room)
    {
      k->room = 2 * k->room + 64;
      more = reallocarray (k->id, k->room, sizeof *k->id);
      if (more == NULL)
        return err_host (err, ENOMEM, "out of memory for the list of what is used");
      k->id = more;
    }
  (void) str_copy (k->id[k->n++], DIGEST_TEXT, id);
  return 0;
}

static bool
is_kept (const struct kept *k, const char *id, size_t len)
{
  for (size_t i = 0; i < k->n; i++)
    if (strlen (k->id[i]) == len && memcmp (k->id[i], id, len) == 0)
      return true;
  return false;
}

static int
keep_named (void *data, const char *file, void *object, struct err *err)
{
  const struct name_record *n = object;

  (void) file;
  return keep (data, n->image, err);
}

/* A bundle counts while its own record is there.  */
static int
keep_bundle (void *data, const char *file, void *object, struct err *err)
{
  struct kept *k = data;
  const struct bundle_record *b = object;
  char path[4200];

  (void) snprintf (path, sizeof path, "%s/orlop-image.json", b->bundle);
  if (access (path, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR))
    return unlinkat (k->s->bundles, file, 0) < 0 ? err_sys (err, errno, "unlinkat", "%s", file) : 0;
  return keep (k, b->image, err);
}

struct layers
{
  const struct kept *images;
  struct kept *layers;
};

static int
keep_layers (void *data, const char *file, void *object, struct err *err)
{
  struct layers *l = data;
  const struct image_record *i = object;
  int ret = 0;

  if (! is_kept (l->images, i->id, strlen (i->id)))
    return 0;
  (void) file;
  for (size_t j = 0; j < i->n_layers && ret == 0; j++)
    ret = keep (l->layers, i->layers[j], err);
  return ret;
}

/* Discards the entries of DIR whose names, up to a dot, are not in KEPT.  */
static int
sweep (const struct kept *kept, int dir, size_t *ret_n, struct err *err)
{
  int fd = openat (dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0;
  DIR *d = fd < 0 ? NULL : fdopendir (fd);
  struct dirent *e;

  if (d == NULL)
    return err_sys (err, errno, "openat", "directory of the store");
  while (ret == 0 && (e = readdir (d)))
    if (e->d_name[0] != '.' && ! is_kept (kept, e->d_name, strcspn (e->d_name, ".")))
      {
        ret = at_discard (dir, e->d_name, kept->s->tmp, err);
        *ret_n += ret == 0;
      }
  (void) closedir (d);
  return ret;
}

int
store_collect (const struct store *s, size_t *ret_layers, struct err *err)
{
  struct kept images = { .s = s }, layers = { .s = s };
  struct layers both = { &images, &layers };
  size_t n = 0;
  int ret = store_each (s->bundles, &bundle_record_type, keep_bundle, &images, err);

  if (ret == 0)
    ret = store_each (s->names, &name_record_type, keep_named, &images, err);
  if (ret == 0)
    ret = store_each (s->images, &image_record_type, keep_layers, &both, err);
  /* the record goes before what it refers to */
  if (ret == 0)
    ret = sweep (&images, s->images, &n, err);
  if (ret == 0)
    ret = sweep (&layers, s->layers, ret_layers, err);
  if (ret == 0)
    ret = at_remove_all (s->tmp, err);
  free (images.id);
  free (layers.id);
  return ret;
}
