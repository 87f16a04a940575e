/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of one process; see limits.h.  */
#include "launch/limits.h"

#include <stdint.h>

#include "base/err.h"
#include "kernel/sys.h"
#include "plan/plan.h"

static int
set (pid_t pid, const struct plan_rlimit *r, uint64_t soft, struct err *err)
{
  const struct sys_rlimit limit = { soft, r->hard };
  int ret = sys_prlimit (pid, r->which, &limit, NULL);

  if (ret == 0)
    return 0;
  return err_in (err, err_sys (err, -ret, "prlimit", "soft %ju, hard %ju", (uintmax_t) soft, (uintmax_t) r->hard), "%s", r->where);
}

int
limits_early (const struct plan_process *p, pid_t pid, struct err *err)
{
  int ret = 0;

  for (size_t i = 0; ret == 0 && i < p->n_rlimits; i++)
    {
      const struct plan_rlimit *r = &p->rlimits[i];

      if (! r->late || r->before)
        ret = set (pid, r, r->late ? r->before : r->soft, err);
    }
  return ret;
}

int
limits_late (const struct plan_process *p, struct err *err)
{
  int ret = 0;

  for (size_t i = 0; ret == 0 && i < p->n_rlimits; i++)
    if (p->rlimits[i].late)
      ret = set (0, &p->rlimits[i], p->rlimits[i].soft, err);
  return ret;
}
