/* SPDX-License-Identifier: Apache-2.0 */
/* Telling a service manager that a container is ready (sd_notify(3)): a socket in the container's directory, which is bound into the
 * container, and whose READY=1 is passed on to the socket that the runtime's caller named in NOTIFY_SOCKET.
 *
 * The directory is bound and not the socket: so the socket may be made anew, by each `start`.  Nothing else that the container says is passed
 * on: numbers of processes and descriptors in it would be meaningless or dangerous outside. */
#ifndef ORLOP_LAUNCH_NOTIFY_H
#define ORLOP_LAUNCH_NOTIFY_H

#include <sys/types.h>

struct err;
struct log;

/* The directory in that of the container, and the socket in it.  */
#define NOTIFY_DIR "notify"
#define NOTIFY_SOCKET NOTIFY_DIR "/notify.sock"

struct notify
{
  int fd;           /* the bound socket; -1 once READY=1 was passed on, or if there is none */
  pid_t pid;        /* of the container's first process, as the host sees it */
  const char *host; /* where to pass it on: a path, or '@' and an abstract name */
  const struct log *log;
};

/* Makes the directory below DIR, the container's; anybody may enter and only we may write.  Returns 0 or negative errno.  */
int notify_make (int dir, struct err *err);

/* Makes the socket anew, writable by anybody in the container.  Returns it; -ENOENT: there is no such directory, since the container was created
 * without; or negative errno.  */
int notify_bind (int dir, struct err *err);

/* Takes one message of the container, and if it says READY=1 passes that and MAINPID on, waits until it was taken (at most five
 * seconds), and closes N->fd.  A host that does not listen is tried for two seconds, then warned of.  */
void notify_step (struct notify *n);

/* Takes messages until READY=1 has come or the process of PIDFD has ended.  */
void notify_wait (struct notify *n, int pidfd);

#endif
