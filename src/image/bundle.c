/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles; see bundle.h.  The store learns of a bundle before it is one, and forgets it last.  */
#include "image/bundle.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/own.h"
#include "image/at.h"
#include "image/overlay.h"

#define RECORD "orlop-image.json"
#define SCRATCH ".orlop-image" /* what is being made or removed */

static int
open_bundle (const char *path, struct err *err)
{
  int fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  return fd < 0 ? err_sys (err, errno, "open", "%s", path) : fd;
}

static int
check_empty (int dir, const char *path, struct err *err)
{
  int fd = openat (dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *d = fd < 0 ? NULL : fdopendir (fd);
  struct dirent *e;
  bool empty = true;

  if (d == NULL)
    return err_sys (err, errno, "openat", "%s", path);
  while ((e = readdir (d)))
    empty &= strcmp (e->d_name, ".") == 0 || strcmp (e->d_name, "..") == 0 || strcmp (e->d_name, SCRATCH) == 0;
  (void) closedir (d);
  return empty ? 0 : err_state (err, ENOTEMPTY, "the directory \"%s\" is not empty: a bundle needs one of its own", path);
}

/* Makes PATH, or takes it if it is empty.  Returns its descriptor or negative errno.  */
static int
take_directory (const char *path, bool *ret_made, struct err *err)
{
  own_fd int fd = -1;
  int ret;

  *ret_made = mkdir (path, 0700) == 0;
  if (! *ret_made && errno != EEXIST)
    return err_sys (err, errno, "mkdir", "%s", path);
  fd = open_bundle (path, err);
  if (fd < 0)
    return fd;
  ret = check_empty (fd, path, err);
  if (ret == 0 && fchmod (fd, 0700) < 0)
    ret = err_sys (err, errno, "fchmod", "%s", path);
  return ret < 0 ? ret : take_fd (&fd);
}

static int
write_config (const struct store *s, const struct image_record *image, int bundle, const struct convert_args *args, struct err *err)
{
  own_fd int rootfs = at_open (bundle, "rootfs", O_RDONLY | O_DIRECTORY, AT_BENEATH, err);
  own_mem char *text = NULL, *json = NULL;
  struct image_config *config = NULL;
  struct oci_arena *arena = NULL;
  int ret = rootfs < 0 ? rootfs : store_config (s, image->id, &arena, &text, &config, err);

  if (ret == 0)
    ret = convert_config (config, rootfs, args, &json, err);
  if (ret == 0)
    ret = file_create_at (bundle, "config.json", json, strlen (json), 0600, err);
  oci_arena_free (arena);
  return ret;
}

/* Removes the directory SCRATCH with what another left in it that was killed.  */
static int
remove_scratch (int bundle, int scratch, struct err *err)
{
  int ret = at_remove_all (scratch, err);

  return ret == 0 && unlinkat (bundle, SCRATCH, AT_REMOVEDIR) < 0 ? err_sys (err, errno, "rmdir", SCRATCH) : ret;
}

/* Removes what a bundle has, as far as it is there.  */
static int
remove_contents (int bundle, struct err *err)
{
  static const char *const files[] = { "config.json", RECORD };
  static const char *const trees[] = { "upper", "work" };
  int ret = overlay_unmount (bundle, err);
  own_fd int scratch = ret < 0 ? ret : at_make_dir (bundle, SCRATCH, 0700, err);

  if (scratch < 0)
    return scratch;
  for (size_t i = 0; i < 2 && ret == 0; i++)
    ret = at_discard (bundle, trees[i], scratch, err);
  if (ret == 0)
    ret = remove_scratch (bundle, scratch, err);
  if (ret == 0 && unlinkat (bundle, "rootfs", AT_REMOVEDIR) < 0 && errno != ENOENT)
    ret = err_sys (err, errno, "rmdir", "rootfs");
  for (size_t i = 0; i < 2 && ret == 0; i++) /* the record last: with it the rest can be removed another time */
    if (unlinkat (bundle, files[i], 0) < 0 && errno != ENOENT)
      ret = err_sys (err, errno, "unlinkat", "%s", files[i]);
  return ret;
}

static int
fill (const struct store *s, const struct image_record *image, int bundle, const struct bundle_record *r, const struct convert_args *args,
      struct err *err)
{
  char file[DIGEST_TEXT + 8];
  own_fd int scratch = at_make_dir (bundle, SCRATCH, 0700, err);
  int ret = scratch < 0 ? scratch : document_write (&bundle_record_type, r, bundle, RECORD, scratch, err);

  store_file (r->bundle, file);
  if (ret == 0)
    ret = remove_scratch (bundle, scratch, err);
  if (ret == 0)
    ret = document_write (&bundle_record_type, r, s->bundles, file, s->tmp, err);
  if (ret == 0)
    ret = overlay_prepare (s, image, bundle, err);
  if (ret == 0)
    ret = overlay_mount (s, image, bundle, err);
  if (ret == 0)
    ret = write_config (s, image, bundle, args, err);
  if (ret == 0)
    return 0;
  if (remove_contents (bundle, NULL) == 0)
    (void) unlinkat (s->bundles, file, 0); /* else gc forgets it when it is gone */
  return ret;
}

int
bundle_make (const struct store *s, const char *what, const char *path, const struct convert_args *args, struct err *err)
{
  struct oci_arena *arena = NULL;
  struct image_record *image = NULL;
  struct bundle_record r = { .store = s->path };
  own_mem char *full = NULL;
  bool made = false;
  int ret = store_find (s, what, &arena, &image, err);
  own_fd int bundle = ret < 0 ? ret : take_directory (path, &made, err);

  ret = bundle < 0 ? bundle : 0;
  if (ret == 0 && (full = realpath (path, NULL)) == NULL)
    ret = err_sys (err, errno, "realpath", "%s", path);
  if (ret == 0)
    {
      r.bundle = full;
      r.image = image->id;
      ret = fill (s, image, bundle, &r, args, err);
    }
  if (ret < 0 && made)
    (void) rmdir (path); /* fails only if it is not empty, and then somebody wants it */
  oci_arena_free (arena);
  return ret;
}

/* Reads the record of the bundle BUNDLE at PATH.  */
static int
read_record (int bundle, const char *path, struct oci_arena **arena, struct bundle_record **ret_record, struct err *err)
{
  void *object = NULL;
  int ret = document_read (&bundle_record_type, bundle, RECORD, arena, &object, err);

  *ret_record = object;
  return ret == -ENOENT ? err_state (err, ENOENT, "\"%s\" is no bundle of orlop-image: it has no " RECORD, path) : ret;
}

int
bundle_mount (const char *path, struct err *err)
{
  struct store s = STORE_CLOSED;
  struct oci_arena *arena = NULL;
  struct bundle_record *r = NULL;
  struct image_record *image = NULL;
  own_fd int bundle = open_bundle (path, err);
  int ret = bundle < 0 ? bundle : read_record (bundle, path, &arena, &r, err);

  if (ret == 0)
    ret = store_open (&s, r->store, STORE_READ, false, err);
  if (ret == 0)
    ret = store_find (&s, r->image, &arena, &image, err);
  if (ret == 0)
    ret = overlay_mount (&s, image, bundle, err);
  store_close (&s);
  oci_arena_free (arena);
  return ret;
}

int
bundle_unmount (const char *path, struct err *err)
{
  struct oci_arena *arena = NULL;
  struct bundle_record *r = NULL;
  own_fd int bundle = open_bundle (path, err);
  int ret = bundle < 0 ? bundle : read_record (bundle, path, &arena, &r, err);

  oci_arena_free (arena);
  return ret < 0 ? ret : overlay_unmount (bundle, err);
}

int
bundle_remove (const char *path, struct err *err)
{
  struct store s = STORE_CLOSED;
  struct oci_arena *arena = NULL;
  struct bundle_record *r = NULL;
  char file[DIGEST_TEXT + 8];
  own_fd int bundle = open_bundle (path, err);
  int ret = bundle < 0 ? bundle : read_record (bundle, path, &arena, &r, err);

  if (ret == 0)
    ret = remove_contents (bundle, err);
  if (ret == 0 && rmdir (path) < 0)
    ret = errno == ENOTEMPTY ? err_state (err, ENOTEMPTY, "what is of the bundle is removed, but \"%s\" has other files", path)
                             : err_sys (err, errno, "rmdir", "%s", path);
  /* the store may be gone, or be another user's: it finds out by itself that the bundle is gone */
  if (r && store_open (&s, r->store, STORE_READ, false, NULL) == 0 && (ret == 0 || ret == -ENOTEMPTY))
    {
      store_file (r->bundle, file);
      (void) unlinkat (s.bundles, file, 0);
    }
  store_close (&s);
  oci_arena_free (arena);
  return ret;
}
