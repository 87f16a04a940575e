/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes; see attributes.h.  Of extended ones a layer may set capabilities and those of users.  Not the overlay's own, by which an archive could
 * reach into other layers, nor labels and access lists, which are this machine's.  */
#include "image/attributes.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"

static const char *const opaque_names[] = { [false] = "user.overlay.opaque", [true] = "trusted.overlay.opaque" };

struct attributes
attributes_of (struct archive_entry *e)
{
  return (struct attributes){ .uid = (uid_t) archive_entry_uid (e),
                              .gid = (gid_t) archive_entry_gid (e),
                              .mode = archive_entry_perm (e) & 07777,
                              .mtime = { .tv_sec = archive_entry_mtime (e), .tv_nsec = archive_entry_mtime_nsec (e) } };
}

static int
owner_error (int num, const char *call, const char *path, const struct attributes *a, struct err *err)
{
  if (num == EINVAL || num == EPERM)
    return err_host (err, num, "\"%s\" belongs to %u:%u, which you cannot give files to: map a range of ids, or import into a store made "
                               "with --squash-owners", path, a->uid, a->gid);
  return err_sys (err, num, call, "%s", path);
}

static bool
is_ours_to_set (const char *name)
{
  return strcmp (name, "security.capability") == 0 || (str_after (name, "user.") && ! str_after (name, "user.overlay."));
}

static int
set_extended (int fd, const char *path, bool trusted, struct archive_entry *e, uint64_t *ret_left_out, struct err *err)
{
  const char *name;
  const void *value;
  size_t size;

  (void) archive_entry_xattr_reset (e);
  while (archive_entry_xattr_next (e, &name, &value, &size) == ARCHIVE_OK)
    {
      int num = is_ours_to_set (name) ? (fsetxattr (fd, name, value, size, 0) < 0 ? errno : 0) : ENOTSUP;

      if (num == 0)
        continue;
      /* a user without the privilege, or a file system without them: the file is good without */
      if (is_ours_to_set (name) && (trusted || (num != EPERM && num != ENOTSUP)))
        return err_sys (err, num, "fsetxattr", "%s of %s", name, path);
      ++*ret_left_out;
    }
  return 0;
}

int
attributes_set (int fd, const char *path, const struct attributes *a, bool keep, bool trusted, struct archive_entry *e,
                uint64_t *ret_left_out, struct err *err)
{
  const struct timespec times[] = { a->mtime, a->mtime };
  int ret;

  if (keep && fchown (fd, a->uid, a->gid) < 0)
    return owner_error (errno, "fchown", path, a, err);
  ret = e ? set_extended (fd, path, trusted, e, ret_left_out, err) : 0;
  if (ret < 0)
    return ret;
  if (fchmod (fd, a->mode) < 0)
    return err_sys (err, errno, "fchmod", "%s", path);
  return futimens (fd, times) < 0 ? err_sys (err, errno, "futimens", "%s", path) : 0;
}

int
attributes_set_at (int dir, const char *name, const char *path, const struct attributes *a, bool is_link, bool keep, struct err *err)
{
  const struct timespec times[] = { a->mtime, a->mtime };

  if (keep && fchownat (dir, name, a->uid, a->gid, AT_SYMLINK_NOFOLLOW) < 0)
    return owner_error (errno, "fchownat", path, a, err);
  if (! is_link && fchmodat (dir, name, a->mode, 0) < 0)
    return err_sys (err, errno, "fchmodat", "%s", path);
  return utimensat (dir, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? err_sys (err, errno, "utimensat", "%s", path) : 0;
}

int
attributes_hide_lower (int fd, const char *path, bool trusted, struct err *err)
{
  if (fsetxattr (fd, opaque_names[trusted], "y", 1, 0) == 0)
    return 0;
  return err_doing (err, err_sys (err, errno, "fsetxattr", "%s of %s", opaque_names[trusted], path), "marking a directory that hides what is below");
}

bool
attributes_hides_lower (int fd, bool trusted)
{
  char value[2];

  return fgetxattr (fd, opaque_names[trusted], value, sizeof value) == 1 && value[0] == 'y';
}
