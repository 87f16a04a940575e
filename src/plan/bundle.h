/* SPDX-License-Identifier: Apache-2.0 */
/* A bundle: the directory with config.json.  Finds and decodes it; what it asks for is
 * judged by rules.h and decided by make.h. */
#ifndef ORLOP_PLAN_BUNDLE_H
#define ORLOP_PLAN_BUNDLE_H

#include <stddef.h>

struct err;
struct oci_arena;
struct oci_config;

/* Zero-initialise with .dirfd = -1.  */
struct bundle
{
  char *path;                /* absolute, without symbolic links; owned */
  int dirfd;                 /* the directory, O_PATH, close-on-exec; owned */
  char *text;                /* the document as read, for the container's private copy; owned */
  size_t len;
  struct oci_config *config; /* lives in the arena */
  struct oci_arena *arena;   /* owned */
};

/* Opens the directory DIR (NULL: the current one), reads NAME in it (NULL: "config.json") and decodes it.  All faults of the
 * document become one error.  On failure nothing is kept.  Returns 0 or negative errno.  */
int bundle_load (const char *dir, const char *name, struct bundle *ret_bundle, struct err *err);

/* Gives ERR, if it names a JSON path, line and column in the bundle's document.  ERR may be NULL.  */
void bundle_locate (const struct bundle *b, struct err *err);

/* Closes and frees; fine for one that was never loaded.  */
void bundle_close (struct bundle *b);

#endif
