/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON documents of images (image-spec 1.1, and what `docker save` writes) and of the store, as C structs.  */
#ifndef ORLOP_IMAGE_DOCUMENTS_H
#define ORLOP_IMAGE_DOCUMENTS_H

#include <stddef.h>
#include <stdint.h>

#include "ocispec/table.h"

struct err;

enum
{
  DOCUMENT_MAX = 4 << 20, /* bytes of one document: the limit of registries for a manifest */
  LAYERS_MAX = 200        /* the mount options of an overlay are one page */
};

struct platform
{
  const char *architecture, *os, *variant;
};

/* Content, by its digest.  */
struct descriptor
{
  const char *media_type;
  const char *digest;
  int64_t size;
  struct platform *platform;
  struct oci_pair *annotations;
  size_t n_annotations;
};

/* An index, or the index.json of a layout.  */
struct image_index
{
  struct descriptor *manifests;
  size_t n_manifests;
};

struct image_manifest
{
  struct descriptor *config;
  struct descriptor *layers;
  size_t n_layers;
};

/* A key whose value says nothing.  */
struct member
{
  const char *name;
};

/* `config` of an image's configuration: how its containers start.  */
struct execution
{
  const char *user, *working_dir, *stop_signal;
  const char **env, **entrypoint, **cmd;
  size_t n_env, n_entrypoint, n_cmd;
  struct member *exposed_ports;
  size_t n_exposed_ports;
  struct oci_pair *labels;
  size_t n_labels;
};

struct rootfs
{
  const char *type;
  const char **diff_ids;
  size_t n_diff_ids;
};

struct image_config
{
  const char *created, *author, *architecture, *os, *os_version, *variant;
  const char **os_features;
  size_t n_os_features;
  struct execution *config;
  struct rootfs *rootfs;
};

/* manifest.json of `docker save`.  */
struct saved
{
  const char *config;
  const char **tags;
  size_t n_tags;
  const char **layers;
  size_t n_layers;
};

struct saved_list
{
  struct saved *list;
  size_t n_list;
};

/* The store: what all its layers have in common.  */
struct store_format
{
  int64_t version;
  const char *overlay; /* "trusted" or "user": whose extended attributes tell of opaque directories */
  const char *owners;  /* "kept" or "caller" */
};

/* A layer of the store.  */
struct layer_record
{
  const char *diff_id;
  int64_t size, entries;
  bool root; /* the archive told of the root directory's attributes */
};

/* An image of the store; its configuration is a file beside.  */
struct image_record
{
  const char *id;
  const char *platform;
  const char **layers; /* names of directories, the lowest first */
  size_t n_layers;
  int64_t size;
};

/* A name of the store.  */
struct name_record
{
  const char *name, *image;
};

/* A bundle: in the store, that it uses an image, and in the bundle, where that is.  */
struct bundle_record
{
  const char *bundle, *store, *image;
};

extern const struct oci_type image_index_type, image_manifest_type, image_config_type, saved_list_type, store_format_type,
    layer_record_type, image_record_type, name_record_type, bundle_record_type;

/* Reads TEXT of LEN bytes, a document that people know as NAME, into *RET_OBJECT, which lives in *ARENA.  Returns 0 or negative errno with ERR
 * filled: the first thing wrong with it, and where.  */
int document_decode (const struct oci_type *type, const char *name, const char *text, size_t len, struct oci_arena **arena,
                     void **ret_object, struct err *err);

/* The same of the file FILE in DIR.  -ENOENT if there is none.  */
int document_read (const struct oci_type *type, int dir, const char *file, struct oci_arena **arena, void **ret_object,
                   struct err *err);

/* Writes OBJECT to the file FILE in DIR, replacing what is there in one step: through TRASH, a directory of the same file system.  Returns 0
 * or negative errno.  */
int document_write (const struct oci_type *type, const void *object, int dir, const char *file, int trash, struct err *err);

#endif
