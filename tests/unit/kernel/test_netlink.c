/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of routing sockets as bytes, and a talk with the kernel about its own interfaces. */
#include "in_child.h"

#include <linux/rtnetlink.h>
#include <sched.h>
#include <sys/socket.h>

#include "kernel/netlink.h"

static const struct ifinfomsg any = { .ifi_family = AF_UNSPEC };

static void
netlink_add_aligns (void **state)
{
  struct netlink_message m;
  size_t size = 0;

  (void) state;
  netlink_begin (&m, RTM_NEWLINK, NLM_F_CREATE, &any, sizeof any);
  assert_int_equal (m.head.nlmsg_len, NLMSG_LENGTH (sizeof any));
  assert_int_equal (m.head.nlmsg_flags, NLM_F_CREATE | NLM_F_REQUEST);
  assert_int_equal (netlink_add (&m, IFLA_IFNAME, "x", 2), 0);
  assert_int_equal (netlink_add (&m, IFLA_MTU, "1234", 4), 0);
  assert_int_equal (m.head.nlmsg_len, NLMSG_LENGTH (sizeof any) + 8 + 8);
  assert_memory_equal (netlink_find (&m.head, sizeof any, IFLA_MTU, &size), "1234", 4);
  assert_int_equal (size, 4);
  assert_memory_equal (netlink_find (&m.head, sizeof any, IFLA_IFNAME, &size), "x", 2);
  assert_int_equal (size, 2);
  assert_null (netlink_find (&m.head, sizeof any, IFLA_ADDRESS, &size));
}

static void
netlink_add_full (void **state)
{
  struct netlink_message m;
  char much[sizeof m.bytes] = "";

  (void) state;
  netlink_begin (&m, RTM_NEWLINK, 0, &any, sizeof any);
  assert_int_equal (netlink_add (&m, IFLA_IFALIAS, much, sizeof much), -E2BIG);
  assert_int_equal (netlink_add (&m, IFLA_IFALIAS, much, sizeof much - 36), 0);
  assert_int_equal (m.head.nlmsg_len, sizeof m.bytes);
  assert_int_equal (netlink_add (&m, IFLA_IFNAME, "", 0), -E2BIG);
}

/* Attributes that lie about their length end the search.  */
static void
netlink_find_broken (void **state)
{
  static const uint16_t lengths[] = { 0, 3, 9, 0xffff };
  struct netlink_message m;
  size_t size = 7;

  (void) state;
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
    {
      netlink_begin (&m, RTM_NEWLINK, 0, &any, sizeof any);
      assert_int_equal (netlink_add (&m, IFLA_MTU, "1234", 4), 0);
      memcpy (m.bytes + NLMSG_SPACE (sizeof any), &lengths[i], sizeof lengths[i]);
      assert_null (netlink_find (&m.head, sizeof any, IFLA_MTU, &size));
    }
  m.head.nlmsg_len = NLMSG_LENGTH (sizeof any) + 3; /* too short for one */
  assert_null (netlink_find (&m.head, sizeof any, IFLA_MTU, &size));
}

static int
count (void *data, const struct nlmsghdr *answer)
{
  size_t size;

  assert_int_equal (answer->nlmsg_type, RTM_NEWLINK);
  assert_non_null (netlink_find (answer, sizeof any, IFLA_IFNAME, &size));
  return ++*(int *) data, 0;
}

static int
give_up (void *data, const struct nlmsghdr *answer)
{
  (void) answer;
  ++*(int *) data;
  return -ENOLCK;
}

static void
netlink_talk_with_the_kernel (void **state)
{
  int sock = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), n = 0;
  struct netlink_message m;

  (void) state;
  assert_true (sock >= 0);
  netlink_begin (&m, RTM_GETLINK, NLM_F_DUMP, &any, sizeof any);
  assert_int_equal (netlink_talk (sock, &m, count, &n), 0);
  assert_true (n >= 1);
  /* what the taker says is what we hear, once, and the socket is good for more */
  n = 0;
  netlink_begin (&m, RTM_GETLINK, NLM_F_DUMP, &any, sizeof any);
  assert_int_equal (netlink_talk (sock, &m, give_up, &n), -ENOLCK);
  assert_int_equal (n, 1);
  n = 0;
  netlink_begin (&m, RTM_GETLINK, 0, &any, sizeof any);
  assert_int_equal (netlink_add (&m, IFLA_IFNAME, "lo", 3), 0);
  assert_int_equal (netlink_talk (sock, &m, count, &n), 0);
  assert_int_equal (n, 1);
  netlink_begin (&m, RTM_GETLINK, 0, &any, sizeof any);
  assert_int_equal (netlink_add (&m, IFLA_IFNAME, "none", 5), 0);
  assert_int_equal (netlink_talk (sock, &m, NULL, NULL), -ENODEV);
  close (sock);
  assert_int_equal (netlink_talk (sock, &m, NULL, NULL), -EBADF);
}

/* A request that replaces has a bit in common with one for all there is: it is acknowledged, not listed.  */
static int
replace (void *arg)
{
  const struct { uint8_t family, length, flags, scope; uint32_t index; } address = { AF_INET, 32, 0, 0, 1 };
  struct netlink_message m;
  int sock;

  (void) arg;
  CHILD_SKIP_UNLESS (unshare (CLONE_NEWNET) == 0, "no right to make a network namespace");
  sock = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  netlink_begin (&m, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &address, sizeof address);
  CHECK (netlink_add (&m, 2 /* IFA_LOCAL */, "\x0a\x00\x00\x01", 4) == 0);
  CHECK (netlink_talk (sock, &m, NULL, NULL) == 0);
  return 0;
}

static void
netlink_talk_replaces (void **state)
{
  (void) state;
  assert_child (replace);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (netlink_add_aligns),
    cmocka_unit_test (netlink_add_full),
    cmocka_unit_test (netlink_find_broken),
    cmocka_unit_test (netlink_talk_with_the_kernel),
    cmocka_unit_test (netlink_talk_replaces),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
