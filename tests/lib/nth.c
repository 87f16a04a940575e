/* SPDX-License-Identifier: Apache-2.0 */
/* Something happens at the N-th system call of a program, or of the first (the K-th) process that it makes.
 *
 *     nth FILE parent|child[K] N kill|ERRNO COMMAND...
 *
 * kill: the process is killed as it enters the call.  ERRNO (a number): the call is not made and fails with it.  FILE receives the call's
 * number once that has happened; with N 0 the numbers of all calls, one a line.  Ends with the command's status (128 + signal) as soon as
 * the command has; whatever else runs is let go. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/ptrace.h>

#ifndef __x86_64__
#error "not ported: only the registers of x86-64 are known here"
#endif

enum { MANY = 64, OPTIONS = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC };

static struct
{
  FILE *out;
  int of_child, error; /* the how-maniest child, 0: the command; error 0: kill */
  int children;
  long n, seen;
  pid_t first, chosen; /* the command; whose calls count */
  int failing;         /* the chosen one is in the call that is to fail */
  pid_t all[MANY];
  size_t n_all;
} t;

static void
know (pid_t pid)
{
  for (size_t i = 0; i < t.n_all; i++)
    if (t.all[i] == pid)
      return;
  if (t.n_all < MANY)
    t.all[t.n_all++] = pid;
  t.children += pid != t.first;
  if (t.chosen == 0 && t.children == t.of_child)
    t.chosen = pid;
}

static void
at_entry (pid_t pid, long nr)
{
  struct user_regs_struct regs;

  t.seen++;
  if (t.n == 0)
    fprintf (t.out, "%ld\n", nr);
  if (t.seen != t.n)
    return;
  fprintf (t.out, "%ld\n", nr);
  fflush (t.out);
  if (t.error == 0)
    kill (pid, SIGKILL);
  else if (ptrace (PTRACE_GETREGS, pid, 0, &regs) == 0)
    {
      regs.orig_rax = (unsigned long long) -1; /* no such call: it is not made */
      ptrace (PTRACE_SETREGS, pid, 0, &regs);
      t.failing = 1;
    }
}

static void
at_exit (pid_t pid)
{
  struct user_regs_struct regs;

  if (! t.failing || ptrace (PTRACE_GETREGS, pid, 0, &regs) < 0)
    return;
  t.failing = 0;
  regs.rax = (unsigned long long) -t.error;
  ptrace (PTRACE_SETREGS, pid, 0, &regs);
}

/* Looks at a stopped process; returns the signal with which it goes on.  */
static int
look (pid_t pid, int status)
{
  struct ptrace_syscall_info info;
  int sig = WSTOPSIG (status), event = status >> 16;

  know (pid);
  if (sig == (SIGTRAP | 0x80))
    {
      if (pid != t.chosen || ptrace (PTRACE_GET_SYSCALL_INFO, pid, (void *) sizeof info, &info) <= 0)
        return 0;
      if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
        at_entry (pid, (long) info.entry.nr);
      else if (info.op == PTRACE_SYSCALL_INFO_EXIT)
        at_exit (pid);
      return 0;
    }
  return event != 0 || sig == SIGTRAP || sig == SIGSTOP ? 0 : sig;
}

/* A process that is traced must stop before it can be let go.  */
static void
let_go (void)
{
  int status;

  for (size_t i = 0; i < t.n_all; i++)
    if (t.all[i] != t.first && ptrace (PTRACE_INTERRUPT, t.all[i], 0, 0) == 0 && waitpid (t.all[i], &status, __WALL) > 0
        && WIFSTOPPED (status))
      ptrace (PTRACE_DETACH, t.all[i], 0, 0);
}

static int
trace (void)
{
  int status;
  pid_t pid;

  while ((pid = waitpid (-1, &status, __WALL)) > 0)
    if (WIFSTOPPED (status) && WSTOPSIG (status) == SIGSEGV)
      ptrace (PTRACE_DETACH, pid, 0, 0); /* the first process of a pid namespace survives this for ever while it is traced */
    else if (WIFSTOPPED (status))
      ptrace (PTRACE_SYSCALL, pid, 0, look (pid, status));
    else if (pid == t.first)
      {
        fclose (t.out);
        let_go ();
        return WIFSIGNALED (status) ? 128 + WTERMSIG (status) : WEXITSTATUS (status);
      }
  return 99;
}

int
main (int argc, char **argv)
{
  int go[2];
  char byte;

  if (argc < 6 || (t.out = fopen (argv[1], "we")) == NULL || pipe (go) < 0)
    return 98;
  t.of_child = strncmp (argv[2], "child", 5) != 0 ? 0 : argv[2][5] ? atoi (argv[2] + 5) : 1;
  t.n = atol (argv[3]);
  t.error = strcmp (argv[4], "kill") == 0 ? 0 : atoi (argv[4]);
  t.first = fork ();
  if (t.first == 0)
    {
      close (go[1]);
      (void) ! read (go[0], &byte, 1);
      close (go[0]);
      execvp (argv[5], argv + 5);
      _exit (97);
    }
  close (go[0]);
  if (ptrace (PTRACE_SEIZE, t.first, 0, OPTIONS) < 0 || ptrace (PTRACE_INTERRUPT, t.first, 0, 0) < 0)
    return 98;
  know (t.first);
  close (go[1]);
  return trace ();
}
