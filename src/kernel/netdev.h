/* SPDX-License-Identifier: Apache-2.0 */
/* Network interfaces on their way from one network namespace to another, with their
 * addresses.  Parent only, see rtnetlink(7). */
#ifndef ORLOP_KERNEL_NETDEV_H
#define ORLOP_KERNEL_NETDEV_H

#include <stdbool.h>

struct err;

/* An interface where it is.  */
struct netdev
{
  int index;
  bool up, loopback;
};

/* True if NAME is one that an interface can have; TEMPLATE: or one with a "%d" in it, for which the kernel takes the first free number.  */
bool netdev_is_name (const char *name, bool template);

/* True if NAME has a "%d".  */
bool netdev_is_template (const char *name);

/* The interface NAME as the routing socket SOCK sees it.  Returns 0, -ENODEV or another negative errno.  */
int netdev_find (int sock, const char *name, struct netdev *ret_dev, struct err *err);

/* The network namespace of the socket SOCK (Linux 4.9).  Returns a descriptor or negative errno.  */
int netdev_namespace (int sock, struct err *err);

/* A routing socket in the network namespace NETNS, made by entering it for a moment.  Returns a descriptor or negative errno.  */
int netdev_socket_at (int netns, struct err *err);

/* Moves the interface D, called NAME in the namespace of the routing socket FROM, to that of TO, as AS (a name or a template), with all its permanent
 * addresses of global scope, and brings it up there if UP.  Either all of this is done or D is back where it was, as it was.
 * *RET_DEV (may be NULL) is the interface in its new place.  Returns 0 or negative errno (-EEXIST: there is one called AS already).  */
int netdev_move (int from, int to, const struct netdev *d, const char *name, const char *as, bool up, struct netdev *ret_dev,
                 struct err *err);

#endif
