/* SPDX-License-Identifier: Apache-2.0 */
/* Interfaces move between two network namespaces of a child's own. */
#include "in_child.h"

#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/err.h"
#include "kernel/netdev.h"
#include "kernel/netif.h"
#include "kernel/netlink.h"

static void
netdev_is_name_of_the_kernel (void **state)
{
  static const char *const good[] = { "eth0", "a", "abcdefghijklmno", "a.b", "..a", "veth-1@2", "\xc3\xa4" };
  static const char *const bad[] = { "", ".", "..", "a/b", "a b", "a\tb", "a:b", "abcdefghijklmnop", "a%", "%s", "%d%d", "%d%" };

  (void) state;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    assert_true (netdev_is_name (good[i], false) && netdev_is_name (good[i], true) && ! netdev_is_template (good[i]));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_false (netdev_is_name (bad[i], false) || netdev_is_name (bad[i], true));
  assert_true (netdev_is_name ("eth%d", true) && netdev_is_template ("eth%d") && ! netdev_is_name ("eth%d", false));
}

/* A pair of interfaces NAME and one that the kernel names.  */
static int
make_pair (int sock, const char *name)
{
  static const struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
  struct
  {
    struct nlattr head;
    char kind[8];
  } veth = { { sizeof (struct nlattr) + 5, IFLA_INFO_KIND }, "veth" };
  struct netlink_message m;

  netlink_begin (&m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof info);
  (void) netlink_add (&m, IFLA_IFNAME, name, strlen (name) + 1);
  (void) netlink_add (&m, IFLA_LINKINFO, &veth, sizeof veth);
  return netlink_talk (sock, &m, NULL, NULL);
}

static int
add_address (int sock, int index, const char *bytes, uint8_t scope)
{
  struct ifaddrmsg a = { .ifa_family = AF_INET, .ifa_prefixlen = 24, .ifa_scope = scope, .ifa_index = (uint32_t) index };
  struct netlink_message m;

  netlink_begin (&m, RTM_NEWADDR, NLM_F_CREATE, &a, sizeof a);
  (void) netlink_add (&m, IFA_LOCAL, bytes, 4);
  return netlink_talk (sock, &m, NULL, NULL);
}

struct seen
{
  int index, n;
  uint32_t last;
};

static int
see (void *data, const struct nlmsghdr *answer)
{
  struct seen *s = data;
  struct ifaddrmsg a;
  size_t size;
  const void *local;

  memcpy (&a, NLMSG_DATA (answer), sizeof a);
  local = netlink_find (answer, sizeof a, IFA_LOCAL, &size);
  if (a.ifa_index == (uint32_t) s->index && a.ifa_family == AF_INET && local)
    {
      s->n++;
      memcpy (&s->last, local, sizeof s->last);
    }
  return 0;
}

/* How many IPv4 addresses INDEX has.  */
static struct seen
addresses (int sock, int index)
{
  struct ifaddrmsg any = { .ifa_family = AF_INET };
  struct seen s = { .index = index };
  struct netlink_message m;

  netlink_begin (&m, RTM_GETADDR, NLM_F_DUMP, &any, sizeof any);
  return netlink_talk (sock, &m, see, &s) == 0 ? s : (struct seen){ .n = -1 };
}

/* Two namespaces; we stay in the second.  */
static int
two (int *outside, int *inside)
{
  if (unshare (CLONE_NEWNET) < 0)
    return -1;
  *outside = netif_socket (NULL);
  if (unshare (CLONE_NEWNET) < 0)
    return -1;
  *inside = netif_socket (NULL);
  return make_pair (*outside, "net0");
}

static int
move (void *arg)
{
  struct netdev d, there, back;
  int outside, inside;

  (void) arg;
  CHILD_SKIP_UNLESS (two (&outside, &inside) == 0, "no network namespaces or no veth");
  CHECK (netdev_find (outside, "net0", &d, NULL) == 0 && d.index > 1 && ! d.up && ! d.loopback);
  CHECK (add_address (outside, d.index, "\x0a\x00\x00\x01", RT_SCOPE_UNIVERSE) == 0);
  CHECK (add_address (outside, d.index, "\x0a\x00\x01\x01", RT_SCOPE_LINK) == 0);
  CHECK (addresses (outside, d.index).n == 2);
  CHECK (netdev_move (outside, inside, &d, "net0", "eth%d", true, &there, NULL) == 0);
  CHECK (netdev_find (outside, "net0", &back, NULL) == -ENODEV);
  CHECK (netdev_find (inside, "eth0", &back, NULL) == 0 && back.index == there.index && back.up);
  CHECK (addresses (inside, there.index).n == 1 && memcmp (&(uint32_t){ addresses (inside, there.index).last }, "\x0a\x00\x00\x01", 4) == 0);
  CHECK (netdev_move (inside, outside, &there, "eth0", "net0", false, &back, NULL) == 0);
  CHECK (netdev_find (outside, "net0", &d, NULL) == 0 && ! d.up && d.index == back.index && addresses (outside, d.index).n == 1);
  return 0;
}

/* spec: 111, 112, 113, 114 */
static void
netdev_move_there_and_back (void **state)
{
  (void) state;
  assert_child (move);
}

/* The new name is taken: the kernel moves first and refuses then, and it comes back with all it had.  */
static int
collide (void *arg)
{
  struct err err = { 0 };
  struct netdev d, there;
  int outside, inside;

  (void) arg;
  CHILD_SKIP_UNLESS (two (&outside, &inside) == 0, "no network namespaces or no veth");
  CHECK (make_pair (inside, "taken") == 0);
  CHECK (netdev_find (outside, "net0", &d, NULL) == 0);
  CHECK (add_address (outside, d.index, "\x0a\x00\x00\x01", RT_SCOPE_UNIVERSE) == 0);
  CHECK (netdev_move (outside, inside, &d, "net0", "taken", true, &there, &err) == -EEXIST);
  CHECK (strcmp (err.call, "RTM_NEWLINK") == 0 && strcmp (err.object, "taken") == 0);
  CHECK (netdev_find (inside, "net0", &there, NULL) == -ENODEV);
  CHECK (netdev_find (outside, "net0", &d, NULL) == 0 && addresses (outside, d.index).n == 1);
  return 0;
}

/* spec: 20, 112 */
static void
netdev_move_comes_back (void **state)
{
  (void) state;
  assert_child (collide);
}

static int
find (void *arg)
{
  struct err err = { 0 };
  struct netdev d;
  struct stat ours, theirs;
  int outside, inside, netns, again;

  (void) arg;
  CHILD_SKIP_UNLESS (two (&outside, &inside) == 0, "no network namespaces or no veth");
  CHECK (netdev_find (inside, "lo", &d, NULL) == 0 && d.loopback);
  CHECK (netdev_find (inside, "none", &d, &err) == -ENODEV && strcmp (err.object, "none") == 0);
  netns = netdev_namespace (outside, NULL);
  CHECK (netns >= 0 && fstat (netns, &theirs) == 0 && stat ("/proc/self/ns/net", &ours) == 0 && ours.st_ino != theirs.st_ino);
  again = netdev_socket_at (netns, NULL);
  CHECK (again >= 0 && netdev_find (again, "net0", &d, NULL) == 0);
  CHECK (stat ("/proc/self/ns/net", &theirs) == 0 && ours.st_ino == theirs.st_ino);
  CHECK (netdev_namespace (0x7fff, &err) == -EBADF);
  CHECK (netdev_socket_at (0x7fff, &err) == -EBADF);
  return 0;
}

static void
netdev_find_in_its_namespace (void **state)
{
  (void) state;
  assert_child (find);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (netdev_is_name_of_the_kernel),
    cmocka_unit_test (netdev_move_there_and_back),
    cmocka_unit_test (netdev_move_comes_back),
    cmocka_unit_test (netdev_find_in_its_namespace),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
