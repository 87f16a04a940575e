/* SPDX-License-Identifier: Apache-2.0 */
/* Names inside a hostile root, each case twice: with openat2, and by the walk that kernels without it get. */
#include "in_child.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "base/err.h"
#include "kernel/path.h"

#ifndef SYS_openat2
#define SYS_openat2 437
#endif

static char top[] = "/tmp/orlop-test-XXXXXX"; /* holds the root and, beside it, what must never be reached */
static int top_fd, root;

/* A file with its own name as text.  */
static void
put (const char *name)
{
  int fd = openat (top_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

  assert_true (fd >= 0);
  assert_int_equal (write (fd, name, strlen (name)), strlen (name));
  close (fd);
}

static void
put_link (const char *text, const char *name)
{
  assert_return_code (symlinkat (text, root, name), errno);
}

static int
set_up (void **state)
{
  static const char *const dirs[] = { "root", "outside", "root/dir", "root/dir/sub", "root/etc" };

  (void) state;
  strcpy (top + sizeof top - 7, "XXXXXX");
  if (mkdtemp (top) == NULL)
    return -1;
  top_fd = open (top, O_PATH | O_DIRECTORY | O_CLOEXEC);
  for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++)
    if (mkdirat (top_fd, dirs[i], 0755) < 0)
      return -1;
  root = openat (top_fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
  put ("root/secret");
  put ("root/etc/secret");
  put ("root/dir/sub/file");
  put ("outside/secret");
  put ("outside/file");
  put_link ("/etc", "absolute");
  put_link ("../../../../etc", "dir/up");
  put_link ("../../../outside", "dir/out");
  put_link (top, "top");
  put_link ("loop", "loop");
  put_link ("/new/place", "dangling");
  put_link ("absolute/../dir/sub", "chain");
  put_link ("dir/sub/file", "to-file");
  return 0;
}

static int
tear_down (void **state)
{
  char command[64];

  (void) state;
  close (root);
  close (top_fd);
  snprintf (command, sizeof command, "rm -rf %s", top);
  return system (command);
}

/* Runs BODY in a child with openat2, then in one without.  */
static void
both (int (*body) (void *), const char *name)
{
  static bool with = true, without = false;

  assert_child_arg (body, &with, name);
  assert_child_arg (body, &without, name);
}

/* At the beginning of each body.  */
#define CHOOSE(arg) CHILD_SKIP_UNLESS (*(bool *) (arg) || deny_call (SYS_openat2, 0, 0, ENOSYS) == 0, "no seccomp")

/* True if FD, which is closed, holds TEXT.  A negative FD holds nothing.  */
static bool
holds (int fd, const char *text)
{
  char buf[64], path[32];
  ssize_t n;

  if (fd < 0)
    return false;
  snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  int readable = open (path, O_RDONLY);
  n = read (readable, buf, sizeof buf);
  close (readable);
  close (fd);
  return n == (ssize_t) strlen (text) && memcmp (buf, text, (size_t) n) == 0;
}

static int
opens (void *arg)
{
  CHOOSE (arg);
  CHECK (holds (path_open (root, "secret", O_RDONLY, NULL), "root/secret"));
  CHECK (holds (path_open (root, "/secret", O_RDONLY, NULL), "root/secret"));
  CHECK (holds (path_open (root, "//dir/.//sub/file", O_PATH, NULL), "root/dir/sub/file"));
  CHECK (holds (path_open (root, "absolute/secret", O_RDONLY, NULL), "root/etc/secret"));
  CHECK (holds (path_open (root, "dir/up/secret", O_RDONLY, NULL), "root/etc/secret"));
  CHECK (holds (path_open (root, "chain/file", O_RDONLY, NULL), "root/dir/sub/file"));
  CHECK (holds (path_open (root, "to-file", O_RDONLY, NULL), "root/dir/sub/file"));
  CHECK (path_open (root, "to-file/", O_RDONLY, NULL) == -ENOTDIR);
  int fd = path_open (root, "secret", O_RDONLY, NULL);
  CHECK (fcntl (fd, F_GETFD) == FD_CLOEXEC);
  return 0;
}

static int
stays_inside (void *arg)
{
  CHOOSE (arg);
  CHECK (holds (path_open (root, "../secret", O_RDONLY, NULL), "root/secret"));
  CHECK (holds (path_open (root, "dir/../../../secret", O_RDONLY, NULL), "root/secret"));
  CHECK (path_open (root, "../outside/secret", O_RDONLY, NULL) == -ENOENT);
  CHECK (path_open (root, "dir/out/secret", O_RDONLY, NULL) == -ENOENT);
  CHECK (path_open (root, "top/outside/secret", O_RDONLY, NULL) == -ENOENT);
  return 0;
}

static bool
is_root (int fd)
{
  struct stat a, b;
  bool same = fd >= 0 && fstat (fd, &a) == 0 && fstat (root, &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev;

  close (fd);
  return same;
}

static int
opens_root (void *arg)
{
  static const char *const names[] = { "", "/", ".", "..", "dir/..", "dir/sub/../../..", "../", "dangling/../.." };

  CHOOSE (arg);
  for (size_t i = 0; i + 1 < sizeof names / sizeof *names; i++)
    CHECK (is_root (path_open (root, names[i], O_PATH, NULL)));
  CHECK (path_open (root, names[7], O_PATH, NULL) == -ENOENT); /* ".." of what is not there */
  return 0;
}

static int
refuses (void *arg)
{
  struct err err = { 0 };
  char deep[PATH_MAX + 10], component[300];

  CHOOSE (arg);
  CHECK (path_open (root, "none", O_RDONLY, &err) == -ENOENT && strcmp (err.object, "none") == 0);
  CHECK (path_open (root, "dangling", O_RDONLY, NULL) == -ENOENT);
  CHECK (path_open (root, "loop", O_RDONLY, NULL) == -ELOOP);
  CHECK (path_open (root, "loop/x", O_RDONLY, NULL) == -ELOOP);
  CHECK (path_open (root, "absolute", O_RDONLY | O_NOFOLLOW, NULL) == -ELOOP);
  CHECK (path_open (root, "secret/x", O_RDONLY, NULL) == -ENOTDIR);
  CHECK (path_open (root, "secret/..", O_RDONLY, NULL) == -ENOTDIR);
  CHECK (path_open (root, "secret", O_RDONLY | O_DIRECTORY, NULL) == -ENOTDIR);
  memset (component, 'x', sizeof component - 1);
  component[sizeof component - 1] = '\0';
  CHECK (path_open (root, component, O_RDONLY, NULL) == -ENAMETOOLONG);
  memset (deep, '/', sizeof deep - 1);
  deep[sizeof deep - 1] = '\0';
  CHECK (path_open (root, deep, O_RDONLY, NULL) == -ENAMETOOLONG);
  return 0;
}

/* What procfs shows as links leads anywhere; taken at most as the text that it shows.  */
static int
no_magic (void *arg)
{
  struct stat st, top_st;
  char name[32];
  int proc = open ("/proc", O_PATH | O_DIRECTORY), fd;

  CHOOSE (arg);
  CHILD_SKIP_UNLESS (proc >= 0 && fstat (top_fd, &top_st) == 0, "no procfs");
  snprintf (name, sizeof name, "self/fd/%d", top_fd);
  CHECK (path_open (proc, name, O_PATH, NULL) < 0);
  CHECK (fchdir (top_fd) == 0 && path_open (proc, "self/cwd/root", O_PATH, NULL) < 0);
  fd = path_open (proc, "self/root", O_PATH, NULL);
  CHECK (fd == -ELOOP || (fd >= 0 && fstat (fd, &st) == 0 && fstat (proc, &top_st) == 0 && st.st_dev == top_st.st_dev));
  CHECK (path_open (proc, "self/root/tmp", O_PATH, NULL) < 0);
  return 0;
}

static bool
is_dir (const char *name, mode_t mode)
{
  struct stat st;

  return fstatat (top_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_mode == (S_IFDIR | mode);
}

static bool
is_missing (const char *name)
{
  struct stat st;

  return fstatat (top_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
}

static int
makes_dirs (void *arg)
{
  const char *which = *(bool *) arg ? "with" : "without";
  char name[64], made[64];

  CHOOSE (arg);
  umask (0);
  snprintf (name, sizeof name, "absolute/%s/a//b/", which);
  int fd = path_make_dir (root, name, 0750, NULL);
  CHECK (fd >= 0 && (fcntl (fd, F_GETFL) & O_PATH) && fcntl (fd, F_GETFD) == FD_CLOEXEC);
  snprintf (made, sizeof made, "root/etc/%s/a/b", which);
  CHECK (is_dir (made, 0750));
  CHECK (path_make_dir (root, name, 0700, NULL) >= 0 && is_dir (made, 0750)); /* what is there stays as it is */
  snprintf (name, sizeof name, "dangling/%s/../beside", which);
  CHECK (path_make_dir (root, name, 0755, NULL) >= 0 && is_dir ("root/new/place/beside", 0755));
  CHECK (path_make_dir (root, "dangling", 0755, NULL) >= 0);
  CHECK (is_root (path_make_dir (root, "", 0755, NULL)));
  return 0;
}

static int
makes_nothing_outside (void *arg)
{
  CHOOSE (arg);
  CHECK (path_make_dir (root, "dir/out/evil", 0755, NULL) >= 0); /* root/outside/evil */
  CHECK (path_make_file (root, "../../outside/evil-file", 0644, NULL) >= 0);
  CHECK (path_make_file (root, "top/evil", 0644, NULL) >= 0); /* root/tmp/orlop-test-.../evil */
  CHECK (is_missing ("outside/evil") && is_missing ("outside/evil-file") && is_missing ("evil"));
  CHECK (is_dir ("root/outside/evil", 0755));
  return 0;
}

static int
refuses_to_make (void *arg)
{
  struct err err = { 0 };

  CHOOSE (arg);
  CHECK (path_make_dir (root, "secret", 0755, &err) == -ENOTDIR);
  CHECK (path_make_dir (root, "secret/x", 0755, NULL) == -ENOTDIR);
  CHECK (path_make_dir (root, "loop/x", 0755, NULL) == -ELOOP);
  CHECK (path_make_file (root, "dir", 0644, NULL) == -EISDIR);
  CHECK (path_make_file (root, "", 0644, NULL) == -EISDIR);
  CHECK (path_make_file (root, "absent/..", 0644, NULL) == -EISDIR);
  CHECK (path_make_file (root, "loop", 0644, NULL) == -ELOOP);
  return 0;
}

static int
makes_files (void *arg)
{
  bool with = *(bool *) arg;
  struct stat st;

  CHOOSE (arg);
  umask (0);
  CHECK (path_make_file (root, with ? "absolute/f1/file" : "absolute/f2/file", 0640, NULL) >= 0);
  CHECK (fstatat (root, with ? "etc/f1/file" : "etc/f2/file", &st, 0) == 0 && st.st_mode == (S_IFREG | 0640) && st.st_size == 0);
  CHECK (holds (path_make_file (root, "secret", 0644, NULL), "root/secret")); /* not emptied */
  CHECK (symlinkat ("/late/target", root, with ? "late1" : "late2") == 0);
  CHECK (path_make_file (root, with ? "late1" : "late2", 0600, NULL) >= 0); /* what a dangling link points to */
  CHECK (fstatat (root, "late/target", &st, 0) == 0 && S_ISREG (st.st_mode));
  CHECK (mkfifoat (root, with ? "fifo1" : "fifo2", 0600) == 0);
  int fd = path_make_file (root, with ? "fifo1" : "fifo2", 0644, NULL); /* anything but a directory, and not waited for */
  CHECK (fd >= 0 && fstat (fd, &st) == 0 && S_ISFIFO (st.st_mode));
  return 0;
}

/* Directories made in one with the setgid bit belong to its group and have the bit, as mkdir(2) says.  */
static int
keeps_setgid (void *arg)
{
  const char *dir = *(bool *) arg ? "group1" : "group2";
  char path[32];
  struct stat st;

  CHOOSE (arg);
  CHILD_SKIP_UNLESS (geteuid () == 0, "not root");
  umask (022);
  CHECK (mkdirat (root, dir, 0755) == 0 && fchownat (root, dir, 0, 4321, 0) == 0 && fchmodat (root, dir, 02775, 0) == 0);
  snprintf (path, sizeof path, "%s/a/b", dir);
  CHECK (path_make_dir (root, path, 0755, NULL) >= 0);
  CHECK (fstatat (root, path, &st, 0) == 0 && st.st_gid == 4321 && st.st_mode == (S_IFDIR | S_ISGID | 0755));
  snprintf (path, sizeof path, "%s/c/file", dir);
  CHECK (path_make_file (root, path, 0644, NULL) >= 0);
  CHECK (fstatat (root, path, &st, 0) == 0 && st.st_gid == 4321 && st.st_mode == (S_IFREG | 0644));
  return 0;
}

static int
finds_parents (void *arg)
{
  const char *last = NULL, *path = "absolute/made/by/us", *down = "dir/..";
  struct stat st;

  CHOOSE (arg);
  CHECK (path_parent (root, "absolute/secret", false, &last, NULL) >= 0 && strcmp (last, "secret") == 0);
  CHECK (is_root (path_parent (root, "none", false, &last, NULL)) && strcmp (last, "none") == 0);
  CHECK (path_parent (root, *(bool *) arg ? "p1/x" : "p2/x", false, &last, NULL) == -ENOENT);
  int fd = path_parent (root, path, true, &last, NULL);
  CHECK (fd >= 0 && last == path + strlen (path) - 2 && fstatat (root, "etc/made/by", &st, 0) == 0 && S_ISDIR (st.st_mode));
  CHECK (path_parent (root, "", true, &last, NULL) == -EINVAL);
  CHECK (path_parent (root, "dir/", true, &last, NULL) == -EINVAL);
  CHECK (path_parent (root, "dir/.", true, &last, NULL) == -EINVAL);
  CHECK (path_parent (root, down, true, &last, NULL) == -EINVAL);
  return 0;
}

enum
{
  SWAPS = 30000,
  TRIES = 3000
};

/* In a process of its own: exchanges A and B below the top again and again.  */
static pid_t
swap (const char *a, const char *b)
{
  pid_t pid = fork ();

  if (pid != 0)
    return pid;
  for (int i = 0; i < SWAPS; i++)
    if (syscall (SYS_renameat2, top_fd, a, top_fd, b, 2 /* RENAME_EXCHANGE */) < 0)
      _exit (errno);
  _exit (0);
}

static bool
ended_well (pid_t pid)
{
  int status;

  kill (pid, SIGKILL);
  return waitpid (pid, &status, 0) == pid && (status == 0 || WIFSIGNALED (status));
}

/* A directory is exchanged for a link that leads outside.  */
static int
swapped_for_a_link (void *arg)
{
  int bad = 0, good = 0;

  CHOOSE (arg);
  CHECK (symlinkat ("../../outside", root, "evil") == 0 || errno == EEXIST);
  pid_t pid = swap ("root/evil", "root/dir/sub");
  for (int i = 0; i < TRIES || (good == 0 && i < 100 * TRIES); i++)
    {
      int fd = path_open (root, "dir/sub/file", O_RDONLY, NULL);
      struct stat st, want;

      if (fd < 0)
        {
          if (i >= TRIES) /* on a busy machine the other may have been stopped while the link was there */
            (void) sched_yield ();
          continue;
        }
      good++;
      bad += fstat (fd, &st) < 0 || fstatat (top_fd, "outside/file", &want, 0) < 0 || st.st_ino == want.st_ino;
      close (fd);
      fd = path_make_file (root, "dir/sub/made", 0644, NULL);
      close (fd);
    }
  CHECK (ended_well (pid));
  CHECK (bad == 0 && good > 0);
  CHECK (is_missing ("outside/made"));
  return 0;
}

/* The file itself is: between the look at it and its opening, too.  */
static int
last_swapped_for_a_link (void *arg)
{
  int bad = 0, good = 0;

  CHOOSE (arg);
  CHECK (mknodat (root, "leaf", S_IFREG | 0644, 0) == 0 || errno == EEXIST);
  CHECK (symlinkat ("../outside/file", root, "evil-leaf") == 0 || errno == EEXIST);
  pid_t pid = swap ("root/evil-leaf", "root/leaf");
  for (int i = 0; i < 3 * TRIES || (good == 0 && i < 100 * TRIES); i++)
    {
      int fd = path_open (root, "leaf", O_RDONLY, NULL);
      struct stat st, evil;

      if (fd < 0)
        continue;
      good++;
      bad += fstat (fd, &st) < 0 || fstatat (top_fd, "outside/file", &evil, 0) < 0 || st.st_ino == evil.st_ino;
      close (fd);
    }
  CHECK (ended_well (pid));
  CHECK (bad == 0 && good > 0);
  return 0;
}

/* A directory that is on the way is carried out of the root: ".." of it is then the place where it must not lead.  */
static int
carried_outside (void *arg)
{
  int bad = 0;

  CHOOSE (arg);
  (void) mkdirat (top_fd, "outside/sub", 0755);
  (void) mkdirat (top_fd, "outside/sub/x", 0755);
  (void) mkdirat (top_fd, "root/dir/sub/x", 0755);
  pid_t pid = swap ("outside/sub", "root/dir/sub");
  for (int i = 0; i < TRIES; i++)
    {
      int fd = path_open (root, "dir/sub/x/../../../outside/secret", O_RDONLY, NULL);
      bad += fd >= 0;
      close (fd);
      fd = path_open (root, "dir/sub/x/../../secret", O_RDONLY, NULL); /* outside/secret, from the carried one */
      bad += fd >= 0;
      close (fd);
      fd = path_make_dir (root, "dir/sub/x/../../made-dir", 0755, NULL);
      close (fd);
    }
  CHECK (ended_well (pid));
  CHECK (bad == 0);
  CHECK (is_missing ("outside/made-dir"));
  return 0;
}

#define BOTH(name, body)                                                                                               \
  static void name (void **state)                                                                                      \
  {                                                                                                                    \
    (void) state;                                                                                                      \
    both (body, #body);                                                                                                \
  }

BOTH (path_open_inside, opens)
BOTH (path_open_links_stay_inside, stays_inside)
BOTH (path_open_root, opens_root)
BOTH (path_open_errors, refuses)
BOTH (path_open_magic_links, no_magic)
BOTH (path_open_swapped, swapped_for_a_link)
BOTH (path_open_last_swapped, last_swapped_for_a_link)
BOTH (path_open_carried, carried_outside)
BOTH (path_make_dir_missing, makes_dirs)
BOTH (path_make_outside, makes_nothing_outside)
BOTH (path_make_errors, refuses_to_make)
BOTH (path_make_file_missing, makes_files)
BOTH (path_make_setgid, keeps_setgid)
BOTH (path_parent_names, finds_parents)

/* The walk itself, whatever the kernel has.  */
static void
path_open_walk_alone (void **state)
{
  struct err err = { 0 };

  (void) state;
  assert_true (holds (path_open_walk (root, "dir/up/secret", O_RDONLY, NULL), "root/etc/secret"));
  assert_int_equal (path_open_walk (root, "none", O_RDONLY, &err), -ENOENT);
  assert_string_equal (err.call, "openat");
}

int
main (void)
{
#define CASE(name) cmocka_unit_test_setup_teardown (name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
    CASE (path_open_inside),        CASE (path_open_links_stay_inside), CASE (path_open_root),       CASE (path_open_errors),
    CASE (path_open_magic_links),   CASE (path_open_swapped),           CASE (path_open_carried),    CASE (path_make_dir_missing),
    CASE (path_make_outside),       CASE (path_make_errors),            CASE (path_make_file_missing), CASE (path_make_setgid),
    CASE (path_parent_names),       CASE (path_open_walk_alone),        CASE (path_open_last_swapped),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
