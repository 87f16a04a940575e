/* SPDX-License-Identifier: Apache-2.0 */
/* update: what limits a container that exists, changed.  The record says where; nothing of it changes. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/own.h"
#include "cgroup/cgroup.h"
#include "cgroup/layout.h"
#include "cgroup/limits.h"
#include "launch/known.h"
#include "launch/launch.h"
#include "ocispec/linux.h"

/* What has processes, or waits for its first, or is frozen, may be changed.  */
static int
check_updatable (const struct known *k, struct err *err)
{
  const char *status = record_status (&k->dir, k->rec);

  if (strcmp (status, "stopped") == 0)
    return err_state (err, ESRCH, "cannot update a container that has stopped: container not running");
  if (strcmp (status, "creating") == 0)
    return err_state (err, EBUSY, "cannot update a container that is being created");
  return 0;
}

static int
update_cgroup (const struct record *rec, const struct oci_resources *r, struct err *err)
{
  const struct cgroup_args args = { .driver = rec->cgroup ? rec->cgroup->driver : NULL };
  struct cgroup_layout layout;
  int ret;

  if (rec->cgroup == NULL || rec->cgroup->n_dirs == 0)
    return cgroup_limits_asked (r) || r->n_devices > 0
               ? err_host (err, ENOTSUP, "the container has no cgroup of its own whose limits could be changed")
               : 0;
  ret = cgroup_layout_read (&layout, cgroup_want (&args, r), err);
  return ret < 0 ? ret : cgroup_update (rec->cgroup, r, &layout, err);
}

/* One update after the other: on failure each sets back what it found.  The lock of the container is taken while a `run` in the foreground lasts,
 * so this one is that of the copy of its document.  */
int
launch_update (const char *root, const char *id, const struct launch_update *u, struct err *err)
{
  struct known k = KNOWN_NONE;
  int ret = known_open (&k, root, id, false, err);

  if (ret == 0)
    ret = check_updatable (&k, err);
  own_fd int lock = ret == 0 ? record_lock_update (&k.dir, err) : -1;
  if (ret == 0 && lock < 0)
    ret = lock;
  if (ret == 0 && u->resources)
    ret = update_cgroup (k.rec, u->resources, err);
  known_close (&k);
  return ret;
}
