/* SPDX-License-Identifier: Apache-2.0 */
/* HOME for a program that was given none: from the container's /etc/passwd, which is the
 * image's and so an attacker's: a regular file, read to a bound, lines judged strictly.
 * No name service of any library is asked.  child-safe */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/own.h"
#include "base/str.h"
#include "kernel/path.h"
#include "launch/child.h"

enum
{
  PASSWD_MAX = 1 << 20, /* bytes looked at */
  LINE_SIZE = 4096      /* of the buffer; longer lines are passed over */
};

/* The N-th field (from 0) of LINE, whose colons become NULs as it goes.  Returns NULL when there are fewer.  */
static char *
field (char *line, unsigned n)
{
  for (; n > 0; n--)
    {
      line = strchr (line, ':');
      if (line == NULL)
        return NULL;
      *line++ = '\0';
    }
  line[strcspn (line, ":")] = '\0';
  return line;
}

/* True if LINE, `name:password:uid:gid:comment:home:shell`, is of UID: then BUF gets its home.  */
static bool
take_home (const char *line, uid_t uid, char *buf, size_t size)
{
  char copy[LINE_SIZE];
  uint64_t number;
  char *text;

  if (str_copy (copy, sizeof copy, line) < 0 || (text = field (copy, 2)) == NULL || str_u64 (text, UINT32_MAX, &number) < 0
      || number != uid || str_copy (copy, sizeof copy, line) < 0 || (text = field (copy, 5)) == NULL || text[0] != '/')
    return false;
  return snprintf (buf, size, "HOME=%s", text) < (int) size;
}

/* Reads lines of FD until one is of UID.  */
static bool
search_lines (int fd, uid_t uid, char *buf, size_t size)
{
  char lines[LINE_SIZE];
  size_t used = 0, total = 0;
  bool skipping = false;

  while (total < PASSWD_MAX)
    {
      ssize_t n = read (fd, lines + used, sizeof lines - 1 - used);
      char *line = lines, *end;

      if (n <= 0)
        n = used > 0 && ! skipping && n == 0 ? (lines[used] = '\n', 1) : 0; /* a last line without line feed */
      if (n == 0)
        return false;
      total += (size_t) n;
      used += (size_t) n;
      lines[used] = '\0';
      for (; (end = memchr (line, '\n', used - (size_t) (line - lines))) != NULL; line = end + 1, skipping = false)
        {
          *end = '\0';
          if (! skipping && take_home (line, uid, buf, size))
            return true;
        }
      used -= (size_t) (line - lines);
      memmove (lines, line, used);
      if (used == sizeof lines - 1)
        {
          skipping = true;
          used = 0;
        }
    }
  return false;
}

int
child_home (void *self, struct err *err)
{
  struct child *c = self;
  const struct plan_process *p = &c->plan->process;
  struct stat st;
  /* neither a FIFO nor a device in its place may hold us up, nor a link of procfs lead us to what is the host's: other processes' roots, descriptors of ours */
  own_fd int fd = path_open_here ("/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY);

  if (p->n_envp + 2 > sizeof c->env / sizeof *c->env)
    return err_in (err, err_sys (err, E2BIG, "execve", "HOME"), "process.env");
  if (fd < 0 || fstat (fd, &st) < 0 || ! S_ISREG (st.st_mode) || ! search_lines (fd, p->uid, c->home, sizeof c->home))
    (void) str_copy (c->home, sizeof c->home, "HOME=/");
  memcpy (c->env, p->envp, p->n_envp * sizeof *p->envp);
  c->env[p->n_envp] = c->home;
  c->env[p->n_envp + 1] = NULL;
  c->envp = c->env;
  return 0;
}
