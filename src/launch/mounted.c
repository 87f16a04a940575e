/* SPDX-License-Identifier: Apache-2.0 */
/* The list of added mounts; see mounted.h.  */
#include "launch/mounted.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/own.h"
#include "launch/record.h"

static OCI_TYPE (live_mount,
  OCI_NUM (live_mount, id,          "id",          OCI_REQUIRED),
  OCI_STR (live_mount, destination, "destination", OCI_REQUIRED),
  OCI_STR (live_mount, device,      "device",      OCI_REQUIRED),
  OCI_STR (live_mount, type,        "type",        OCI_REQUIRED),
  OCI_STR (live_mount, source,      "source",      OCI_REQUIRED));

static OCI_TYPE (mounted,
  OCI_OBJS (mounted, mounts, "mounts", OCI_REQUIRED, live_mount));

enum
{
  TRIES = 500,
  PAUSE_NS = 20 * 1000 * 1000
};

int
mounted_lock (const struct record_dir *dir, struct err *err)
{
  static const struct timespec pause = { .tv_nsec = PAUSE_NS };
  own_fd int fd = openat (dir->fd, MOUNTED_LOCK, O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

  if (fd < 0)
    return err_sys (err, errno, "openat", "%s/%s", dir->id, MOUNTED_LOCK);
  for (int i = 0; i < TRIES; i++)
    {
      if (flock (fd, LOCK_EX | LOCK_NB) == 0)
        return take_fd (&fd);
      if (errno != EWOULDBLOCK && errno != EINTR)
        return err_sys (err, errno, "flock", "%s/%s", dir->id, MOUNTED_LOCK);
      (void) nanosleep (&pause, NULL);
    }
  return err_state (err, EBUSY, "another command is changing the mounts of container \"%s\"", dir->id);
}

int
mounted_load (const struct record_dir *dir, struct oci_arena **arena, struct mounted *ret_list, struct err *err)
{
  own_mem char *text = NULL;
  void *object = NULL;
  ssize_t len = file_read_at (dir->fd, MOUNTED_FILE, OCI_DOCUMENT_MAX, &text, err);

  *ret_list = (struct mounted){ 0 };
  if (len == -ENOENT)
    {
      err_clear (err);
      return 0;
    }
  if (len < 0)
    return (int) len;
  if (oci_decode (&mounted_type, text, (size_t) len, &object, arena, NULL) < 0)
    return err_bug (err, EINVAL, "%s of container \"%s\" is damaged; without it nothing is known to be added", MOUNTED_FILE, dir->id);
  *ret_list = *(struct mounted *) object;
  return 0;
}

int
mounted_save (const struct record_dir *dir, const struct mounted *list, const struct mountinfo *table, size_t n, struct err *err)
{
  own_mem struct live_mount *kept = calloc (list->n_mounts + 1, sizeof *kept);
  struct mounted left = { .mounts = kept };
  own_mem char *text = NULL;
  size_t len;
  int ret;

  if (kept == NULL)
    return err_sys (err, ENOMEM, "calloc", "%s", MOUNTED_FILE);
  for (size_t i = 0; i < list->n_mounts; i++)
    if (live_find (&list->mounts[i], table, n))
      kept[left.n_mounts++] = list->mounts[i];
  ret = oci_encode (&mounted_type, &left, false, &text, &len);
  if (ret == -EILSEQ)
    return err_host (err, EILSEQ, "a mount whose destination or source is no UTF-8 cannot be recorded");
  if (ret < 0)
    return err_sys (err, -ret, "malloc", "%s", MOUNTED_FILE);
  return file_replace_at (dir->fd, MOUNTED_FILE, text, len, 0600, err);
}
