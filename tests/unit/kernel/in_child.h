/* SPDX-License-Identifier: Apache-2.0 */
/* Running a part of a test in a forked child: what it changes (ids, namespaces, limits) dies with it.
 * The body returns 0, or the line of the check that failed, or CHILD_SKIP after printing why. */
#ifndef TESTS_IN_CHILD_H
#define TESTS_IN_CHILD_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

enum
{
  CHILD_SKIP = -1
};

/* Ends the body with the line of the check that failed.  */
#define CHECK(condition)                                                                                              \
  do                                                                                                                  \
    {                                                                                                                 \
      if (! (condition))                                                                                              \
        return __LINE__;                                                                                              \
    }                                                                                                                 \
  while (0)

/* Ends the body: the machine cannot do this.  */
#define CHILD_SKIP_UNLESS(condition, reason)                                                                          \
  do                                                                                                                  \
    {                                                                                                                 \
      if (! (condition))                                                                                              \
        {                                                                                                             \
          fprintf (stderr, "%s: skipped: %s (%s)\n", __func__, reason, strerror (errno));                             \
          return CHILD_SKIP;                                                                                          \
        }                                                                                                             \
    }                                                                                                                 \
  while (0)

/* Runs BODY with ARG in a child and judges what it returns.  */
static inline void
assert_child_arg (int (*body) (void *), void *arg, const char *name)
{
  int fds[2];
  int line = 0;
  int status;

  assert_return_code (pipe (fds), errno);
  fflush (NULL);
  pid_t pid = fork ();
  assert_return_code (pid, errno);
  if (pid == 0)
    {
      close (fds[0]);
      line = body (arg);
      _exit (write (fds[1], &line, sizeof line) == (ssize_t) sizeof line ? 0 : 1);
    }
  close (fds[1]);
  ssize_t n = read (fds[0], &line, sizeof line);
  close (fds[0]);
  assert_int_equal (waitpid (pid, &status, 0), pid);
  if (n != (ssize_t) sizeof line)
    fail_msg ("%s: child died, wait status %#x", name, (unsigned) status);
  if (line == CHILD_SKIP)
    skip ();
  if (line != 0)
    fail_msg ("%s: check at line %d failed in the child", name, line);
}

#define assert_child(body) assert_child_arg (body, NULL, #body)

/* Makes call NR (from here on, in this process) fail with NUM when (argument ARG & MASK) is not 0; MASK 0: always.  */
static inline int
deny_call (int nr, unsigned arg, unsigned mask, int num)
{
  struct sock_filter code[] = {
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, (unsigned) nr, 0, 3),
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, (unsigned) (offsetof (struct seccomp_data, args) + arg * sizeof (uint64_t))),
    BPF_JUMP (BPF_JMP | (mask ? BPF_JSET : BPF_JGE) | BPF_K, mask, 0, 1),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned) num),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog program = { .len = sizeof code / sizeof *code, .filter = code };

  if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
    return -1;
  return (int) syscall (SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

#endif
