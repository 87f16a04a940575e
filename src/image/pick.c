/* SPDX-License-Identifier: Apache-2.0 */
/* Finding an image in a layout (image-layout.md, image-index.md, manifest.md of image-spec) or in what `docker save` wrote; see pick.h.  */
#include "image/pick.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/err.h"
#include "base/names.h"
#include "base/own.h"
#include "base/str.h"

enum
{
  NESTED_MAX = 4,  /* indexes in indexes; a real one is in none or in index.json */
  INDEXES_MAX = 64 /* of all, since one may be named many times */
};

enum media
{
  MEDIA_INDEX = 1,
  MEDIA_MANIFEST,
  MEDIA_CONFIG,
  MEDIA_LAYER
};

static const struct name media_types[] = {
  { "application/vnd.oci.image.index.v1+json", MEDIA_INDEX },
  { "application/vnd.docker.distribution.manifest.list.v2+json", MEDIA_INDEX },
  { "application/vnd.oci.image.manifest.v1+json", MEDIA_MANIFEST },
  { "application/vnd.docker.distribution.manifest.v2+json", MEDIA_MANIFEST },
  { "application/vnd.oci.image.config.v1+json", MEDIA_CONFIG },
  { "application/vnd.docker.container.image.v1+json", MEDIA_CONFIG },
  { "application/vnd.oci.image.layer.v1.tar", MEDIA_LAYER },
  { "application/vnd.oci.image.layer.v1.tar+gzip", MEDIA_LAYER },
  { "application/vnd.oci.image.layer.v1.tar+zstd", MEDIA_LAYER },
  { "application/vnd.oci.image.layer.nondistributable.v1.tar", MEDIA_LAYER },
  { "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", MEDIA_LAYER },
  { "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", MEDIA_LAYER },
  { "application/vnd.docker.image.rootfs.diff.tar", MEDIA_LAYER },
  { "application/vnd.docker.image.rootfs.diff.tar.gzip", MEDIA_LAYER },
  { "application/vnd.docker.image.rootfs.diff.tar.zstd", MEDIA_LAYER },
  { "application/vnd.docker.image.rootfs.foreign.diff.tar", MEDIA_LAYER },
  { "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", MEDIA_LAYER },
  { .name = NULL },
};

/* The kernel's names of machines, and those of images.  */
static const struct
{
  const char *machine, *architecture;
} machines[] = {
  { "x86_64", "amd64" }, { "aarch64", "arm64" },   { "armv7l", "arm" },    { "armv6l", "arm" },        { "i686", "386" },
  { "ppc64le", "ppc64le" }, { "s390x", "s390x" }, { "riscv64", "riscv64" }, { "loongarch64", "loong64" },
};

/* One call of pick_image.  */
struct search
{
  const struct source *s;
  struct oci_arena **arena;
  const char *ref;
  char os[32], architecture[32], variant[32];
  const struct descriptor *found; /* of a manifest */
  const char *name;
  size_t n_found, n_seen, n_indexes;
  char seen[256];                 /* names or platforms of all, for the message */
};

static enum media
media_of (const struct descriptor *d)
{
  uint64_t kind = 0;

  (void) name_value (media_types, d->media_type, &kind);
  return (enum media) kind;
}

static int
no_memory (struct err *err)
{
  return err_host (err, ENOMEM, "out of memory for the image");
}

/* The digits of DIGEST, or NULL if it is none that we can verify.  */
static const char *
digits (const char *digest)
{
  const char *hex = str_after (digest, "sha256:");

  return hex && strlen (hex) == DIGEST_TEXT - 1 && strspn (hex, "0123456789abcdef") == DIGEST_TEXT - 1 ? hex : NULL;
}

static int
bad_digest (const char *digest, struct err *err)
{
  return err_spec (err, "", "digest \"%s\" is none: sha256 and 64 digits are expected", digest);
}

static int
verify (const char *text, size_t len, const char *hex, const char *name, struct err *err)
{
  unsigned char digest[DIGEST_SIZE];
  char is[DIGEST_TEXT];

  (void) digest_of (text, len, digest);
  digest_text (digest, is);
  return strcmp (is, hex) == 0 ? 0 : err_spec (err, "", "%s has the digest sha256:%s, not sha256:%s: it was damaged or changed", name, is, hex);
}

/* Reads the document that D describes.  */
static ssize_t
read_described (const struct search *q, const struct descriptor *d, char **ret_text, struct err *err)
{
  const char *hex = digits (d->digest);
  own_mem char *text = NULL;
  char name[96];
  ssize_t len;
  int ret;

  if (hex == NULL)
    return bad_digest (d->digest, err);
  (void) snprintf (name, sizeof name, "blobs/sha256/%s", hex);
  len = source_read (q->s, name, &text, err);
  if (len == -ENOENT)
    return err_spec (err, "", "%s is missing", name);
  if (len < 0)
    return len;
  if (len != d->size)
    return err_spec (err, "", "%s has %zd bytes, not %lld: it was damaged or changed", name, len, (long long) d->size);
  ret = verify (text, (size_t) len, hex, name, err);
  *ret_text = take_ptr (text);
  return ret < 0 ? ret : len;
}

static int
decode_described (const struct search *q, const struct descriptor *d, const struct oci_type *type, void **ret, struct err *err)
{
  own_mem char *text = NULL;
  ssize_t len = read_described (q, d, &text, err);

  return len < 0 ? (int) len : document_decode (type, d->digest, text, (size_t) len, q->arena, ret, err);
}

/* --- choosing */

static bool
fits (const struct search *q, const struct platform *p)
{
  return p == NULL
         || (strcmp (p->os, q->os) == 0 && strcmp (p->architecture, q->architecture) == 0
             && (q->variant[0] == '\0' || (p->variant && strcmp (p->variant, q->variant) == 0)));
}

static const char *
name_of (const struct descriptor *d)
{
  const char *full = oci_pair_value (d->annotations, d->n_annotations, "io.containerd.image.name");

  return full ? full : oci_pair_value (d->annotations, d->n_annotations, "org.opencontainers.image.ref.name");
}

static bool
is_called (const struct search *q, const struct descriptor *d)
{
  const char *ref = oci_pair_value (d->annotations, d->n_annotations, "org.opencontainers.image.ref.name"), *name = name_of (d);

  return q->ref == NULL || (name && strcmp (name, q->ref) == 0) || (ref && strcmp (ref, q->ref) == 0);
}

/* Remembers WHAT for the message.  */
static void
see (struct search *q, const char *what)
{
  size_t used = strlen (q->seen);

  (void) snprintf (q->seen + used, sizeof q->seen - used, "%s%s", q->n_seen++ ? ", " : "", what);
}

static void
see_descriptor (struct search *q, const struct descriptor *d)
{
  char platform[96];
  const char *name = name_of (d);

  if (d->platform)
    (void) snprintf (platform, sizeof platform, "%s/%s", d->platform->os, d->platform->architecture);
  see (q, name && d->platform == NULL ? name : d->platform ? platform : d->digest);
}

static int choose (struct search *q, const struct image_index *index, int depth, struct err *err);

/* What D is, or has in it: sets FOUND and counts it.  */
static int
consider (struct search *q, const struct descriptor *d, int depth, struct err *err)
{
  enum media kind = media_of (d);
  void *index = NULL;
  int ret;

  if (kind == MEDIA_MANIFEST)
    {
      see_descriptor (q, d);
      if (! fits (q, d->platform))
        return 0;
      q->found = d;
      q->n_found++;
      return 0;
    }
  if (kind != MEDIA_INDEX) /* image-index.md: what is not known is to be passed over */
    return 0;
  if (depth == NESTED_MAX)
    return err_spec (err, "", "indexes are in indexes, more than %d deep", NESTED_MAX);
  if (++q->n_indexes > INDEXES_MAX)
    return err_spec (err, "", "more than %d indexes are named, say which image by --ref", INDEXES_MAX);
  ret = decode_described (q, d, &image_index_type, &index, err);
  return ret < 0 ? ret : choose (q, index, depth + 1, err);
}

/* In index.json every image counts, so that two need a name; below, the first for the platform is meant.  */
static int
choose (struct search *q, const struct image_index *index, int depth, struct err *err)
{
  for (size_t i = 0; i < index->n_manifests; i++)
    {
      const struct descriptor *d = &index->manifests[i], *before = q->found;
      int ret;

      if (depth == 0 && ! is_called (q, d))
        {
          see_descriptor (q, d);
          continue;
        }
      ret = consider (q, d, depth, err);
      if (ret < 0)
        return ret;
      if (q->found != before && depth > 0)
        return 0;
      if (depth == 0 && before && q->found != before && strcmp (before->digest, q->found->digest) == 0)
        q->n_found--; /* one image of two names */
      if (q->found != before)
        q->name = name_of (d);
    }
  return 0;
}

static int
tell_choice (const struct search *q, struct err *err)
{
  if (q->n_found > 1)
    return err_spec (err, "", "there are several images in it, say which by --ref: %s", q->seen);
  if (q->n_found == 0 && q->ref)
    return err_spec (err, "", "there is no image \"%s\" for %s/%s in it; there are: %s", q->ref, q->os, q->architecture, q->seen);
  return q->n_found ? 0 : err_spec (err, "", "there is no image for %s/%s in it; there are: %s", q->os, q->architecture, q->seen);
}

/* --- reading what was chosen */

static int
take_config (const struct search *q, char *text, size_t len, struct picked *p, struct err *err)
{
  unsigned char digest[DIGEST_SIZE];
  void *config = NULL;
  int ret;

  p->config_text = text;
  p->config_len = len;
  (void) digest_of (text, len, digest);
  digest_text (digest, p->id);
  ret = document_decode (&image_config_type, "the image's configuration", text, len, q->arena, &config, err);
  p->config = config;
  if (ret < 0)
    return ret;
  if (strcmp (p->config->rootfs->type, "layers") != 0)
    return err_spec (err, "rootfs.type", "\"%s\" is not known: layers", p->config->rootfs->type);
  if (strcmp (p->config->os, q->os) != 0 || strcmp (p->config->architecture, q->architecture) != 0)
    return err_spec (err, "", "the image is for %s/%s, not %s/%s: if it is wanted nevertheless, see --platform", p->config->os,
                     p->config->architecture, q->os, q->architecture);
  return 0;
}

/* Makes room for N layers, of which the configuration must speak too.  */
static int
take_layers (const struct search *q, size_t n, struct picked *p, struct err *err)
{
  const struct rootfs *r = p->config->rootfs;

  if (n != r->n_diff_ids)
    return err_spec (err, "rootfs.diff_ids", "it names %zu layers, and the manifest %zu", r->n_diff_ids, n);
  if (n > LAYERS_MAX)
    return err_spec (err, "rootfs.diff_ids", "the image has %zu layers, and an overlay takes at most %d", n, LAYERS_MAX);
  if (n == 0)
    return err_spec (err, "rootfs.diff_ids", "the image has no layers");
  p->n_layers = n;
  p->layer = oci_alloc (q->arena, n * sizeof *p->layer);
  if (p->layer == NULL)
    return no_memory (err);
  for (size_t i = 0; i < n; i++)
    if ((p->layer[i].diff_id = digits (r->diff_ids[i])) == NULL)
      return err_in (err, bad_digest (r->diff_ids[i], err), "rootfs.diff_ids[%zu]", i);
  return 0;
}

static int
read_manifest (const struct search *q, struct picked *p, struct err *err)
{
  void *object = NULL;
  char *text = NULL, file[96];
  const struct image_manifest *m;
  ssize_t len;
  int ret = decode_described (q, q->found, &image_manifest_type, &object, err);

  m = object;
  if (ret == 0 && media_of (m->config) != MEDIA_CONFIG)
    ret = err_spec (err, "config.mediaType", "\"%s\" is no configuration of an image", m->config->media_type);
  if (ret < 0)
    return ret;
  len = read_described (q, m->config, &text, err);
  p->config_text = text;
  ret = len < 0 ? (int) len : take_config (q, text, (size_t) len, p, err);
  if (ret == 0)
    ret = take_layers (q, m->n_layers, p, err);
  for (size_t i = 0; ret == 0 && i < m->n_layers; i++)
    {
      const struct descriptor *d = &m->layers[i];
      struct picked_layer *l = &p->layer[i];

      l->digest = digits (d->digest);
      l->size = d->size;
      if (l->digest == NULL)
        return err_in (err, bad_digest (d->digest, err), "layers[%zu].digest", i);
      if (d->size < 0)
        return err_in (err, err_spec (err, "", "%lld is no size", (long long) d->size), "layers[%zu].size", i);
      if (media_of (d) != MEDIA_LAYER)
        return err_in (err, err_spec (err, "", "\"%s\" is no layer that can be unpacked", d->media_type), "layers[%zu].mediaType", i);
      (void) snprintf (file, sizeof file, "blobs/sha256/%s", l->digest);
      l->file = oci_strndup (q->arena, file, strlen (file));
      if (l->file == NULL)
        return no_memory (err);
    }
  return ret;
}

static int
pick_from_layout (struct search *q, const char *text, size_t len, struct picked *p, struct err *err)
{
  void *index = NULL;
  int ret = document_decode (&image_index_type, "index.json", text, len, q->arena, &index, err);

  if (ret == 0)
    ret = choose (q, index, 0, err);
  if (ret == 0)
    ret = tell_choice (q, err);
  if (ret < 0)
    return ret;
  p->name = q->name;
  return read_manifest (q, p, err);
}

/* --- docker save */

static bool
is_tagged (const struct search *q, const struct saved *image)
{
  for (size_t i = 0; i < image->n_tags; i++)
    if (q->ref && strcmp (image->tags[i], q->ref) == 0)
      return true;
  return q->ref == NULL;
}

/* The digest that a file's name promises, or NULL.  */
static const char *
digest_in_name (const struct search *q, const char *file)
{
  const char *last = strrchr (file, '/') ? strrchr (file, '/') + 1 : file;
  size_t len = strspn (last, "0123456789abcdef");

  return len == DIGEST_TEXT - 1 && (last[len] == '\0' || strcmp (last + len, ".json") == 0) ? oci_strndup (q->arena, last, len) : NULL;
}

static int
read_saved (const struct search *q, const struct saved *image, struct picked *p, struct err *err)
{
  const char *hex = digest_in_name (q, image->config);
  char *text = NULL;
  ssize_t len = source_read (q->s, image->config, &text, err);
  int ret;

  if (len == -ENOENT)
    return err_spec (err, "", "%s is missing", image->config);
  p->config_text = text;
  if (len < 0)
    return (int) len;
  ret = hex ? verify (text, (size_t) len, hex, image->config, err) : 0;
  if (ret == 0)
    ret = take_config (q, text, (size_t) len, p, err);
  if (ret == 0)
    ret = take_layers (q, image->n_layers, p, err);
  for (size_t i = 0; ret == 0 && i < image->n_layers; i++)
    {
      p->layer[i].file = image->layers[i];
      p->layer[i].size = -1;
      p->layer[i].digest = str_after (image->layers[i], "blobs/sha256/") ? digest_in_name (q, image->layers[i]) : NULL;
    }
  p->name = image->n_tags ? (q->ref ? q->ref : image->tags[0]) : NULL;
  return ret;
}

static int
pick_saved (struct search *q, const char *text, size_t len, struct picked *p, struct err *err)
{
  own_mem char *wrapped = malloc (len + 16);
  const struct saved *found = NULL;
  void *object = NULL;
  const struct saved_list *l;
  int ret;

  if (wrapped == NULL)
    return no_memory (err);
  /* our rows begin with an object, and this document is a list */
  ret = document_decode (&saved_list_type, "manifest.json", wrapped, (size_t) sprintf (wrapped, "{\"list\":%s}", text), q->arena, &object, err);
  if (ret < 0)
    return ret;
  l = object;
  for (size_t i = 0; i < l->n_list; i++)
    {
      see (q, l->list[i].n_tags ? l->list[i].tags[0] : l->list[i].config);
      if (! is_tagged (q, &l->list[i]))
        continue;
      found = &l->list[i];
      q->n_found++;
    }
  ret = tell_choice (q, err);
  (void) len;
  return ret < 0 ? ret : read_saved (q, found, p, err);
}

/* --- all of it */

static int
take_platform (struct search *q, const char *platform, struct err *err)
{
  struct utsname u;
  const char *machine = NULL;

  if (platform)
    return sscanf (platform, "%31[a-z0-9]/%31[a-z0-9_]/%31[a-z0-9]", q->os, q->architecture, q->variant) >= 2
                   && strcmp (q->os, "linux") == 0
               ? 0
               : err_usage (err, "invalid --platform \"%s\": linux/architecture or linux/architecture/variant", platform);
  if (uname (&u) < 0)
    return err_sys (err, errno, "uname", "this machine");
  for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
    if (strcmp (machines[i].machine, u.machine) == 0)
      machine = machines[i].architecture;
  (void) str_copy (q->os, sizeof q->os, "linux");
  return str_copy (q->architecture, sizeof q->architecture, machine ? machine : u.machine) < 0
             ? err_host (err, ENOTSUP, "the name of this machine is not known: see --platform")
             : 0;
}

int
pick_image (const struct source *s, const struct wanted *wanted, struct oci_arena **arena, struct picked *ret_picked,
            struct err *err)
{
  struct search q = { .s = s, .arena = arena, .ref = wanted->ref };
  own_mem char *layout = NULL, *text = NULL;
  int ret = take_platform (&q, wanted->platform, err);
  ssize_t len;

  if (ret < 0)
    return ret;
  len = source_read (s, "oci-layout", &layout, err);
  if (len >= 0)
    {
      len = source_read (s, "index.json", &text, err);
      return len == -ENOENT ? err_spec (err, "", "the layout has no index.json")
             : len < 0      ? (int) len
                            : pick_from_layout (&q, text, (size_t) len, ret_picked, err);
    }
  if (len == -ENOENT)
    len = source_read (s, "manifest.json", &text, err);
  if (len == -ENOENT)
    return err_spec (err, "", "it is no image: neither oci-layout, of an OCI layout, nor manifest.json, of `docker save`, is in it");
  return len < 0 ? (int) len : pick_saved (&q, text, (size_t) len, ret_picked, err);
}
