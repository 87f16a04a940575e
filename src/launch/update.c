/* SPDX-License-Identifier: Apache-2.0 */
/* update: what limits a container that exists, changed.  The record says where; nothing of it changes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/own.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "cgroup/layout.h"
#include "cgroup/limits.h"
#include "kernel/rdt.h"
#include "launch/device_rules.h"
#include "launch/known.h"
#include "launch/launch.h"
#include "launch/nodes.h"
#include "ocispec/linux.h"

static int
no_cgroup (struct err *err)
{
  return err_host (err, ENOTSUP, "the container has no cgroup of its own whose limits could be changed");
}

/* What has processes, or waits for its first, or is frozen, may be changed.  */
static int
check_updatable (const struct known *k, const struct launch_update *u, struct err *err)
{
  const char *status = record_status (&k->dir, k->rec);

  if (strcmp (status, "stopped") == 0)
    return err_state (err, ESRCH, "cannot update a container that has stopped: container not running");
  if (strcmp (status, "creating") == 0)
    return err_state (err, EBUSY, "cannot update a container that is being created");
  if (u->n_nodes > 0 && ! cgroup_is_own (k->rec->cgroup))
    return no_cgroup (err);
  if (u->n_nodes > 0 && k->rec->cgroup->rootless)
    return err_host (err, EPERM, "devices can be given to containers of root only, which have device rules");
  return 0;
}

static int
update_cgroup (const struct record *rec, const struct oci_resources *r, struct err *err)
{
  const struct cgroup_args args
      = { .driver = rec->cgroup ? rec->cgroup->driver : NULL, .annotations = rec->annotations, .n_annotations = rec->n_annotations };
  struct cgroup_layout layout;
  int ret;

  if (! cgroup_is_own (rec->cgroup))
    return cgroup_limits_asked (r) || r->n_devices > 0 ? no_cgroup (err) : 0;
  ret = cgroup_layout_read (&layout, cgroup_want (&args, r), err);
  return ret < 0 ? ret : cgroup_update (rec->cgroup, r, &layout, &args, err);
}

/* The schemata of the container's resctrl group, and what they were.  */
struct rdt_change
{
  int group; /* -1: nothing changes */
  const char *root;
  char *old;
};

/* The group, if there is one that is the container's to change: the default one is the machine's.  */
static int
check_rdt (const struct record *rec, const struct launch_update *u, struct err *err)
{
  const char *bandwidth = u->mem_bw_schema;

  if (bandwidth && bandwidth[0] && (str_after (bandwidth, "MB:") == NULL || strchr (bandwidth, '\n')))
    return err_spec (err, "linux.intelRdt.memBwSchema", "must be one line that begins with MB:");
  if (rec->rdt == NULL)
    return err_in (err, err_host (err, ENOTSUP, "the container has no resctrl group: it was created without linux.intelRdt"), "linux.intelRdt");
  if (rec->rdt->group[0] == '\0')
    return err_in (err, err_host (err, EPERM, "the container is in the default group, which is the whole machine's"), "linux.intelRdt.closID");
  return 0;
}

/* Writes all lines at once, of which the kernel takes all or none.  */
static int
change_rdt (const struct record *rec, const struct launch_update *u, struct rdt_change *c, struct err *err)
{
  own_mem char *text = NULL;
  int ret = rdt_join (u->l3_cache_schema, u->mem_bw_schema, &text);

  if (ret < 0)
    return err_sys (err, ENOMEM, "malloc", "schemata");
  if (text == NULL)
    return 0;
  ret = check_rdt (rec, u, err);
  if (ret < 0)
    return ret;
  c->root = rec->rdt->root;
  c->group = rdt_open (c->root, rec->rdt->group, NULL, err);
  ret = c->group < 0 ? c->group : rdt_read (c->group, &c->old, err);
  if (ret == 0)
    ret = rdt_write (c->root, c->group, text, err);
  return err_in (err, ret, "linux.intelRdt");
}

static void
set_rdt_back (const struct rdt_change *c)
{
  if (c->group >= 0)
    (void) rdt_write (c->root, c->group, c->old, NULL); /* the error is that of what came after */
}

static void
end_rdt (struct rdt_change *c)
{
  own_close (&c->group);
  free (c->old);
}

/* Nodes come first and go last, so that no step leaves a device that may be used without being asked for.  What fails takes back what was done before
 * it, except nodes that are to go: whatever becomes of them, the rules keep the container from the device.  */
static int
update (struct known *k, const struct launch_update *u, struct err *err)
{
  struct oci_resources r = u->resources ? *u->resources : (struct oci_resources){ .n_devices = 0 };
  struct rdt_change rdt = { .group = -1 };
  int ret = device_rules_change (&k->dir, &k->arena, u->nodes, u->n_nodes, &r, err);

  if (ret == 0)
    ret = nodes_add (k->rec, u->nodes, u->n_nodes, err);
  if (ret < 0)
    return ret;
  ret = change_rdt (k->rec, u, &rdt, err);
  if (ret == 0 && (ret = update_cgroup (k->rec, &r, err)) < 0)
    set_rdt_back (&rdt);
  end_rdt (&rdt);
  if (ret < 0)
    nodes_undo (k->rec, u->nodes, u->n_nodes);
  if (ret == 0 && r.n_devices > 0)
    ret = record_save_devices (&k->dir, r.devices, r.n_devices, err);
  if (ret == 0 && (ret = nodes_remove (k->rec, u->nodes, u->n_nodes, err)) < 0)
    ret = err_doing (err, ret, "the container may not use the device any more, but its node stays");
  return ret;
}

/* One update after the other: on failure each sets back what it found.  The lock of the container is taken while a `run` in the foreground lasts,
 * so this one is that of the copy of its document.  */
int
launch_update (const char *root, const char *id, const struct launch_update *u, struct err *err)
{
  struct known k = KNOWN_NONE;
  int ret = known_open (&k, root, id, false, err);

  if (ret == 0)
    ret = check_updatable (&k, u, err);
  own_fd int lock = ret == 0 ? record_lock_update (&k.dir, err) : -1;
  if (ret == 0 && lock < 0)
    ret = lock;
  if (ret == 0)
    ret = update (&k, u, err);
  known_close (&k);
  return ret;
}
