/* SPDX-License-Identifier: Apache-2.0 */
/* Telling a service manager that a container is ready: which messages are passed on, to whom, and when it is over. */
#include "room.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/err.h"
#include "base/fds.h"
#include "base/log.h"
#include "kernel/pid.h"
#include "launch/notify.h"

/* The directory of a container with its socket, and the socket of a manager.  */
struct scene
{
  int dir, client, host;
  char host_path[256], said[512];
  struct log log;
  struct notify n;
};

static void
note_warning (void *data, enum log_level level, const char *message)
{
  struct scene *s = data;

  if (level == LOG_LEVEL_WARNING)
    (void) snprintf (s->said, sizeof s->said, "%s", message);
}

static void
begin (struct scene *s, void **state)
{
  *s = (struct scene){ .dir = open (room_path (state, ""), O_PATH | O_DIRECTORY | O_CLOEXEC) };
  s->log = (struct log){ .level = LOG_LEVEL_WARNING, .write = note_warning, .data = s };
  (void) snprintf (s->host_path, sizeof s->host_path, "%s", room_path (state, "host"));
  s->host = fds_bind (AT_FDCWD, s->host_path, SOCK_DGRAM, 0600, NULL);
  assert_true (s->dir >= 0 && s->host >= 0);
  assert_int_equal (notify_make (s->dir, NULL), 0);
  s->n = (struct notify){ .pid = 4711, .host = s->host_path, .log = &s->log };
  s->n.fd = notify_bind (s->dir, NULL);
  s->client = fds_connect (s->dir, NOTIFY_SOCKET, SOCK_DGRAM, NULL);
  assert_true (s->n.fd >= 0 && s->client >= 0);
}

static void
finish (struct scene *s)
{
  close (s->dir);
  close (s->client);
  close (s->host);
  if (s->n.fd >= 0)
    close (s->n.fd);
}

static void
say (const struct scene *s, const char *message)
{
  assert_int_equal (send (s->client, message, strlen (message), 0), strlen (message));
}

/* In a process of its own: takes two messages as a manager does, the second with a descriptor.  Ends with 0 if they are the right ones.  */
static pid_t
manager (const struct scene *s)
{
  pid_t pid = fork ();
  char text[256] = "", second[256] = "";
  int fd = -1;
  size_t n = 0;

  if (pid != 0)
    return pid;
  (void) prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  (void) fds_recv (s->host, text, sizeof text - 1, NULL, &n);
  n = 1;
  (void) fds_recv (s->host, second, sizeof second - 1, &fd, &n);
  _exit (strcmp (text, "READY=1\nMAINPID=4711\n") || strcmp (second, "BARRIER=1") || n != 1);
}

static void
assert_good (pid_t pid)
{
  int status;

  assert_int_equal (waitpid (pid, &status, 0), pid);
  assert_int_equal (status, 0);
}

static void
notify_step_passes_ready_on (void **state)
{
  static const char *const messages[] = { "READY=1", "READY=1\n", "STATUS=x\nREADY=1", "MAINPID=1\nREADY=1\nFDSTORE=1\n" };

  for (size_t i = 0; i < sizeof messages / sizeof *messages; i++)
    {
      struct scene s;
      pid_t pid;

      begin (&s, state);
      pid = manager (&s);
      say (&s, messages[i]);
      notify_step (&s.n);
      assert_int_equal (s.n.fd, -1);
      assert_good (pid);
      assert_string_equal (s.said, "");
      finish (&s);
      assert_int_equal (unlink (s.host_path), 0);
    }
}

static void
notify_step_of_other_messages (void **state)
{
  static const char *const messages[] = { "STATUS=READY=1", "READY=0", "READY=10", "XREADY=1", "", "\n\n", "READY=1x\nREADY", "WATCHDOG=1" };
  struct scene s;
  char text[8];

  begin (&s, state);
  for (size_t i = 0; i < sizeof messages / sizeof *messages; i++)
    {
      say (&s, messages[i]);
      notify_step (&s.n);
      assert_true (s.n.fd >= 0);
    }
  assert_int_equal (recv (s.host, text, sizeof text, MSG_DONTWAIT), -1);
  finish (&s);
}

/* What comes with a message is closed.  */
static void
notify_step_takes_no_descriptors (void **state)
{
  struct scene s;
  int before;

  begin (&s, state);
  before = room_descriptors ();
  assert_int_equal (fds_send (s.client, "READY=1", 7, &s.client, 1), 0);
  notify_step (&s.n);
  assert_int_equal (room_descriptors (), before);
  assert_true (s.n.fd >= 0);
  finish (&s);
}

static void
notify_step_without_a_host (void **state)
{
  struct scene s;

  begin (&s, state);
  assert_int_equal (unlink (s.host_path), 0);
  say (&s, "READY=1");
  notify_step (&s.n);
  assert_int_equal (s.n.fd, -1);
  assert_non_null (strstr (s.said, "could not be told: No such file or directory"));
  finish (&s);
}

static void
notify_wait_for_ready_or_the_end (void **state)
{
  struct scene s;
  pid_t pid = room_process (), host;
  int pidfd = pid_open (pid, NULL);

  begin (&s, state);
  host = manager (&s);
  say (&s, "STATUS=x");
  say (&s, "READY=1");
  notify_wait (&s.n, pidfd); /* the process lives on */
  assert_good (host);
  finish (&s);
  assert_int_equal (unlink (s.host_path), 0);
  begin (&s, state); /* makes the socket anew */
  host = manager (&s);
  kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
  say (&s, "READY=1"); /* its last word */
  notify_wait (&s.n, pidfd);
  assert_good (host);
  s.n.fd = notify_bind (s.dir, NULL);
  notify_wait (&s.n, pidfd); /* without a word */
  assert_true (s.n.fd >= 0);
  close (pidfd);
  finish (&s);
}

static void
notify_make_whatever_the_umask (void **state)
{
  struct scene s;
  struct stat st;
  mode_t before = umask (077);

  begin (&s, state);
  (void) umask (before);
  assert_int_equal (stat (room_path (state, NOTIFY_DIR), &st), 0);
  assert_int_equal (st.st_mode & 07777, 0755);
  assert_int_equal (stat (room_path (state, NOTIFY_SOCKET), &st), 0);
  assert_int_equal (st.st_mode & 07777, 0777);
  assert_int_equal (notify_make (s.dir, NULL), 0); /* twice is once */
  finish (&s);
}

static void
notify_bind_without_the_directory (void **state)
{
  int dir = open (room_path (state, ""), O_PATH | O_DIRECTORY | O_CLOEXEC), before = room_descriptors ();

  assert_int_equal (notify_bind (dir, NULL), -ENOENT);
  assert_int_equal (room_descriptors (), before);
  close (dir);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    room_test (notify_step_passes_ready_on),
    room_test (notify_step_of_other_messages),
    room_test (notify_step_takes_no_descriptors),
    room_test (notify_step_without_a_host),
    room_test (notify_wait_for_ready_or_the_end),
    room_test (notify_make_whatever_the_umask),
    room_test (notify_bind_without_the_directory),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
