/* SPDX-License-Identifier: Apache-2.0 */
/* What is imported: the directory of an image layout, or an archive, plain or compressed, of a layout or by `docker save`, as files with names.
 * Nothing of it is unpacked: a file of an archive is a piece of it.  */
#ifndef ORLOP_IMAGE_SOURCE_H
#define ORLOP_IMAGE_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "image/blob.h"

struct err;

/* A file, or a link, of an archive.  */
struct source_file
{
  char *name;        /* clean */
  char *link;        /* NULL for a file: the clean name of what it is a link to */
  uint64_t offset, size;
};

struct source
{
  int fd;           /* the directory, or the plain archive */
  bool is_dir;
  struct source_file *file; /* by name */
  size_t n_files, room;
};

#define SOURCE_CLOSED { .fd = -1 }

/* Opens PATH ("-" is standard input) into S, which is SOURCE_CLOSED.  A compressed archive is decompressed into a nameless file in SPOOL, up to
 * MAX bytes.  Returns 0 or negative errno.  */
int source_open (struct source *s, const char *path, int spool, uint64_t max, struct err *err);

/* Finds the file NAME.  The descriptor of *RET_WINDOW is the source's, or a new one of a directory's, which source_release closes.
 * Returns 0 or negative errno, -ENOENT with ERR untouched if there is none.  */
int source_find (const struct source *s, const char *name, struct window *ret_window, struct err *err);

/* Ends the use of W.  */
void source_release (const struct source *s, const struct window *w);

/* Reads the file NAME, a document, whole.  The caller frees *RET_TEXT.  Returns its length or negative errno as source_find.  */
ssize_t source_read (const struct source *s, const char *name, char **ret_text, struct err *err);

/* Releases all of S.  */
void source_close (struct source *s);

#endif
