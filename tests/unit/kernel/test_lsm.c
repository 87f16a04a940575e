/* SPDX-License-Identifier: Apache-2.0 */
/* Labels, with directories in place of /proc and /sys: what is written where, and what is not written through. */
#include "in_child.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/file.h"
#include "kernel/lsm.h"

/* A procfs of one process, and a sysfs, below a directory of the test's own.  */
struct fake
{
  char path[64];
  int proc;
};

static const char *
below (const struct fake *f, const char *name)
{
  static char path[256];

  (void) snprintf (path, sizeof path, "%s/%s", f->path, name);
  return path;
}

static void
make_file (const struct fake *f, const char *name, const char *text)
{
  int fd = open (below (f, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

  assert_true (fd >= 0);
  assert_int_equal (write (fd, text, strlen (text)), strlen (text));
  close (fd);
}

static const char *
read_file (const struct fake *f, const char *name)
{
  static char text[8192];

  return file_read_small (AT_FDCWD, below (f, name), text, sizeof text) < 0 ? NULL : text;
}

static int
make (void **state)
{
  static const char *const dirs[] = { "proc", "proc/7", "proc/7/attr", "proc/7/attr/apparmor", "sys", "sys/module", "sys/module/apparmor",
                                      "sys/module/apparmor/parameters", "sys/fs", "sys/fs/selinux" };
  struct fake *f = calloc (1, sizeof *f);

  assert_non_null (f);
  strcpy (f->path, "/tmp/orlop-lsm-XXXXXX");
  assert_non_null (mkdtemp (f->path));
  for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++)
    assert_int_equal (mkdir (below (f, dirs[i]), 0700), 0);
  assert_int_equal (symlink ("7", below (f, "proc/self")), 0);
  make_file (f, "proc/7/attr/apparmor/exec", "");
  make_file (f, "proc/7/attr/exec", "");
  make_file (f, "proc/7/attr/keycreate", "");
  f->proc = open (below (f, "proc"), O_PATH | O_DIRECTORY | O_CLOEXEC);
  *state = f;
  return f->proc < 0;
}

static int
removed (void **state)
{
  struct fake *f = *state;
  char command[128];

  (void) snprintf (command, sizeof command, "rm -r %s", f->path);
  close (f->proc);
  int ret = system (command); /* NOLINT: a path of our own */
  free (f);
  return ret;
}

static void
lsm_present_or_not (void **state)
{
  struct fake *f = *state;
  char sys[256];

  (void) snprintf (sys, sizeof sys, "%s", below (f, "sys"));
  assert_false (lsm_present (LSM_APPARMOR, sys));
  assert_false (lsm_present (LSM_SELINUX, sys));
  make_file (f, "sys/module/apparmor/parameters/enabled", "N\n");
  assert_false (lsm_present (LSM_APPARMOR, sys));
  make_file (f, "sys/module/apparmor/parameters/enabled", "Y\n");
  assert_true (lsm_present (LSM_APPARMOR, sys));
  assert_false (lsm_present (LSM_SELINUX, sys));
  make_file (f, "sys/fs/selinux/enforce", "0");
  assert_true (lsm_present (LSM_SELINUX, sys));
}

static void
lsm_label_exec_of_apparmor (void **state)
{
  struct fake *f = *state;
  struct err err = { 0 };

  assert_int_equal (lsm_label_exec (f->proc, LSM_APPARMOR, "docker-default", &err), 0);
  assert_string_equal (read_file (f, "proc/7/attr/apparmor/exec"), "exec docker-default");
  assert_string_equal (read_file (f, "proc/7/attr/exec"), "");
  assert_int_equal (unlink (below (f, "proc/7/attr/apparmor/exec")), 0); /* before Linux 5.8 */
  assert_int_equal (lsm_label_exec (f->proc, LSM_APPARMOR, "a//b", &err), 0);
  assert_string_equal (read_file (f, "proc/7/attr/exec"), "exec a//b");
}

static void
lsm_label_exec_of_selinux (void **state)
{
  struct fake *f = *state;

  assert_int_equal (lsm_label_exec (f->proc, LSM_SELINUX, "system_u:system_r:container_t:s0:c1,c2", NULL), 0);
  assert_string_equal (read_file (f, "proc/7/attr/exec"), "system_u:system_r:container_t:s0:c1,c2");
  assert_string_equal (read_file (f, "proc/7/attr/apparmor/exec"), "");
}

static void
lsm_label_keys_and_back (void **state)
{
  struct fake *f = *state;

  assert_int_equal (lsm_label_keys (f->proc, "u:r:t:s0", NULL), 0);
  assert_string_equal (read_file (f, "proc/7/attr/keycreate"), "u:r:t:s0");
  make_file (f, "proc/7/attr/keycreate", "");
  assert_int_equal (lsm_label_keys (f->proc, NULL, NULL), 0);
  assert_string_equal (read_file (f, "proc/7/attr/keycreate"), "\n");
}

static void
lsm_label_exec_says_where (void **state)
{
  struct fake *f = *state;
  struct err err = { 0 };
  char far[5000];

  assert_int_equal (unlink (below (f, "proc/7/attr/exec")), 0);
  assert_int_equal (lsm_label_exec (f->proc, LSM_SELINUX, "x", &err), -ENOENT);
  assert_non_null (strstr (err.what, "`/proc/self/attr/exec`")); /* by this engines know it */
  assert_string_equal (err.object, "x");
  memset (far, 'x', sizeof far - 1);
  far[sizeof far - 1] = '\0';
  assert_int_equal (lsm_label_exec (f->proc, LSM_APPARMOR, far, &err), -ENAMETOOLONG);
}

/* The kernel itself, which has neither module or no such label: the answer is an error.  */
static void
lsm_label_exec_of_real_procfs (void **state)
{
  int proc = open ("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
  struct err err = { 0 };

  (void) state;
  assert_true (lsm_label_exec (proc, LSM_SELINUX, "no such context", &err) < 0);
  assert_non_null (strstr (err.what, "`/proc/self/attr/exec`"));
  close (proc);
}

/* CVE-2019-16884, CVE-2025-52881: something else was mounted over the file.  */
static int
cover_the_file (void *arg)
{
  struct fake *f = arg;
  char cover[256];

  CHILD_SKIP_UNLESS (unshare (CLONE_NEWNS) == 0 && mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "mounts need root");
  f->proc = open (below (f, "proc"), O_PATH | O_DIRECTORY | O_CLOEXEC); /* the mounts of this namespace */
  (void) snprintf (cover, sizeof cover, "%s", below (f, "proc/7/attr/keycreate"));
  CHECK (mount (cover, below (f, "proc/7/attr/exec"), NULL, MS_BIND, NULL) == 0);
  CHECK (lsm_label_exec (f->proc, LSM_SELINUX, "x", NULL) == -EXDEV);
  CHECK (strcmp (read_file (f, "proc/7/attr/keycreate"), "") == 0);
  CHECK (mount ("none", below (f, "proc/7/attr/apparmor"), "tmpfs", 0, NULL) == 0);
  int fd = open (below (f, "proc/7/attr/apparmor/exec"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  CHECK (fd >= 0);
  CHECK (lsm_label_exec (f->proc, LSM_APPARMOR, "x", NULL) == -EXDEV);
  CHECK (deny_call (SYS_openat2, 0, 0, ENOSYS) == 0); /* a kernel without it */
  CHECK (lsm_label_exec (f->proc, LSM_APPARMOR, "x", NULL) == -EXDEV);
  return 0;
}

static void
lsm_label_exec_crosses_no_mount (void **state)
{
  assert_child_arg (cover_the_file, *state, "cover_the_file");
}

static int
go_without_openat2 (void *arg)
{
  struct fake *f = arg;

  CHECK (deny_call (SYS_openat2, 0, 0, ENOSYS) == 0);
  CHECK (lsm_label_exec (f->proc, LSM_APPARMOR, "p", NULL) == 0);
  CHECK (strcmp (read_file (f, "proc/7/attr/apparmor/exec"), "exec p") == 0);
  CHECK (unlink (below (f, "proc/7/attr/exec")) == 0 && symlink ("keycreate", below (f, "proc/7/attr/exec")) == 0);
  CHECK (lsm_label_exec (f->proc, LSM_SELINUX, "p", NULL) == -ELOOP);
  return 0;
}

static void
lsm_label_exec_without_openat2 (void **state)
{
  assert_child_arg (go_without_openat2, *state, "go_without_openat2");
}

static void
lsm_label_root_sets_the_attribute (void **state)
{
  struct fake *f = *state;
  struct err err = { 0 };
  int ret = lsm_label_root (f->proc, "u:object_r:t:s0", &err);

  if (ret == -EOPNOTSUPP || ret == -EPERM)
    assert_string_equal (err.call, "fsetxattr"); /* a file system without labels, or nobody's to set */
  else
    assert_int_equal (ret, 0);
  assert_int_equal (lsm_label_root (-1, "x", NULL), -EBADF);
}

#define fake_test(function) cmocka_unit_test_setup_teardown (function, make, removed)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fake_test (lsm_present_or_not),
    fake_test (lsm_label_exec_of_apparmor),
    fake_test (lsm_label_exec_of_selinux),
    fake_test (lsm_label_keys_and_back),
    fake_test (lsm_label_exec_says_where),
    cmocka_unit_test (lsm_label_exec_of_real_procfs),
    fake_test (lsm_label_exec_crosses_no_mount),
    fake_test (lsm_label_exec_without_openat2),
    fake_test (lsm_label_root_sets_the_attribute),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
