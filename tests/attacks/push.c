/* SPDX-License-Identifier: Apache-2.0 */
/* push: tries to type into the terminal on its descriptors (TIOCSTI), and to take it for its own.  */
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

int
main (void)
{
  for (int fd = 0; fd <= 2; fd++)
    {
      if (ioctl (fd, TIOCSTI, "x") == 0)
        puts ("typed");
      if (ioctl (fd, TIOCSCTTY, 0) == 0)
        puts ("taken");
      if (ioctl (fd, TIOCSCTTY, 1) == 0)
        puts ("taken by force");
    }
  if (open ("/dev/tty", O_RDWR) >= 0)
    puts ("taken already");
  puts ("end");
  return 0;
}
