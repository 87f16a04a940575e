/* SPDX-License-Identifier: Apache-2.0 */
/* Pseudoterminals: a pair from the container's own devpts, its size, becoming our controlling terminal, handing the master to
 * an engine.  child-safe, see pty(7), ioctl_tty(2).  Nothing is ever opened by a name like /dev/pts/3: such a name may be swapped
 * (CVE-2025-52565). */
#ifndef ORLOP_KERNEL_TTY_H
#define ORLOP_KERNEL_TTY_H

#include <stddef.h>

struct err;

/* Makes a pair in the devpts instance whose root directory is DEVPTS_DIR: opens its "ptmx", checks that this is device 5:2 on devpts,
 * unlocks, gets the slave through TIOCGPTPEER (Linux 4.13) and checks it likewise.  Neither becomes a controlling terminal; both are close-on-exec and the
 * caller's.  Returns 0 or negative errno (-ENOTTY: DEVPTS_DIR has something else there).  child-safe */
int tty_open (int devpts_dir, int *ret_master, int *ret_slave, struct err *err);

/* Writes the name of MASTER's slave inside the container, "/dev/pts/3", into BUF.  Returns 0 or negative errno.  child-safe */
int tty_name (int master, char *buf, size_t size, struct err *err);

/* Sets the size of the terminal FD (either side).  Returns 0 or negative errno.  child-safe */
int tty_size (int fd, unsigned short rows, unsigned short columns, struct err *err);

/* Gives the terminal FD (either side) the size of the terminal FIRST, or else SECOND; does nothing if neither is one.  Returns 0 or negative errno.  */
int tty_fit (int fd, int first, int second, struct err *err);

/* Makes SLAVE the controlling terminal of a new session (setsid; being a session leader already is fine) and descriptors 0, 1 and 2.
 * SLAVE stays open (close-on-exec) unless it is one of them.  Returns 0 or negative errno.  child-safe */
int tty_take (int slave, struct err *err);

/* Sends MASTER over the connected console socket: one message of NAME and exactly one descriptor, as engines expect.  NAME must not be
 * empty and must be shorter than 4096.  Both descriptors stay the caller's.  Returns 0 or negative errno.  child-safe */
int tty_send (int console_sock, int master, const char *name, struct err *err);

#endif
