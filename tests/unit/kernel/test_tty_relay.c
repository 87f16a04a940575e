/* SPDX-License-Identifier: Apache-2.0 */
/* The relay between two terminals, pipes and sockets: nothing lost, nothing blocked, everything restored. */
#include "in_child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/err.h"
#include "kernel/tty_relay.h"

/* A container's terminal and our two ends.  */
struct scene
{
  struct tty_relay relay;
  int master, slave;
  int in[2], out[2]; /* pipes: [0] is read */
};

/* Makes a pty pair whose slave passes bytes unchanged.  */
static int
make_pty (int *ret_master, int *ret_slave)
{
  struct termios raw;
  *ret_master = posix_openpt (O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (*ret_master < 0 || unlockpt (*ret_master) < 0)
    return -1;
  *ret_slave = ioctl (*ret_master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (*ret_slave < 0 || tcgetattr (*ret_slave, &raw) < 0)
    return -1;
  cfmakeraw (&raw);
  return tcsetattr (*ret_slave, TCSANOW, &raw);
}

static int
set_up (void **state)
{
  struct scene *s = calloc (1, sizeof *s);
  signal (SIGPIPE, SIG_IGN);
  *state = s;
  if (! s || make_pty (&s->master, &s->slave) < 0 || pipe2 (s->in, O_CLOEXEC) < 0 || pipe2 (s->out, O_CLOEXEC) < 0)
    return -1;
  return tty_relay_open (&s->relay, s->in[0], s->out[1], s->master, NULL);
}

static void
shut (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

static int
tear_down (void **state)
{
  struct scene *s = *state;
  tty_relay_close (&s->relay);
  shut (&s->master);
  shut (&s->slave);
  for (int i = 0; i < 2; i++)
    shut (&s->in[i]), shut (&s->out[i]);
  free (s);
  return 0;
}

/* One turn of the caller's loop, with at most WAIT_MS of waiting.  Returns what step returned, or 2 when poll timed out.  */
static int
turn (struct tty_relay *r, int wait_ms, struct err *err)
{
  struct pollfd fds[TTY_RELAY_FDS];
  size_t n = tty_relay_events (r, fds);
  int ready = poll (fds, n, wait_ms);
  assert_true (ready >= 0);
  return ready == 0 ? 2 : tty_relay_step (r, fds, n, err);
}

/* Turns until nothing happens for a while.  Returns what the last step returned.  */
static int
settle (struct tty_relay *r)
{
  int last = 1;
  for (int i = 0; i < 1000; i++)
    {
      int ret = turn (r, 50, NULL);
      if (ret == 2)
        return last;
      last = ret;
      if (ret == 0)
        return 0;
    }
  fail_msg ("the relay spins");
  return last;
}

static void
assert_reads (int fd, const char *want)
{
  char text[256] = "";
  assert_true (strlen (want) < sizeof text);
  assert_int_equal (read (fd, text, sizeof text - 1), strlen (want));
  assert_string_equal (text, want);
}

static void
tty_relay_without_terminal (void **state)
{
  struct tty_relay relay;
  struct pollfd fds[TTY_RELAY_FDS];
  (void) state;
  assert_int_equal (tty_relay_open (&relay, 0, 1, -1, NULL), 0);
  assert_int_equal (tty_relay_events (&relay, fds), 0);
  assert_int_equal (tty_relay_step (&relay, fds, 0, NULL), 0);
  assert_int_equal (tty_relay_resize (&relay, NULL), 0);
  assert_int_equal (tty_relay_drain (&relay, -1, NULL), 0);
  tty_relay_close (&relay);
  tty_relay_close (&relay);
}

static void
tty_relay_close_zeroed (void **state)
{
  struct tty_relay relay;
  (void) state;
  memset (&relay, 0, sizeof relay);
  tty_relay_close (&relay);
  assert_true (fcntl (0, F_GETFD) >= 0);
}

static void
tty_relay_open_not_a_descriptor (void **state)
{
  struct tty_relay relay;
  struct err err = { 0 };
  struct pollfd fds[TTY_RELAY_FDS];
  (void) state;
  assert_int_equal (tty_relay_open (&relay, 0, 1, 12345, &err), -EBADF);
  assert_string_equal (err.object, "FIONBIO");
  assert_int_equal (tty_relay_events (&relay, fds), 0);
}

static void
tty_relay_step_both_ways (void **state)
{
  struct scene *s = *state;
  assert_int_equal (write (s->in[1], "to the container", 16), 16);
  assert_int_equal (settle (&s->relay), 1);
  assert_reads (s->slave, "to the container");
  assert_int_equal (write (s->slave, "from it", 7), 7);
  assert_int_equal (settle (&s->relay), 1);
  assert_reads (s->out[0], "from it");
}

static void
tty_relay_step_input_ends (void **state)
{
  struct scene *s = *state;
  assert_int_equal (write (s->in[1], "last", 4), 4);
  shut (&s->in[1]);
  assert_int_equal (settle (&s->relay), 1);
  assert_reads (s->slave, "last");
  assert_int_equal (write (s->slave, "still here", 10), 10);
  assert_int_equal (settle (&s->relay), 1);
  assert_reads (s->out[0], "still here");
  assert_int_equal (turn (&s->relay, 10, NULL), 2); /* sleeps, does not spin */
}

static void
tty_relay_step_slave_closes (void **state)
{
  struct scene *s = *state;
  assert_int_equal (write (s->slave, "bye", 3), 3);
  shut (&s->slave);
  assert_int_equal (settle (&s->relay), 0);
  assert_reads (s->out[0], "bye");
  struct pollfd fds[TTY_RELAY_FDS];
  assert_int_equal (tty_relay_events (&s->relay, fds), 0);
}

/* Writes LEN bytes of a known sequence to FD in a child; which is returned.  */
static pid_t
start_writer (struct scene *s, int fd, size_t len)
{
  pid_t pid = fork ();
  if (pid != 0)
    return pid;
  if (fd != s->slave)
    shut (&s->slave);
  for (size_t i = 0; i < len;)
    {
      unsigned char text[1000];
      size_t n = len - i < sizeof text ? len - i : sizeof text;
      for (size_t k = 0; k < n; k++)
        text[k] = (unsigned char) ((i + k) % 251);
      ssize_t done = write (fd, text, n);
      if (done < 0)
        _exit (1);
      i += (size_t) done;
    }
  _exit (0);
}

/* Reads what there is and checks that the sequence goes on at AT.  Returns the new place.  */
static size_t
check_sequence (int fd, size_t at, size_t most)
{
  unsigned char text[2048];
  ssize_t n = read (fd, text, most < sizeof text ? most : sizeof text);
  assert_true (n >= 0);
  for (ssize_t i = 0; i < n; i++, at++)
    assert_int_equal (text[i], at % 251);
  return at;
}

/* A reader that is slower than the container: all comes, in order, and the relay never blocks.  */
static void
slow_reader (struct scene *s, int reader)
{
  enum
  {
    LEN = 400000
  };
  size_t at = 0;
  int ret = 1, waits = 0;
  pid_t pid = start_writer (s, s->slave, LEN);
  shut (&s->slave);
  while (ret != 0)
    {
      struct pollfd ready = { .fd = reader, .events = POLLIN };
      ret = turn (&s->relay, 0, NULL);
      if (ret == 2 && poll (&ready, 1, 20) == 1) /* the way is full: take a little */
        at = check_sequence (reader, at, 700 + (size_t) waits++ % 1000);
    }
  shut (&s->out[1]);
  tty_relay_close (&s->relay);
  while (at < LEN)
    at = check_sequence (reader, at, 2048);
  waitpid (pid, NULL, 0);
}

static void
tty_relay_step_slow_reader (void **state)
{
  struct scene *s = *state;
  fcntl (s->out[1], F_SETPIPE_SZ, 4096);
  slow_reader (s, s->out[0]);
}

static void
tty_relay_step_slow_socket (void **state)
{
  struct scene *s = *state;
  int pair[2];
  tty_relay_close (&s->relay);
  assert_return_code (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), errno);
  assert_int_equal (tty_relay_open (&s->relay, s->in[0], pair[1], s->master, NULL), 0);
  slow_reader (s, pair[0]);
  close (pair[0]);
  close (pair[1]);
}

/* Our standard output is a terminal whose reader is slow: not to be made non-blocking for all, and yet not to block.  */
static void
tty_relay_step_slow_terminal (void **state)
{
  struct scene *s = *state;
  int master, slave;
  assert_return_code (make_pty (&master, &slave), errno);
  tty_relay_close (&s->relay);
  assert_int_equal (tty_relay_open (&s->relay, s->in[0], slave, s->master, NULL), 0);
  assert_int_equal (fcntl (slave, F_GETFL) & O_NONBLOCK, 0);
  slow_reader (s, master);
  close (master);
  close (slave);
}

/* A container that does not read its input: we stop reading ours.  */
static void
tty_relay_step_container_does_not_read (void **state)
{
  struct scene *s = *state;
  size_t sent = 0, at = 0;
  fcntl (s->in[1], F_SETFL, O_NONBLOCK);
  for (int idle = 0; idle < 3;)
    {
      char byte = (char) (sent % 251);
      bool wrote = write (s->in[1], &byte, 1) == 1;
      sent += wrote;
      idle = turn (&s->relay, 0, NULL) == 2 && ! wrote ? idle + 1 : 0;
      assert_true (sent < 10000000);
    }
  assert_true (sent > TTY_RELAY_BUFFER);
  for (int i = 0; at < sent; i++)
    {
      struct pollfd ready = { .fd = s->slave, .events = POLLIN };
      assert_true (i < 1000000);
      turn (&s->relay, 0, NULL);
      if (poll (&ready, 1, 20) == 1)
        at = check_sequence (s->slave, at, 2048);
    }
}

static void
tty_relay_step_output_breaks (void **state)
{
  struct scene *s = *state;
  struct err err = { 0 };
  int broken = 0, ret = 1;
  shut (&s->out[0]);
  pid_t pid = start_writer (s, s->slave, 300000); /* must not stall */
  shut (&s->slave);
  while (ret != 0)
    {
      ret = turn (&s->relay, 5000, &err);
      assert_int_not_equal (ret, 2);
      broken += ret < 0;
    }
  assert_int_equal (broken, 1);
  assert_int_equal (err.num, EPIPE);
  int status;
  waitpid (pid, &status, 0);
  assert_int_equal (status, 0);
}

static void
tty_relay_drain_all (void **state)
{
  struct scene *s = *state;
  size_t at = 0;
  pid_t pid = start_writer (s, s->slave, 3000);
  waitpid (pid, NULL, 0);
  shut (&s->slave);
  assert_int_equal (tty_relay_drain (&s->relay, -1, NULL), 0);
  while (at < 3000)
    at = check_sequence (s->out[0], at, 2048);
}

static void
tty_relay_drain_slave_held_open (void **state)
{
  struct scene *s = *state;
  assert_int_equal (write (s->slave, "end", 3), 3);
  assert_int_equal (tty_relay_drain (&s->relay, -1, NULL), 0);
  assert_reads (s->out[0], "end");
}

static void
tty_relay_drain_endless_writer (void **state)
{
  struct scene *s = *state;
  pid_t pid = start_writer (s, s->slave, (size_t) -1);
  pid_t reader = fork ();
  if (reader == 0)
    {
      char text[4096];
      shut (&s->out[1]);
      while (read (s->out[0], text, sizeof text) > 0)
        ;
      _exit (0);
    }
  assert_int_equal (tty_relay_drain (&s->relay, -1, NULL), 0);
  kill (pid, SIGKILL);
  kill (reader, SIGKILL);
  waitpid (pid, NULL, 0);
  waitpid (reader, NULL, 0);
}

static void
tty_relay_drain_nobody_reads (void **state)
{
  struct scene *s = *state;
  char text[4096] = "";
  fcntl (s->out[1], F_SETPIPE_SZ, 4096);
  assert_int_equal (write (s->out[1], text, sizeof text), sizeof text);
  assert_int_equal (write (s->slave, "lost", 4), 4);
  assert_int_equal (tty_relay_drain (&s->relay, 10, NULL), -ETIMEDOUT);
}

static void
tty_relay_open_makes_raw_and_restores (void **state)
{
  struct scene *s = *state;
  struct termios before, during, after;
  int master, slave;
  assert_return_code (make_pty (&master, &slave), errno);
  assert_return_code (tcgetattr (slave, &before), errno);
  before.c_lflag |= ECHO | ICANON | ISIG;
  before.c_oflag |= OPOST | ONLCR;
  assert_return_code (tcsetattr (slave, TCSANOW, &before), errno);
  tty_relay_close (&s->relay);
  assert_int_equal (tty_relay_open (&s->relay, slave, s->out[1], s->master, NULL), 0);
  assert_return_code (tcgetattr (slave, &during), errno);
  assert_int_equal (during.c_lflag & (ECHO | ICANON | ISIG), 0);
  assert_int_equal (during.c_oflag & OPOST, 0);
  assert_int_equal (fcntl (slave, F_GETFL) & O_NONBLOCK, 0);
  assert_int_equal (fcntl (s->out[1], F_GETFL) & O_NONBLOCK, 0);
  assert_true (fcntl (s->master, F_GETFL) & O_NONBLOCK);
  tty_relay_close (&s->relay);
  assert_return_code (tcgetattr (slave, &after), errno);
  assert_int_equal (after.c_lflag, before.c_lflag);
  assert_int_equal (after.c_iflag, before.c_iflag);
  assert_int_equal (after.c_oflag, before.c_oflag);
  assert_int_equal (fcntl (s->master, F_GETFL) & O_NONBLOCK, 0);
  close (master);
  close (slave);
}

static void
tty_relay_resize_copies (void **state)
{
  struct scene *s = *state;
  struct winsize size = { .ws_row = 33, .ws_col = 77 };
  int master, slave;
  assert_return_code (make_pty (&master, &slave), errno);
  assert_return_code (ioctl (master, TIOCSWINSZ, &size), errno);
  tty_relay_close (&s->relay);
  assert_int_equal (tty_relay_open (&s->relay, slave, s->out[1], s->master, NULL), 0);
  assert_return_code (ioctl (s->slave, TIOCGWINSZ, &size), errno);
  assert_true (size.ws_row == 33 && size.ws_col == 77);
  size.ws_row = 44;
  assert_return_code (ioctl (master, TIOCSWINSZ, &size), errno);
  assert_int_equal (tty_relay_resize (&s->relay, NULL), 0);
  assert_return_code (ioctl (s->slave, TIOCGWINSZ, &size), errno);
  assert_int_equal (size.ws_row, 44);
  close (master);
  close (slave);
}

#define IN_SCENE(test) cmocka_unit_test_setup_teardown (test, set_up, tear_down)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (tty_relay_without_terminal),
    cmocka_unit_test (tty_relay_close_zeroed),
    cmocka_unit_test (tty_relay_open_not_a_descriptor),
    IN_SCENE (tty_relay_step_both_ways),
    IN_SCENE (tty_relay_step_input_ends),
    IN_SCENE (tty_relay_step_slave_closes),
    IN_SCENE (tty_relay_step_slow_reader),
    IN_SCENE (tty_relay_step_slow_socket),
    IN_SCENE (tty_relay_step_slow_terminal),
    IN_SCENE (tty_relay_step_container_does_not_read),
    IN_SCENE (tty_relay_step_output_breaks),
    IN_SCENE (tty_relay_drain_all),
    IN_SCENE (tty_relay_drain_slave_held_open),
    IN_SCENE (tty_relay_drain_endless_writer),
    IN_SCENE (tty_relay_drain_nobody_reads),
    IN_SCENE (tty_relay_open_makes_raw_and_restores),
    IN_SCENE (tty_relay_resize_copies),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
