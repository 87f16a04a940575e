/* SPDX-License-Identifier: Apache-2.0 */
/* User namespaces that are nothing but a mapping, for id-mapped mounts; and the mappings of those that exist.  Parent only: it clones. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
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

int
idmap_parse (const char *text, struct idmap *ret_maps)
{
  int n = 0, used = 0;

  for (; *text; text += used, n++)
    {
      struct idmap *m = &ret_maps[n];

      if (n == IDMAP_MAX || sscanf (text, " %u %u %u%n", &m->inside, &m->outside, &m->size, &used) != 3 || text[used] != '\n')
        return -EPROTO;
      used++;
    }
  return n;
}

/* Reads one map of PROC, the directory of a process.  */
static int
read_map (int proc, const char *name, struct idmap *ret_maps, size_t *ret_n, struct err *err)
{
  own_mem char *text = NULL;
  ssize_t len = file_read_at (proc, name, 64 * 1024, &text, err);
  int n = len < 0 ? (int) len : idmap_parse (text, ret_maps);

  if (len >= 0 && n < 0)
    return err_sys (err, -n, "read", "%s", name);
  *ret_n = n > 0 ? (size_t) n : 0;
  return n < 0 ? n : 0;
}

/* Reads all of PROC, the directory of a member.  */
static int
read_maps (int proc, struct idmap_maps *m, struct err *err)
{
  char word[16];
  int ret = read_map (proc, "uid_map", m->uid, &m->n_uid, err);

  if (ret == 0)
    ret = read_map (proc, "gid_map", m->gid, &m->n_gid, err);
  m->setgroups = file_read_small (proc, "setgroups", word, sizeof word) > 0 && strncmp (word, "allow", 5) == 0;
  return ret;
}

/* Where NAME is /proc/PID/ns/user, that process is a member, and none has to be made: as long as it is there and has not gone elsewhere.  Returns 0, or
 * negative errno if there is nobody to ask.  */
static int
ask_member (int userns, const char *name, struct idmap_maps *m)
{
  static const char end[] = "/ns/user";
  char path[64];
  size_t len = strlen (name), dir = len > strlen (end) ? len - strlen (end) : 0;
  struct stat ours, theirs;
  struct statfs fs;

  if (dir == 0 || dir >= sizeof path || strcmp (name + dir, end) != 0)
    return -ENOENT;
  memcpy (path, name, dir);
  path[dir] = '\0';
  own_fd int proc = open (path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (proc < 0)
    return -errno;
  if (fstatfs (proc, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC || read_maps (proc, m, NULL) < 0)
    return -ENOENT;
  if (fstat (userns, &ours) < 0 || fstatat (proc, "ns/user", &theirs, 0) < 0)
    return -ENOENT;
  return ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino ? 0 : -ENOENT;
}

static int
read_maps_of (pid_t pid, struct idmap_maps *m, struct err *err)
{
  char path[32];

  (void) snprintf (path, sizeof path, "/proc/%d", pid);
  own_fd int proc = open (path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  return proc < 0 ? err_sys (err, errno, "open", "%s", path) : read_maps (proc, m, err);
}

/* In the child: enters USERNS, says how that went, and waits for its end.  */
static void __attribute__ ((noreturn))
be_member (int userns, int tell, pid_t parent)
{
  int ret = prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid () != parent ? -ESRCH : sys_setns (userns, CLONE_NEWUSER);

  /* a change of credentials takes the signal away */
  (void) prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (write (tell, &ret, sizeof ret) == (ssize_t) sizeof ret && ret == 0 && getppid () == parent)
    for (;;)
      (void) pause ();
  _exit (0);
}

int
idmap_read (int userns, const char *name, struct idmap_maps *ret_maps, struct err *err)
{
  struct clone_args args = { .flags = 0 };
  pid_t self = getpid ();
  int fds[2], pid, ret = -ESRCH;

  if (ask_member (userns, name, ret_maps) == 0)
    return 0;
  if (pipe2 (fds, O_CLOEXEC) < 0)
    return err_sys (err, errno, "pipe2", "%s", name);
  pid = sys_clone3 (&args);
  if (pid == 0)
    be_member (userns, fds[1], self);
  (void) close (fds[1]);
  if (pid < 0)
    ret = err_sys (err, -pid, "clone3", "%s", name);
  else if (read (fds[0], &ret, sizeof ret) != (ssize_t) sizeof ret || ret < 0)
    ret = err_sys (err, ret < 0 ? -ret : ESRCH, "setns", "%s", name);
  else
    ret = read_maps_of (pid, ret_maps, err);
  (void) close (fds[0]);
  if (pid < 0)
    return ret;
  (void) kill (pid, SIGKILL); /* ours, and not waited for yet */
  while (waitpid (pid, NULL, __WALL) < 0 && errno == EINTR)
    ;
  return ret;
}
