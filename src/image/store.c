/* SPDX-License-Identifier: Apache-2.0 */
/* The store; see store.h.  */
#include "image/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/own.h"
#include "base/str.h"
#include "image/at.h"

enum
{
  ID_MIN = 4 /* digits of an id that a caller may shorten it to */
};

bool
store_is_root (void)
{
  char map[128];
  unsigned inside, outside, count;

  return geteuid () == 0 && file_read_small (AT_FDCWD, "/proc/self/uid_map", map, sizeof map) > 0
         && sscanf (map, "%u %u %u", &inside, &outside, &count) == 3 && count == UINT32_MAX;
}

/* The default: the machine's store for its root, a user's own for all others.  */
static int
default_path (char *buf, size_t size, struct err *err)
{
  const char *data = getenv ("XDG_DATA_HOME"), *home = getenv ("HOME");
  int n = -1;

  if (store_is_root ())
    n = snprintf (buf, size, "/var/lib/orlop-image");
  else if (data && data[0] == '/')
    n = snprintf (buf, size, "%s/orlop-image", data);
  else if (home && home[0] == '/')
    n = snprintf (buf, size, "%s/.local/share/orlop-image", home);
  return n < 0 || (size_t) n >= size ? err_usage (err, "no directory for the store: neither XDG_DATA_HOME nor HOME is set, see --store") : 0;
}

/* Makes PATH and the directories above that are missing, as mkdir -p does.  */
static int
make_path (const char *path, struct err *err)
{
  char part[4096];
  int ret = str_copy (part, sizeof part, path);

  for (char *p = part; ret == 0 && p; p = strchr (p + 1, '/'))
    {
      char *slash = p[0] && p[1] ? strchr (p + 1, '/') : NULL;
      char was = slash ? *slash : '\0';

      if (slash)
        *slash = '\0';
      if (mkdir (part, slash ? 0755 : 0700) < 0 && errno != EEXIST)
        ret = -errno;
      if (slash)
        *slash = was;
    }
  return ret < 0 ? err_sys (err, -ret, "mkdir", "%s", path) : 0;
}

static int
open_rooms (struct store *s, struct err *err)
{
  const struct { const char *name; int *fd; } rooms[]
      = { { "layers", &s->layers }, { "images", &s->images }, { "names", &s->names }, { "bundles", &s->bundles }, { "tmp", &s->tmp } };

  for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++)
    {
      *rooms[i].fd = at_make_dir (s->dir, rooms[i].name, 0700, err);
      if (*rooms[i].fd < 0)
        return *rooms[i].fd;
    }
  return 0;
}

static int
lock (const struct store *s, int how, struct err *err)
{
  while (flock (s->lock, how) < 0)
    if (errno != EINTR)
      return err_sys (err, errno, "flock", "%s/lock", s->path);
  return 0;
}

static int
take_lock (struct store *s, enum store_use use, struct err *err)
{
  s->lock = openat (s->dir, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (s->lock < 0)
    return err_sys (err, errno, "openat", "%s/lock", s->path);
  /* what one left who was killed is removed by the next who is alone */
  if (use == STORE_ADD && flock (s->lock, LOCK_EX | LOCK_NB) == 0 && at_remove_all (s->tmp, err) < 0)
    return -EIO;
  return lock (s, use == STORE_REMOVE ? LOCK_EX : LOCK_SH, err);
}

/* Says what a new store is like, unless another has said it by now.  */
static int
make_format (const struct store *s, bool squash, struct err *err)
{
  const struct store_format fresh = { .version = 1, .overlay = s->is_trusted ? "trusted" : "user", .owners = squash ? "caller" : "kept" };
  int ret = lock (s, LOCK_EX, err);

  if (ret == 0 && faccessat (s->dir, "store.json", F_OK, 0) < 0)
    ret = document_write (&store_format_type, &fresh, s->dir, "store.json", s->tmp, err);
  return ret < 0 ? ret : lock (s, LOCK_SH, err);
}

/* Reads what the store is like.  */
static int
take_format (struct store *s, bool squash, struct err *err)
{
  struct oci_arena *arena = NULL;
  struct store_format *f = NULL;
  void *object = NULL;
  int ret = document_read (&store_format_type, s->dir, "store.json", &arena, &object, err);

  f = object;
  if (ret == 0 && f->version != 1)
    ret = err_state (err, ENOTSUP, "the store %s is of a later release (version %lld)", s->path, (long long) f->version);
  else if (ret == 0 && (strcmp (f->overlay, "trusted") == 0) != s->is_trusted)
    ret = err_state (err, EPERM, "the store %s belongs to %s, whose layers need %s: use a store of your own, see --store", s->path,
                     s->is_trusted ? "a user" : "the machine's root", s->is_trusted ? "a user namespace" : "his privileges");
  if (ret == 0)
    s->keeps_owners = strcmp (f->owners, "kept") == 0;
  if (ret == 0 && squash && s->keeps_owners)
    ret = err_state (err, EINVAL, "the store %s keeps owners: --squash-owners is for a new store", s->path);
  oci_arena_free (arena);
  return ret;
}

/* True if nothing but the beginnings of a store is in DIR, or it was made one just now by another.  */
static bool
may_become_store (int dir)
{
  static const char *const ours[] = { ".", "..", "lock", "layers", "images", "names", "bundles", "tmp", "store.json", NULL };
  int fd = openat (dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *d = fd < 0 ? NULL : fdopendir (fd);
  struct dirent *e;
  bool may = d != NULL;

  while (may && (e = readdir (d)))
    {
      const char *const *o = ours;

      while (*o && strcmp (*o, e->d_name) != 0)
        o++;
      may = *o != NULL;
    }
  if (d)
    (void) closedir (d);
  return may;
}

/* The directory must be a store, or become one: the caller's alone, for the sake of what is setuid in it.  */
static int
check_place (const struct store *s, enum store_use use, bool *ret_is_new, struct err *err)
{
  struct stat st;

  *ret_is_new = faccessat (s->dir, "store.json", F_OK, 0) < 0 && errno == ENOENT;
  if (*ret_is_new && use != STORE_ADD)
    return err_state (err, ENOENT, "there is no store at \"%s\": `orlop-image import` makes it", s->path);
  if (fstat (s->dir, &st) < 0)
    return err_sys (err, errno, "fstat", "%s", s->path);
  if (st.st_uid != geteuid ())
    return err_state (err, EPERM, "the directory \"%s\" belongs to user %u: use a store of your own, see --store", s->path, st.st_uid);
  if (*ret_is_new && ! may_become_store (s->dir))
    return err_state (err, EEXIST, "the directory \"%s\" is neither a store nor empty", s->path);
  if (*ret_is_new)
    return fchmod (s->dir, 0700) < 0 ? err_sys (err, errno, "fchmod", "%s", s->path) : 0;
  return st.st_mode & 077 ? err_state (err, EPERM, "the store \"%s\" is open to others (mode %o), who could start what is setuid in it: chmod 700",
                                       s->path, st.st_mode & 07777)
                          : 0;
}

int
store_open (struct store *s, const char *path, enum store_use use, bool squash, struct err *err)
{
  char chosen[sizeof s->path];
  bool is_new;
  int ret = path ? str_copy (chosen, sizeof chosen, path) : default_path (chosen, sizeof chosen, err);

  s->is_trusted = store_is_root ();
  if (ret < 0)
    return path ? err_sys (err, ENAMETOOLONG, "open", "%s", path) : ret;
  if (use == STORE_ADD)
    ret = make_path (chosen, err);
  if (ret < 0)
    return ret;
  s->dir = open (chosen, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (s->dir < 0 && errno == ENOENT)
    return err_state (err, ENOENT, "there is no store at \"%s\": `orlop-image import` makes it", chosen);
  if (s->dir < 0 || realpath (chosen, s->path) == NULL)
    return err_sys (err, errno, "open", "%s", chosen);
  ret = check_place (s, use, &is_new, err);
  if (ret == 0)
    ret = open_rooms (s, err);
  if (ret == 0)
    ret = take_lock (s, use, err);
  if (ret == 0 && is_new)
    ret = make_format (s, squash, err);
  return ret < 0 ? ret : take_format (s, squash, err);
}

void
store_close (struct store *s)
{
  const int fds[] = { s->tmp, s->bundles, s->names, s->images, s->layers, s->lock, s->dir };

  for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
    own_close (&fds[i]);
}

void
store_file (const char *key, char buf[DIGEST_TEXT + 8])
{
  unsigned char digest[DIGEST_SIZE];
  char text[DIGEST_TEXT];

  (void) digest_of (key, strlen (key), digest); /* this program is not built without digests */
  digest_text (digest, text);
  (void) snprintf (buf, DIGEST_TEXT + 8, "%s.json", text);
}

bool
store_is_name (const char *name)
{
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  size_t len = strlen (name);

  return len > 0 && len <= 255 && strchr (letters, name[0]) && strspn (name, letters) + strspn (name + strspn (name, letters), "._:/@+-") > 0
         && name[strspn (name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:/@+-")] == '\0';
}

/* The id among the file names of images/ that begins with WHAT, into BUF.  */
static int
find_id (const struct store *s, const char *what, char *buf, size_t size, struct err *err)
{
  int fd = openat (s->images, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *d = fd < 0 ? NULL : fdopendir (fd);
  struct dirent *e;
  size_t found = 0, len = strlen (what);

  if (d == NULL)
    return err_sys (err, errno, "openat", "%s/images", s->path);
  while (len >= ID_MIN && (e = readdir (d)))
    if (strncmp (e->d_name, what, len) == 0 && strcmp (e->d_name + strcspn (e->d_name, "."), ".json") == 0)
      {
        (void) snprintf (buf, size, "%.*s", (int) strcspn (e->d_name, "."), e->d_name);
        found++;
      }
  (void) closedir (d);
  if (found > 1)
    return err_state (err, EINVAL, "%zu images begin with \"%s\"", found, what);
  return found ? 0 : err_state (err, ENOENT, "there is no image \"%s\" in %s", what, s->path);
}

int
store_find (const struct store *s, const char *what, struct oci_arena **arena, struct image_record **ret_image,
            struct err *err)
{
  const char *bare = str_after (what, "sha256:");
  char file[DIGEST_TEXT + 8], id[256];
  struct name_record *n = NULL;
  void *object = NULL;
  int ret;

  store_file (what, file);
  ret = document_read (&name_record_type, s->names, file, arena, &object, err);
  n = object;
  if (ret == 0)
    ret = str_copy (id, sizeof id, n->image);
  else if (ret == -ENOENT)
    ret = find_id (s, bare ? bare : what, id, sizeof id, err);
  if (ret < 0)
    return ret;
  (void) snprintf (file, sizeof file, "%.64s.json", id);
  ret = document_read (&image_record_type, s->images, file, arena, &object, err);
  if (ret == 0)
    *ret_image = object;
  return ret;
}

int
store_config (const struct store *s, const char *id, struct oci_arena **arena, char **ret_text,
              struct image_config **ret_config, struct err *err)
{
  own_mem char *text = NULL;
  char file[DIGEST_TEXT + 8];
  void *object = NULL;
  ssize_t len;
  int ret;

  (void) snprintf (file, sizeof file, "%.64s.config", id);
  len = file_read_at (s->images, file, DOCUMENT_MAX, &text, err);
  if (len < 0)
    return (int) len;
  ret = arena ? document_decode (&image_config_type, "the image's configuration", text, (size_t) len, arena, &object, err) : 0;
  if (ret < 0)
    return ret;
  if (arena)
    *ret_config = object;
  *ret_text = take_ptr (text);
  return 0;
}

int
store_each (int dir, const struct oci_type *type, int (*each) (void *data, const char *file, void *object, struct err *err),
            void *data, struct err *err)
{
  int fd = openat (dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0;
  DIR *d = fd < 0 ? NULL : fdopendir (fd);
  struct dirent *e;

  if (d == NULL)
    return err_sys (err, errno, "openat", "records of the store");
  while (ret == 0 && (e = readdir (d)))
    {
      struct oci_arena *arena = NULL;
      void *object = NULL;
      const char *suffix = strrchr (e->d_name, '.');

      if (suffix && strcmp (suffix, ".json") == 0 && document_read (type, dir, e->d_name, &arena, &object, NULL) == 0)
        ret = each (data, e->d_name, object, err);
      oci_arena_free (arena);
    }
  (void) closedir (d);
  return ret;
}
