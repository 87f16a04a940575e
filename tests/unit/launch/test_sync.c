/* SPDX-License-Identifier: Apache-2.0 */
/* Messages between parent and child over a real pair of sockets: whole, cut, wrong, and none. */
#include "room.h"

#include <sys/socket.h>

#include "launch/sync.h"

struct pair
{
  int us, them, before; /* descriptors that were open */
};

static int
pair_open (void **state)
{
  struct pair *p = calloc (1, sizeof *p);
  int fds[2];

  if (p == NULL)
    return -1;
  p->before = room_descriptors ();
  *state = p;
  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
    return -1;
  p->us = fds[0];
  p->them = fds[1];
  return 0;
}

/* Also sees that no test left a descriptor open.  */
static int
pair_close (void **state)
{
  struct pair *p = *state;
  int left;

  close (p->us);
  if (p->them >= 0)
    close (p->them);
  left = room_descriptors () - p->before;
  free (p);
  if (left)
    print_error ("%d descriptors are left\n", left);
  return left;
}

static void
sync_name_known_and_unknown (void **state)
{
  (void) state;
  assert_string_equal (sync_name (SYNC_READY), "READY");
  assert_string_equal (sync_name (SYNC_FAIL), "FAIL");
  assert_string_equal (sync_name (SYNC_FAIL + 1), "?");
  assert_string_equal (sync_name (UINT32_MAX), "?");
}

static void
sync_expect_takes_each_message (void **state)
{
  const struct pair *p = *state;
  const struct sync_hello hello = { .address = 0x1000, .size = 4096, .plan = 0x1010, .present = 3, .n_later = 7 };
  const struct sync_pid pid = { .pid = 4711 };
  struct sync_packet got;

  assert_int_equal (sync_send (p->them, SYNC_HELLO, &hello, sizeof hello, NULL, 0, NULL), 0);
  assert_int_equal (sync_send (p->them, SYNC_PID, &pid, sizeof pid, NULL, 0, NULL), 0);
  assert_int_equal (sync_expect (p->us, SYNC_HELLO, &got, NULL, NULL, NULL), 0);
  assert_memory_equal (&got.hello, &hello, sizeof hello);
  assert_int_equal (sync_expect (p->us, SYNC_PID, &got, NULL, NULL, NULL), 0);
  assert_int_equal (got.pid.pid, 4711);
  assert_int_equal (sync_send (p->them, SYNC_READY, &(struct sync_ready){ 1 }, sizeof (struct sync_ready), NULL, 0, NULL), 0);
  assert_int_equal (sync_expect (p->us, SYNC_READY, &got, NULL, NULL, NULL), 0);
  assert_int_equal (got.ready.without_keyring, 1);
  const struct sync_mounted mounted = { .n = 2, .id = { 5, 6 } };
  assert_int_equal (sync_send (p->them, SYNC_MOUNTED, &mounted, sizeof mounted, NULL, 0, NULL), 0);
  assert_int_equal (sync_expect (p->us, SYNC_MOUNTED, &got, NULL, NULL, NULL), 0);
  assert_memory_equal (&got.mounted, &mounted, sizeof mounted);
  for (int what = SYNC_MAP_IDS; what <= SYNC_START; what++)
    if (what != SYNC_PID && what != SYNC_READY && what != SYNC_MOUNTED)
      {
        assert_int_equal (sync_send (p->them, (enum sync_what) what, NULL, 0, NULL, 0, NULL), 0);
        assert_int_equal (sync_expect (p->us, (enum sync_what) what, NULL, NULL, NULL, NULL), 0);
      }
}

static void
sync_expect_end_of_file (void **state)
{
  struct pair *p = *state;
  struct err err = { 0 };

  close (p->them);
  p->them = -1;
  assert_int_equal (sync_expect (p->us, SYNC_READY, NULL, NULL, NULL, &err), -ECONNRESET);
  assert_int_equal (err.kind, ERR_BUG);
  assert_non_null (strstr (err.what, "ended before it said READY"));
}

static void
sync_expect_reset_by_unread_message (void **state)
{
  struct pair *p = *state;

  /* closed with a message of ours unread: the kernel says ECONNRESET where it would say end of file */
  assert_int_equal (sync_send (p->us, SYNC_READY, &(struct sync_ready){ 0 }, sizeof (struct sync_ready), NULL, 0, NULL), 0);
  close (p->them);
  p->them = -1;
  assert_int_equal (sync_expect (p->us, SYNC_READY, NULL, NULL, NULL, NULL), -ECONNRESET);
}

static void
sync_expect_names_both_messages (void **state)
{
  const struct pair *p = *state;
  struct err err = { 0 };

  assert_int_equal (sync_send (p->them, SYNC_HOOKS, NULL, 0, NULL, 0, NULL), 0);
  assert_int_equal (sync_expect (p->us, SYNC_READY, NULL, NULL, NULL, &err), -EPROTO);
  assert_string_equal (err.what, "message HOOKS came instead of READY");
}

static void
sync_expect_malformed (void **state)
{
  const struct pair *p = *state;
  const size_t head = offsetof (struct sync_packet, hello);
  struct sync_packet packet = { .what = SYNC_READY };
  static const struct
  {
    uint32_t what, size;
    size_t sent; /* of the contents */
  } bad[] = {
    { SYNC_FAIL + 1, 0, 0 },                   /* no message */
    { UINT32_MAX, 0, 0 },
    { SYNC_PID, sizeof (struct sync_pid), 0 }, /* cut */
    { SYNC_PID, sizeof (struct sync_pid), 3 },
    { SYNC_PID, 0, 0 },                        /* of another size */
    { SYNC_PID, 8, 8 },
    { SYNC_READY, 0, 0 },
    { SYNC_START, 4, 4 },
    { SYNC_READY, 0, 4 },                      /* longer than it says */
    { SYNC_FAIL, sizeof (struct err), 100 },
    { SYNC_FAIL, UINT32_MAX, sizeof (struct err) },
  };

  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    {
      struct err err = { 0 };

      packet.what = bad[i].what;
      packet.size = bad[i].size;
      assert_int_equal (send (p->them, &packet, head + bad[i].sent, 0), (int) (head + bad[i].sent));
      assert_int_equal (sync_expect (p->us, SYNC_READY, NULL, NULL, NULL, &err), -EPROTO);
      assert_string_equal (err.what, "a malformed message came instead of READY");
    }
  assert_int_equal (send (p->them, &packet, 3, 0), 3); /* not even a head */
  assert_int_equal (sync_expect (p->us, SYNC_READY, NULL, NULL, NULL, NULL), -EPROTO);
}

static void
sync_expect_message_larger_than_any (void **state)
{
  static const char large[sizeof (struct sync_packet) + 1];
  const struct pair *p = *state;
  struct err err = { 0 };

  assert_int_equal (send (p->them, large, sizeof large, 0), (int) sizeof large);
  assert_int_equal (sync_expect (p->us, SYNC_READY, NULL, NULL, NULL, &err), -EPROTO);
  assert_string_equal (err.call, "recvmsg");
}

static void
sync_expect_takes_over_a_failure (void **state)
{
  const struct pair *p = *state;
  struct err sent = { 0 }, got = { 0 };

  (void) err_in (&sent, err_sys (&sent, ENOENT, "open_tree", "%s", "/nowhere"), "mounts[3].source");
  (void) strcpy (sent.step, "root.mounts");
  sync_fail (p->them, &sent);
  assert_int_equal (sync_expect (p->us, SYNC_READY, NULL, NULL, NULL, &got), -ENOENT);
  assert_memory_equal (&got, &sent, sizeof got);
  sync_fail (p->them, &sent);
  assert_int_equal (sync_expect (p->us, SYNC_READY, NULL, NULL, NULL, NULL), -ENOENT); /* nobody wants to know */
}

static void
sync_expect_judges_a_failure (void **state)
{
  const struct pair *p = *state;
  struct err sent, got = { 0 };

  memset (&sent, 'x', sizeof sent); /* no text is terminated, no number is one that we send */
  sent.num = -5;
  sync_fail (p->them, &sent);
  assert_int_equal (sync_expect (p->us, SYNC_READY, NULL, NULL, NULL, &got), -EINVAL);
  assert_int_equal (strlen (got.step), sizeof got.step - 1);
  assert_int_equal (strlen (got.call), sizeof got.call - 1);
  assert_int_equal (strlen (got.where), sizeof got.where - 1);
  assert_int_equal (strlen (got.object), sizeof got.object - 1);
  assert_int_equal (strlen (got.what), sizeof got.what - 1);
  assert_int_equal (got.kind, ERR_BUG);
  sent = (struct err){ .kind = ERR_NONE, .num = ENOENT };
  sync_fail (p->them, &sent);
  assert_int_equal (sync_expect (p->us, SYNC_READY, NULL, NULL, NULL, &got), -ENOENT);
  assert_int_equal (got.kind, ERR_BUG); /* a failure of no kind is none that we know */
}

static void
sync_send_to_nobody (void **state)
{
  struct pair *p = *state;
  struct err err = { 0 };

  close (p->them);
  p->them = -1;
  assert_int_equal (sync_send (p->us, SYNC_READY, NULL, 0, NULL, 0, &err), -EPIPE);
  assert_string_equal (err.call, "sendmsg");
  assert_string_equal (err.object, "READY");
  sync_fail (p->us, &err); /* ignored, and no signal ends us */
}

static void
sync_send_too_large (void **state)
{
  static const char large[sizeof (struct sync_packet)];
  const struct pair *p = *state;
  struct err err = { 0 };

  assert_int_equal (sync_send (p->us, SYNC_FAIL, large, sizeof large, NULL, 0, &err), -EMSGSIZE);
  assert_string_equal (err.what, "message FAIL is too large");
}

/* --- descriptors */

static void
sync_expect_takes_descriptors (void **state)
{
  const struct pair *p = *state;
  const int sent[] = { 0, 1, 2 };
  int got[4] = { -1, -1, -1, -1 };
  size_t n = 4;

  assert_int_equal (sync_send (p->them, SYNC_FDS, NULL, 0, sent, 3, NULL), 0);
  assert_int_equal (sync_expect (p->us, SYNC_FDS, NULL, got, &n, NULL), 0);
  assert_int_equal (n, 3);
  for (size_t i = 0; i < 3; i++)
    {
      assert_int_equal (fcntl (got[i], F_GETFD), FD_CLOEXEC);
      close (got[i]);
    }
  assert_int_equal (got[3], -1);
}

static void
sync_expect_too_many_descriptors (void **state)
{
  const struct pair *p = *state;
  const int sent[] = { 0, 1, 2 };
  int got[2] = { -1, -1 };
  size_t n = 2;

  assert_int_equal (sync_send (p->them, SYNC_FDS, NULL, 0, sent, 3, NULL), 0);
  assert_int_equal (sync_expect (p->us, SYNC_FDS, NULL, got, &n, NULL), -EPROTO);
  assert_int_equal (got[0], -1);
  assert_int_equal (sync_send (p->them, SYNC_READY, NULL, 0, sent, 1, NULL), 0);
  assert_int_equal (sync_expect (p->us, SYNC_READY, NULL, NULL, NULL, NULL), -EPROTO);
}

static void
sync_expect_closes_what_came_with_a_wrong_message (void **state)
{
  const struct pair *p = *state;
  const int sent[] = { 0, 1 };
  const struct err failure = { .kind = ERR_SYS, .num = EIO };
  int got[2] = { -1, -1 };
  size_t n = 2;

  assert_int_equal (sync_send (p->them, SYNC_FDS, NULL, 0, sent, 2, NULL), 0);
  assert_int_equal (sync_expect (p->us, SYNC_HOOKS, NULL, got, &n, NULL), -EPROTO);
  assert_int_equal (n, 0);
  assert_int_equal (got[0], -1);
  assert_int_equal (got[1], -1);
  n = 2;
  assert_int_equal (sync_send (p->them, SYNC_FAIL, &failure, sizeof failure, sent, 2, NULL), 0);
  assert_int_equal (sync_expect (p->us, SYNC_HOOKS, NULL, got, &n, NULL), -EIO);
  assert_int_equal (n, 0);
}

#define pair_test(function) cmocka_unit_test_setup_teardown (function, pair_open, pair_close)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (sync_name_known_and_unknown),
    pair_test (sync_expect_takes_each_message),
    pair_test (sync_expect_end_of_file),
    pair_test (sync_expect_reset_by_unread_message),
    pair_test (sync_expect_names_both_messages),
    pair_test (sync_expect_malformed),
    pair_test (sync_expect_message_larger_than_any),
    pair_test (sync_expect_takes_over_a_failure),
    pair_test (sync_expect_judges_a_failure),
    pair_test (sync_send_to_nobody),
    pair_test (sync_send_too_large),
    pair_test (sync_expect_takes_descriptors),
    pair_test (sync_expect_too_many_descriptors),
    pair_test (sync_expect_closes_what_came_with_a_wrong_message),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
