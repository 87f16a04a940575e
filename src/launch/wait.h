/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting in the foreground: for the end of a process, while signals are forwarded to it
 * and the terminal is relayed. */
#ifndef ORLOP_LAUNCH_WAIT_H
#define ORLOP_LAUNCH_WAIT_H

#include <signal.h>
#include <sys/types.h>

struct err;

/* Something else that is served meanwhile.  */
struct wait_also
{
  const int *fd; /* *fd is asked before each wait; -1: nothing now */
  void (*step) (void *data); /* called when it can be read */
  void *data;
};

/* Signals held back from now on, to be forwarded.  */
struct wait_signals
{
  int fd;       /* signalfd, or -1 */
  sigset_t old; /* the mask before */
  const struct wait_also *also; /* or NULL */
};

/* Blocks what will be forwarded, so that nothing is lost between clone and wait.  Returns 0 or negative errno.  */
int wait_block (struct wait_signals *s, struct err *err);

/* A descriptor that can be read when a signal came that ends programs (INT, TERM, HUP, QUIT), after wait_block: for who waits for something that may
 * never come.  Returns it or negative errno.  */
int wait_stop (struct err *err);

/* Takes such signals out of STOP.  */
void wait_stopped (int stop);

/* Restores the mask.  Safe after a failed wait_block ({ .fd = -1 }).  */
void wait_unblock (struct wait_signals *s);

/* Waits for child PID (pidfd CHILD), relaying MASTER (or -1) to our standard input and output.  *RET_STATUS is its exit status, or 128 + the signal.
 * Returns 0 or negative errno.  */
int wait_foreground (struct wait_signals *s, pid_t pid, int child, int master, int *ret_status, struct err *err);

#endif
