/* SPDX-License-Identifier: Apache-2.0 */
/* usage: forks COUNTER
 * Forks without an end, in two ways, and adds to the number that the file COUNTER of 8 bytes has:
 *   chains      a process forks the next one and ends, so whoever kills by number always comes late;
 *   spawners    a process forks children that end at once, and collects them.
 * At no time are there many.  */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum
{
  CHAINS = 6,
  SPAWNERS = 2
};

static atomic_ulong *forks;

static pid_t
fork_one (void)
{
  pid_t pid = fork ();

  if (pid > 0)
    atomic_fetch_add (forks, 1);
  return pid;
}

/* Each link of the chain is the parent of the next.  */
static void
chain (void)
{
  for (;;)
    if (fork_one () > 0)
      _exit (0);
}

static void
spawn (void)
{
  for (;;)
    {
      pid_t pid = fork_one ();
      if (pid == 0)
        _exit (0);
      if (pid > 0)
        waitpid (pid, NULL, 0);
    }
}

int
main (int argc, char **argv)
{
  int fd = argc == 2 ? open (argv[1], O_RDWR) : -1;

  if (fd < 0)
    return 1;
  forks = mmap (NULL, sizeof *forks, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (forks == MAP_FAILED)
    return 1;
  for (int i = 0; i < CHAINS + SPAWNERS; i++)
    if (fork () == 0)
      (i < CHAINS ? chain : spawn) ();
  for (;;)
    pause ();
}
