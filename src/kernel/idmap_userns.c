/* SPDX-License-Identifier: Apache-2.0 */
/* User namespaces that are nothing but a mapping, for id-mapped mounts.  Parent only: it clones. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/own.h"
#include "kernel/idmap.h"
#include "kernel/sys.h"

/* Writes the maps of the waiting PID and opens its namespace.  */
static int
open_userns (pid_t pid, const struct idmap *uid, size_t n_uid, const struct idmap *gid, size_t n_gid, struct err *err)
{
  char path[32];
  int ret;

  (void) snprintf (path, sizeof path, "/proc/%d", pid);
  own_fd int proc = open (path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (proc < 0)
    return err_sys (err, errno, "open", "%s", path);
  ret = idmap_write (proc, uid, n_uid, gid, n_gid, true, err);
  if (ret < 0)
    return ret;
  ret = openat (proc, "ns/user", O_RDONLY | O_CLOEXEC);
  return ret < 0 ? err_sys (err, errno, "open", "%s/ns/user", path) : ret;
}

int
idmap_userns (const struct idmap *uid, size_t n_uid, const struct idmap *gid, size_t n_gid, struct err *err)
{
  /* no exit signal: nobody but us is told of its end */
  struct clone_args args = { .flags = CLONE_NEWUSER };
  pid_t self = getpid ();
  int pid = sys_clone3 (&args), ret;

  if (pid < 0)
    return err_sys (err, -pid, "clone3", "user namespace of a mount");
  if (pid == 0)
    {
      /* ends with us, even if we end before this call */
      if (prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && getppid () == self)
        for (;;)
          (void) pause ();
      _exit (1);
    }
  ret = open_userns (pid, uid, n_uid, gid, n_gid, err);
  (void) kill (pid, SIGKILL); /* ours, and not waited for yet */
  while (waitpid (pid, NULL, __WALL) < 0 && errno == EINTR)
    ;
  return ret;
}
