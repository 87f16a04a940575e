/* SPDX-License-Identifier: Apache-2.0 */
/* Moving network interfaces; see netdev.h.  Never chooses which.  Parent only. */
#include "kernel/netdev.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <linux/sched.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/own.h"
#include "kernel/netif.h"
#include "kernel/netlink.h"
#include "kernel/sys.h"

/* Addresses of one interface as the kernel told them: requests to add them are nearly the same.  */
struct addresses
{
  int index;
  struct netlink_message *message;
  size_t n;
};

bool
netdev_is_template (const char *name)
{
  return strstr (name, "%d") != NULL;
}

/* As dev_valid_name of the kernel, which takes all but these; and __dev_alloc_name: one "%d" and no other per cent sign.  */
bool
netdev_is_name (const char *name, bool template)
{
  const char *percent = strchr (name, '%');
  size_t len = strlen (name);

  if (len == 0 || len >= IFNAMSIZ || strcmp (name, ".") == 0 || strcmp (name, "..") == 0)
    return false;
  for (const char *c = name; *c; c++)
    if (*c == '/' || *c == ':' || isspace ((unsigned char) *c))
      return false;
  return percent == NULL || (template && percent[1] == 'd' && strchr (percent + 1, '%') == NULL);
}

static int
take_link (void *data, const struct nlmsghdr *answer)
{
  struct netdev *d = data;
  struct ifinfomsg info;

  if (answer->nlmsg_type != RTM_NEWLINK || answer->nlmsg_len < NLMSG_LENGTH (sizeof info))
    return -EPROTO;
  memcpy (&info, NLMSG_DATA (answer), sizeof info);
  *d = (struct netdev){ .index = info.ifi_index, .up = info.ifi_flags & IFF_UP, .loopback = info.ifi_flags & IFF_LOOPBACK };
  return 0;
}

int
netdev_find (int sock, const char *name, struct netdev *ret_dev, struct err *err)
{
  const struct ifinfomsg any = { .ifi_family = AF_UNSPEC };
  struct netlink_message m;
  int ret;

  *ret_dev = (struct netdev){ 0 };
  netlink_begin (&m, RTM_GETLINK, 0, &any, sizeof any);
  ret = netlink_add (&m, IFLA_IFNAME, name, strlen (name) + 1);
  if (ret == 0)
    ret = netlink_talk (sock, &m, take_link, ret_dev);
  return ret < 0 ? err_sys (err, -ret, "RTM_GETLINK", "%s", name) : 0;
}

int
netdev_namespace (int sock, struct err *err)
{
  int fd = ioctl (sock, SIOCGSKNS);

  return fd < 0 ? err_sys (err, errno, "ioctl", "SIOCGSKNS") : fd;
}

int
netdev_socket_at (int netns, struct err *err)
{
  own_fd int own = open ("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  int sock, ret;

  if (own < 0)
    return err_sys (err, errno, "open", "/proc/thread-self/ns/net");
  ret = sys_setns (netns, CLONE_NEWNET);
  if (ret < 0)
    return err_sys (err, -ret, "setns", "network namespace");
  sock = netif_socket (err);
  ret = sys_setns (own, CLONE_NEWNET);
  if (ret == 0)
    return sock;
  own_close (&sock);
  return err_sys (err, -ret, "setns", "own network namespace");
}

/* Permanent and of global scope: all others are made again by the kernel or by who gave them.  */
static bool
is_kept (const struct nlmsghdr *answer, const struct ifaddrmsg *a)
{
  uint32_t flags = a->ifa_flags;
  size_t size;
  const void *wide = netlink_find (answer, sizeof *a, IFA_FLAGS, &size);

  if (wide && size == sizeof flags)
    memcpy (&flags, wide, sizeof flags);
  return (flags & IFA_F_PERMANENT) && a->ifa_scope == RT_SCOPE_UNIVERSE;
}

static int
take_address (void *data, const struct nlmsghdr *answer)
{
  struct addresses *list = data;
  struct ifaddrmsg a;
  struct netlink_message *more;

  if (answer->nlmsg_type != RTM_NEWADDR || answer->nlmsg_len < NLMSG_LENGTH (sizeof a))
    return -EPROTO;
  memcpy (&a, NLMSG_DATA (answer), sizeof a);
  if (a.ifa_index != (uint32_t) list->index || ! is_kept (answer, &a))
    return 0;
  if (answer->nlmsg_len > sizeof list->message->bytes)
    return -EMSGSIZE;
  more = realloc (list->message, (list->n + 1) * sizeof *more);
  if (more == NULL)
    return -ENOMEM;
  list->message = more;
  memcpy (more[list->n++].bytes, answer, answer->nlmsg_len);
  return 0;
}

static int
read_addresses (int sock, struct addresses *list, const char *name, struct err *err)
{
  const struct ifaddrmsg any = { .ifa_family = AF_UNSPEC };
  struct netlink_message m;
  int ret;

  netlink_begin (&m, RTM_GETADDR, NLM_F_DUMP, &any, sizeof any);
  ret = netlink_talk (sock, &m, take_address, list);
  return ret < 0 ? err_sys (err, -ret, "RTM_GETADDR", "%s", name) : 0;
}

/* The request that gives INDEX the address of ANSWER: the same but for its lifetime so far and its label, which is made of the interface's name.  */
static int
make_request (const struct nlmsghdr *answer, int index, struct netlink_message *m)
{
  static const uint16_t kept[] = { IFA_ADDRESS, IFA_LOCAL, IFA_BROADCAST, IFA_ANYCAST, IFA_FLAGS, IFA_RT_PRIORITY, IFA_PROTO };
  struct ifaddrmsg a;
  int ret = 0;

  memcpy (&a, NLMSG_DATA (answer), sizeof a);
  a.ifa_index = (uint32_t) index;
  netlink_begin (m, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &a, sizeof a);
  for (size_t i = 0; ret == 0 && i < sizeof kept / sizeof *kept; i++)
    {
      size_t size;
      const void *value = netlink_find (answer, sizeof a, kept[i], &size);

      if (value)
        ret = netlink_add (m, kept[i], value, size);
    }
  return ret;
}

static int
add_addresses (int sock, const struct addresses *list, int index, const char *name, struct err *err)
{
  for (size_t i = 0; i < list->n; i++)
    {
      struct netlink_message m;
      int ret = make_request (&list->message[i].head, index, &m);

      if (ret == 0)
        ret = netlink_talk (sock, &m, NULL, NULL);
      if (ret < 0)
        return err_sys (err, -ret, "RTM_NEWADDR", "%s", name);
    }
  return 0;
}

/* Changes the interface INDEX: brings it up if UP, calls it NAME and puts it into NETNS if these are given.  */
static int
change (int sock, int index, bool up, const char *name, int netns)
{
  const struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = index, .ifi_flags = up ? IFF_UP : 0, .ifi_change = up ? IFF_UP : 0 };
  struct netlink_message m;
  int ret = 0;

  netlink_begin (&m, RTM_NEWLINK, 0, &info, sizeof info);
  if (netns >= 0)
    ret = netlink_add (&m, IFLA_NET_NS_FD, &netns, sizeof netns);
  if (ret == 0 && name)
    ret = netlink_add (&m, IFLA_IFNAME, name, strlen (name) + 1);
  return ret < 0 ? ret : netlink_talk (sock, &m, NULL, NULL);
}

/* Moves the interface INDEX to the namespace of TO under the name AS, and says what it is there.  A template is filled in there only: by the
 * name alone could it be found again, since it keeps its number only where that is free.  */
static int
carry (int from, int to, int index, const char *as, struct netdev *ret_dev, struct err *err)
{
  char passing[IFNAMSIZ];
  const char *name = as;
  int ret;
  own_fd int netns = netdev_namespace (to, err);

  if (netns < 0)
    return netns;
  if (netdev_is_template (as))
    {
      (void) snprintf (passing, sizeof passing, "orlop%d", index);
      name = passing;
    }
  ret = change (from, index, false, name, netns);
  if (ret < 0)
    return err_sys (err, -ret, "RTM_NEWLINK", "%s", as);
  ret = netdev_find (to, name, ret_dev, err);
  if (ret == 0 && name != as)
    {
      ret = change (to, ret_dev->index, false, as, -1);
      if (ret < 0)
        return err_sys (err, -ret, "RTM_NEWLINK", "%s", as);
    }
  return ret;
}

/* After a failure: D goes back to FROM, if it left.  Where it is can be asked: the kernel moves first and renames then, so it may have arrived under
 * its old name.  */
static void
bring_back (int from, int to, const struct netdev *d, const char *name, const struct netdev *moved, const struct addresses *list)
{
  struct netdev found = *moved;
  own_fd int netns = netdev_namespace (from, NULL);

  if (netdev_find (from, name, &found, NULL) == 0)
    return;
  found = *moved;
  if (found.index == 0 && netdev_find (to, name, &found, NULL) < 0)
    return;
  if (netns < 0 || change (to, found.index, false, name, netns) < 0 || netdev_find (from, name, &found, NULL) < 0)
    return;
  (void) add_addresses (from, list, found.index, name, NULL); /* nothing more can be done */
  if (d->up)
    (void) change (from, found.index, true, NULL, -1);
}

int
netdev_move (int from, int to, const struct netdev *d, const char *name, const char *as, bool up, struct netdev *ret_dev,
             struct err *err)
{
  struct addresses list = { .index = d->index };
  struct netdev moved = { 0 };
  int ret = read_addresses (from, &list, name, err);

  if (ret == 0)
    {
      ret = carry (from, to, d->index, as, &moved, err);
      if (ret == 0)
        ret = add_addresses (to, &list, moved.index, as, err);
      if (ret == 0 && up && (ret = change (to, moved.index, true, NULL, -1)) < 0)
        (void) err_sys (err, -ret, "RTM_NEWLINK", "%s up", as);
      if (ret < 0)
        bring_back (from, to, d, name, &moved, &list);
    }
  free (list.message);
  if (ret == 0 && ret_dev)
    *ret_dev = moved;
  return ret;
}
