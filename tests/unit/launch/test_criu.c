/* SPDX-License-Identifier: Apache-2.0 */
/* Talking to CRIU: the tests play its part over the socket; that what it really does fits is for tests/cli/test_checkpoint.py. */
#include "room.h"

#include <sys/socket.h>

#include "base/err.h"
#include "base/fds.h"
#include "base/file.h"
#include "launch/criu.h"

/* A CRIU that has said all that it will: N messages.  */
static struct criu
spoken (const char *const *messages, const size_t *lengths, size_t n, int *ret_other)
{
  struct criu c = CRIU_NONE;
  int pair[2];

  assert_int_equal (socketpair (AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
  for (size_t i = 0; i < n; i++)
    assert_int_equal (fds_send (pair[1], messages[i], lengths[i], NULL, 0), 0);
  c.sock = pair[0];
  *ret_other = pair[1];
  return c;
}

#define NOTIFY_POST "\x08\x06\x10\x01\x2a\x10\x0a\x0cpost-restore\x10\x07"
#define DONE_RESTORE "\x08\x02\x10\x01\x22\x02\x08\x07"
#define FAILED "\x08\x02\x10\x00\x38\x02"

struct heard
{
  char names[64];
  pid_t pid;
  int ret;
};

static int
told (void *data, const char *name, pid_t pid, int fd, struct err *err)
{
  struct heard *h = data;

  assert_int_equal (fd, -1);
  (void) snprintf (h->names, sizeof h->names, "%s", name);
  h->pid = pid;
  return h->ret < 0 ? err_host (err, -h->ret, "a hook failed") : 0;
}

static void
criu_ask_restore (void **state)
{
  const char *const messages[] = { NOTIFY_POST, DONE_RESTORE };
  const size_t lengths[] = { sizeof NOTIFY_POST - 1, sizeof DONE_RESTORE - 1 };
  struct heard h = { .ret = 0 };
  struct wire opts = { 0 };
  char buf[64];
  pid_t pid = 0;
  int other;
  struct criu c = spoken (messages, lengths, 2, &other);

  (void) state;
  wire_number (&opts, 1, 5);
  assert_int_equal (criu_ask (&c, CRIU_RESTORE, &opts, told, &h, &pid, NULL), 0);
  assert_string_equal (h.names, "post-restore");
  assert_true (h.pid == 7 && pid == 7);
  /* the request, and that we heard the moment */
  assert_int_equal (recv (other, buf, sizeof buf, 0), 6);
  assert_memory_equal (buf, "\x08\x02\x12\x02\x08\x05", 6);
  assert_int_equal (recv (other, buf, sizeof buf, 0), 4);
  assert_memory_equal (buf, "\x08\x06\x18\x01", 4);
  wire_free (&opts);
  close (other);
  criu_end (&c, true);
}

/* A hook that fails is told to CRIU, and is the error.  */
static void
criu_ask_hook_fails (void **state)
{
  const char *const messages[] = { NOTIFY_POST };
  const size_t lengths[] = { sizeof NOTIFY_POST - 1 };
  struct heard h = { .ret = -ECANCELED };
  struct wire opts = { 0 };
  struct err err = { 0 };
  char buf[64];
  int other;
  struct criu c = spoken (messages, lengths, 1, &other);

  (void) state;
  assert_int_equal (criu_ask (&c, CRIU_RESTORE, &opts, told, &h, NULL, &err), -ECANCELED);
  assert_string_equal (err.what, "a hook failed");
  assert_int_equal (recv (other, buf, sizeof buf, 0), 4);
  assert_int_equal (recv (other, buf, sizeof buf, 0), 4);
  assert_memory_equal (buf, "\x08\x06\x18\x00", 4);
  close (other);
  criu_end (&c, true);
}

static void
criu_ask_failures (void **state)
{
  static const struct
  {
    const char *message;
    size_t len;
    int ret;
  } rows[] = {
    { FAILED, sizeof FAILED - 1, -ENOENT },
    { "\x08\x01\x10\x01", 4, -EPROTO }, /* the answer to something else */
    { "rubbish", 7, -EPROTO },
    { NULL, 0, -ECONNRESET },
  };

  (void) state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    {
      struct wire opts = { 0 };
      struct err err = { 0 };
      int other;
      struct criu c = spoken (&rows[i].message, &rows[i].len, rows[i].message ? 1 : 0, &other);

      shutdown (other, SHUT_WR);
      assert_int_equal (criu_ask (&c, CRIU_RESTORE, &opts, NULL, NULL, NULL, &err), rows[i].ret);
      assert_true (err.what[0]);
      close (other);
      criu_end (&c, true);
    }
}

static void
criu_features_of_the_kernel (void **state)
{
  const char *const messages[] = { "\x08\x09\x10\x01\x42\x04\x08\x00\x10\x01" };
  const size_t lengths[] = { 10 };
  bool track = true, lazy = false;
  int other;
  struct criu c = spoken (messages, lengths, 1, &other);

  (void) state;
  assert_int_equal (criu_features (&c, &track, &lazy, NULL), 0);
  assert_true (! track && lazy);
  close (other);
  criu_end (&c, true);
}

/* The fields of what was asked for, and of nothing else.  */
static void
criu_options_fields (void **state)
{
  const struct criu_args args = { .leave_running = true, .lazy_pages = true, .parent_path = "../p", .page_address = "h:9", .page_address_len = 1,
                                  .page_port = 9, .network_lock = 3, .status_fd = -1 };
  unsigned seen[8] = { 0 };
  struct wire opts = { 0 };
  struct wire_field f;
  const char *p;
  size_t len;

  (void) state;
  criu_options (&opts, &args, 4, 5, "dump.log");
  p = opts.data;
  len = opts.len;
  while (wire_next (&p, &len, &f) > 0)
    {
      assert_in_range (f.field, 1, 71);
      seen[0] += f.field == 3 && f.number == 1;
      seen[1] += f.field == 48 && f.number == 1;
      seen[2] += f.field == 14 && f.len == 4;
      seen[3] += f.field == 11 && f.len == 5 && memcmp (f.data, "\x0a\x01h\x10\x09", 5) == 0;
      seen[4] += f.field == 64 && f.number == 3;
      seen[5] += f.field == 15; /* track_mem */
      seen[6] += f.field == 17 && f.number == 5;
      seen[7] += f.field == 4 || f.field == 5 || f.field == 7 || f.field == 8 || f.field == 38 || f.field == 53;
    }
  for (size_t i = 0; i < 7; i++)
    assert_int_equal (seen[i], 1);
  assert_int_equal (seen[7], 0);
  wire_free (&opts);
}

static void
criu_start_finds_the_program (void **state)
{
  static const struct criu_place place = { .n_fds = 0 };
  struct criu c = CRIU_NONE;
  struct err err = { 0 };

  (void) state;
  assert_int_equal (criu_start (&c, "no-such-criu", &place, &err), -ENOENT);
  assert_non_null (strstr (err.what, "not installed"));
  criu_end (&c, true);
  assert_int_equal (criu_start (&c, "/etc/passwd", &place, &err), -ENOENT);
  criu_end (&c, true);
  assert_int_equal (criu_start (&c, "true", &place, &err), 0); /* which ends without a word */
  criu_end (&c, false);
  assert_true (c.sock == -1 && c.pid == 0);
}

/* A program that cannot be executed says so itself.  */
static void
criu_start_cannot_execute (void **state)
{
  static const struct criu_place place = { .n_fds = 0 };
  const char *name = room_path (state, "criu");
  struct criu c = CRIU_NONE;
  struct err err = { 0 };

  assert_int_equal (file_create_at (AT_FDCWD, name, "\177ELF?", 5, 0700, NULL), 0);
  assert_int_equal (criu_start (&c, name, &place, &err), -ENOEXEC);
  assert_string_equal (err.call, "execve");
  criu_end (&c, true);
}

static void
criu_explain_quotes_the_log (void **state)
{
  static const char log[] = "(00.01) Error (criu/util.c:1): rlimit: Can't setup RLIMIT_NOFILE for self: Operation not permitted\n"
                            "(00.02) fine\n(00.03) Error (a.c:1): first\n(00.04)  7: Error (b.c:2): second\n(00.05) Error (c.c:3): third\n"
                            "(00.06) Can't connect to server 1.2.3.4:5\n(00.07) Error (d.c:4): Dumping FAILED.\n";
  struct err err = { 0 };
  int dir = open (room_path (state, ""), O_RDONLY | O_DIRECTORY);

  assert_int_equal (criu_explain (-EIO, "dump the container", dir, "/images", "dump.log", &err), -EIO);
  assert_int_equal (err.kind, ERR_NONE); /* no log: ERR is left as it was */
  assert_int_equal (file_create_at (dir, "dump.log", log, sizeof log - 1, 0600, NULL), 0);
  assert_int_equal (criu_explain (-ECONNRESET, "dump the container", dir, "/images", "dump.log", &err), -EIO);
  assert_string_equal (err.what, "criu could not dump the container: Error (b.c:2): second; Error (c.c:3): third; Can't connect to server 1.2.3.4:5"
                                 " (see /images/dump.log)");
  close (dir);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (criu_ask_restore),
    cmocka_unit_test (criu_ask_hook_fails),
    cmocka_unit_test (criu_ask_failures),
    cmocka_unit_test (criu_features_of_the_kernel),
    cmocka_unit_test (criu_options_fields),
    cmocka_unit_test (criu_start_finds_the_program),
    cmocka_unit_test_setup_teardown (criu_start_cannot_execute, room_make, room_remove),
    cmocka_unit_test_setup_teardown (criu_explain_quotes_the_log, room_make, room_remove),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
