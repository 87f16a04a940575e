/* SPDX-License-Identifier: Apache-2.0 */
/* Owners, modes, times and extended attributes of what a layer unpacks to.  */
#ifndef ORLOP_IMAGE_ATTRIBUTES_H
#define ORLOP_IMAGE_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct archive_entry;
struct err;

struct attributes
{
  uid_t uid;
  gid_t gid;
  mode_t mode; /* without the type */
  struct timespec mtime;
};

/* What the archive says of E.  */
struct attributes attributes_of (struct archive_entry *e);

/* Gives the open file FD (PATH for messages) its owner, unless KEEP is false, then E's (NULL: no) extended attributes, its mode and its time: in
 * that order, since a change of owner takes away capabilities and setuid.  Counts attributes that are not kept in *RET_LEFT_OUT.  TRUSTED: one that
 * cannot be set is an error.  Returns 0 or negative errno.  */
int attributes_set (int fd, const char *path, const struct attributes *a, bool keep, bool trusted, struct archive_entry *e,
                    uint64_t *ret_left_out, struct err *err);

/* The same for NAME in DIR that is no file to open: a link, a device, a pipe.  They keep no extended attributes.  */
int attributes_set_at (int dir, const char *name, const char *path, const struct attributes *a, bool is_link, bool keep, struct err *err);

/* Marks the directory FD, whose lower layers are hidden.  Returns 0 or negative errno.  */
int attributes_hide_lower (int fd, const char *path, bool trusted, struct err *err);

/* True if the directory FD was marked so.  */
bool attributes_hides_lower (int fd, bool trusted);

#endif
