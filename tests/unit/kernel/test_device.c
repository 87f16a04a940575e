/* SPDX-License-Identifier: Apache-2.0 */
/* Device nodes, made in a tmpfs of a mount namespace of the test's own. */
#include "in_child.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/err.h"
#include "kernel/device.h"
#include "kernel/sys.h"

static const struct device null_device = { "dev/null", S_IFCHR | 0666, 1, 3, 0, 0 };

/* Goes to a private place where nodes can be made; returns its handle or -1.  */
static int
make_place (void)
{
  if (geteuid () != 0 || unshare (CLONE_NEWNS) < 0 || sys_mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0
      || sys_mount ("tmpfs", "/mnt", "tmpfs", 0, NULL) < 0)
    return -1;
  umask (0);
  return open ("/mnt", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

#define PLACE(dir)                                                                                                     \
  int dir = make_place ();                                                                                             \
  CHILD_SKIP_UNLESS ((dir) >= 0, "needs root and a mount namespace")

static int
is_node (int dir, const char *name, mode_t mode, unsigned major_number, unsigned minor_number, uid_t uid)
{
  struct stat st;

  return fstatat (dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_mode == mode && st.st_uid == uid && st.st_gid == uid
         && (S_ISFIFO (mode) || st.st_rdev == makedev (major_number, minor_number));
}

static int
makes (void *arg)
{
  const struct device block = { "dev/disk", S_IFBLK | 0640, 7, 200, 11, 11 }, fifo = { "dev/f", S_IFIFO | 0604, 0, 0, 0, 0 },
                      bits = { "dev/b", S_IFCHR | 04711, 1, 5, 12, 12 };

  (void) arg;
  PLACE (dir);
  for (size_t i = 0; i < device_n_defaults; i++)
    {
      const struct device *d = &device_defaults[i];
      CHECK (device_make (dir, strchr (d->path, '/') + 1, d, NULL) == 0);
      CHECK (is_node (dir, strchr (d->path, '/') + 1, S_IFCHR | 0666, d->major, d->minor, 0));
    }
  CHECK (write (openat (dir, "null", O_WRONLY), "x", 1) == 1 && openat (dir, "zero", O_RDONLY) >= 0);
  CHECK (device_make (dir, "disk", &block, NULL) == 0 && is_node (dir, "disk", S_IFBLK | 0640, 7, 200, 11));
  CHECK (device_make (dir, "f", &fifo, NULL) == 0 && is_node (dir, "f", S_IFIFO | 0604, 0, 0, 0));
  CHECK (device_make (dir, "b", &bits, NULL) == 0);
  return 0;
}

static int
takes_existing (void *arg)
{
  const struct device owned = { "dev/null", S_IFCHR | 0600, 1, 3, 9, 9 };

  (void) arg;
  PLACE (dir);
  CHECK (mknodat (dir, "null", S_IFCHR | 0444, makedev (1, 3)) == 0);
  CHECK (device_make (dir, "null", &null_device, NULL) == 0 && is_node (dir, "null", S_IFCHR | 0666, 1, 3, 0));
  CHECK (device_make (dir, "null", &owned, NULL) == 0 && is_node (dir, "null", S_IFCHR | 0600, 1, 3, 9));
  return 0;
}

/* The same before Linux 6.6.  */
static int
takes_existing_without_fchmodat2 (void *arg)
{
  CHILD_SKIP_UNLESS (deny_call (452, 0, 0, ENOSYS) == 0, "no seccomp");
  return takes_existing (arg);
}

/* Whatever is there instead, most of all a link to somewhere, is neither changed nor followed.  */
static int
refuses_others (void *arg)
{
  struct err err = { 0 };
  struct stat st;

  (void) arg;
  PLACE (dir);
  CHECK (mknodat (dir, "other", S_IFCHR | 0600, makedev (1, 5)) == 0 && mknodat (dir, "block", S_IFBLK | 0600, makedev (1, 3)) == 0);
  CHECK (mknodat (dir, "real", S_IFCHR | 0600, makedev (1, 3)) == 0 && symlinkat ("real", dir, "link") == 0);
  CHECK (mknodat (dir, "file", S_IFREG | 0600, 0) == 0 && mkdirat (dir, "dir", 0700) == 0);
  static const char *const names[] = { "other", "block", "link", "file", "dir" };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    CHECK (device_make (dir, names[i], &null_device, &err) == -EEXIST && strcmp (err.object, "/dev/null") == 0);
  CHECK (is_node (dir, "real", S_IFCHR | 0600, 1, 3, 0) && fstatat (dir, "file", &st, 0) == 0 && st.st_mode == (S_IFREG | 0600));
  CHECK (device_make (-1, "null", &null_device, NULL) == -EBADF);
  return 0;
}

static int
binds (void *arg)
{
  const struct device fifo = { "dev/f", S_IFIFO | 0600, 0, 0, 0, 0 };
  struct stat st, host;

  (void) arg;
  PLACE (dir);
  CHECK (stat ("/dev/null", &host) == 0);
  CHECK (device_bind (dir, "null", &null_device, NULL) == 0);
  int fd = openat (dir, "null", O_WRONLY | O_NOFOLLOW);
  CHECK (fd >= 0 && fstat (fd, &st) == 0 && st.st_ino == host.st_ino && st.st_dev == host.st_dev && write (fd, "x", 1) == 1);
  CHECK (mknodat (dir, "there", S_IFREG | 0600, 0) == 0 && device_bind (dir, "there", &null_device, NULL) == 0);
  CHECK (is_node (dir, "there", host.st_mode, 1, 3, host.st_uid));
  CHECK (device_bind (dir, "f", &fifo, NULL) == 0 && is_node (dir, "f", S_IFIFO | 0600, 0, 0, 0));
  return 0;
}

static int
refuses_to_bind (void *arg)
{
  const struct device wrong = { "dev/zero", S_IFCHR | 0666, 1, 3, 0, 0 }, none = { "dev/none-of-us", S_IFCHR | 0666, 1, 3, 0, 0 };
  struct err err = { 0 };
  struct stat st;

  (void) arg;
  PLACE (dir);
  CHECK (device_bind (dir, "null", &wrong, &err) == -ENODEV && strstr (err.what, "1:3") != NULL);
  CHECK (device_bind (dir, "null", &none, NULL) == -ENOENT);
  CHECK (fstatat (dir, "null", &st, 0) < 0 && errno == ENOENT);
  CHECK (mknodat (dir, "real", S_IFREG | 0600, 0) == 0 && symlinkat ("real", dir, "link") == 0);
  (void) device_bind (dir, "link", &null_device, NULL);
  CHECK (fstatat (dir, "real", &st, 0) == 0 && S_ISREG (st.st_mode)); /* what the link points to is not covered */
  /* neither a file of the image nor another device is covered */
  int file = openat (dir, "full", O_WRONLY | O_CREAT, 0600);
  CHECK (file >= 0 && write (file, "x", 1) == 1 && device_bind (dir, "full", &null_device, &err) == -EEXIST);
  CHECK (strstr (err.what, "something else") != NULL && fstatat (dir, "full", &st, 0) == 0 && st.st_size == 1);
  CHECK (mkdirat (dir, "dir", 0755) == 0 && device_bind (dir, "dir", &null_device, NULL) == -EEXIST);
  CHECK (mknodat (dir, "pipe", S_IFIFO | 0600, 0) == 0 && device_bind (dir, "pipe", &null_device, NULL) == -EEXIST);
  return 0;
}

#define CASE(name, body)                                                                                               \
  static void name (void **state)                                                                                      \
  {                                                                                                                    \
    (void) state;                                                                                                      \
    assert_child (body);                                                                                               \
  }

CASE (device_make_new, makes)
CASE (device_make_existing, takes_existing)
CASE (device_make_existing_before_6_6, takes_existing_without_fchmodat2)
CASE (device_make_other, refuses_others)
CASE (device_bind_host_node, binds)
CASE (device_bind_errors, refuses_to_bind)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (device_make_new),       cmocka_unit_test (device_make_existing), cmocka_unit_test (device_make_existing_before_6_6),
    cmocka_unit_test (device_make_other),     cmocka_unit_test (device_bind_host_node), cmocka_unit_test (device_bind_errors),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
