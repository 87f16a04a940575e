/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled filters on disk: ROOT/.seccomp (0700), a file for each profile, named by the digest of what it was compiled from.  Whatever
 * is wrong with the cache costs a compilation and is never an error of the command.  Parent only */
#ifndef ORLOP_LAUNCH_FILTER_CACHE_H
#define ORLOP_LAUNCH_FILTER_CACHE_H

#include "base/digest.h"

struct err;
struct filter;

#define FILTER_CACHE_DIR ".seccomp" /* no container can have this name */

enum
{
  FILTER_CACHE_FILES = 64 /* at most: with programs of the largest size 2 MiB */
};

/* Reads the filter of KEY.  -ENOENT: there is none.  -EPERM: the directory or file is not ours alone.  -ESTALE: libseccomp is another file than the one that compiled it.
 * -EBADMSG: it is damaged.  Returns 0, and ret_filter->code is the caller's to free (3), or negative errno.  */
int filter_cache_get (const char *root, const unsigned char key[DIGEST_SIZE], struct filter *ret_filter);

/* Writes FILTER as that of KEY, atomically, and removes the oldest files if there are too many.  ROOT and the directory are made if missing.  Returns 0 or negative
 * errno.  */
int filter_cache_put (const char *root, const unsigned char key[DIGEST_SIZE], const struct filter *filter, struct err *err);

#endif
