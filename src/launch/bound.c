/* SPDX-License-Identifier: Apache-2.0 */
/* Bound devices; see bound.h.  Changes nothing. */
#include "launch/bound.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/log.h"
#include "plan/plan.h"

enum
{
  OVERFLOW_ID = 65534 /* what an id is shown as that is not mapped, unless somebody has written another to kernel.overflowuid */
};

/* The id that the container sees in the place of ID, as we see it.  */
static uint32_t
shown (const struct idmap *maps, size_t n, uint32_t id)
{
  for (size_t i = 0; i < n; i++)
    if (id >= maps[i].outside && id - maps[i].outside < maps[i].size)
      return maps[i].inside + (id - maps[i].outside);
  return OVERFLOW_ID;
}

static void
warn (const struct plan *plan, const struct plan_device *d, const struct stat *st, const struct log *log)
{
  const struct plan_ns *ns = &plan->ns;
  bool mapped = ns->new_user || ns->joined_user;
  bool known = ! mapped || (ns->n_uid_maps > 0 && ns->n_gid_maps > 0); /* the maps of a namespace with nobody in it are not */
  const struct
  {
    bool given;
    const char *name, *form;
    unsigned asked, seen;
  } values[] = {
    { d->given & PLAN_DEVICE_MODE, "fileMode", "%#o", d->device.mode & 07777, st->st_mode & 07777 },
    { known && (d->given & PLAN_DEVICE_UID), "uid", "%u", d->device.uid, mapped ? shown (ns->uid_maps, ns->n_uid_maps, st->st_uid) : st->st_uid },
    { known && (d->given & PLAN_DEVICE_GID), "gid", "%u", d->device.gid, mapped ? shown (ns->gid_maps, ns->n_gid_maps, st->st_gid) : st->st_gid },
  };

  for (size_t i = 0; i < sizeof values / sizeof *values; i++)
    if (values[i].given && values[i].asked != values[i].seen)
      {
        char seen[16];

        (void) snprintf (seen, sizeof seen, values[i].form, values[i].seen);
        log_warn (log, "%s.%s: does nothing, as the container gets the host's /%s, which it sees with %s", d->where, values[i].name, d->device.path, seen);
      }
}

void
bound_warn (const struct plan *plan, const struct log *log)
{
  char path[4096];
  struct stat st;

  if (! plan->devices_by_bind || plan->ns.join_mnt || log == NULL || log->level > LOG_LEVEL_WARNING)
    return;
  for (size_t i = 0; i < plan->n_devices; i++)
    {
      const struct plan_device *d = &plan->devices[i];

      if (d->given == 0 || S_ISFIFO (d->device.mode)) /* which is made: device.h */
        continue;
      (void) snprintf (path, sizeof path, "/%s", d->device.path);
      if (stat (path, &st) == 0) /* else the child says what is wrong */
        warn (plan, d, &st, log);
    }
}
