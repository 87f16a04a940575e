/* SPDX-License-Identifier: Apache-2.0 */
/* Id mappings through the set-user-ID helpers of shadow-utils.  Parent only: it forks.  Never used when we may write
 * the maps ourselves. */
#include "kernel/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/own.h"

extern char **environ;

enum
{
  HELPER_ARGS = 2 + 3 * IDMAP_MAX + 1, /* name, pid, the numbers, NULL */
  NUMBER_SIZE = 11                     /* "4294967295" */
};

/* The argument vector of a helper and the text of its numbers.  */
struct helper_args
{
  char *argv[HELPER_ARGS];
  char numbers[HELPER_ARGS][NUMBER_SIZE];
};

/* Fills A: NAME PID INSIDE OUTSIDE SIZE ...  */
static void
make_args (struct helper_args *a, const char *name, pid_t pid, const struct idmap *maps, size_t n)
{
  size_t k = 0;

  a->argv[k++] = (char *) name;
  snprintf (a->numbers[k], NUMBER_SIZE, "%u", (unsigned) pid);
  a->argv[k] = a->numbers[k];
  k++;
  for (size_t i = 0; i < n; i++)
    {
      const uint32_t values[3] = { maps[i].inside, maps[i].outside, maps[i].size };
      for (size_t v = 0; v < 3; v++, k++)
        {
          snprintf (a->numbers[k], NUMBER_SIZE, "%u", values[v]);
          a->argv[k] = a->numbers[k];
        }
    }
  a->argv[k] = NULL;
}

/* Starts A->argv with standard error into the pipe PIPE_FDS and nothing for input and output.  Returns 0 or negative errno.  */
static int
start (const struct helper_args *a, const int pipe_fds[2], pid_t *ret_pid)
{
  posix_spawn_file_actions_t actions;
  int num = posix_spawn_file_actions_init (&actions);
  if (num != 0)
    return -num;
  num = posix_spawn_file_actions_adddup2 (&actions, pipe_fds[1], STDERR_FILENO);
  if (num == 0)
    num = posix_spawn_file_actions_addopen (&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  if (num == 0)
    num = posix_spawn_file_actions_addopen (&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  if (num == 0)
    num = posix_spawnp (ret_pid, a->argv[0], &actions, NULL, a->argv, environ);
  posix_spawn_file_actions_destroy (&actions);
  return -num;
}

/* Reads what the helper says into BUF, first line only, to end of file.  */
static void
listen_to (int fd, char *buf, size_t size)
{
  size_t used = 0;
  char more[128];
  ssize_t n;

  while ((n = read (fd, more, sizeof more)) != 0)
    {
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        break;
      size_t take = (size_t) n < size - 1 - used ? (size_t) n : size - 1 - used;
      memcpy (buf + used, more, take);
      used += take;
    }
  buf[used] = '\0';
  buf[strcspn (buf, "\n")] = '\0';
}

/* Runs NAME for one map.  */
static int
run (const char *name, pid_t pid, const struct idmap *maps, size_t n, struct err *err)
{
  struct helper_args args;
  char said[256];
  pid_t helper;
  int status;
  int fds[2];

  if (n == 0)
    return 0;
  if (n > IDMAP_MAX)
    return err_sys (err, E2BIG, "execve", "%s", name);
  if (pipe2 (fds, O_CLOEXEC) < 0)
    return err_sys (err, errno, "pipe2", "%s", name);
  own_fd int read_end = fds[0];
  own_fd int write_end = fds[1];
  make_args (&args, name, pid, maps, n);
  int ret = start (&args, fds, &helper);
  if (ret < 0)
    return err_sys (err, -ret, "execve", "%s", name);

  (void) close (take_fd (&write_end)); /* so that the end of file comes */
  listen_to (read_end, said, sizeof said);
  while ((ret = waitpid (helper, &status, 0)) < 0 && errno == EINTR)
    ;
  if (ret < 0)
    return err_sys (err, errno, "waitpid", "%s", name);
  if (! WIFEXITED (status) || WEXITSTATUS (status) != 0)
    return err_doing (err, err_sys (err, EPERM, name, "pid %s", args.numbers[1]), "%s failed: %s", name, said[0] ? said : "it says nothing");
  return 0;
}

int
idmap_helper (pid_t pid, const struct idmap *uid, size_t n_uid, const struct idmap *gid, size_t n_gid, struct err *err)
{
  int ret = run ("newgidmap", pid, gid, n_gid, err);
  return ret < 0 ? ret : run ("newuidmap", pid, uid, n_uid, err);
}
