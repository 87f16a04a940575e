/* SPDX-License-Identifier: Apache-2.0 */
/* Opening bundles; see bundle.h.  Must never write into one. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "plan/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "base/own.h"
#include "ocispec/config.h"
#include "plan/document.h"

/* The real path of the open directory FD, known as DIR: the kernel knows it, one call instead of one per component.  */
static char *
real_path (int fd, const char *dir)
{
  char link[64], path[PATH_MAX];
  ssize_t len;

  (void) snprintf (link, sizeof link, "/proc/self/fd/%d", fd);
  len = readlink (link, path, sizeof path);
  if (len <= 0 || (size_t) len == sizeof path || path[0] != '/')
    return realpath (dir, NULL); /* without procfs */
  return strndup (path, (size_t) len);
}

int
bundle_load (const char *dir, const char *name, struct bundle *ret_bundle, struct err *err)
{
  struct document doc;
  int ret;

  if (dir == NULL)
    dir = ".";
  own_fd int fd = fds_beyond_standard (open (dir, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (fd < 0)
    return err_doing (err, err_sys (err, errno, "open", "%s", dir), "cannot open the bundle");
  own_mem char *path = real_path (fd, dir);
  if (path == NULL)
    return err_sys (err, errno, "realpath", "%s", dir);
  ret = document_load (fd, name ? name : "config.json", &oci_config_type, &doc, err);
  if (ret < 0)
    return ret;
  *ret_bundle = (struct bundle){ .path = take_ptr (path),
                                 .dirfd = take_fd (&fd),
                                 .text = doc.text,
                                 .len = doc.len,
                                 .config = doc.object,
                                 .arena = doc.arena };
  return 0;
}

void
bundle_locate (const struct bundle *b, struct err *err)
{
  document_locate (b->text, b->len, err);
}

void
bundle_close (struct bundle *b)
{
  struct document doc = { .text = b->text, .arena = b->arena };

  document_close (&doc);
  free (b->path);
  own_close (&b->dirfd);
  *b = (struct bundle){ .dirfd = -1 };
}
