/* SPDX-License-Identifier: Apache-2.0 */
/* A resctrl file system that is none, for machines without the hardware: preloaded into the runtime, it plays the kernel's part in the directory
 * $FAKE_RESCTRL.  The mounts that the runtime reads have one line more; a group that is made has its files, a monitoring group too, and whoever
 * removes one removes them; a write to schemata is kept, one line after the other, in the file writes beside the group's. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define REAL(name) ((__typeof__ (&name)) dlsym (RTLD_NEXT, #name))

static int
is_ours (const char *path)
{
  const char *root = getenv ("FAKE_RESCTRL");

  return root && strncmp (path, root, strlen (root)) == 0;
}

/* Our mounts, with resctrl among them unless FAKE_RESCTRL_UNMOUNTED is set.  */
static int
fake_mounts (int real)
{
  int fd = memfd_create ("mountinfo", MFD_CLOEXEC);
  char buf[4096];
  ssize_t n;

  while ((n = read (real, buf, sizeof buf)) > 0)
    (void) ! write (fd, buf, (size_t) n);
  if (getenv ("FAKE_RESCTRL_UNMOUNTED") == NULL)
    dprintf (fd, "999 1 0:99 / %s rw,relatime shared:7 - resctrl resctrl rw\n", getenv ("FAKE_RESCTRL"));
  (void) lseek (fd, 0, SEEK_SET);
  close (real);
  return fd;
}

int
openat (int dir, const char *path, int flags, ...)
{
  va_list args;
  mode_t mode;
  int fd;

  va_start (args, flags);
  mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg (args, mode_t) : 0;
  va_end (args);
  if (getenv ("FAKE_RESCTRL") && strcmp (path, "tasks") == 0 && (flags & O_ACCMODE) == O_WRONLY)
    flags |= O_TRUNC; /* a plain file would keep the end of a longer number */
  fd = REAL (openat) (dir, path, flags, mode);
  return fd >= 0 && getenv ("FAKE_RESCTRL") && strcmp (path, "/proc/self/mountinfo") == 0 ? fake_mounts (fd) : fd;
}

static void
make_file (const char *dir, const char *name, const char *text)
{
  char path[4096];

  (void) snprintf (path, sizeof path, "%s/%s", dir, name);
  int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  (void) ! REAL (write) (fd, text, strlen (text));
  close (fd);
}

int
mkdir (const char *path, mode_t mode)
{
  char monitors[4096];
  int ret = REAL (mkdir) (path, mode);

  if (ret < 0 || ! is_ours (path))
    return ret;
  make_file (path, "tasks", "");
  if (strstr (path, "/mon_groups/"))
    return 0;
  make_file (path, "schemata", "    L3:0=fffff;1=fffff\n    MB:0=100;1=100\n");
  (void) snprintf (monitors, sizeof monitors, "%s/mon_groups", path);
  return REAL (mkdir) (monitors, mode);
}

int
rmdir (const char *path)
{
  static const char *const files[] = { "tasks", "schemata", "writes" };
  char name[4096];

  for (size_t i = 0; is_ours (path) && i < sizeof files / sizeof *files; i++)
    {
      (void) snprintf (name, sizeof name, "%s/%s", path, files[i]);
      (void) unlink (name);
    }
  (void) snprintf (name, sizeof name, "%s/mon_groups", path);
  if (is_ours (path))
    (void) REAL (rmdir) (name);
  return REAL (rmdir) (path);
}

/* The kernel takes whole lines only, and changes what they name.  */
ssize_t
write (int fd, const void *text, size_t len)
{
  char link[64], path[4096] = "";
  const char *line = text;

  (void) snprintf (link, sizeof link, "/proc/self/fd/%d", fd);
  if (getenv ("FAKE_RESCTRL") == NULL || readlink (link, path, sizeof path - 1) < 0 || ! is_ours (path) || ! strstr (path, "/schemata"))
    return REAL (write) (fd, text, len);
  if (len == 0 || line[len - 1] != '\n' || memmem (text, len, "bad", 3))
    return errno = EINVAL, -1;
  strcpy (strstr (path, "/schemata"), "/writes");
  fd = REAL (openat) (AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND, 0644);
  (void) ! REAL (write) (fd, text, len);
  (void) ! REAL (write) (fd, "--\n", 3);
  close (fd);
  return (ssize_t) len;
}
