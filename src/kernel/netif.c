/* SPDX-License-Identifier: Apache-2.0 */
/* Network interfaces: bringing one up.  Never in a network namespace that is not ours: the caller is inside it.  child-safe */
#include "kernel/netif.h"

#include <errno.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/own.h"
#include "base/str.h"

int
netif_up (const char *name, struct err *err)
{
  struct ifreq request = { .ifr_flags = IFF_UP };

  if (str_copy (request.ifr_name, sizeof request.ifr_name, name) < 0)
    return err_sys (err, ENAMETOOLONG, "ioctl", "%s", name);
  /* netdevice(7): any socket will do; unix ones are for kernels without IPv4.  */
  own_fd int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0 && errno == EAFNOSUPPORT)
    fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return err_sys (err, errno, "socket", "%s", name);
  if (ioctl (fd, SIOCSIFFLAGS, &request) < 0)
    return err_sys (err, errno, "ioctl", "SIOCSIFFLAGS %s", name);
  return take_fd (&fd);
}

int
netif_socket (struct err *err)
{
  int fd = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

  return fd < 0 ? err_sys (err, errno, "socket", "NETLINK_ROUTE") : fd;
}
