/* SPDX-License-Identifier: Apache-2.0 */
/* Stage 3 of the child: what the program inherits beside its ids: processors, priorities, memory policy, personality, and the
 * pipes that it talks through.  child-safe */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/own.h"
#include "kernel/numa.h"
#include "kernel/path.h"
#include "kernel/sched.h"
#include "kernel/sys.h"
#include "launch/child.h"
#include "launch/schedule.h"

int
child_cpus (void *self, struct err *err)
{
  const struct plan_process *p = &((struct child *) self)->plan->process;

  if (p->cpus)
    return err_in (err, sched_pin (0, p->cpus, err), "process.execCPUAffinity.final");
  /* a filter around us may forbid it; then the caller's affinity is the best there is */
  (void) sched_unpin (0, NULL);
  return 0;
}

int
child_scheduling (void *self, struct err *err)
{
  return schedule_set (&((struct child *) self)->plan->process, 0, err);
}

int
child_memory_policy (void *self, struct err *err)
{
  const struct plan_memory_policy *m = ((struct child *) self)->plan->memory_policy;

  return err_in (err, numa_set (m->mode, m->flags, m->nodes, err), "linux.memoryPolicy");
}

int
child_personality (void *self, struct err *err)
{
  const unsigned long *persona = ((struct child *) self)->plan->personality;
  int ret = sys_personality (*persona);

  return ret < 0 ? err_in (err, err_sys (err, -ret, "personality", "%#lx", *persona), "linux.personality") : 0;
}

/* A pipe is the engine's, made for this process alone; a file, a device or a socket on these descriptors belongs to somebody else, and must
 * not get another owner.  Only the owner may open a pipe again, as programs do that write to /dev/stdout.  */
static int
give_pipe (int fd, const struct stat *st, uid_t uid, struct err *err)
{
  if (! S_ISFIFO (st->st_mode) || st->st_uid == uid)
    return 0;
  /* EINVAL, EPERM: an owner whom our user namespace does not know; EROFS: a named one on a read-only file system */
  if (fchown (fd, uid, (gid_t) -1) < 0 && errno != EINVAL && errno != EPERM && errno != EROFS)
    return err_sys (err, errno, "fchown", "descriptor %d", fd);
  return 0;
}

static bool
is_null (const struct stat *st)
{
  return S_ISCHR (st->st_mode) && st->st_rdev == makedev (1, 3);
}

/* The container's null device; we are in its root.  Whoever is in there already may have put anything in its place, which is not taken:
 * what it is counts, and never where it is (CVE-2026-88265).  */
static int
open_null (struct err *err)
{
  struct stat st;
  own_fd int fd = path_open_here ("/dev/null", O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

  if (fd < 0 || fstat (fd, &st) < 0)
    return err_sys (err, fd < 0 ? -fd : errno, "open", "/dev/null of the container");
  return is_null (&st) ? take_fd (&fd) : err_host (err, ENODEV, "/dev/null of the container is not the null device");
}

/* Puts the container's null device in the place of the host's: through a descriptor the container's root, who is the host's, could change its mode
 * and owner.  *OURS is opened when first needed.  */
static int
replace_null (int fd, int *ours, struct err *err)
{
  if (*ours < 0)
    *ours = open_null (err);
  if (*ours == -EACCES || *ours == -EPERM) /* a /dev with nodev, or device rules: nobody in there has one */
    {
      err_clear (err);
      return 0;
    }
  if (*ours < 0)
    return *ours;
  return dup2 (*ours, fd) < 0 ? err_sys (err, errno, "dup2", "%d", fd) : 0;
}

int
child_stdio (void *self, struct err *err)
{
  const struct plan_process *p = &((struct child *) self)->plan->process;
  int ours = -1, ret = 0;

  for (int fd = STDIN_FILENO; ret == 0 && fd <= STDERR_FILENO; fd++)
    {
      struct stat st;

      if (fstat (fd, &st) < 0)
        continue;
      if (p->own_null && is_null (&st))
        ret = replace_null (fd, &ours, err);
      else if (p->own_stdio)
        ret = give_pipe (fd, &st, p->uid, err);
    }
  return ret; /* close-on-exec closes ours */
}
