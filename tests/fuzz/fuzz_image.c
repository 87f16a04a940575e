/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer target: any bytes as what orlop-image reads.  The first byte says as what:
 *
 *   l  a layer's archive, unpacked into a directory
 *   a  the archive of an image: a layout or what `docker save` writes
 *   d  documents, each ended by a NUL: the first is index.json of a layout; those after it are its blobs, and "@2" in a document stands for the
 *      digest, "#2" for the size of the second one after the first, so that what belongs together is found
 *   s  the same, but the first is manifest.json of `docker save`, whose files are called by their numbers
 *
 * Beside memory errors it looks for broken promises: nothing comes outside of the layer's directory, an archive brings no devices, limits
 * hold, and what is made of an image's configuration is a document that the runtime reads.
 *
 *   tests/fuzz/run SECONDS      builds and runs it
 *
 * With -DREPLAY it is a program that runs each file given, for compilers without libFuzzer.  */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "image/at.h"
#include "image/command.h"
#include "image/convert.h"
#include "image/pick.h"
#include "image/source.h"
#include "image/unpack.h"
#include "ocispec/config.h"
#include "demand.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

enum
{
  DOCUMENTS = 8,
  BYTES = 1 << 20,  /* limits of a layer */
  ENTRIES = 500
};

/* A file without a name.  */
static int
file_of (const void *data, size_t len)
{
  int fd = memfd_create ("fuzz", MFD_CLOEXEC);

  demand (fd >= 0 && write (fd, data, len) == (ssize_t) len, "a file can be made");
  return fd;
}

/* A directory of our own, in TMPDIR, with a file "outside" and an etc/passwd.  */
static int
place (void)
{
  static int top = -1;
  const char *tmp = getenv ("TMPDIR");
  char path[PATH_MAX];
  int fd;

  if (top >= 0)
    return top;
  (void) snprintf (path, sizeof path, "%s/orlop-fuzz-XXXXXX", tmp ? tmp : "/tmp");
  demand (mkdtemp (path) != NULL, "a directory can be made");
  top = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  fd = openat (top, "outside", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  demand (fd >= 0 && write (fd, "as it was", 9) == 9 && close (fd) == 0, "a file can be made");
  demand (mkdirat (top, "etc", 0700) == 0, "a directory can be made");
  fd = openat (top, "etc/passwd", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  demand (fd >= 0 && write (fd, "a:x:1:2::/:\n", 12) == 12 && close (fd) == 0, "a file can be made");
  return top;
}

/* --- layers */

static int
look (const char *path, const struct stat *st, int type, struct FTW *where)
{
  (void) path;
  (void) type;
  (void) where;
  demand (! S_ISBLK (st->st_mode) && (! S_ISCHR (st->st_mode) || st->st_rdev == 0), "a store without privilege has no devices but whiteouts");
  demand (! S_ISREG (st->st_mode) || st->st_size <= BYTES, "no file is larger than the limit");
  return 0;
}

static void
look_around (int top, const char *fs)
{
  char text[16] = "";
  int fd = openat (top, "outside", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  struct stat st;

  demand (fd >= 0 && read (fd, text, sizeof text - 1) == 9 && strcmp (text, "as it was") == 0 && fstat (fd, &st) == 0 && st.st_nlink == 1,
          "what is outside stays as it was");
  (void) close (fd);
  demand (fstat (top, &st) == 0 && st.st_nlink == 4, "nothing is made outside"); /* ., .., etc, fs */
  (void) nftw (fs, look, 32, FTW_PHYS);
}

static void
try_layer (const uint8_t *data, size_t size)
{
  int top = place (), fd = file_of (data, size);
  const struct window w = { .fd = fd, .size = size };
  struct layer l = { .max_bytes = BYTES, .max_entries = ENTRIES, .limit = 4 * BYTES, .parent = -1 };
  char outer[DIGEST_TEXT], inner[DIGEST_TEXT], path[64];
  const struct picked_layer p = { .file = "layer", .digest = outer, .diff_id = inner, .size = (int64_t) size };
  struct blob *b = NULL;
  struct err err = { 0 };

  /* its digests are what they are, so that all of it is read */
  if (blob_open (&w, l.limit, &b, &err) == 0 && blob_end (b, outer, inner, &err) == 0)
    {
      l.root = at_make_dir (top, "fs", 0700, &err);
      (void) snprintf (path, sizeof path, "/proc/self/fd/%d/fs", top);
      demand (l.root >= 0, "a directory can be made");
      if (unpack_layer (&w, &p, &l, &err) == 0)
        demand (l.bytes <= BYTES && l.entries <= ENTRIES, "limits hold");
      else
        demand (err.kind != ERR_NONE && err.kind != ERR_BUG && err.what[0] + err.call[0], "a failure is told of");
      entry_free (&l);
      look_around (top, path);
      demand (at_remove_all (l.root, &err) == 0 && close (l.root) == 0 && unlinkat (top, "fs", AT_REMOVEDIR) == 0, "what was unpacked can be removed");
    }
  blob_close (b);
  (void) close (fd);
}

/* --- images */

static void
try_config (const struct picked *p, const char *entrypoint)
{
  static const struct call call = { .name = "bundle", .json = true };
  const struct convert_args args = { .entrypoint = entrypoint, .call = &call };
  struct oci_faults *faults = malloc (sizeof *faults);
  struct oci_arena *arena = NULL;
  struct err err = { 0 };
  void *object = NULL;
  char *json = NULL;

  demand (faults != NULL, "memory");
  if (convert_config (p->config, place (), &args, &json, &err) == 0)
    demand (oci_decode (&oci_config_type, json, strlen (json), &object, &arena, faults) == 0, "the runtime reads what is made");
  oci_arena_free (arena);
  free (faults);
  free (json);
}

static void
try_source (const struct source *s)
{
  const struct wanted wanted = { .platform = "linux/amd64" };
  struct oci_arena *arena = NULL;
  struct picked p = { .name = NULL };
  struct err err = { 0 };

  if (pick_image (s, &wanted, &arena, &p, &err) == 0)
    {
      try_config (&p, "/program");
      try_config (&p, NULL);
    }
  else
    demand (err.kind != ERR_NONE && err.kind != ERR_BUG, "a failure is told of");
  free (p.config_text);
  oci_arena_free (arena);
}

static void
try_archive (const uint8_t *data, size_t size)
{
  struct source s = SOURCE_CLOSED;
  struct err err = { 0 };
  int fd = file_of (data, size);
  char path[64];

  (void) snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  if (source_open (&s, path, place (), 4 * BYTES, &err) == 0)
    try_source (&s);
  source_close (&s);
  (void) close (fd);
}

/* --- documents */

struct document
{
  char *text;
  size_t len;
  char digest[DIGEST_TEXT];
};

/* A document with digests and sizes of those after it in their places.  */
static struct document
complete (const char *text, size_t len, const struct document *all, size_t at, size_t n)
{
  struct document d = { .text = NULL };
  unsigned char digest[DIGEST_SIZE];
  FILE *out = open_memstream (&d.text, &d.len);

  for (size_t i = 0; i < len; i++)
    {
      size_t other = i + 1 < len && text[i + 1] >= '0' && text[i + 1] <= '9' ? (size_t) (text[i + 1] - '0') : 0;
      bool known = other > at && other < n;

      if (known && text[i] == '@')
        fprintf (out, "sha256:%s", all[other].digest);
      else if (known && text[i] == '#')
        fprintf (out, "%zu", all[other].len);
      else
        fputc (text[i], out);
      i += known && (text[i] == '@' || text[i] == '#');
    }
  demand (fclose (out) == 0, "memory");
  (void) digest_of (d.text, d.len, digest);
  digest_text (digest, d.digest);
  return d;
}

static int
by_name (const void *a, const void *b)
{
  return strcmp (((const struct source_file *) a)->name, ((const struct source_file *) b)->name);
}

static void
put_file (struct source *s, const char *name, const struct document *d, uint64_t offset)
{
  s->file[s->n_files++] = (struct source_file){ .name = strdup (name), .offset = offset, .size = d->len };
}

/* The documents as the files of an archive, of which no archive is made.  */
static void
make_source (struct source *s, const struct document *d, size_t n, bool layout)
{
  static const struct document nothing = { .text = NULL };
  uint64_t offset = 0;
  char name[96];

  s->file = calloc (2 * DOCUMENTS + 2, sizeof *s->file);
  s->fd = memfd_create ("fuzz", MFD_CLOEXEC);
  demand (s->file && s->fd >= 0, "memory");
  for (size_t i = 0; i < n; i++)
    {
      demand (write (s->fd, d[i].text, d[i].len) == (ssize_t) d[i].len, "a file can be made");
      (void) snprintf (name, sizeof name, "blobs/sha256/%s", d[i].digest);
      put_file (s, name, &d[i], offset);
      (void) snprintf (name, sizeof name, "%zu", i);
      put_file (s, i > 0 ? name : layout ? "index.json" : "manifest.json", &d[i], offset);
      offset += d[i].len;
    }
  if (layout)
    put_file (s, "oci-layout", &nothing, 0);
  qsort (s->file, s->n_files, sizeof *s->file, by_name);
}

static void
try_documents (const char *text, size_t size, bool layout)
{
  struct document d[DOCUMENTS];
  const char *start[DOCUMENTS];
  size_t len[DOCUMENTS], n = 0;
  struct source s = SOURCE_CLOSED;

  for (const char *p = text; n < DOCUMENTS && p < text + size; n++)
    {
      start[n] = p;
      len[n] = strnlen (p, (size_t) (text + size - p));
      p += len[n] + 1;
    }
  for (size_t i = n; i-- > 0;)
    d[i] = complete (start[i], len[i], d, i, n);
  make_source (&s, d, n, layout);
  try_source (&s);
  source_close (&s);
  for (size_t i = 0; i < n; i++)
    free (d[i].text);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  if (size < 2)
    return 0;
  if (data[0] == 'l')
    try_layer (data + 1, size - 1);
  else if (data[0] == 'a')
    try_archive (data + 1, size - 1);
  else if (data[0] == 'd' || data[0] == 's')
    try_documents ((const char *) data + 1, size - 1, data[0] == 'd');
  return 0;
}

#ifdef REPLAY
int
main (int argc, char **argv)
{
  for (int i = 1; i < argc; i++)
    {
      static uint8_t data[1 << 20];
      FILE *f = fopen (argv[i], "r");

      demand (f != NULL, "the file can be read");
      (void) LLVMFuzzerTestOneInput (data, fread (data, 1, sizeof data, f));
      (void) fclose (f);
    }
  return 0;
}
#endif
