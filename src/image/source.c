/* SPDX-License-Identifier: Apache-2.0 */
/* What is imported; see source.h.  */
#include "image/source.h"

#include <archive.h>
#include <archive_entry.h>
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
#include "image/documents.h"

enum
{
  FILES_MAX = 20000, /* an image has at most a few hundred */
  LINKS_MAX = 8       /* that lead from one name to another */
};

/* --- opening */

static int
write_all (int fd, const char *data, size_t len, struct err *err)
{
  int ret = file_write_all (fd, data, len);

  return ret < 0 ? err_sys (err, -ret, "write", "the store's temporary file") : 0;
}

static int
open_spool (int dir, struct err *err)
{
  int fd = openat (dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

  return fd < 0 ? err_sys (err, errno, "openat", "a temporary file in the store") : fd;
}

/* A pipe, whole, as a file.  */
static int
spool_pipe (int from, int dir, uint64_t max, struct err *err)
{
  char buf[65536];
  uint64_t total = 0;
  own_fd int fd = open_spool (dir, err);
  ssize_t n;

  if (fd < 0)
    return fd;
  while ((n = read (from, buf, sizeof buf)) != 0)
    {
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return err_sys (err, errno, "read", "the archive");
      total += (uint64_t) n;
      if (total > max)
        return err_spec (err, "", "the archive is more than %llu MiB: if that is meant, see --max-size", (unsigned long long) max >> 20);
      if (write_all (fd, buf, (size_t) n, err) < 0)
        return -EIO;
    }
  return take_fd (&fd);
}

/* A compressed archive as a plain one.  */
static int
spool_blob (const struct window *w, int dir, uint64_t max, struct err *err)
{
  struct blob *b = NULL;
  const void *data;
  own_fd int fd = open_spool (dir, err);
  ssize_t n = fd < 0 ? fd : blob_open (w, max, &b, err);

  if (n < 0)
    return (int) n;
  while ((n = blob_next (b, &data, err)) > 0)
    if (write_all (fd, data, (size_t) n, err) < 0)
      {
        n = -EIO;
        break;
      }
  blob_close (b);
  return n < 0 ? (int) n : take_fd (&fd);
}

/* Replaces the descriptor of S by one of a plain archive.  */
static int
make_plain (struct source *s, int dir, uint64_t max, struct err *err)
{
  struct window w = { .fd = s->fd };
  struct stat st;
  int fd = -1;

  if (fstat (s->fd, &st) < 0)
    return err_sys (err, errno, "fstat", "the archive");
  w.size = (uint64_t) st.st_size;
  if (! S_ISREG (st.st_mode))
    fd = spool_pipe (s->fd, dir, max, err);
  else if (blob_is_compressed (&w))
    fd = spool_blob (&w, dir, max, err);
  else
    return 0;
  if (fd < 0)
    return fd;
  own_close (&s->fd);
  s->fd = fd;
  return S_ISREG (st.st_mode) ? 0 : make_plain (s, dir, max, err); /* what came through a pipe may be compressed */
}

/* --- the list of an archive's files */

/* TARGET of the symbolic link NAME, which may go up with ".." but not out, as a clean name.  */
static const char *
clean_target (const char *name, const char *target, char *buf)
{
  const char *slash = strrchr (name, '/');
  size_t dir = slash ? (size_t) (slash - name) : 0;
  char joined[AT_PATH_MAX];
  int n;

  for (; strncmp (target, "../", 3) == 0; target += 3)
    {
      if (dir == 0)
        return "leads out of the archive";
      while (dir > 0 && name[--dir] != '/')
        ;
    }
  n = snprintf (joined, sizeof joined, "%.*s/%s", (int) dir, name, target);
  return n < 0 || (size_t) n >= sizeof joined ? "is too long" : at_clean (dir ? joined : target, buf);
}

static int
add_file (struct source *s, const struct source_file *f, struct err *err)
{
  void *more;

  if (s->n_files == FILES_MAX)
    return err_spec (err, "", "the archive has more than %d entries: it is no image", FILES_MAX);
  if (s->n_files == s->room)
    {
      s->room = 2 * s->room + 64;
      more = reallocarray (s->file, s->room, sizeof *s->file);
      if (more == NULL)
        return err_host (err, ENOMEM, "out of memory for the list of the archive's files");
      s->file = more;
    }
  s->file[s->n_files] = (struct source_file){ .name = strdup (f->name), .link = f->link ? strdup (f->link) : NULL, .offset = f->offset, .size = f->size };
  if (s->file[s->n_files].name == NULL || (f->link && s->file[s->n_files].link == NULL))
    return err_host (err, ENOMEM, "out of memory for the list of the archive's files");
  s->n_files++;
  return 0;
}

/* Adds what the archive A is at.  */
static int
add_entry (struct source *s, struct archive *a, struct archive_entry *e, uint64_t end, struct err *err)
{
  const char *path = archive_entry_pathname (e), *hard = archive_entry_hardlink (e), *soft = archive_entry_symlink (e);
  char name[AT_PATH_MAX], link[AT_PATH_MAX];
  const char *wrong = path ? at_clean (path, name) : "is missing";
  struct source_file f = { .name = name, .offset = (uint64_t) archive_filter_bytes (a, 0), .size = (uint64_t) archive_entry_size (e) };

  if (wrong)
    return err_spec (err, "", "the path \"%s\" in the archive %s", path ? path : "", wrong);
  if (! hard && ! soft && archive_entry_filetype (e) != AE_IFREG)
    return 0; /* directories, and what is no image's */
  if (hard || soft)
    {
      wrong = hard ? at_clean (hard, link) : clean_target (name, soft, link);
      f.link = link;
    }
  else if (archive_entry_sparse_count (e) > 0)
    wrong = "is a sparse file, which is not read";
  else if (f.offset > end || f.size > end - f.offset)
    wrong = "goes on after the end of the archive: it was cut off";
  return wrong ? err_spec (err, "", "\"%s\" in the archive %s", name, wrong) : add_file (s, &f, err);
}

static int
by_name (const void *a, const void *b)
{
  return strcmp (((const struct source_file *) a)->name, ((const struct source_file *) b)->name);
}

static int
read_list (struct source *s, struct archive *a, uint64_t end, struct err *err)
{
  struct archive_entry *e;
  int got, ret = 0;

  if (archive_read_support_format_tar (a) != ARCHIVE_OK || archive_read_open_fd (a, s->fd, 65536) != ARCHIVE_OK)
    return err_spec (err, "", "it is no archive of an image: %s", archive_error_string (a));
  /* a warning is of a name that this locale cannot show, which does not matter */
  while (ret == 0 && ((got = archive_read_next_header (a, &e)) == ARCHIVE_OK || got == ARCHIVE_WARN))
    ret = add_entry (s, a, e, end, err);
  if (ret == 0 && got != ARCHIVE_EOF)
    ret = err_spec (err, "", "it is no archive of an image: %s", archive_error_string (a));
  return ret;
}

static int
list_files (struct source *s, struct err *err)
{
  struct archive *a = archive_read_new ();
  struct stat st;
  int ret;

  if (a == NULL)
    return err_host (err, ENOMEM, "out of memory for the archive");
  if (fstat (s->fd, &st) < 0 || lseek (s->fd, 0, SEEK_SET) < 0)
    ret = err_sys (err, errno, "lseek", "the archive");
  else
    ret = read_list (s, a, (uint64_t) st.st_size, err);
  (void) archive_read_free (a);
  if (ret < 0)
    return ret;
  if (s->n_files > 0)
    qsort (s->file, s->n_files, sizeof *s->file, by_name);
  for (size_t i = 1; i < s->n_files; i++)
    if (by_name (&s->file[i - 1], &s->file[i]) == 0)
      return err_spec (err, "", "\"%s\" is twice in the archive", s->file[i].name);
  return 0;
}

int
source_open (struct source *s, const char *path, int spool, uint64_t max, struct err *err)
{
  struct stat st;
  int ret;

  s->fd = strcmp (path, "-") == 0 ? fcntl (STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open (path, O_RDONLY | O_CLOEXEC);
  if (s->fd < 0 || fstat (s->fd, &st) < 0)
    return err_sys (err, errno, "open", "%s", path);
  s->is_dir = S_ISDIR (st.st_mode);
  if (s->is_dir)
    return 0;
  ret = make_plain (s, spool, max, err);
  return ret < 0 ? ret : list_files (s, err);
}

void
source_close (struct source *s)
{
  for (size_t i = 0; i < s->n_files; i++)
    {
      free (s->file[i].name);
      free (s->file[i].link);
    }
  free (s->file);
  own_close (&s->fd);
}

/* --- finding */

static int
find_in_dir (const struct source *s, const char *name, struct window *ret_window, struct err *err)
{
  struct stat st;
  own_fd int fd = at_open (s->fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, AT_BENEATH, NULL);

  if (fd == -ENOENT)
    return fd;
  if (fd < 0 || fstat (fd, &st) < 0)
    return err_sys (err, fd < 0 ? -fd : errno, "openat2", "%s in the layout", name);
  if (! S_ISREG (st.st_mode))
    return err_spec (err, "", "\"%s\" in the layout is no regular file", name);
  *ret_window = (struct window){ .fd = take_fd (&fd), .size = (uint64_t) st.st_size };
  return 0;
}

int
source_find (const struct source *s, const char *name, struct window *ret_window, struct err *err)
{
  char clean[AT_PATH_MAX];
  struct source_file key = { .name = clean };
  const char *wrong = at_clean (name, clean);

  if (wrong)
    return err_spec (err, "", "the path \"%s\" %s", name, wrong);
  if (s->is_dir)
    return find_in_dir (s, clean, ret_window, err);
  for (int hops = 0; hops <= LINKS_MAX; hops++)
    {
      const struct source_file *f = s->n_files ? bsearch (&key, s->file, s->n_files, sizeof *s->file, by_name) : NULL;

      if (f == NULL)
        return -ENOENT;
      if (f->link == NULL)
        {
          *ret_window = (struct window){ .fd = s->fd, .offset = f->offset, .size = f->size };
          return 0;
        }
      key.name = f->link;
    }
  return err_spec (err, "", "\"%s\" in the archive is a link of links without end", name);
}

void
source_release (const struct source *s, const struct window *w)
{
  if (s->is_dir)
    own_close (&w->fd);
}

ssize_t
source_read (const struct source *s, const char *name, char **ret_text, struct err *err)
{
  struct window w = { .fd = -1 };
  int ret = source_find (s, name, &w, err);
  own_mem char *text = NULL;
  size_t used = 0;
  ssize_t n = 1;

  if (ret < 0)
    return ret;
  if (w.size > DOCUMENT_MAX)
    ret = err_spec (err, "", "\"%s\" has %llu bytes, and a document at most %d", name, (unsigned long long) w.size, DOCUMENT_MAX);
  else if ((text = malloc ((size_t) w.size + 1)) == NULL)
    ret = err_host (err, ENOMEM, "out of memory for %s", name);
  while (ret == 0 && used < w.size && n > 0)
    {
      n = pread (w.fd, text + used, (size_t) w.size - used, (off_t) (w.offset + used));
      if (n < 0 && errno != EINTR)
        ret = err_sys (err, errno, "pread", "%s", name);
      used += n > 0 ? (size_t) n : 0;
      n = n < 0 ? 1 : n;
    }
  source_release (s, &w);
  if (ret < 0)
    return ret;
  text[used] = '\0';
  *ret_text = take_ptr (text);
  return (ssize_t) used;
}
