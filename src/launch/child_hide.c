/* SPDX-License-Identifier: Apache-2.0 */
/* What chroot leaves of the host: its mounts stay in the container's mount namespace, out of reach, and to the kernel a procfs or sysfs among them, of which
 * nothing is covered, is leave to mount another one (mount_too_revealing in fs/namespace.c).  Whoever makes himself a user namespace in the container would
 * have one without masks.  So each gets a cover, which stays the host's: only in this mount namespace.  child-safe */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/err.h"
#include "base/own.h"
#include "base/str.h"
#include "kernel/proc.h"
#include "kernel/sys.h"
#include "launch/child.h"

enum
{
  LINE_SIZE = 32 * 1024, /* two paths of which each byte may be four, and options */
  FIELD_ROOT = 3,
  FIELD_POINT = 4
};

/* The mount point of LINE (proc(5), "mountinfo"), if it is of a whole procfs or sysfs; or NULL.  */
static char *
kernels_own (char *line)
{
  const char *type = strstr (line, " - "), *root = NULL;
  char *field = NULL;

  if (type == NULL || (strncmp (type, " - proc ", 8) != 0 && strncmp (type, " - sysfs ", 9) != 0))
    return NULL;
  for (int i = 0; i <= FIELD_POINT && (field = strsep (&line, " ")) != NULL; i++)
    if (i == FIELD_ROOT)
      root = field;
  if (field == NULL || strcmp (root, "/") != 0)
    return NULL;
  return str_unescape_octal (field);
}

/* Covers what is at PATH of the host, if it is procfs or sysfs; a mount of the container has such a name, too.  What an ordinary user may not reach he
 * cannot cover either, and if there are MASKS to get around he is refused.  Returns 1 if it was covered.  */
static int
cover (const char *path, bool masks, struct err *err)
{
  struct statfs fs;
  own_fd int fd = open (path, O_PATH | O_CLOEXEC);
  int ret;

  if (fd < 0 && errno == EACCES && masks)
    return err_sys (err, EACCES, "open", "the host's %s, to cover it", path);
  if (fd < 0 || fstatfs (fd, &fs) < 0 || (fs.f_type != PROC_SUPER_MAGIC && fs.f_type != SYSFS_MAGIC))
    return 0;
  /* a cover on a shared mount would be seen by its peers, the host's own */
  ret = sys_mount (NULL, path, NULL, MS_PRIVATE, NULL);
  if (ret == 0)
    ret = sys_mount ("tmpfs", path, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
  return ret < 0 ? err_sys (err, -ret, "mount", "cover of the host's %s", path) : 1;
}

/* Goes through the table once.  Returns how many were covered.  */
static int
cover_all (int table, bool masks, char *text, size_t size, struct err *err)
{
  size_t used = 0;
  int covered = 0;

  for (;;)
    {
      ssize_t n = read (table, text + used, size - 1 - used);
      char *line = text, *end, *point;

      if (n <= 0)
        return n < 0 || used > 0 ? err_sys (err, n < 0 ? errno : E2BIG, "read", "mounts of this process") : covered;
      used += (size_t) n;
      text[used] = '\0';
      for (; (end = strchr (line, '\n')) != NULL; line = end + 1)
        {
          int ret;

          *end = '\0';
          point = kernels_own (line);
          ret = point ? cover (point, masks, err) : 0;
          if (ret < 0)
            return ret;
          covered += ret;
        }
      used -= (size_t) (line - text);
      memmove (text, line, used);
    }
}

int
child_hide_host (struct child *c, struct err *err)
{
  static char text[LINE_SIZE];
  bool masks = c->plan->n_masked > 0 || c->plan->n_readonly > 0;
  int proc = child_proc (c, err), ret;

  if (proc < 0)
    return proc;
  do /* again: before Linux 5.8 a table that changes may be read with gaps */
    {
      own_fd int table = proc_open_file (proc, "self/mountinfo", O_RDONLY);

      ret = table < 0 ? err_sys (err, -table, "openat2", "/proc/self/mountinfo") : cover_all (table, masks, text, sizeof text, err);
    }
  while (ret > 0);
  return ret;
}
