/* SPDX-License-Identifier: Apache-2.0 */
/* Streams; see blob.h.  libarchive decompresses.  */
#include "image/blob.h"

#include <archive.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/own.h"

enum
{
  CHUNK = 128 << 10
};

struct blob
{
  struct window w;
  uint64_t done;              /* bytes of the piece that were read */
  uint64_t size, max;         /* decompressed ones */
  struct digest outer, inner;
  struct archive *archive;    /* NULL when nothing compresses it */
  struct err err;             /* of a read in libarchive's callback */
  char buf[CHUNK];
};

/* The first bytes of compressed files, and libarchive's name of what made them.  */
static const struct
{
  const char *magic;
  size_t len;
  int filter;
  int (*support) (struct archive *a);
  const char *name;
} formats[] = {
  { "\x1f\x8b", 2, ARCHIVE_FILTER_GZIP, archive_read_support_filter_gzip, "gzip" },
  { "\x28\xb5\x2f\xfd", 4, ARCHIVE_FILTER_ZSTD, archive_read_support_filter_zstd, "zstd" },
  { "\xfd" "7zXZ", 6, ARCHIVE_FILTER_XZ, archive_read_support_filter_xz, "xz" },
};

enum
{
  N_FORMATS = sizeof formats / sizeof *formats
};

/* Index of the format of W, or -1.  */
static int
find_format (const struct window *w)
{
  char first[8] = { 0 };
  size_t len = w->size < sizeof first ? (size_t) w->size : sizeof first;
  ssize_t n = pread (w->fd, first, len, (off_t) w->offset);

  for (int i = 0; i < N_FORMATS; i++)
    if (n >= (ssize_t) formats[i].len && memcmp (first, formats[i].magic, formats[i].len) == 0)
      return i;
  return -1;
}

bool
blob_is_compressed (const struct window *w)
{
  return find_format (w) >= 0;
}

/* The next bytes of the piece into the buffer.  Returns their number or negative errno.  */
static ssize_t
read_chunk (struct blob *b, struct err *err)
{
  uint64_t left = b->w.size - b->done;
  size_t want = left < CHUNK ? (size_t) left : CHUNK;
  ssize_t n;

  if (want == 0)
    return 0;
  do
    n = pread (b->w.fd, b->buf, want, (off_t) (b->w.offset + b->done));
  while (n < 0 && errno == EINTR);
  if (n < 0)
    return err_sys (err, errno, "pread", "the archive");
  if (n == 0)
    return err_spec (err, "", "the archive ends in the middle: it was cut off, or changes while it is read");
  b->done += (uint64_t) n;
  digest_add (&b->outer, b->buf, (size_t) n);
  return n;
}

static la_ssize_t
feed (struct archive *a, void *data, const void **ret_buf)
{
  struct blob *b = data;
  ssize_t n = read_chunk (b, &b->err);

  *ret_buf = b->buf;
  if (n < 0)
    archive_set_error (a, (int) -n, "reading failed");
  return n < 0 ? -1 : n;
}

static int
fail (struct blob *b, int format, struct err *err)
{
  const char *text = archive_error_string (b->archive);

  if (b->err.kind != ERR_NONE)
    {
      *err = b->err;
      return -EIO;
    }
  return err_spec (err, "", "decompressing %s: %s", format < 0 ? "it" : formats[format].name, text ? text : "it is damaged");
}

/* One filter is forced, so that no other is looked for; the one format is that of any bytes.  */
static int
begin_decompression (struct blob *b, int format, struct err *err)
{
  struct archive_entry *e;

  b->archive = archive_read_new ();
  if (b->archive == NULL)
    return err_host (err, ENOMEM, "out of memory for the archive");
  if (formats[format].support (b->archive) != ARCHIVE_OK) /* it would start a program instead */
    return err_host (err, ENOTSUP, "libarchive was built without %s", formats[format].name);
  if (archive_read_append_filter (b->archive, formats[format].filter) != ARCHIVE_OK
      || archive_read_set_format (b->archive, ARCHIVE_FORMAT_RAW) != ARCHIVE_OK
      || archive_read_open (b->archive, b, NULL, feed, NULL) != ARCHIVE_OK)
    return fail (b, format, err);
  switch (archive_read_next_header (b->archive, &e))
    {
    case ARCHIVE_OK:
    case ARCHIVE_EOF: /* nothing is in it */
      return 0;
    default:
      return fail (b, format, err);
    }
}

int
blob_open (const struct window *w, uint64_t max, struct blob **ret_blob, struct err *err)
{
  struct blob *b = calloc (1, sizeof *b);
  int format = find_format (w), ret = 0;

  if (b == NULL)
    return err_host (err, ENOMEM, "out of memory for the archive");
  b->w = *w;
  b->max = max;
  (void) digest_begin (&b->outer); /* this program is not built without digests */
  (void) digest_begin (&b->inner);
  if (format >= 0)
    ret = begin_decompression (b, format, err);
  if (ret < 0)
    blob_close (b);
  else
    *ret_blob = b;
  return ret;
}

/* The next decompressed block; blocks of nothing are passed over, since libarchive may give such.  */
static ssize_t
next_block (struct blob *b, const void **ret_data, struct err *err)
{
  size_t n = 0;
  la_int64_t offset;
  int got;

  do
    got = archive_read_data_block (b->archive, ret_data, &n, &offset);
  while (got == ARCHIVE_OK && n == 0);
  if (got == ARCHIVE_EOF)
    return 0;
  return got == ARCHIVE_OK || got == ARCHIVE_WARN ? (ssize_t) n : fail (b, -1, err);
}

ssize_t
blob_next (struct blob *b, const void **ret_data, struct err *err)
{
  ssize_t n;

  *ret_data = b->buf;
  n = b->archive ? next_block (b, ret_data, err) : read_chunk (b, err);
  if (n <= 0)
    return n;
  b->size += (uint64_t) n;
  if (b->size > b->max)
    return err_spec (err, "", "it is more than %llu MiB when decompressed: if that is meant, see --max-size",
                     (unsigned long long) b->max >> 20);
  if (b->archive)
    digest_add (&b->inner, *ret_data, (size_t) n);
  return n;
}

int
blob_end (struct blob *b, char ret_outer[DIGEST_TEXT], char ret_inner[DIGEST_TEXT], struct err *err)
{
  unsigned char digest[DIGEST_SIZE];
  const void *data;
  ssize_t n;

  do
    n = blob_next (b, &data, err);
  while (n > 0);
  while (n == 0 && b->done < b->w.size) /* what follows the end of the compressed stream */
    n = read_chunk (b, err) > 0 ? 0 : -EIO;
  if (n < 0)
    return (int) n;
  digest_end (&b->outer, digest);
  digest_text (digest, ret_outer);
  if (b->archive)
    digest_end (&b->inner, digest);
  digest_text (digest, ret_inner);
  return 0;
}

uint64_t
blob_size (const struct blob *b)
{
  return b->size;
}

void
blob_close (struct blob *b)
{
  if (b && b->archive)
    (void) archive_read_free (b->archive);
  free (b);
}
