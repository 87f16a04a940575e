/* SPDX-License-Identifier: Apache-2.0 */
/* The copying between our own standard input and output and a container's terminal, for commands in the foreground.  One caller's
 * poll loop serves it beside other descriptors (signalfd, pidfd):
 *
 *   struct tty_relay relay;
 *   tty_relay_open (&relay, 0, 1, master, err);
 *   for (;;) {
 *     n = tty_relay_events (&relay, fds);            // up to TTY_RELAY_FDS entries
 *     fds[n] = ... the signalfd ...;  poll (fds, n + 1, -1);
 *     tty_relay_step (&relay, fds, n, err);          // SIGWINCH: tty_relay_resize; container gone: leave the loop
 *   }
 *   tty_relay_drain (&relay, timeout_ms, err);
 *   tty_relay_close (&relay);
 *
 * It never blocks outside poll (drain aside), holds at most one buffer per direction and reads no more while that is full, so
 * a slow reader slows the container down and loses nothing.  It never sets O_NONBLOCK on input and output, whose file descriptions
 * belong to others too.  Parent only.  The caller must ignore or block SIGPIPE. */
#ifndef ORLOP_KERNEL_TTY_RELAY_H
#define ORLOP_KERNEL_TTY_RELAY_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

struct err;

enum
{
  TTY_RELAY_FDS = 3,      /* most entries that tty_relay_events fills */
  TTY_RELAY_BUFFER = 8192 /* bytes under way in one direction */
};

/* What was read and is not written yet.  */
struct tty_relay_buffer
{
  size_t start, end; /* filled part of data */
  char data[TTY_RELAY_BUFFER];
};

/* The state; private, but of known size so that it can live on the stack.  */
struct tty_relay
{
  bool active;          /* open, and with a terminal */
  int in, out, master;  /* borrowed; -1 without a terminal */
  int out_own;          /* our own non-blocking file description of the terminal OUT, or -1 */
  bool out_socket;      /* OUT is a socket */
  size_t out_chunk;     /* OUT may block: write only after POLLOUT, at most this much; 0: it never does */
  bool in_ended;        /* end of file or an error on IN */
  bool out_failed;      /* output is thrown away */
  bool hung_up;         /* no slave is open any more */
  bool raw;             /* IN is a terminal that we made raw */
  struct termios saved; /* what it was */
  struct tty_relay_buffer to_master, to_out;
};

/* Begins to relay between IN, OUT and MASTER, all borrowed until tty_relay_close.  MASTER -1 is a relay without terminal: everything
 * works and does nothing.  If IN is a terminal it is made raw; MASTER is made non-blocking and gets the size of
 * our terminal.  On failure everything is as before and R is closed.  Returns 0 or negative errno.  */
int tty_relay_open (struct tty_relay *r, int in, int out, int master, struct err *err);

/* Fills FDS (room for TTY_RELAY_FDS) with what to poll for now.  Returns how many entries; 0 when there is nothing to do any more.  */
size_t tty_relay_events (const struct tty_relay *r, struct pollfd *fds);

/* Serves the entries after poll(2).  End of file on IN ends that direction only; when OUT fails (EPIPE) the container's output is read and thrown
 * away from then on so that it does not stall, once with the error.  Returns 1 while MASTER is open, 0 once the slave side is closed (EIO) and all is written,
 * or negative errno (the relay remains usable).  */
int tty_relay_step (struct tty_relay *r, const struct pollfd *fds, size_t n, struct err *err);

/* Gives MASTER the size of our terminal (IN, else OUT); nothing if neither is one.  For SIGWINCH.  Returns 0 or negative errno.  */
int tty_relay_resize (struct tty_relay *r, struct err *err);

/* After the container's exit: writes what is left in MASTER to OUT.  Ends when MASTER has nothing more (another process may hold the
 * slave open for ever).  Waits for a slow OUT at most TIMEOUT_MS at a time (-1: for ever).
 * Returns 0, -ETIMEDOUT (output lost) or negative errno of OUT.  */
int tty_relay_drain (struct tty_relay *r, int timeout_ms, struct err *err);

/* Restores the terminal and the file flags.  Closes only what tty_relay_open opened.  Fit for __attribute__ ((cleanup)); a second call does
 * nothing, and so does one for a zeroed struct.  */
void tty_relay_close (struct tty_relay *r);

#endif
