/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of layers; see entry.h.  Whiteouts (layer.md of image-spec) become those of overlayfs: a character device 0:0, and an attribute of
 * a directory.  A whiteout speaks of the layers below alone, wherever it stands in the archive.  */
#include "image/entry.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/err.h"
#include "base/own.h"
#include "base/str.h"

#define WHITEOUT ".wh."
#define OPAQUE ".wh..wh..opq"
#define OTHERS ".wh..wh." /* bookkeeping of aufs, which says nothing */

enum
{
  PATH_BYTES_MAX = 256 << 20, /* they are kept until the end */
  MAJOR_MAX = (1 << 12) - 1,
  MINOR_MAX = (1 << 20) - 1
};

/* Where an entry goes.  */
struct place
{
  const char *path; /* clean */
  int dir;          /* of the layer, do not close */
  const char *name; /* the last component */
};

/* --- directories */

static int
remember_dir (struct layer *l, const char *path, const struct attributes *a, struct err *err)
{
  void *more;

  l->path_bytes += strlen (path) + 1;
  if (l->path_bytes > PATH_BYTES_MAX)
    return err_spec (err, "", "the paths of its directories are more than %d MiB together", PATH_BYTES_MAX >> 20);
  if (l->n_dirs == l->room)
    {
      l->room = 2 * l->room + 64;
      more = reallocarray (l->dir, l->room, sizeof *l->dir);
      if (more == NULL)
        return err_host (err, ENOMEM, "out of memory for the list of directories");
      l->dir = more;
    }
  l->dir[l->n_dirs] = (struct entry_dir){ .path = strdup (path), .number = l->n_dirs, .a = *a };
  if (l->dir[l->n_dirs].path == NULL)
    return err_host (err, ENOMEM, "out of memory for the list of directories");
  l->n_dirs++;
  return 0;
}

static bool
is_whiteout (const struct stat *st)
{
  return S_ISCHR (st->st_mode) && st->st_rdev == makedev (0, 0);
}

/* True if NAME in DIR is a whiteout, which what comes now takes the place of.  */
static bool
remove_whiteout (int dir, const char *name)
{
  struct stat st;

  return fstatat (dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && is_whiteout (&st) && unlinkat (dir, name, 0) == 0;
}

static int
hide_lower (const struct layer *l, int dir, const char *name, const char *path, struct err *err)
{
  own_fd int fd = openat (dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

  return fd < 0 ? err_sys (err, errno, "openat", "%s", path) : attributes_hide_lower (fd, path, l->is_trusted, err);
}

/* Makes the directory NAME in DIR unless it is there.  Returns 1 if it was made, 0 or negative errno.  */
static int
make_dir (const struct layer *l, int dir, const char *name, const char *path, struct err *err)
{
  struct stat st;
  int ret;

  if (mkdirat (dir, name, 0700) == 0)
    return 1;
  if (errno != EEXIST)
    return err_sys (err, errno, "mkdirat", "%s", path);
  if (remove_whiteout (dir, name))
    {
      if (mkdirat (dir, name, 0700) < 0)
        return err_sys (err, errno, "mkdirat", "%s", path);
      ret = hide_lower (l, dir, name, path, err);
      return ret < 0 ? ret : 1;
    }
  if (fstatat (dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
    return err_sys (err, errno, "fstatat", "%s", path);
  return S_ISDIR (st.st_mode) ? 0 : err_spec (err, "", "\"%s\" is a %s in one entry and a directory in another", path, S_ISLNK (st.st_mode) ? "link" : "file");
}

/* What the layers below say of the directory PATH, which the archive puts something into without telling of it.  */
static struct attributes
lower_attributes (const struct layer *l, const char *path)
{
  struct attributes a = { .mode = 0755 };
  struct stat st;

  for (size_t i = l->n_lower; i-- > 0;)
    {
      own_fd int fd = at_open (l->lower[i], path, O_PATH | O_NOFOLLOW, AT_NO_LINKS, NULL);

      if (fd < 0 || fstat (fd, &st) < 0)
        continue;
      if (S_ISDIR (st.st_mode))
        a = (struct attributes){ .uid = st.st_uid, .gid = st.st_gid, .mode = st.st_mode & 07777, .mtime = st.st_mtim };
      break;
    }
  return a;
}

/* Makes the directories of PATH that are missing.  Returns the last one, or negative errno.  */
static int
make_parents (struct layer *l, const char *path, struct err *err)
{
  char part[AT_PATH_MAX];
  own_fd int at = at_open (l->root, "", O_PATH | O_DIRECTORY, AT_NO_LINKS, err);

  for (size_t end = 0; at >= 0 && path[end];)
    {
      size_t start = end + (path[end] == '/');
      int made, next;

      end = start + strcspn (path + start, "/");
      memcpy (part, path, end);
      part[end] = '\0';
      made = make_dir (l, at, part + start, part, err);
      if (made > 0)
        {
          const struct attributes a = lower_attributes (l, part);

          l->took = true;
          made = ++l->entries > l->max_entries ? err_spec (err, "", "it has more than %llu entries: if that is meant, see --max-entries", (unsigned long long) l->max_entries)
                                               : remember_dir (l, part, &a, err);
        }
      if (made < 0)
        return made;
      next = at_open (at, part + start, O_PATH | O_DIRECTORY, AT_NO_LINKS, err);
      own_close (&at);
      at = next;
    }
  return take_fd (&at);
}

/* Opens the directory of PATH, which is often that of the entry before.  */
static int
find_place (struct layer *l, const char *path, struct place *ret_place, struct err *err)
{
  const char *slash = strrchr (path, '/');
  char parent[AT_PATH_MAX] = "";
  int fd;

  if (slash)
    memcpy (parent, path, (size_t) (slash - path)); /* the rest is zero */
  *ret_place = (struct place){ .path = path, .name = slash ? slash + 1 : path };
  if (l->parent < 0 || strcmp (parent, l->parent_path) != 0)
    {
      fd = at_open (l->root, parent, O_PATH | O_DIRECTORY, AT_NO_LINKS, err);
      if (fd == -ELOOP)
        return err_spec (err, "", "\"%s\" would be written through a symbolic link", path);
      if (fd == -ENOENT || fd == -ENOTDIR)
        fd = make_parents (l, parent, err);
      if (fd < 0)
        return fd;
      own_close (&l->parent);
      l->parent = fd;
      memcpy (l->parent_path, parent, sizeof parent);
    }
  ret_place->dir = l->parent;
  return 0;
}

/* --- whiteouts */

static int
add_whiteout (struct layer *l, const struct place *p, struct err *err)
{
  const char *hidden = p->name + strlen (WHITEOUT);
  struct stat st;

  if (strcmp (p->name, OPAQUE) == 0)
    return hide_lower (l, p->dir, ".", p->path, err);
  if (str_after (p->name, OTHERS))
    {
      l->n_left_out++;
      return 0;
    }
  if (hidden[0] == '\0' || strcmp (hidden, ".") == 0 || strcmp (hidden, "..") == 0)
    return err_spec (err, "", "\"%s\" hides nothing that can be", p->path);
  if (mknodat (p->dir, hidden, S_IFCHR, makedev (0, 0)) == 0)
    return 0;
  if (errno != EEXIST)
    return err_doing (err, err_sys (err, errno, "mknodat", "%s", p->path), "making a whiteout (users may since Linux 5.8)");
  if (fstatat (p->dir, hidden, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR (st.st_mode))
    return hide_lower (l, p->dir, hidden, p->path, err);
  return 0; /* a file of this layer hides what is below by itself */
}

/* --- files */

static int
twice (const struct place *p, struct err *err)
{
  return err_spec (err, "", "\"%s\" is twice in the archive", p->path);
}

/* What failed to be made with errno NUM: 1 if a whiteout was in its place and it may be tried again.  */
static int
again (const struct place *p, int num, const char *call, struct err *err)
{
  if (num != EEXIST)
    return err_sys (err, num, call, "%s", p->path);
  return remove_whiteout (p->dir, p->name) ? 1 : twice (p, err);
}

static int
write_block (int fd, const char *data, size_t len, off_t offset, const char *path, struct err *err)
{
  while (len > 0)
    {
      ssize_t n = pwrite (fd, data, len, offset);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return err_sys (err, errno, "pwrite", "%s", path);
      data += n;
      len -= (size_t) n;
      offset += n;
    }
  return 0;
}

/* The content, with its holes.  */
static int
write_content (int fd, const char *path, struct archive *a, la_int64_t size, struct err *err)
{
  const void *data;
  size_t len;
  la_int64_t offset;
  int got, ret = 0;

  while (ret == 0 && ((got = archive_read_data_block (a, &data, &len, &offset)) == ARCHIVE_OK || got == ARCHIVE_WARN))
    ret = write_block (fd, data, len, (off_t) offset, path, err);
  if (ret == 0 && got != ARCHIVE_EOF)
    ret = err_spec (err, "", "reading \"%s\": %s", path, archive_error_string (a));
  if (ret == 0 && ftruncate (fd, (off_t) size) < 0)
    ret = err_sys (err, errno, "ftruncate", "%s", path);
  return ret;
}

static int
add_file (struct layer *l, const struct place *p, struct archive *a, struct archive_entry *e, struct err *err)
{
  const struct attributes attributes = attributes_of (e);
  la_int64_t size = archive_entry_size (e);
  own_fd int fd = -1;
  int ret = 1;

  if (size < 0 || (uint64_t) size > l->max_bytes - l->bytes)
    return err_spec (err, "", "with \"%s\" (%lld bytes) it is more than %llu MiB: if that is meant, see --max-size", p->path, (long long) size,
                     (unsigned long long) l->limit >> 20);
  l->bytes += (uint64_t) size;
  while (fd < 0 && ret == 1)
    {
      fd = openat (p->dir, p->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
      ret = fd < 0 ? again (p, errno, "openat", err) : 0;
    }
  if (ret == 0)
    ret = write_content (fd, p->path, a, size, err);
  return ret < 0 ? ret : attributes_set (fd, p->path, &attributes, l->keeps_owners, l->is_trusted, e, &l->n_left_out, err);
}

static int
add_dir (struct layer *l, const struct place *p, struct archive_entry *e, struct err *err)
{
  const struct attributes a = attributes_of (e), open = { .uid = a.uid, .gid = a.gid, .mode = 0700, .mtime = a.mtime };
  int ret = p->name[0] ? make_dir (l, p->dir, p->name, p->path, err) : 0;
  own_fd int fd = -1;

  if (ret < 0)
    return ret;
  fd = openat (p->dir, p->name[0] ? p->name : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return err_sys (err, errno, "openat", "%s", p->path);
  l->has_root |= p->name[0] == '\0';
  ret = attributes_set (fd, p->path, &open, false, l->is_trusted, e, &l->n_left_out, err);
  return ret < 0 ? ret : remember_dir (l, p->path, &a, err);
}

static int
add_symlink (struct layer *l, const struct place *p, struct archive_entry *e, struct err *err)
{
  const struct attributes a = attributes_of (e);
  const char *target = archive_entry_symlink (e);
  int ret = 1;

  while (ret == 1)
    ret = symlinkat (target ? target : "", p->dir, p->name) < 0 ? again (p, errno, "symlinkat", err) : 0;
  l->n_left_out += (uint64_t) archive_entry_xattr_count (e);
  return ret < 0 ? ret : attributes_set_at (p->dir, p->name, p->path, &a, true, l->keeps_owners, err);
}

static int
add_node (struct layer *l, const struct place *p, struct archive_entry *e, struct err *err)
{
  const struct attributes a = attributes_of (e);
  mode_t type = archive_entry_filetype (e);
  uint64_t major = archive_entry_rdevmajor (e), minor = archive_entry_rdevminor (e);
  dev_t dev = type == AE_IFIFO ? 0 : makedev ((unsigned) major, (unsigned) minor);
  int ret = 1;

  /* mknod(2) takes what fits, and would make another device of the rest */
  if ((type == AE_IFCHR || type == AE_IFBLK) && (major > MAJOR_MAX || minor > MINOR_MAX))
    return err_spec (err, "", "\"%s\" is a device %llu:%llu, and Linux has none of such numbers", p->path, (unsigned long long) major,
                     (unsigned long long) minor);
  if (type == AE_IFCHR && dev == makedev (0, 0))
    return err_spec (err, "", "\"%s\" is a device 0:0, which is a whiteout of overlayfs, and no way for an image to say so", p->path);
  if (type == AE_IFSOCK || (type != AE_IFIFO && ! l->is_trusted))
    {
      l->n_left_out++; /* nobody listens on it; users may not make devices */
      return 0;
    }
  while (ret == 1)
    ret = mknodat (p->dir, p->name, type | 0600, dev) < 0 ? again (p, errno, "mknodat", err) : 0;
  l->n_left_out += (uint64_t) archive_entry_xattr_count (e);
  return ret < 0 ? ret : attributes_set_at (p->dir, p->name, p->path, &a, false, l->keeps_owners, err);
}

/* A further name of a file of this layer.  The file may be a symbolic link, which is not followed.  */
static int
add_hard_link (struct layer *l, const struct place *p, const char *target, struct err *err)
{
  char clean[AT_PATH_MAX], *slash;
  const char *wrong = at_clean (target, clean), *name;
  own_fd int dir = -1;
  struct stat st;
  int ret = 1;

  if (wrong)
    return err_spec (err, "", "the hard link \"%s\" leads to \"%s\", which %s", p->path, target, wrong);
  slash = strrchr (clean, '/');
  name = slash ? slash + 1 : clean;
  if (slash)
    *slash = '\0';
  dir = at_open (l->root, slash ? clean : "", O_PATH | O_DIRECTORY, AT_NO_LINKS, NULL);
  if (dir < 0 || name[0] == '\0' || fstatat (dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISDIR (st.st_mode) || is_whiteout (&st))
    return err_spec (err, "", "the hard link \"%s\" leads to \"%s\", which is no file that came before in this layer", p->path, target);
  while (ret == 1)
    ret = linkat (dir, name, p->dir, p->name, 0) < 0 ? again (p, errno, "linkat", err) : 0;
  return ret;
}

/* --- all of them */

/* True if NUMBER can be the id of a user or group: (uid_t) -1 means none (chown(2)).  */
static bool
is_id (la_int64_t number)
{
  return number >= 0 && number < UINT32_MAX;
}

static int
add_by_type (struct layer *l, const struct place *p, struct archive *a, struct archive_entry *e, struct err *err)
{
  const char *hard = archive_entry_hardlink (e);

  if (hard)
    return add_hard_link (l, p, hard, err);
  if (! is_id (archive_entry_uid (e)) || ! is_id (archive_entry_gid (e)))
    return err_spec (err, "", "\"%s\" belongs to %lld:%lld, which is more than an id can be", p->path, (long long) archive_entry_uid (e),
                     (long long) archive_entry_gid (e));
  switch (archive_entry_filetype (e))
    {
    case AE_IFREG:
      return add_file (l, p, a, e, err);
    case AE_IFDIR:
      return add_dir (l, p, e, err);
    case AE_IFLNK:
      return add_symlink (l, p, e, err);
    case AE_IFCHR:
    case AE_IFBLK:
    case AE_IFIFO:
    case AE_IFSOCK:
      return add_node (l, p, e, err);
    default:
      return err_spec (err, "", "\"%s\" is of no type that is known", p->path);
    }
}

/* True if a directory of PATH has the name of a whiteout, which no file can have.  */
static bool
is_in_whiteout (const char *path)
{
  const char *slash;

  for (; (slash = strchr (path, '/')); path = slash + 1)
    if (str_after (path, WHITEOUT))
      return true;
  return false;
}

int
entry_add (struct layer *l, struct archive *a, struct archive_entry *e, struct err *err)
{
  const char *path = archive_entry_pathname (e), *wrong;
  char clean[AT_PATH_MAX];
  struct place p;
  int ret;

  if (path == NULL)
    return err_spec (err, "", "entry %llu has no name", (unsigned long long) l->entries + 1);
  if (++l->entries > l->max_entries)
    return err_spec (err, "", "it has more than %llu entries: if that is meant, see --max-entries", (unsigned long long) l->max_entries);
  wrong = at_clean (path, clean);
  if (wrong)
    return err_spec (err, "", "the path \"%.300s\"%s %s", path, strlen (path) > 300 ? "..." : "", wrong);
  if (is_in_whiteout (clean))
    return err_spec (err, "", "\"%s\" is in a whiteout", clean);
  if (clean[0] == '\0' && (archive_entry_filetype (e) != AE_IFDIR || archive_entry_hardlink (e)))
    return err_spec (err, "", "the root of the layer is no directory");
  ret = find_place (l, clean, &p, err);
  if (ret < 0)
    return ret;
  return str_after (p.name, WHITEOUT) ? add_whiteout (l, &p, err) : add_by_type (l, &p, a, e, err);
}

/* Deeper ones first, for the attributes of a directory may close it; of one path in the order of the archive.  */
static int
by_depth (const void *a, const void *b)
{
  const struct entry_dir *x = a, *y = b;
  int order = strcmp (y->path, x->path);

  return order ? order : (x->number > y->number) - (x->number < y->number);
}

int
entry_finish (struct layer *l, struct err *err)
{
  int ret = 0;

  if (l->n_dirs > 0)
    qsort (l->dir, l->n_dirs, sizeof *l->dir, by_depth);
  for (size_t i = 0; i < l->n_dirs && ret == 0; i++)
    {
      const struct entry_dir *d = &l->dir[i];
      own_fd int fd = -1;

      if (i + 1 < l->n_dirs && strcmp (d->path, d[1].path) == 0)
        continue;
      fd = at_open (l->root, d->path, O_RDONLY | O_DIRECTORY, AT_NO_LINKS, err);
      ret = fd < 0 ? fd : attributes_set (fd, d->path, &d->a, l->keeps_owners, l->is_trusted, NULL, NULL, err);
    }
  return ret;
}

void
entry_free (struct layer *l)
{
  for (size_t i = 0; i < l->n_dirs; i++)
    free (l->dir[i].path);
  free (l->dir);
  l->dir = NULL;
  l->n_dirs = 0;
  own_close (&l->parent);
}
