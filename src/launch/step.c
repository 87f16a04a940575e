/* SPDX-License-Identifier: Apache-2.0 */
/* The runner of step tables; see step.h.  */
#include "launch/step.h"

#include "base/str.h"

int
step_run (const struct step *steps, void *self, const struct plan *plan, const struct step_watch *watch,
          struct err *err)
{
  for (const struct step *s = steps; s->name; s++)
    {
      int ret;

      if (s->wanted && ! s->wanted (plan))
        continue;
      ret = s->run (self, err);
      if (watch)
        watch->done (watch->data, s->name, ret);
      if (ret < 0)
        {
          if (err && err->step[0] == '\0') /* the other side may have named its own */
            (void) str_copy (err->step, sizeof err->step, s->name);
          return ret;
        }
    }
  return 0;
}

static const struct step *
next_meeting (const struct step *s, const struct plan *plan)
{
  while (s->name && (s->sync == SYNC_NONE || (s->wanted && ! s->wanted (plan))))
    s++;
  return s;
}

bool
steps_meet (const struct step *parent, const struct step *child, const struct plan *plan)
{
  for (;; parent++, child++)
    {
      parent = next_meeting (parent, plan);
      child = next_meeting (child, plan);
      if (parent->name == NULL || child->name == NULL)
        return parent->name == NULL && child->name == NULL;
      if (parent->sync != child->sync)
        return false;
    }
}
