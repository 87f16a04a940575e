/* SPDX-License-Identifier: Apache-2.0 */
/* Stage 3 of the child: what the program inherits beside its ids: processors, priorities, memory policy, personality, and the
 * pipes that it talks through.  child-safe */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/numa.h"
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
int
child_stdio (void *self, struct err *err)
{
  uid_t uid = ((struct child *) self)->plan->process.uid;

  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    {
      struct stat st;

      if (fstat (fd, &st) < 0 || ! S_ISFIFO (st.st_mode) || st.st_uid == uid)
        continue;
      /* EINVAL, EPERM: an owner whom our user namespace does not know; EROFS: a named one on a read-only file system */
      if (fchown (fd, uid, (gid_t) -1) < 0 && errno != EINVAL && errno != EPERM && errno != EROFS)
        return err_sys (err, errno, "fchown", "descriptor %d", fd);
    }
  return 0;
}
