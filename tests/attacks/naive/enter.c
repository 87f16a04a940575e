/* SPDX-License-Identifier: Apache-2.0 */
/* enter PID UID GID PROGRAM [ARGUMENT]...: exec as a naive runtime does it.  What joins the container is the runtime's own program; it may be
 * traced, it holds a directory of the host open, and it writes into whatever /proc has become (T2, T6, T8, T20).  */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void
fail (const char *what)
{
  perror (what);
  _exit (126);
}

/* The capabilities of the container's first process.  */
static void
take_caps (const char *pid)
{
  struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
  struct __user_cap_data_struct data[2];

  header.pid = atoi (pid);
  if (syscall (SYS_capget, &header, data) < 0)
    fail ("capget");
  header.pid = 0;
  data[0].inheritable = data[0].permitted; /* T17 */
  data[1].inheritable = data[1].permitted;
  if (syscall (SYS_capset, &header, data) < 0)
    fail ("capset");
}

static void
become (char **argv)
{
  FILE *label;

  if (chroot (".") < 0)
    fail ("chroot");
  label = fopen ("/proc/self/attr/exec", "w");
  if (label)
    {
      fprintf (label, "exec naive");
      fclose (label);
    }
  if (setgroups (0, NULL) < 0 || setgid ((gid_t) atoi (argv[3])) < 0 || setuid ((uid_t) strtoul (argv[2], NULL, 10)) < 0)
    fail ("setuid");
  if (atoi (argv[2]) == 0)
    take_caps ("1");
  usleep (2000); /* it has this and that to do */
  execvp (argv[4], argv + 4);
  fail (argv[4]);
}

int
main (int argc, char **argv)
{
  char path[64];
  int fd, status;
  pid_t pid;

  if (argc < 5)
    return 2;
  if (open ("/", O_RDONLY | O_DIRECTORY) < 0)
    fail ("/");
  snprintf (path, sizeof path, "/proc/%s/root", argv[1]);
  fd = open (path, O_RDONLY | O_DIRECTORY);
  if (fd < 0)
    fail (path);
  static const char *const kinds[] = { "ipc", "uts", "net", "pid", "mnt" };
  int spaces[5];
  for (int i = 0; i < 5; i++)
    {
      snprintf (path, sizeof path, "/proc/%s/ns/%s", argv[1], kinds[i]);
      spaces[i] = open (path, O_RDONLY);
    }
  for (int i = 0; i < 5; i++)
    if (spaces[i] < 0 || setns (spaces[i], 0) < 0)
      fail (kinds[i]);
  if (fchdir (fd) < 0)
    fail ("root");
  pid = fork ();
  if (pid == 0)
    become (argv);
  if (waitpid (pid, &status, 0) < 0)
    fail ("wait");
  return WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status);
}
