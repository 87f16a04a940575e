/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors: passing them over sockets, closing ranges, unix sockets by path of any length.  */
#ifndef ORLOP_BASE_FDS_H
#define ORLOP_BASE_FDS_H

#include <stddef.h>
#include <sys/types.h>

struct err;

/* Most descriptors in one message (SCM_MAX_FD of the kernel is 253).  */
enum
{
  FDS_MAX = 64
};

/* Sends DATA and N descriptors in one message (MSG_NOSIGNAL).  Retries on EINTR.  Returns 0 or negative errno.  child-safe */
int fds_send (int sock, const void *data, size_t len, const int *fds, size_t n);

/* Receives one message of at most SIZE bytes and at most *IN_OUT_N descriptors (close-on-exec); more descriptors, a truncated
 * message or truncated control data are -EPROTO and everything received is closed (FDS is -1 again).  Returns the length (0: end of file)
 * or negative errno; *IN_OUT_N is the number of descriptors received.  IN_OUT_N may be NULL (none expected).  child-safe */
ssize_t fds_recv (int sock, void *data, size_t size, int *fds, size_t *in_out_n);

/* Sets close-on-exec on every descriptor from FIRST on (close_range(2), Linux 5.11; /proc/self/fd without it).
 * Returns 0 or negative errno.  child-safe */
int fds_cloexec_from (unsigned first);

/* Closes every descriptor from FIRST on but the N in KEEP, of which some may be negative.  Without close_range(2) those below 4096.  child-safe */
void fds_close_but (unsigned first, const int *keep, size_t n);

/* Takes the first descriptor that a program of ours opens (or -1), which tells for nothing whether its caller had closed a standard one: the new one is
 * then in that place, where texts for people and streams of the container go.  It is moved beyond, and what was closed becomes /dev/null.  In the library
 * FD is returned as it is: the process is another's.  Returns the descriptor, or -1 with errno.  */
int fds_beyond_standard (int fd);

/* Connects a close-on-exec stream (or SOCK_TYPE) unix socket to NAME below DIRFD (AT_FDCWD with a path of any length):
 * paths over 107 bytes go through /proc/self/fd/N.  Returns the socket or negative errno with ERR filled.  */
int fds_connect (int dirfd, const char *name, int sock_type, struct err *err);

/* Binds a socket of SOCK_TYPE to NAME below DIRFD with MODE less the umask, which it has as soon as it has a name.  Returns the socket or negative errno with
 * ERR filled.  */
int fds_bind (int dirfd, const char *name, int sock_type, mode_t mode, struct err *err);

/* Binds and listens (backlog 1) on NAME below DIRFD, mode 0600.  Returns the socket or negative errno with ERR filled.  */
int fds_listen (int dirfd, const char *name, int sock_type, struct err *err);

#endif
