/* SPDX-License-Identifier: Apache-2.0 */
/* Talking to the kernel's routing sockets: a message in the making, its attributes, and
 * the answers.  Knows no interface and no address.  Parent only, see netlink(7), rtnetlink(7). */
#ifndef ORLOP_KERNEL_NETLINK_H
#define ORLOP_KERNEL_NETLINK_H

#include <stddef.h>
#include <stdint.h>

#include <linux/netlink.h>

/* A request: the header, the struct of its family, then attributes.  */
struct netlink_message
{
  union
  {
    struct nlmsghdr head;
    char bytes[2048];
  };
};

/* What is done with an answer.  Anything but 0 ends the taking of answers and is what netlink_talk returns.  */
typedef int netlink_taker (void *data, const struct nlmsghdr *answer);

/* Begins M as TYPE (RTM_*) with FLAGS beside NLM_F_REQUEST, and SIZE bytes of the family's struct.  */
void netlink_begin (struct netlink_message *m, uint16_t type, uint16_t flags, const void *family, size_t size);

/* Appends an attribute.  Returns 0 or -E2BIG.  */
int netlink_add (struct netlink_message *m, uint16_t type, const void *value, size_t size);

/* The attribute TYPE of ANSWER, whose family's struct has FAMILY_SIZE bytes, or NULL.  Its length goes to *RET_SIZE.  */
const void *netlink_find (const struct nlmsghdr *answer, size_t family_size, uint16_t type, size_t *ret_size);

/* Sends M and takes the answers until the kernel has acknowledged it or said that there are no more.  TAKE may be NULL.
 * Returns 0, what TAKE returned, or negative errno: that of the kernel's answer.  */
int netlink_talk (int sock, struct netlink_message *m, netlink_taker *take, void *data);

#endif
