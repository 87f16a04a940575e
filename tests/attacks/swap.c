/* SPDX-License-Identifier: Apache-2.0 */
/* swap A B [A B]...: exchanges the names of each pair again and again until it is killed, as fast as it can: what a process in a sibling
 * container does to a volume that both have (CVE-2021-30465).  Says "go" once it has begun.  */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif

int
main (int argc, char **argv)
{
  prctl (PR_SET_PDEATHSIG, 9);
  for (unsigned long n = 0;; n++)
    {
      for (int i = 1; i + 1 < argc; i += 2)
        if (syscall (SYS_renameat2, AT_FDCWD, argv[i], AT_FDCWD, argv[i + 1], RENAME_EXCHANGE) < 0)
          {
            perror (argv[i]);
            return 1;
          }
      if (n == 0 && write (1, "go\n", 3) < 0)
        return 1;
      /* two processors may be all there are: who is raced against must come to run, too, and at any place */
      if (n % 64 == 0)
        usleep ((useconds_t) (n / 64 % 7) * 30);
    }
}
