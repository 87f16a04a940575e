/* SPDX-License-Identifier: Apache-2.0 */
/* Loopback up, in a network namespace of a child's own. */
#include "in_child.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/err.h"
#include "kernel/netif.h"

/* ARG: sockets of IPv4 do not exist.  */
static int
brings_up (void *arg)
{
  struct ifreq request = { .ifr_name = "lo" };
  CHILD_SKIP_UNLESS (unshare (CLONE_NEWNET) == 0, "no right to make a network namespace");
  int sock = socket (AF_UNIX, SOCK_DGRAM, 0);
  CHECK (ioctl (sock, SIOCGIFFLAGS, &request) == 0 && ! (request.ifr_flags & IFF_UP));
  if (arg)
    CHILD_SKIP_UNLESS (deny_call (SYS_socket, 0, AF_INET, EAFNOSUPPORT) == 0, "no seccomp"); /* AF_INET 2, AF_UNIX 1 */
  int fd = netif_up ("lo", NULL);
  CHECK (fd >= 0 && fcntl (fd, F_GETFD) == FD_CLOEXEC);
  CHECK (ioctl (sock, SIOCGIFFLAGS, &request) == 0);
  CHECK ((request.ifr_flags & (IFF_UP | IFF_LOOPBACK | IFF_RUNNING)) == (IFF_UP | IFF_LOOPBACK | IFF_RUNNING));
  return 0;
}

static void
netif_up_loopback (void **state)
{
  (void) state;
  assert_child (brings_up);
}

static void
netif_up_without_ipv4 (void **state)
{
  (void) state;
  assert_child_arg (brings_up, "without", "brings_up without IPv4");
}

static int
fails (void *arg)
{
  struct err err = { 0 };
  (void) arg;
  CHILD_SKIP_UNLESS (unshare (CLONE_NEWNET) == 0, "no right to make a network namespace");
  CHECK (netif_up ("none", &err) == -ENODEV);
  CHECK (strcmp (err.object, "SIOCSIFFLAGS none") == 0);
  CHECK (netif_up ("a-name-that-is-too-long", NULL) == -ENAMETOOLONG);
  return 0;
}

static void
netif_up_unknown (void **state)
{
  (void) state;
  assert_child (fails);
}

static int
speak (void *arg)
{
  struct sockaddr_nl { unsigned short family, pad; unsigned pid, groups; } kernel = { .family = AF_NETLINK };
  int fd = netif_socket (NULL);

  (void) arg;
  CHECK (fd >= 0 && fcntl (fd, F_GETFD) == FD_CLOEXEC);
  CHECK (connect (fd, (struct sockaddr *) &kernel, sizeof kernel) == 0);
  CHILD_SKIP_UNLESS (deny_call (SYS_socket, 0, AF_NETLINK, EPROTONOSUPPORT) == 0, "no seccomp");
  CHECK (netif_socket (NULL) == -EPROTONOSUPPORT);
  return 0;
}

static void
netif_socket_of_our_namespace (void **state)
{
  (void) state;
  assert_child (speak);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (netif_up_loopback),
    cmocka_unit_test (netif_up_without_ipv4),
    cmocka_unit_test (netif_up_unknown),
    cmocka_unit_test (netif_socket_of_our_namespace),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
