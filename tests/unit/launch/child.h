/* SPDX-License-Identifier: Apache-2.0 */
/* Steps of the child called by the test: a struct child with nothing open and a plan to fill, and the parent's end of its socket. */
#ifndef TESTS_LAUNCH_CHILD_H
#define TESTS_LAUNCH_CHILD_H

#include "room.h"

#include <sys/socket.h>

#include "base/err.h"
#include "kernel/in_child.h"
#include "launch/child.h"

/* One test's child: too large for the stack.  */
static struct child child;
static struct plan child_plan;
static struct err child_err;
static int parent_end = -1;

/* Makes everything anew; PARENT_END and child.sync are connected.  */
static inline void
child_begin (void)
{
  int fds[2];

  memset (&child, 0, sizeof child);
  memset (&child_plan, 0, sizeof child_plan);
  memset (&child_err, 0, sizeof child_err);
  child.plan = &child_plan;
  child.listen = child.start = child.console = child.pidfd = child.proc = child.root = -1;
  child.state_creating = child.state_created = -1;
  for (size_t i = 0; i < CHILD_MAX_MOUNTS; i++)
    child.mounts[i] = -1;
  assert_int_equal (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
  child.sync = fds[0];
  parent_end = fds[1];
}

static inline void
child_end (void)
{
  close (child.sync);
  close (parent_end);
}

static inline int
child_room_make (void **state)
{
  if (room_make (state) < 0)
    return -1;
  child_begin ();
  return chmod (((struct room *) *state)->path, 0755);
}

static inline int
child_room_remove (void **state)
{
  child_end ();
  return room_remove (state);
}

#define child_test(function) cmocka_unit_test_setup_teardown (function, child_room_make, child_room_remove)

/* Ends the test as skipped for anybody but root.  */
static inline void
child_needs_root (const char *what)
{
  if (geteuid () == 0)
    return;
  print_message ("skip: %s needs root\n", what);
  skip ();
}

#endif
