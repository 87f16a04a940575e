/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel parameters.  Only names that are known to be a namespace's own have a namespace here; never a list of what is harmful.
 * child-safe */
#include "kernel/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>
#include <linux/openat2.h>

#include "base/err.h"
#include "base/own.h"
#include "base/str.h"
#include "kernel/sys.h"

enum
{
  SYSCTL_PATH = 256
};

/* Which namespace a parameter lives in; a path that ends in '/' stands for all below it.  Other names are refused.  */
static const struct
{
  const char *path, *ns;
} owners[] = {
  { "fs/mqueue/", "ipc" },
  { "kernel/domainname", "uts" },
  { "kernel/msg_next_id", "ipc" },
  { "kernel/msgmax", "ipc" },
  { "kernel/msgmnb", "ipc" },
  { "kernel/msgmni", "ipc" },
  { "kernel/sem", "ipc" },
  { "kernel/sem_next_id", "ipc" },
  { "kernel/shm_next_id", "ipc" },
  { "kernel/shm_rmid_forced", "ipc" },
  { "kernel/shmall", "ipc" },
  { "kernel/shmmax", "ipc" },
  { "kernel/shmmni", "ipc" },
  { "net/", "network" },
  { "user/", "user" },
};

static bool
is_allowed (char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c != '\0' && strchr ("_-.:@/", c));
}

/* True if no component of PATH is empty, "." or "..".  */
static bool
is_plain (const char *path)
{
  for (const char *p = path;;)
    {
      size_t len = strcspn (p, "/");
      if (len == 0 || (len == 1 && p[0] == '.') || (len == 2 && p[0] == '.' && p[1] == '.'))
        return false;
      if (p[len] == '\0')
        return true;
      p += len + 1;
    }
}

int
sysctl_path (const char *key, char *buf, size_t size)
{
  size_t len = strlen (key);
  bool dotted = key[strcspn (key, "./")] == '.';

  if (len >= size)
    return -ENAMETOOLONG;
  for (size_t i = 0; i < len; i++)
    {
      if (! is_allowed (key[i]))
        return -EINVAL;
      buf[i] = key[i];
      if (dotted && (key[i] == '.' || key[i] == '/'))
        buf[i] = key[i] == '.' ? '/' : '.';
    }
  buf[len] = '\0';
  return is_plain (buf) ? 0 : -EINVAL;
}

const char *
sysctl_namespace (const char *key)
{
  char path[SYSCTL_PATH];

  if (sysctl_path (key, path, sizeof path) < 0)
    return NULL;
  for (size_t i = 0; i < sizeof owners / sizeof *owners; i++)
    {
      const char *rest = str_after (path, owners[i].path);
      bool below = owners[i].path[strlen (owners[i].path) - 1] == '/';
      if (rest && (below ? *rest != '\0' : *rest == '\0'))
        return owners[i].ns;
    }
  return NULL;
}

int
sysctl_check_value (const char *value)
{
  for (; *value; value++)
    if ((unsigned char) *value < ' ' ? *value != '\t' : *value == 0x7f)
      return -EINVAL;
  return 0;
}

/* Opens PATH below DIR without openat2: no link is followed, and each step must still be procfs.  */
static int
open_by_steps (int dir, const char *path)
{
  own_fd int held = -1;
  char name[SYSCTL_PATH];
  struct statfs fs;

  for (;;)
    {
      size_t len = strcspn (path, "/");
      bool last = path[len] == '\0';
      if (len >= sizeof name)
        return -ENAMETOOLONG;
      memcpy (name, path, len);
      name[len] = '\0';
      int flags = last ? O_WRONLY : O_PATH | O_DIRECTORY;
      int fd = openat (held >= 0 ? held : dir, name, flags | O_NOFOLLOW | O_CLOEXEC);
      if (fd < 0)
        return -errno;
      own_close (&held);
      held = fd;
      if (last)
        return take_fd (&held);
      if (fstatfs (held, &fs) < 0)
        return -errno;
      if (fs.f_type != PROC_SUPER_MAGIC)
        return -EXDEV;
      path += len + 1;
    }
}

/* Opens PATH below DIR for writing.  */
static int
open_parameter (int dir, const char *path)
{
  const struct open_how how = {
    .flags = O_WRONLY | O_CLOEXEC,
    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
  };
  int fd = sys_openat2 (dir, path, &how);
  return fd == -ENOSYS ? open_by_steps (dir, path) : fd;
}

int
sysctl_set (int proc_sys_dirfd, const char *path, const char *value, struct err *err)
{
  const char *text = value[0] ? value : "\n"; /* no byte would be no change; a line end clears a text, and is no number */
  struct statfs fs;
  ssize_t taken;

  if (! is_plain (path) || sysctl_check_value (value) < 0)
    return err_sys (err, EINVAL, "openat2", "/proc/sys/%s", path);
  own_fd int fd = open_parameter (proc_sys_dirfd, path);
  if (fd < 0)
    return err_sys (err, -fd, "openat2", "/proc/sys/%s", path);
  if (fstatfs (fd, &fs) < 0)
    return err_sys (err, errno, "fstatfs", "/proc/sys/%s", path);
  if (fs.f_type != PROC_SUPER_MAGIC)
    return err_doing (err, err_sys (err, EXDEV, "fstatfs", "/proc/sys/%s", path), "not on procfs");
  taken = write (fd, text, strlen (text));
  if (taken < 0)
    return err_sys (err, errno, "write", "/proc/sys/%s", path);
  /* of "1 and more" the kernel takes the number and is content */
  if (text[taken + (ssize_t) strspn (text + taken, " \t")] != '\0')
    return err_doing (err, err_sys (err, EINVAL, "write", "/proc/sys/%s", path), "the kernel took only %zd of %zu bytes", taken, strlen (text));
  return 0;
}
