/* SPDX-License-Identifier: Apache-2.0 */
/* Passing descriptors, close-on-exec in bulk, unix sockets by long names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"

/* How many descriptors are open.  */
static int
count_open (void)
{
  int n = 0;

  for (int fd = 0; fd < 256; fd++)
    n += fcntl (fd, F_GETFD) >= 0;
  return n;
}

static void
make_pair (int type, int pair[2])
{
  assert_int_equal (socketpair (AF_UNIX, type | SOCK_CLOEXEC, 0, pair), 0);
}

static void
close_pair (const int pair[2])
{
  close (pair[0]);
  close (pair[1]);
}

static void
fds_pass (void **state)
{
  (void) state;
  int pair[2], got[2] = { -1, -1 }, file = open ("/dev/null", O_RDONLY); /* not close-on-exec */
  size_t n = 2;
  char text[16];
  struct stat a, b;

  make_pair (SOCK_SEQPACKET, pair);
  assert_int_equal (fds_send (pair[0], "hello", 5, (int[]){ file, 0 }, 2), 0);
  assert_int_equal (fds_recv (pair[1], text, sizeof text, got, &n), 5);
  assert_memory_equal (text, "hello", 5);
  assert_int_equal (n, 2);
  assert_int_equal (fcntl (got[0], F_GETFD), FD_CLOEXEC);
  assert_int_equal (fcntl (got[1], F_GETFD), FD_CLOEXEC);
  assert_true (fstat (got[0], &a) == 0 && fstat (file, &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev);
  close_pair (got);
  close_pair (pair);
  close (file);
}

static void
fds_recv_nothing_but_text (void **state)
{
  (void) state;
  int pair[2], got;
  size_t n = 1;
  char text[16];

  make_pair (SOCK_SEQPACKET, pair);
  assert_int_equal (fds_send (pair[0], "a", 1, NULL, 0), 0);
  assert_int_equal (fds_send (pair[0], "b", 1, NULL, 0), 0);
  assert_int_equal (fds_recv (pair[1], text, sizeof text, &got, &n), 1);
  assert_int_equal (n, 0);
  assert_int_equal (fds_recv (pair[1], text, sizeof text, NULL, NULL), 1);
  close (pair[0]);
  assert_int_equal (fds_recv (pair[1], text, sizeof text, NULL, NULL), 0); /* end of file */
  close (pair[1]);
}

/* Whoever sends more than was asked for must not fill our descriptor table.  */
static void
fds_recv_too_many (void **state)
{
  (void) state;
  int pair[2], got[2] = { -1, -1 }, before;
  size_t n = 1;
  char text[16];

  make_pair (SOCK_SEQPACKET, pair);
  before = count_open ();
  assert_int_equal (fds_send (pair[0], "x", 1, (int[]){ 0, 0 }, 2), 0);
  assert_int_equal (fds_recv (pair[1], text, sizeof text, got, &n), -EPROTO);
  assert_int_equal (count_open (), before);
  assert_int_equal (got[0], -1);
  assert_int_equal (fds_send (pair[0], "x", 1, (int[]){ 0 }, 1), 0);
  assert_int_equal (fds_recv (pair[1], text, sizeof text, NULL, NULL), -EPROTO);
  assert_int_equal (count_open (), before);
  close_pair (pair);
}

static void
fds_recv_cut_message (void **state)
{
  (void) state;
  int pair[2], got[1] = { -1 }, before;
  size_t n = 1;
  char text[2];

  make_pair (SOCK_SEQPACKET, pair);
  before = count_open ();
  assert_int_equal (fds_send (pair[0], "long", 4, (int[]){ 0 }, 1), 0);
  assert_int_equal (fds_recv (pair[1], text, sizeof text, got, &n), -EPROTO);
  assert_int_equal (got[0], -1);
  assert_int_equal (count_open (), before);
  close_pair (pair);
}

static void
fds_send_errors (void **state)
{
  (void) state;
  int pair[2], many[FDS_MAX + 1] = { 0 };

  make_pair (SOCK_STREAM, pair);
  assert_int_equal (fds_send (pair[0], "x", 1, many, FDS_MAX + 1), -E2BIG);
  assert_int_equal (fds_send (pair[0], "x", 1, (int[]){ -1 }, 1), -EBADF);
  close (pair[1]);
  assert_int_equal (fds_send (pair[0], "x", 1, NULL, 0), -EPIPE); /* and no SIGPIPE */
  close (pair[0]);
  assert_int_equal (fds_send (pair[0], "x", 1, NULL, 0), -EBADF);
  assert_int_equal (fds_recv (pair[0], many, 1, NULL, NULL), -EBADF);
}

/* In a child process: descriptors from FIRST on become close-on-exec, those below stay.  Returns 0 if so.  */
static int
cloexec_child (void)
{
  int low = dup (0), high = dup2 (0, 200);

  if (low < 0 || high != 200 || fds_cloexec_from ((unsigned) low + 1) < 0)
    return 1;
  if (fcntl (low, F_GETFD) != 0 || fcntl (high, F_GETFD) != FD_CLOEXEC)
    return 2;
  return fds_cloexec_from (0) < 0 || fcntl (low, F_GETFD) != FD_CLOEXEC ? 3 : 0;
}

/* Makes close_range fail with ERRNO from now on, as an old kernel does.  */
static int
without_close_range (int num)
{
  struct sock_filter filter[] = {
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, 436, 0, 1),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned) num),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog program = { .len = sizeof filter / sizeof filter[0], .filter = filter };

  return prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0;
}

static void
fds_cloexec_from_first (void **state)
{
  (void) state;
  int status;
  pid_t pid = fork ();

  if (pid == 0)
    _exit (cloexec_child ());
  assert_int_equal (waitpid (pid, &status, 0), pid);
  assert_int_equal (status, 0);
}

static void
fds_cloexec_from_old_kernel (void **state)
{
  static const int answers[] = { ENOSYS, EINVAL };

  (void) state;
  for (size_t i = 0; i < 2; i++)
    {
      int status;
      pid_t pid = fork ();

      if (pid == 0)
        _exit (without_close_range (answers[i]) ? 77 : cloexec_child ());
      assert_int_equal (waitpid (pid, &status, 0), pid);
      if (status == 77 << 8)
        {
          print_message ("skip: no seccomp filters here\n");
          skip ();
        }
      assert_int_equal (status, 0);
    }
}

static int
close_child (int answer)
{
  int keep[] = { -1, 0, 0 }, fd[6];

  for (size_t i = 0; i < 6; i++)
    if ((fd[i] = dup (0)) < 0)
      return 1;
  keep[1] = fd[4];
  keep[2] = fd[2];
  if (answer && without_close_range (answer))
    return 77;
  fds_close_but ((unsigned) fd[1], keep, 3);
  for (size_t i = 0; i < 6; i++)
    if ((fcntl (fd[i], F_GETFD) >= 0) != (i == 0 || i == 2 || i == 4))
      return 2;
  return 0;
}

static void
fds_close_all_but_some (void **state)
{
  static const int answers[] = { 0, ENOSYS };

  (void) state;
  for (size_t i = 0; i < 2; i++)
    {
      int status;
      pid_t pid = fork ();

      if (pid == 0)
        _exit (close_child (answers[i]));
      assert_int_equal (waitpid (pid, &status, 0), pid);
      if (status == 77 << 8)
        {
          print_message ("skip: no seccomp filters here\n");
          skip ();
        }
      assert_int_equal (status, 0);
    }
}

/* A connection to NAME below DIRFD, made by NAME_TO below DIR_TO, carries a byte.  */
static void
assert_connects (int dir_at, const char *name_at, int dir_to, const char *name_to)
{
  struct err err = { .kind = ERR_NONE };
  struct stat st;
  char byte = 0;
  int server, client, one;
  mode_t old = umask (0);

  server = fds_listen (dir_at, name_at, SOCK_STREAM, &err);
  umask (old);
  assert_string_equal (err.object, "");
  assert_int_equal (fcntl (server, F_GETFD), FD_CLOEXEC);
  assert_int_equal (fstatat (dir_at, name_at, &st, 0), 0);
  assert_int_equal (st.st_mode, S_IFSOCK | 0600);
  client = fds_connect (dir_to, name_to, SOCK_STREAM, &err);
  assert_true (client >= 0);
  assert_int_equal (fcntl (client, F_GETFD), FD_CLOEXEC);
  one = accept (server, NULL, NULL);
  assert_int_equal (write (client, "x", 1), 1);
  assert_int_equal (read (one, &byte, 1), 1);
  assert_int_equal (byte, 'x');
  close (one);
  close (client);
  close (server);
  assert_int_equal (unlinkat (dir_at, name_at, 0), 0);
}

static void
fds_connect_by_any_name (void **state)
{
  (void) state;
  char base[] = "/tmp/orlop-test-XXXXXX", deep[64 + 200], name[64 + 200 + 8];
  int dir, before = count_open ();

  assert_non_null (mkdtemp (base));
  (void) snprintf (deep, sizeof deep, "%s/%0150d", base, 0); /* longer than sun_path */
  assert_int_equal (mkdir (deep, 0700), 0);
  dir = open (deep, O_PATH | O_DIRECTORY | O_CLOEXEC);
  assert_true (dir >= 0);
  (void) snprintf (name, sizeof name, "%s/sock", deep);
  assert_connects (dir, "sock", dir, "sock");
  assert_connects (AT_FDCWD, name, dir, "sock");
  assert_connects (dir, "sock", AT_FDCWD, name);
  (void) snprintf (name, sizeof name, "%s/sock", base);
  assert_connects (AT_FDCWD, name, AT_FDCWD, name);
  close (dir);
  assert_int_equal (rmdir (deep), 0);
  assert_int_equal (rmdir (base), 0);
  assert_int_equal (count_open (), before);
}

static void
fds_connect_errors (void **state)
{
  (void) state;
  struct err err;
  char base[] = "/tmp/orlop-test-XXXXXX", name[300];
  int dir, server;

  assert_non_null (mkdtemp (base));
  dir = open (base, O_PATH | O_DIRECTORY | O_CLOEXEC);
  assert_int_equal (fds_connect (dir, "sock", SOCK_STREAM, &err), -ENOENT);
  assert_string_equal (err.call, "connect");
  assert_string_equal (err.object, "sock");
  server = fds_listen (dir, "sock", SOCK_STREAM, &err);
  assert_true (server >= 0);
  assert_int_equal (fds_listen (dir, "sock", SOCK_STREAM, &err), -EADDRINUSE);
  assert_string_equal (err.call, "bind");
  close (server);
  assert_int_equal (fds_connect (dir, "sock", SOCK_STREAM, &err), -ECONNREFUSED);
  memset (name, 'n', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  assert_int_equal (fds_listen (dir, name, SOCK_STREAM, NULL), -ENAMETOOLONG);
  assert_int_equal (fds_connect (AT_FDCWD, name, SOCK_STREAM, NULL), -ENAMETOOLONG);
  assert_int_equal (unlinkat (dir, "sock", 0), 0);
  close (dir);
  assert_int_equal (rmdir (base), 0);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (fds_pass),
    cmocka_unit_test (fds_recv_nothing_but_text),
    cmocka_unit_test (fds_recv_too_many),
    cmocka_unit_test (fds_recv_cut_message),
    cmocka_unit_test (fds_send_errors),
    cmocka_unit_test (fds_cloexec_from_first),
    cmocka_unit_test (fds_cloexec_from_old_kernel),
    cmocka_unit_test (fds_close_all_but_some),
    cmocka_unit_test (fds_connect_by_any_name),
    cmocka_unit_test (fds_connect_errors),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
