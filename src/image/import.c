/* SPDX-License-Identifier: Apache-2.0 */
/* Import; see import.h.  All is made in a directory of tmp, written out, and then renamed: first layers, then the image's configuration, its
 * record, its name.  Whoever does the same at the same time makes the same, and the second rename is the one that is not needed.  */
#include "image/import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/own.h"
#include "base/str.h"
#include "image/at.h"
#include "image/unpack.h"

/* One import.  */
struct job
{
  const struct store *s;
  const struct import_args *args;
  struct source source;
  struct oci_arena *arena;
  struct picked picked;
  struct imported *done;
  int tmp;                            /* directory of this import; a layer is made in one called by its number */
  uint64_t bytes, entries;            /* used of the limits */
  int64_t size;                       /* of all layers */
  int fs[LAYERS_MAX];                 /* unpacked layers */
  char name[LAYERS_MAX][DIGEST_TEXT]; /* what they are called in the store */
  bool is_new[LAYERS_MAX];
};

/* The digest of the chain of layers up to I (config.md of image-spec, Layer ChainID), from that of the one below in CHAIN.  */
static void
next_chain (const struct job *j, size_t i, char chain[DIGEST_TEXT])
{
  unsigned char digest[DIGEST_SIZE];
  char text[160];

  if (i == 0)
    {
      (void) str_copy (chain, DIGEST_TEXT, j->picked.layer[0].diff_id);
      return;
    }
  (void) snprintf (text, sizeof text, "sha256:%s sha256:%s", chain, j->picked.layer[i].diff_id);
  (void) digest_of (text, strlen (text), digest);
  digest_text (digest, chain);
}

/* Takes the layer NAME of the store as layer I, if it is there.  Returns 1, 0 or negative errno.  */
static int
take_layer (struct job *j, size_t i, const char *name, struct err *err)
{
  char path[DIGEST_TEXT + 16];
  struct layer_record *r;
  void *object = NULL;
  int ret;
  own_fd int dir = openat (j->s->layers, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

  if (dir < 0)
    return errno == ENOENT ? 0 : err_sys (err, errno, "openat", "layers/%s", name);
  ret = document_read (&layer_record_type, dir, "layer.json", &j->arena, &object, err);
  if (ret < 0)
    return ret;
  r = object;
  (void) snprintf (path, sizeof path, "%s/fs", name);
  j->fs[i] = openat (j->s->layers, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (j->fs[i] < 0)
    return err_sys (err, errno, "openat", "layers/%s", path);
  (void) str_copy (j->name[i], sizeof j->name[i], name);
  j->size += r->size;
  return 1;
}

/* Unpacks layer I into the directory fs of DIR.  */
static int
unpack_into (struct job *j, size_t i, int dir, const char *chain, struct err *err)
{
  const struct picked_layer *p = &j->picked.layer[i];
  struct window w = { .fd = -1 };
  struct layer_record r = { .diff_id = p->diff_id };
  struct layer l = { .root = j->fs[i], .is_trusted = j->s->is_trusted, .keeps_owners = j->s->keeps_owners, .lower = j->fs, .n_lower = i,
                     .limit = j->args->max_bytes, .max_bytes = j->args->max_bytes - j->bytes, .max_entries = j->args->max_entries - j->entries, .parent = -1 };
  int ret = source_find (&j->source, p->file, &w, err);

  if (ret == -ENOENT)
    return err_spec (err, "", "%s is missing", p->file);
  if (ret < 0)
    return ret;
  ret = unpack_layer (&w, p, &l, err);
  source_release (&j->source, &w);
  entry_free (&l);
  if (ret < 0)
    return ret;
  j->bytes += l.bytes;
  j->entries += l.entries;
  j->done->n_left_out += l.n_left_out;
  r.size = (int64_t) l.bytes;
  r.entries = (int64_t) l.entries;
  r.root = l.has_root;
  j->size += r.size;
  /* what took something from the layers below is good above these alone */
  (void) str_copy (j->name[i], sizeof j->name[i], l.took && i > 0 ? chain : p->diff_id);
  return document_write (&layer_record_type, &r, dir, "layer.json", j->tmp, err);
}

static int
make_layer (struct job *j, size_t i, const char *chain, struct err *err)
{
  char number[24];
  own_fd int dir = -1;

  (void) snprintf (number, sizeof number, "%zu", i);
  dir = at_make_dir (j->tmp, number, 0700, err);
  if (dir < 0)
    return dir;
  j->fs[i] = at_make_dir (dir, "fs", 0700, err);
  if (j->fs[i] < 0)
    return j->fs[i];
  if (fchmod (j->fs[i], 0755) < 0) /* the archive may say otherwise */
    return err_sys (err, errno, "fchmod", "fs");
  j->is_new[i] = true;
  j->done->n_new++;
  return unpack_into (j, i, dir, chain, err);
}

static int
make_layers (struct job *j, struct err *err)
{
  char chain[DIGEST_TEXT];
  int ret = 0;

  for (size_t i = 0; i < j->picked.n_layers && ret >= 0; i++)
    {
      next_chain (j, i, chain);
      ret = take_layer (j, i, j->picked.layer[i].diff_id, err);
      if (ret == 0)
        ret = take_layer (j, i, chain, err);
      if (ret == 0)
        ret = make_layer (j, i, chain, err);
      if (ret < 0)
        return err_in (err, ret, "layers[%zu]", i);
    }
  return 0;
}

/* Gives the new layers their names.  */
static int
publish_layers (const struct job *j, struct err *err)
{
  char number[24];

  /* what has its name must be on the disk, whatever happens to the machine */
  if (j->done->n_new > 0 && syncfs (j->s->dir) < 0)
    return err_sys (err, errno, "syncfs", "%s", j->s->path);
  for (size_t i = 0; i < j->picked.n_layers; i++)
    {
      if (! j->is_new[i])
        continue;
      (void) snprintf (number, sizeof number, "%zu", i);
      if (renameat2 (j->tmp, number, j->s->layers, j->name[i], RENAME_NOREPLACE) < 0 && errno != EEXIST) /* another was faster */
        return err_sys (err, errno, "renameat2", "layers/%s", j->name[i]);
    }
  return 0;
}

static int
publish_image (const struct job *j, struct err *err)
{
  const char *layers[LAYERS_MAX + 1] = { NULL };
  const struct picked *p = &j->picked;
  char platform[128], file[DIGEST_TEXT + 8];
  struct image_record image = { .id = p->id, .platform = platform, .layers = layers, .n_layers = p->n_layers, .size = j->size };
  struct name_record name = { .name = j->done->name, .image = p->id };
  int ret;

  (void) snprintf (platform, sizeof platform, "%s/%s%s%s", p->config->os, p->config->architecture, p->config->variant ? "/" : "",
                   p->config->variant ? p->config->variant : "");
  for (size_t i = 0; i < p->n_layers; i++)
    layers[i] = j->name[i];
  (void) snprintf (file, sizeof file, "%s.config", p->id);
  ret = file_create_at (j->tmp, "config", p->config_text, p->config_len, 0600, err);
  if (ret == 0)
    ret = at_flush (j->tmp, "config", err);
  if (ret == 0 && renameat (j->tmp, "config", j->s->images, file) < 0)
    ret = err_sys (err, errno, "renameat", "images/%s", file);
  (void) snprintf (file, sizeof file, "%s.json", p->id);
  if (ret == 0)
    ret = document_write (&image_record_type, &image, j->s->images, file, j->tmp, err);
  store_file (name.name, file);
  return ret < 0 ? ret : document_write (&name_record_type, &name, j->s->names, file, j->tmp, err);
}

/* Decides what the image is called in the store.  */
static int
take_name (struct job *j, struct err *err)
{
  const char *name = j->args->name ? j->args->name : j->picked.name;

  if (name == NULL)
    return err_usage (err, "the image has no name in the archive: say one");
  if (! store_is_name (name))
    return err_usage (err, "\"%s\" is no name for an image (letters, digits and \"._:/@+-\", at most 255): say another", name);
  return str_copy (j->done->name, sizeof j->done->name, name);
}

static int
import_from (struct job *j, struct err *err)
{
  int ret = source_open (&j->source, j->args->source, j->tmp, j->args->max_bytes, err);

  if (ret == 0)
    ret = pick_image (&j->source, &j->args->wanted, &j->arena, &j->picked, err);
  if (ret == 0)
    ret = take_name (j, err);
  if (ret < 0)
    return ret;
  (void) str_copy (j->done->id, sizeof j->done->id, j->picked.id);
  j->done->n_layers = j->picked.n_layers;
  ret = make_layers (j, err);
  if (ret == 0)
    ret = publish_layers (j, err);
  return ret < 0 ? ret : publish_image (j, err);
}

int
import_image (const struct store *s, const struct import_args *args, struct imported *ret_imported, struct err *err)
{
  struct job *j = calloc (1, sizeof *j);
  char name[32];
  int ret;

  if (j == NULL)
    return err_host (err, ENOMEM, "out of memory for the image");
  j->s = s;
  j->args = args;
  j->source = (struct source) SOURCE_CLOSED;
  j->done = ret_imported;
  for (size_t i = 0; i < LAYERS_MAX; i++)
    j->fs[i] = -1;
  j->tmp = at_make_fresh (s->tmp, name, sizeof name, err);
  ret = j->tmp < 0 ? j->tmp : import_from (j, err);
  for (size_t i = 0; i < LAYERS_MAX; i++)
    own_close (&j->fs[i]);
  if (j->tmp >= 0)
    {
      /* what cannot be removed now is removed by the next who is alone */
      (void) at_remove_all (j->tmp, NULL);
      (void) unlinkat (s->tmp, name, AT_REMOVEDIR);
      (void) close (j->tmp);
    }
  source_close (&j->source);
  free (j->picked.config_text);
  oci_arena_free (j->arena);
  free (j);
  return ret;
}
