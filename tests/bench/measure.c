/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a program and prints its minor page faults and the peak memory in KiB of the largest process of it: from a parent so small that its
 * own copy, which the kernel counts too, is less than any program's. */
#include <spawn.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>

extern char **environ;

int
main (int argc, char **argv)
{
  posix_spawn_file_actions_t quiet;
  struct rusage used;
  int status;
  pid_t pid;

  posix_spawn_file_actions_init (&quiet);
  posix_spawn_file_actions_addopen (&quiet, 1, "/dev/null", 1, 0);
  posix_spawn_file_actions_addopen (&quiet, 2, "/dev/null", 1, 0);
  if (argc < 2 || posix_spawn (&pid, argv[1], &quiet, NULL, argv + 1, environ) != 0 || wait4 (pid, &status, 0, &used) < 0)
    return 1;
  return printf ("%ld %ld\n", used.ru_minflt, used.ru_maxrss) < 0;
}
