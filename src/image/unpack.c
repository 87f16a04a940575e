/* SPDX-License-Identifier: Apache-2.0 */
/* Unpacking layers; see unpack.h.  The archive is read by libarchive, of whose formats only tar is looked for, from a stream that is hashed
 * before and after decompression.  */
#include "image/unpack.h"

#include <archive.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"

/* What libarchive reads from.  */
struct feed
{
  struct blob *blob;
  struct err err; /* of a read */
};

static la_ssize_t
feed (struct archive *a, void *data, const void **ret_buf)
{
  struct feed *f = data;
  ssize_t n = blob_next (f->blob, ret_buf, &f->err);

  if (n < 0)
    archive_set_error (a, EIO, "reading failed");
  return n < 0 ? -1 : n;
}

static int
fail (struct archive *a, const struct feed *f, struct err *err)
{
  const char *text = archive_error_string (a);

  if (f->err.kind != ERR_NONE)
    {
      *err = f->err;
      return -EIO;
    }
  return err_spec (err, "", "it is no tar archive, or a damaged one: %s", text ? text : "unknown");
}

static int
add_all (struct archive *a, struct feed *f, struct layer *l, struct err *err)
{
  struct archive_entry *e;
  int got, ret = 0;

  if (archive_read_support_format_tar (a) != ARCHIVE_OK || archive_read_support_format_empty (a) != ARCHIVE_OK
      || archive_read_open (a, f, NULL, feed, NULL) != ARCHIVE_OK)
    return fail (a, f, err);
  /* a warning is of a name that this locale cannot show: the bytes are as they are in the archive */
  while (ret == 0 && ((got = archive_read_next_header (a, &e)) == ARCHIVE_OK || got == ARCHIVE_WARN))
    ret = entry_add (l, a, e, err);
  /* a failure within an entry may be one of reading */
  if (ret < 0)
    return f->err.kind != ERR_NONE ? fail (a, f, err) : ret;
  return got == ARCHIVE_EOF ? entry_finish (l, err) : fail (a, f, err);
}

static int
verify (struct blob *b, const struct picked_layer *picked, struct err *err)
{
  char outer[DIGEST_TEXT], inner[DIGEST_TEXT];
  int ret = blob_end (b, outer, inner, err);

  if (ret < 0)
    return ret;
  if (picked->digest && strcmp (picked->digest, outer) != 0)
    return err_spec (err, "", "%s has the digest sha256:%s, not sha256:%s: it was damaged or changed", picked->file, outer, picked->digest);
  if (strcmp (picked->diff_id, inner) != 0)
    return err_spec (err, "", "the archive in %s has the digest sha256:%s, and the image's configuration says sha256:%s: it was damaged or changed",
                     picked->file, inner, picked->diff_id);
  return 0;
}

int
unpack_layer (const struct window *w, const struct picked_layer *picked, struct layer *l, struct err *err)
{
  struct archive *a = archive_read_new ();
  struct feed f = { .blob = NULL };
  int ret;

  if (a == NULL)
    return err_host (err, ENOMEM, "out of memory for the archive");
  if (picked->size >= 0 && (uint64_t) picked->size != w->size)
    ret = err_spec (err, "", "%s has %llu bytes, not %lld: it was damaged or changed", picked->file, (unsigned long long) w->size,
                    (long long) picked->size);
  else
    ret = blob_open (w, l->limit, &f.blob, err);
  if (ret == 0)
    ret = add_all (a, &f, l, err);
  if (ret == 0)
    ret = verify (f.blob, picked, err);
  (void) archive_read_free (a);
  blob_close (f.blob);
  return ret;
}
