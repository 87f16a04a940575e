/* SPDX-License-Identifier: Apache-2.0 */
/* Names that archives, images and containers chose, below a directory's handle: resolved once, by openat2(2), and never through a link
 * that they chose unless it is said.  The kernel must be 5.6 or later: there is no fallback. */
#ifndef ORLOP_IMAGE_AT_H
#define ORLOP_IMAGE_AT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

enum
{
  AT_PATH_MAX = 4096, /* bytes of a path in an archive, with NUL */
  AT_DEPTH_MAX = 256  /* directories in one */
};

/* How at_open treats links.  */
enum at_links
{
  AT_NO_LINKS, /* beneath the directory, no symbolic link anywhere */
  AT_BENEATH,  /* links may not leave the directory */
  AT_IN_ROOT   /* the directory is the root: absolute links and ".." stay in it */
};

/* Writes PATH without ".", empty components and trailing slashes into BUF of AT_PATH_MAX bytes ("" is the directory itself).  Returns NULL,
 * or what is wrong with the path: absolute, with "..", too long, too deep.  */
const char *at_clean (const char *path, char *buf);

/* Opens PATH ("" is DIR itself) with open(2) FLAGS and O_CLOEXEC.  Returns the descriptor or negative errno, ERR filled.  */
int at_open (int dir, const char *path, int flags, enum at_links links, struct err *err);

/* Removes all that is in DIR, which stays, however deep it is, by constant means: directories are moved up into DIR.  Crosses no mount.
 * Returns 0 or negative errno.  */
int at_remove_all (int dir, struct err *err);

/* Writes the file NAME in DIR out to the disk: it must not come out of a crash of the machine empty, which renaming it does not promise.
 * Returns 0 or negative errno.  */
int at_flush (int dir, const char *name, struct err *err);

/* Removes NAME in DIR with all that is in it; nothing if it is not there.  TRASH, a directory of the same file system, takes what is
 * removed in one step, so that nothing half-removed keeps its name.  Returns 0 or negative errno.  */
int at_discard (int dir, const char *name, int trash, struct err *err);

/* Makes the directory NAME in DIR unless it is there, and opens it.  Returns the descriptor or negative errno.  */
int at_make_dir (int dir, const char *name, mode_t mode, struct err *err);

/* Makes a directory of a name in DIR that nobody else has, written to NAME of SIZE bytes.  Returns the descriptor or negative errno.  */
int at_make_fresh (int dir, char *name, size_t size, struct err *err);

#endif
