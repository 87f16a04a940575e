/* SPDX-License-Identifier: Apache-2.0 */
/* Scheduling of one process; see schedule.h.  */
#include "launch/schedule.h"

#include "base/err.h"
#include "kernel/sched.h"
#include "plan/plan.h"

int
schedule_set (const struct plan_process *p, pid_t pid, struct err *err)
{
  const struct plan_io_priority *io = p->io_priority;
  int ret = io ? err_in (err, sched_set_io (pid, io->class_, io->level, err), "process.ioPriority") : 0;

  /* last: from then on it may be late or, with SCHED_DEADLINE, have no child */
  if (ret == 0 && p->scheduler)
    ret = err_in (err, sched_set (pid, p->scheduler, err), "process.scheduler");
  return ret;
}
