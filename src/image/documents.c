/* SPDX-License-Identifier: Apache-2.0 */
/* Documents of images and of the store; see documents.h.  What an image says beyond these rows is passed over.  */
#include "image/documents.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/own.h"
#include "image/at.h"

static OCI_TYPE (platform,
  OCI_STR (platform, architecture, "architecture", OCI_REQUIRED),
  OCI_STR (platform, os,           "os",           OCI_REQUIRED),
  OCI_STR (platform, variant,      "variant",      0));

static OCI_TYPE (descriptor,
  OCI_STR    (descriptor, media_type,  "mediaType",   OCI_REQUIRED),
  OCI_STR    (descriptor, digest,      "digest",      OCI_REQUIRED),
  OCI_NUM    (descriptor, size,        "size",        OCI_REQUIRED),
  OCI_OBJ    (descriptor, platform,    "platform",    0, platform),
  OCI_STRMAP (descriptor, annotations, "annotations", 0));

OCI_TYPE (image_index,
  OCI_OBJS (image_index, manifests, "manifests", OCI_REQUIRED, descriptor));

OCI_TYPE (image_manifest,
  OCI_OBJ  (image_manifest, config, "config", OCI_REQUIRED, descriptor),
  OCI_OBJS (image_manifest, layers, "layers", OCI_REQUIRED, descriptor));

static OCI_TYPE (member, { .name = NULL });

static OCI_TYPE (execution,
  OCI_STR    (execution, user,          "User",         0),
  OCI_STR    (execution, working_dir,   "WorkingDir",   0),
  OCI_STR    (execution, stop_signal,   "StopSignal",   0),
  OCI_STRS   (execution, env,           "Env",          0),
  OCI_STRS   (execution, entrypoint,    "Entrypoint",   0),
  OCI_STRS   (execution, cmd,           "Cmd",          0),
  OCI_OBJMAP (execution, exposed_ports, "ExposedPorts", 0, member, name, NULL),
  OCI_STRMAP (execution, labels,        "Labels",       0));

static OCI_TYPE (rootfs,
  OCI_STR  (rootfs, type,     "type",     OCI_REQUIRED),
  OCI_STRS (rootfs, diff_ids, "diff_ids", OCI_REQUIRED));

OCI_TYPE (image_config,
  OCI_STR  (image_config, created,      "created",      0),
  OCI_STR  (image_config, author,       "author",       0),
  OCI_STR  (image_config, architecture, "architecture", OCI_REQUIRED),
  OCI_STR  (image_config, os,           "os",           OCI_REQUIRED),
  OCI_STR  (image_config, os_version,   "os.version",   0),
  OCI_STR  (image_config, variant,      "variant",      0),
  OCI_STRS (image_config, os_features,  "os.features",  0),
  OCI_OBJ  (image_config, config,       "config",       0, execution),
  OCI_OBJ  (image_config, rootfs,       "rootfs",       OCI_REQUIRED, rootfs));

static OCI_TYPE (saved,
  OCI_STR  (saved, config, "Config",   OCI_REQUIRED),
  OCI_STRS (saved, tags,   "RepoTags", 0),
  OCI_STRS (saved, layers, "Layers",   OCI_REQUIRED));

OCI_TYPE (saved_list,
  OCI_OBJS (saved_list, list, "list", OCI_REQUIRED, saved));

OCI_TYPE (store_format,
  OCI_NUM (store_format, version, "version", OCI_REQUIRED),
  OCI_STR (store_format, overlay, "overlay", OCI_REQUIRED),
  OCI_STR (store_format, owners,  "owners",  OCI_REQUIRED));

OCI_TYPE (layer_record,
  OCI_STR  (layer_record, diff_id, "diffId",  OCI_REQUIRED),
  OCI_NUM  (layer_record, size,    "size",    OCI_REQUIRED),
  OCI_NUM  (layer_record, entries, "entries", OCI_REQUIRED),
  OCI_BOOL (layer_record, root,    "root",    0));

OCI_TYPE (image_record,
  OCI_STR  (image_record, id,       "id",       OCI_REQUIRED),
  OCI_STR  (image_record, platform, "platform", OCI_REQUIRED),
  OCI_STRS (image_record, layers,   "layers",   OCI_REQUIRED),
  OCI_NUM  (image_record, size,     "size",     OCI_REQUIRED));

OCI_TYPE (name_record,
  OCI_STR (name_record, name,  "name",  OCI_REQUIRED),
  OCI_STR (name_record, image, "image", OCI_REQUIRED));

OCI_TYPE (bundle_record,
  OCI_STR (bundle_record, bundle, "bundle", OCI_REQUIRED),
  OCI_STR (bundle_record, store,  "store",  OCI_REQUIRED),
  OCI_STR (bundle_record, image,  "image",  OCI_REQUIRED));

int
document_decode (const struct oci_type *type, const char *name, const char *text, size_t len, struct oci_arena **arena,
                 void **ret_object, struct err *err)
{
  own_mem struct oci_faults *faults = malloc (sizeof *faults);
  int ret = faults ? oci_decode (type, text, len, ret_object, arena, faults) : -ENOMEM;

  if (ret == -ENOMEM)
    return err_host (err, ENOMEM, "out of memory for %s", name);
  if (ret < 0 && faults->n > 0)
    return err_spec (err, faults->fault[0].path, "%s, line %u: %s", name, faults->fault[0].line, faults->fault[0].what);
  return ret < 0 ? err_spec (err, "", "%s cannot be read", name) : 0;
}

int
document_read (const struct oci_type *type, int dir, const char *file, struct oci_arena **arena, void **ret_object,
               struct err *err)
{
  own_mem char *text = NULL;
  ssize_t len = file_read_at (dir, file, DOCUMENT_MAX, &text, err);

  return len < 0 ? (int) len : document_decode (type, file, text, (size_t) len, arena, ret_object, err);
}

int
document_write (const struct oci_type *type, const void *object, int dir, const char *file, int trash, struct err *err)
{
  own_mem char *text = NULL;
  char fresh[32];
  size_t len;
  int ret = oci_encode (type, object, true, &text, &len);
  own_fd int place = -1;

  if (ret < 0)
    return err_host (err, -ret, "%s cannot be written", file);
  place = at_make_fresh (trash, fresh, sizeof fresh, err);
  if (place < 0)
    return place;
  ret = file_create_at (place, "x", text, len, 0600, err);
  if (ret == 0)
    ret = at_flush (place, "x", err);
  if (ret == 0 && renameat (place, "x", dir, file) < 0)
    ret = err_sys (err, errno, "renameat", "%s", file);
  (void) unlinkat (place, "x", 0); /* there only after a failure */
  (void) unlinkat (trash, fresh, AT_REMOVEDIR);
  return ret;
}
