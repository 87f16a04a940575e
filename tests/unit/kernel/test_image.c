/* SPDX-License-Identifier: Apache-2.0 */
/* Programs in memory: sealed, run, attacked. */
#include "in_child.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/err.h"
#include "kernel/image.h"

/* A program that exists everywhere: our own.  With the argument "run" it ends at once with status 42.  */
static char *elf;
static size_t elf_len;

static int
load_self (void **state)
{
  struct stat st;
  (void) state;
  int fd = open ("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat (fd, &st) < 0)
    return -1;
  elf_len = (size_t) st.st_size;
  elf = mmap (NULL, elf_len, PROT_READ, MAP_PRIVATE, fd, 0);
  close (fd);
  return elf == MAP_FAILED ? -1 : 0;
}

/* Runs FD and returns its exit status.  */
static int
run (int fd)
{
  char *const argv[] = { "image", "run", NULL };
  char *const envp[] = { NULL };
  int status;
  pid_t pid = fork ();
  if (pid == 0)
    {
      syscall (SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH);
      _exit (errno);
    }
  waitpid (pid, &status, 0);
  return WIFEXITED (status) ? WEXITSTATUS (status) : -1;
}

static void
image_open_runs (void **state)
{
  (void) state;
  int fd = image_open (elf, elf_len, NULL);
  if (fd == -EACCES)
    {
      print_message ("skipped: vm.memfd_noexec forbids it\n");
      skip ();
    }
  assert_true (fd >= 0);
  assert_int_equal (fcntl (fd, F_GETFD), FD_CLOEXEC);
  assert_int_equal (run (fd), 42);
  close (fd);
}

static void
image_open_can_not_be_changed (void **state)
{
  char path[32];
  (void) state;
  int fd = image_open (elf, elf_len, NULL);
  if (fd == -EACCES)
    {
      print_message ("skipped: vm.memfd_noexec forbids it\n");
      skip ();
    }
  assert_true (fd >= 0);
  assert_int_equal (write (fd, "x", 1), -1);
  assert_int_equal (pwrite (fd, "x", 1, 0), -1);
  assert_int_equal (ftruncate (fd, 0), -1);
  assert_int_equal (fallocate (fd, 0, 0, (off_t) elf_len * 2), -1);
  assert_ptr_equal (mmap (NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
  assert_int_equal (fcntl (fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), -1);
  snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  int again = open (path, O_RDWR | O_TRUNC);
  if (again >= 0)
    {
      assert_int_equal (write (again, "x", 1), -1);
      close (again);
    }
  assert_int_equal (run (fd), 42);
  close (fd);
}

/* A kernel before 6.3: MFD_EXEC (0x10) is unknown.  */
static int
without_mfd_exec (void *arg)
{
  (void) arg;
  CHILD_SKIP_UNLESS (deny_call (SYS_memfd_create, 1, 0x10, EINVAL) == 0, "no seccomp");
  int fd = image_open (elf, elf_len, NULL);
  CHECK (fd >= 0);
  CHECK (fcntl (fd, F_GET_SEALS) == (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)
         || fcntl (fd, F_GET_SEALS) == (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL | 0x20)); /* F_SEAL_EXEC */
  return 0;
}

static void
image_open_without_mfd_exec (void **state)
{
  (void) state;
  assert_child (without_mfd_exec);
}

static int
without_memfd (void *arg)
{
  struct err err = { 0 };
  (void) arg;
  CHILD_SKIP_UNLESS (deny_call (SYS_memfd_create, 0, 0, EACCES) == 0, "no seccomp");
  CHECK (image_open (elf, elf_len, &err) == -EACCES);
  CHECK (strcmp (err.call, "memfd_create") == 0);
  return 0;
}

static void
image_open_forbidden (void **state)
{
  (void) state;
  assert_child (without_memfd);
}

static void
image_open_at_runs (void **state)
{
  char path[] = "/tmp/orlop-test-XXXXXX";
  (void) state;
  assert_non_null (mkdtemp (path));
  int dir = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int fd = image_open_at (dir, elf, elf_len, NULL);
  if (fd == -EOPNOTSUPP)
    {
      print_message ("skipped: no O_TMPFILE there\n");
      skip ();
    }
  assert_true (fd >= 0);
  assert_int_equal (rmdir (path), 0); /* it has no name */
  assert_int_equal (fcntl (fd, F_GETFL) & O_ACCMODE, O_RDONLY);
  assert_int_equal (write (fd, "x", 1), -1);
  assert_int_equal (run (fd), 42);
  close (fd);
  close (dir);
}

static void
image_open_at_not_a_directory (void **state)
{
  struct err err = { 0 };
  (void) state;
  assert_int_equal (image_open_at (-1, elf, elf_len, &err), -EBADF);
  assert_string_equal (err.object, "O_TMPFILE");
}

int
main (int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (image_open_runs),
    cmocka_unit_test (image_open_can_not_be_changed),
    cmocka_unit_test (image_open_without_mfd_exec),
    cmocka_unit_test (image_open_forbidden),
    cmocka_unit_test (image_open_at_runs),
    cmocka_unit_test (image_open_at_not_a_directory),
  };
  if (argc == 2 && strcmp (argv[1], "run") == 0)
    return 42;
  return cmocka_run_group_tests (tests, load_self, NULL);
}
