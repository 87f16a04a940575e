/* SPDX-License-Identifier: Apache-2.0 */
/* Network interfaces.  child-safe, see netdevice(7). */
#ifndef ORLOP_KERNEL_NETIF_H
#define ORLOP_KERNEL_NETIF_H

struct err;

/* Brings NAME ("lo") up in our network namespace, by two calls: a socket and SIOCSIFFLAGS with IFF_UP alone (right for loopback, whose other
 * flags the kernel keeps).  The close-on-exec socket is left open on success: the caller is about to execve and closing costs a call.
 * It is returned for those who are not.  Returns that descriptor or negative errno.  child-safe */
int netif_up (const char *name, struct err *err);

/* A routing socket (rtnetlink(7)) of our network namespace: whoever holds it speaks to that one, wherever he is.  Returns a close-on-exec
 * descriptor or negative errno.  child-safe */
int netif_socket (struct err *err);

#endif
