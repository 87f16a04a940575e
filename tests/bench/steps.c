/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a program and prints how many user instructions it and all its descendants executed, by stepping through every one of them: slow,
 * but exact, and it needs no counter of the processor's, which virtual machines often lack. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum
{
  FOLLOW = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL
};

static void
become (char **argv)
{
  int quiet = open ("/dev/null", O_RDWR);

  dup2 (quiet, 1);
  dup2 (quiet, 2);
  if (ptrace (PTRACE_TRACEME, 0, NULL, NULL) == 0)
    execvp (argv[0], argv);
  _exit (127);
}

/* The signal that a stopped process is given when it goes on: a step's own trap and the stop of a newborn are ours.  */
static long
passed_on (int status)
{
  int sig = WSTOPSIG (status);

  return status >> 16 != 0 || sig == SIGTRAP || sig == SIGSTOP ? 0 : sig;
}

int
main (int argc, char **argv)
{
  unsigned long long steps = 0;
  int status, first = 0;
  pid_t pid, main_pid;

  if (argc < 2)
    return 2;
  main_pid = fork ();
  if (main_pid == 0)
    become (argv + 1);
  if (main_pid < 0 || waitpid (main_pid, &status, 0) < 0 || !WIFSTOPPED (status)
      || ptrace (PTRACE_SETOPTIONS, main_pid, NULL, FOLLOW) < 0 || ptrace (PTRACE_SINGLESTEP, main_pid, NULL, 0) < 0)
    return 1;
  while ((pid = waitpid (-1, &status, __WALL)) > 0)
    if (WIFSTOPPED (status))
      {
        steps += WSTOPSIG (status) == SIGTRAP && status >> 16 == 0;
        ptrace (PTRACE_SINGLESTEP, pid, NULL, passed_on (status));
      }
    else if (pid == main_pid)
      first = status;
  printf ("%llu\n", steps);
  return first != 0 || errno != ECHILD;
}
