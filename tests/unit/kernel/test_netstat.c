/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "kernel/netstat.h"
#include "kernel/pid.h"

#define HEADER                                                                                                         \
  "Inter-|   Receive                                                |  Transmit\n"                                     \
  " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n"

static void
netstat_parse_interfaces (void **state)
{
  struct netstat *list = NULL;
  size_t n = 0;

  (void) state;
  assert_int_equal (netstat_parse (HEADER "    lo:       1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"
                                          "a\"b\\c\xff:99999999999999999999    0    0    0    0     0          0         0        0       0    0    0    0     0       0          0\n",
                                   &list, &n),
                    0);
  assert_int_equal (n, 2);
  assert_string_equal (list[0].name, "lo");
  assert_int_equal (list[0].rx_bytes, 1);
  assert_int_equal (list[0].rx_packets, 2);
  assert_int_equal (list[0].rx_errors, 3);
  assert_int_equal (list[0].rx_dropped, 4);
  assert_int_equal (list[0].tx_bytes, 9);
  assert_int_equal (list[0].tx_packets, 10);
  assert_int_equal (list[0].tx_errors, 11);
  assert_int_equal (list[0].tx_dropped, 12);
  assert_string_equal (list[1].name, "a\"b\\c\xff");
  assert_true (list[1].rx_bytes == UINT64_MAX);
  free (list);
}

static void
netstat_parse_odd (void **state)
{
  static const char *const odd[] = { "", "\n\n", HEADER, "lo: 1 2 3\n", ": 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
                                     "a-name-that-is-too-long: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
                                     "lo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 -16\n" };

  (void) state;
  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
    {
      struct netstat *list = NULL;
      size_t n = 7;

      assert_int_equal (netstat_parse (odd[i], &list, &n), 0);
      assert_int_equal (n, 0);
      free (list);
    }
}

/* A process in a network namespace of its own, if APART.  */
static pid_t
process (bool apart)
{
  int ready[2];
  char c;

  assert_int_equal (pipe (ready), 0);
  pid_t parent = getpid (), pid = fork ();
  if (pid == 0)
    {
      if (prctl (PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid () != parent || (apart && unshare (CLONE_NEWNET) < 0))
        _exit (1);
      (void) ! write (ready[1], "x", 1);
      for (;;)
        pause ();
    }
  close (ready[1]);
  assert_int_equal (read (ready[0], &c, 1), 1);
  close (ready[0]);
  return pid;
}

static void
netstat_of_process (void **state)
{
  struct netstat *list = NULL;
  size_t n = 7;
  uint64_t start;
  struct err err = { 0 };

  (void) state;
  if (geteuid () != 0)
    {
      print_message ("only root can make a network namespace\n");
      skip ();
    }
  pid_t pid = process (true);
  assert_int_equal (pid_starttime (pid, &start, NULL, NULL), 0);
  assert_int_equal (netstat_of (pid, start, &list, &n, &err), 0);
  assert_int_equal (n, 1);
  assert_string_equal (list[0].name, "lo");
  assert_int_equal (list[0].rx_bytes, 0);
  free (list);
  assert_int_equal (netstat_of (pid, start + 1, &list, &n, &err), -ESRCH); /* another of its number */
  assert_int_equal (n, 0);
  kill (pid, SIGKILL);
  assert_int_equal (waitpid (pid, NULL, 0), pid);
  assert_int_equal (netstat_of (pid, start, &list, &n, &err), -ESRCH);
}

static void
netstat_of_process_in_our_namespace (void **state)
{
  struct netstat *list = NULL;
  size_t n = 7;
  uint64_t start;
  pid_t pid = process (false);

  (void) state;
  assert_int_equal (pid_starttime (pid, &start, NULL, NULL), 0);
  assert_int_equal (netstat_of (pid, start, &list, &n, NULL), 0);
  assert_int_equal (n, 0);
  assert_null (list);
  kill (pid, SIGKILL);
  assert_int_equal (waitpid (pid, NULL, 0), pid);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (netstat_parse_interfaces),
    cmocka_unit_test (netstat_parse_odd),
    cmocka_unit_test (netstat_of_process),
    cmocka_unit_test (netstat_of_process_in_our_namespace),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
