/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of the launch floor share: cmocka, a directory for each test, and processes that wait to be ended. */
#ifndef TESTS_LAUNCH_ROOM_H
#define TESTS_LAUNCH_ROOM_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A directory that is the test's own, in *STATE.  */
struct room
{
  char path[64];
};

static inline int
room_make (void **state)
{
  struct room *r = calloc (1, sizeof *r);

  if (r == NULL)
    return -1;
  (void) snprintf (r->path, sizeof r->path, "/tmp/orlop-unit-XXXXXX");
  *state = r;
  return mkdtemp (r->path) ? 0 : -1;
}

static inline int
room_remove_one (const char *path, const struct stat *st, int kind, struct FTW *at)
{
  (void) st;
  (void) kind;
  (void) at;
  return remove (path);
}

static inline int
room_remove (void **state)
{
  struct room *r = *state;
  int ret = nftw (r->path, room_remove_one, 16, FTW_DEPTH | FTW_PHYS);

  free (r);
  return ret;
}

#define room_test(function) cmocka_unit_test_setup_teardown (function, room_make, room_remove)

/* PATH below the room, in a buffer that the next call reuses.  */
static inline const char *
room_path (void **state, const char *path)
{
  static char buf[256];
  const struct room *r = *state;

  (void) snprintf (buf, sizeof buf, "%s/%s", r->path, path);
  return buf;
}

/* Makes the file PATH below the room with TEXT.  */
static inline void
room_write (void **state, const char *path, const char *text, mode_t mode)
{
  int fd = open (room_path (state, path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

  assert_true (fd >= 0);
  assert_int_equal (write (fd, text, strlen (text)), (int) strlen (text));
  assert_int_equal (fchmod (fd, mode), 0);
  close (fd);
}

/* The text of the file PATH below the room; "" if it is not there.  */
static inline const char *
room_read (void **state, const char *path)
{
  static char buf[4096];
  int fd = open (room_path (state, path), O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? 0 : read (fd, buf, sizeof buf - 1);

  buf[n > 0 ? n : 0] = '\0';
  if (fd >= 0)
    close (fd);
  return buf;
}

/* A process that waits to be ended, and ends with the test.  */
static inline pid_t
room_process (void)
{
  pid_t pid = fork ();

  assert_return_code (pid, errno);
  if (pid == 0)
    {
      (void) prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
      for (;;)
        pause ();
    }
  return pid;
}

/* How many descriptors are open: a leak shows as a difference.  */
static inline int
room_descriptors (void)
{
  int n = 0;

  for (int fd = 0; fd < 1024; fd++)
    n += fcntl (fd, F_GETFD) >= 0;
  return n;
}

#endif
