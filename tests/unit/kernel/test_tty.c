/* SPDX-License-Identifier: Apache-2.0 */
/* Terminals from a devpts instance of the test's own, and false ones. */
#include "in_child.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>

#include "base/err.h"
#include "base/fds.h"
#include "kernel/tty.h"

/* A new devpts instance in a mount namespace of our own; returns the handle of its root, or -1.  */
static int
new_devpts (void)
{
  if (unshare (CLONE_NEWNS) < 0 || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0
      || mount ("devpts", "/dev/pts", "devpts", 0, "newinstance,ptmxmode=0666,mode=0620") < 0)
    return -1;
  return open ("/dev/pts", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int
opens (void *arg)
{
  int master = -1, slave = -1;
  char name[32], text[8] = "";
  struct stat st;
  (void) arg;
  int dir = new_devpts ();
  CHILD_SKIP_UNLESS (dir >= 0, "no right to mount devpts");
  CHECK (tty_open (dir, &master, &slave, NULL) == 0);
  CHECK (fcntl (master, F_GETFD) == FD_CLOEXEC && fcntl (slave, F_GETFD) == FD_CLOEXEC);
  CHECK (tty_name (master, name, sizeof name, NULL) == 0 && strcmp (name, "/dev/pts/0") == 0);
  CHECK (fstat (slave, &st) == 0 && st.st_rdev == makedev (136, 0));
  CHECK (write (slave, "hello", 5) == 5 && read (master, text, sizeof text) == 5 && strcmp (text, "hello") == 0);
  CHECK (tty_name (master, name, 5, NULL) == -ENAMETOOLONG);
  CHECK (tty_name (0, name, sizeof name, NULL) == -ENOTTY || isatty (0));
  return 0;
}

static void
tty_open_pair (void **state)
{
  (void) state;
  assert_child (opens);
}

/* Puts something that is not a devpts's ptmx into a directory and tries.  KIND: f file, l link to the true one, n null, p a ptmx
 * node outside devpts, d directory, - nothing.  */
static int
false_ptmx (char kind, struct err *err)
{
  char path[] = "/tmp/orlop-test-XXXXXX";
  int master = -2, slave = -2;
  if (! mkdtemp (path))
    return 0;
  int dir = open (path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (kind == 'f')
    close (openat (dir, "ptmx", O_CREAT | O_WRONLY, 0600));
  else if (kind == 'l')
    (void) ! symlinkat ("/dev/pts/ptmx", dir, "ptmx");
  else if (kind == 'd')
    mkdirat (dir, "ptmx", 0700);
  else if (kind != '-')
    mknodat (dir, "ptmx", S_IFCHR | 0600, kind == 'n' ? makedev (1, 3) : makedev (5, 2));
  int ret = tty_open (dir, &master, &slave, err);
  unlinkat (dir, "ptmx", kind == 'd' ? AT_REMOVEDIR : 0);
  rmdir (path);
  close (dir);
  return master == -2 && slave == -2 ? ret : 0; /* results only on success */
}

static int
refuses_false_ones (void *arg)
{
  struct err err = { 0 };
  (void) arg;
  CHILD_SKIP_UNLESS (geteuid () == 0, "not root");
  CHECK (false_ptmx ('f', &err) == -ENOTTY);
  CHECK (strcmp (err.what, "not a device of devpts") == 0);
  CHECK (false_ptmx ('l', NULL) == -ELOOP);
  CHECK (false_ptmx ('d', NULL) == -EISDIR);
  CHECK (false_ptmx ('-', NULL) == -ENOENT);
  CHECK (false_ptmx ('n', NULL) == -ENOTTY);
  CHECK (false_ptmx ('p', NULL) == -ENOENT); /* the kernel looks for a "pts" beside it */
  return 0;
}

static void
tty_open_false_ptmx (void **state)
{
  (void) state;
  assert_child (refuses_false_ones);
}

static int
sizes (void *arg)
{
  struct winsize size;
  int master, slave, other, other_slave;
  struct err err = { 0 };
  (void) arg;
  int dir = new_devpts ();
  CHILD_SKIP_UNLESS (dir >= 0, "no right to mount devpts");
  CHECK (tty_open (dir, &master, &slave, NULL) == 0);
  CHECK (tty_size (master, 25, 81, NULL) == 0);
  CHECK (ioctl (slave, TIOCGWINSZ, &size) == 0 && size.ws_row == 25 && size.ws_col == 81);
  CHECK (tty_size (slave, 7, 9, NULL) == 0 && tty_fit (master, dir, dir, NULL) == 0); /* neither is a terminal */
  CHECK (ioctl (slave, TIOCGWINSZ, &size) == 0 && size.ws_row == 7);
  CHECK (tty_open (dir, &other, &other_slave, NULL) == 0 && tty_size (other, 30, 90, NULL) == 0);
  CHECK (tty_fit (master, dir, other_slave, NULL) == 0); /* the second, since the first is none */
  CHECK (ioctl (slave, TIOCGWINSZ, &size) == 0 && size.ws_row == 30 && size.ws_col == 90);
  CHECK (tty_fit (dir, other, dir, &err) == -EBADF);
  err = (struct err){ 0 };
  CHECK (tty_size (dir, 1, 2, &err) == -EBADF && strcmp (err.object, "TIOCSWINSZ 2x1") == 0);
  return 0;
}

static void
tty_size_set (void **state)
{
  (void) state;
  assert_child (sizes);
}

/* ARG: the slave is descriptor 1 itself.  */
static int
takes (void *arg)
{
  int master, slave;
  struct stat want, st;
  (void) signal (SIGHUP, SIG_IGN);
  int dir = new_devpts ();
  CHILD_SKIP_UNLESS (dir >= 0, "no right to mount devpts");
  CHECK (tty_open (dir, &master, &slave, NULL) == 0);
  if (arg)
    {
      CHECK (dup3 (slave, 1, O_CLOEXEC) == 1);
      slave = 1;
    }
  CHECK (fstat (slave, &want) == 0);
  CHECK (tty_take (slave, NULL) == 0);
  CHECK (getsid (0) == getpid ());
  CHECK (tcgetpgrp (slave) == getpid ());
  for (int fd = 0; fd < 3; fd++)
    CHECK (fstat (fd, &st) == 0 && st.st_rdev == want.st_rdev && fcntl (fd, F_GETFD) == 0);
  CHECK (open ("/dev/tty", O_RDWR) >= 0);
  return 0;
}

static void
tty_take_becomes_controlling (void **state)
{
  (void) state;
  assert_child (takes);
  assert_child_arg (takes, "one", "takes descriptor 1");
}

static int
takes_twice (void *arg)
{
  int first_master, first, second_master, second;
  (void) arg;
  (void) signal (SIGHUP, SIG_IGN);
  int dir = new_devpts ();
  CHILD_SKIP_UNLESS (dir >= 0, "no right to mount devpts");
  CHECK (tty_open (dir, &first_master, &first, NULL) == 0 && tty_open (dir, &second_master, &second, NULL) == 0);
  CHECK (setsid () == getpid ()); /* a leader already */
  CHECK (tty_take (first, NULL) == 0);
  CHECK (tty_take (second, NULL) == -EPERM); /* has a terminal */
  return 0;
}

static void
tty_take_leader_already (void **state)
{
  (void) state;
  assert_child (takes_twice);
}

static void
tty_send_one_message (void **state)
{
  int pair[2], fds[3], sent[2];
  size_t n = 3;
  char text[64] = "", byte;
  (void) state;
  assert_return_code (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), errno);
  assert_return_code (pipe (sent), errno);
  assert_int_equal (tty_send (pair[0], sent[1], "/dev/pts/0", NULL), 0);
  assert_int_equal (fds_recv (pair[1], text, sizeof text, fds, &n), strlen ("/dev/pts/0"));
  assert_string_equal (text, "/dev/pts/0");
  assert_int_equal (n, 1);
  assert_int_equal (write (fds[0], "x", 1), 1);
  assert_int_equal (read (sent[0], &byte, 1), 1);
  close (fds[0]);
  for (int i = 0; i < 2; i++)
    close (pair[i]), close (sent[i]);
}

/* What an engine checks: a control message for exactly one descriptor.  */
static void
tty_send_control_length (void **state)
{
  int pair[2];
  char text[4096];
  union
  {
    struct cmsghdr align;
    char data[256];
  } control;
  struct iovec io = { .iov_base = text, .iov_len = sizeof text };
  struct msghdr message = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = control.data, .msg_controllen = sizeof control.data };
  (void) state;
  assert_return_code (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), errno);
  assert_int_equal (tty_send (pair[0], 0, "x", NULL), 0);
  assert_int_equal (recvmsg (pair[1], &message, MSG_CMSG_CLOEXEC), 1);
  struct cmsghdr *c = CMSG_FIRSTHDR (&message);
  assert_non_null (c);
  assert_int_equal (c->cmsg_len, CMSG_LEN (sizeof (int)));
  assert_null (CMSG_NXTHDR (&message, c));
  close (*(int *) (void *) CMSG_DATA (c));
  close (pair[0]);
  close (pair[1]);
}

static void
tty_send_bad_name (void **state)
{
  char name[4097];
  int pair[2];
  (void) state;
  memset (name, 'a', sizeof name - 1);
  name[4096] = '\0';
  assert_return_code (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), errno);
  assert_int_equal (tty_send (pair[0], 0, "", NULL), -EINVAL);
  assert_int_equal (tty_send (pair[0], 0, name, NULL), -EINVAL);
  name[4095] = '\0';
  assert_int_equal (tty_send (pair[0], 0, name, NULL), 0);
  close (pair[1]);
  assert_int_equal (tty_send (pair[0], 0, "x", NULL), -EPIPE);
  close (pair[0]);
}

/* /dev/ptmx is 5:2, works, and belongs to the host's devpts: but is no part of one.  */
static void
tty_open_node_outside_devpts (void **state)
{
  int master = -1, slave = -1;
  (void) state;
  int dir = open ("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
  int works = openat (dir, "ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
  if (works < 0)
    {
      print_message ("skipped: /dev/ptmx is no device to open here\n");
      skip ();
    }
  close (works);
  assert_int_equal (tty_open (dir, &master, &slave, NULL), -ENOTTY);
  assert_int_equal (master, -1);
  close (dir);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (tty_open_pair),
    cmocka_unit_test (tty_open_false_ptmx),
    cmocka_unit_test (tty_open_node_outside_devpts),
    cmocka_unit_test (tty_size_set),
    cmocka_unit_test (tty_take_becomes_controlling),
    cmocka_unit_test (tty_take_leader_already),
    cmocka_unit_test (tty_send_one_message),
    cmocka_unit_test (tty_send_control_length),
    cmocka_unit_test (tty_send_bad_name),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
