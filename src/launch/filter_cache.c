/* SPDX-License-Identifier: Apache-2.0 */
/* The cache of filters; see filter_cache.h.  What is read was written by us, as far as the file system can tell; it is checked all the same.  */
#include "launch/filter_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/own.h"
#include "base/str.h"
#include "kernel/filter.h"
#include "launch/record.h"

/* Which file a library is: another version of it is another one.  */
struct identity
{
  char path[FILTER_PATH];
  uint64_t device, inode, size;
  int64_t changed, changed_nsec, modified, modified_nsec;
};

/* A file of the cache: this, and N instructions.  */
struct entry
{
  char magic[8];
  unsigned char key[DIGEST_SIZE];
  unsigned char sum[DIGEST_SIZE]; /* of everything after it */
  struct identity library;
  uint64_t n;
  struct sock_filter code[FILTER_MAX];
};

static const char magic[8] = "orlop-1";

enum
{
  HEAD = offsetof (struct entry, code),
  SUMMED = offsetof (struct entry, library)
};

static int
identify (const char *path, struct identity *ret_identity)
{
  struct stat st;

  if (stat (path, &st) < 0)
    return -errno;
  *ret_identity = (struct identity){ .device = st.st_dev, .inode = st.st_ino, .size = (uint64_t) st.st_size,
                                     .changed = st.st_ctim.tv_sec, .changed_nsec = st.st_ctim.tv_nsec,
                                     .modified = st.st_mtim.tv_sec, .modified_nsec = st.st_mtim.tv_nsec };
  return str_copy (ret_identity->path, sizeof ret_identity->path, path);
}

/* 0 if FD is of KIND and nobody's but ours.  */
static int
check_owned (int fd, mode_t kind, off_t *ret_size)
{
  struct stat st;

  if (fstat (fd, &st) < 0)
    return -errno;
  *ret_size = st.st_size;
  return (st.st_mode & S_IFMT) == kind && st.st_uid == geteuid () && (st.st_mode & 077) == 0 ? 0 : -EPERM;
}

/* Opens the directory below DIRFD.  A link in its place is refused.  */
static int
open_dir (int dirfd, const char *name)
{
  off_t size;
  int ret;
  own_fd int fd = openat (dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

  if (fd < 0)
    return errno == ENOTDIR || errno == ELOOP ? -EPERM : -errno;
  ret = check_owned (fd, S_IFDIR, &size);
  return ret < 0 ? ret : take_fd (&fd);
}

/* Reads file NAME whole.  Returns its size or negative errno.  */
static ssize_t
read_entry (int dir, const char *name, struct entry *e)
{
  off_t size;
  ssize_t n;
  int ret;
  own_fd int fd = openat (dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

  if (fd < 0)
    return errno == ELOOP ? -EPERM : -errno;
  ret = check_owned (fd, S_IFREG, &size);
  if (ret < 0)
    return ret;
  if (size < HEAD || size > (off_t) sizeof *e)
    return -EBADMSG;
  n = read (fd, e, (size_t) size);
  return n < 0 ? -errno : n == size ? n : -EBADMSG;
}

static bool
entry_valid (const struct entry *e, size_t size, const unsigned char key[DIGEST_SIZE])
{
  unsigned char sum[DIGEST_SIZE];

  return memcmp (e->magic, magic, sizeof magic) == 0 && memcmp (e->key, key, sizeof e->key) == 0 && e->n <= FILTER_MAX
         && size == HEAD + e->n * sizeof *e->code && e->library.path[sizeof e->library.path - 1] == '\0'
         && digest_of ((const char *) e + SUMMED, size - SUMMED, sum) == 0 && memcmp (sum, e->sum, sizeof sum) == 0
         && filter_valid (e->code, e->n);
}

int
filter_cache_get (const char *root, const unsigned char key[DIGEST_SIZE], struct filter *ret_filter)
{
  char path[PATH_MAX], name[DIGEST_TEXT];
  own_mem struct entry *e = malloc (sizeof *e);
  struct identity now;
  ssize_t size;

  if (e == NULL || snprintf (path, sizeof path, "%s/%s", root, FILTER_CACHE_DIR) >= (int) sizeof path)
    return e ? -ENAMETOOLONG : -ENOMEM;
  own_fd int dir = open_dir (AT_FDCWD, path);
  if (dir < 0)
    return dir;
  digest_text (key, name);
  size = read_entry (dir, name, e);
  if (size < 0)
    return (int) size;
  if (! entry_valid (e, (size_t) size, key))
    return -EBADMSG;
  if (identify (e->library.path, &now) < 0 || memcmp (&now, &e->library, sizeof now) != 0)
    return -ESTALE;
  ret_filter->n = e->n;
  ret_filter->code = malloc (e->n * sizeof *e->code);
  if (ret_filter->code == NULL)
    return -ENOMEM;
  memcpy (ret_filter->code, e->code, e->n * sizeof *e->code);
  return str_copy (ret_filter->library, sizeof ret_filter->library, e->library.path);
}

/* Removes the oldest file, if there are as many as there may be.  Returns 1 if it did.  */
static int
evict_one (int dir)
{
  char oldest[NAME_MAX + 1] = "";
  struct timespec when = { 0 };
  size_t n = 0;
  int copy = openat (dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *d = copy < 0 ? NULL : fdopendir (copy);

  if (d == NULL)
    {
      own_close (&copy);
      return 0;
    }
  for (struct dirent *f; (f = readdir (d)) != NULL;)
    {
      struct stat st;

      if (f->d_name[0] == '.' || fstatat (dir, f->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        continue;
      n++;
      if (oldest[0] && (st.st_mtim.tv_sec > when.tv_sec || (st.st_mtim.tv_sec == when.tv_sec && st.st_mtim.tv_nsec >= when.tv_nsec)))
        continue;
      when = st.st_mtim;
      (void) str_copy (oldest, sizeof oldest, f->d_name);
    }
  closedir (d);
  return n >= FILTER_CACHE_FILES && unlinkat (dir, oldest, 0) == 0; /* another command may have been faster */
}

/* Makes the directory if it is missing, and opens it.  */
static int
make_dir (const char *root, struct err *err)
{
  int ret;
  own_fd int fd = record_root (root, true, err);

  if (fd < 0)
    return fd;
  if (mkdirat (fd, FILTER_CACHE_DIR, 0700) < 0 && errno != EEXIST)
    return err_sys (err, errno, "mkdirat", "%s/%s", root, FILTER_CACHE_DIR);
  ret = open_dir (fd, FILTER_CACHE_DIR);
  return ret < 0 ? err_sys (err, -ret, "openat", "%s/%s", root, FILTER_CACHE_DIR) : ret;
}

/* Under a name that no other command has, and then its own: whoever reads it sees all of it or nothing.  */
static int
write_entry (int dir, const struct entry *e, size_t size, struct err *err)
{
  char name[DIGEST_TEXT], temporary[DIGEST_TEXT + 16];
  int ret;

  digest_text (e->key, name);
  (void) snprintf (temporary, sizeof temporary, "%s.%d", name, getpid ());
  ret = file_create_at (dir, temporary, (const char *) e, size, 0600, err);
  if (ret < 0)
    return ret;
  if (renameat (dir, temporary, dir, name) == 0)
    return 0;
  ret = err_sys (err, errno, "renameat", "%s", name);
  (void) unlinkat (dir, temporary, 0);
  return ret;
}

int
filter_cache_put (const char *root, const unsigned char key[DIGEST_SIZE], const struct filter *filter, struct err *err)
{
  own_mem struct entry *e = calloc (1, sizeof *e);
  size_t size = HEAD + filter->n * sizeof *e->code;
  int ret;

  if (e == NULL || filter->n > FILTER_MAX)
    return err_sys (err, e ? E2BIG : ENOMEM, "calloc", "filter");
  memcpy (e->magic, magic, sizeof magic);
  memcpy (e->key, key, sizeof e->key);
  e->n = filter->n;
  memcpy (e->code, filter->code, filter->n * sizeof *e->code);
  ret = identify (filter->library, &e->library);
  if (ret < 0)
    return err_sys (err, -ret, "stat", "%s", filter->library);
  ret = digest_of ((const char *) e + SUMMED, size - SUMMED, e->sum);
  if (ret < 0)
    return err_host (err, -ret, "this build has no digests");
  own_fd int dir = make_dir (root, err);
  if (dir < 0)
    return dir;
  while (evict_one (dir))
    ;
  return write_entry (dir, e, size, err);
}
