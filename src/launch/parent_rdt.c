/* SPDX-License-Identifier: Apache-2.0 */
/* The container's resctrl group: looked for, made, and joined.  Undoing it is teardown.c's,
 * from the record.  See config-linux.md, "IntelRdt". */
#include <errno.h>

#include "base/err.h"
#include "base/own.h"
#include "kernel/rdt.h"
#include "launch/parent.h"
#include "plan/plan.h"

/* Whether the group, or its monitoring group, is there.  Returns 1, 0 or negative errno.  */
static int
exists (const char *root, const char *name, const char *monitor, struct err *err)
{
  own_fd int fd = rdt_open (root, name, monitor, err);

  if (fd != -ENOENT)
    return fd < 0 ? fd : 1;
  err_clear (err);
  return 0;
}

int
parent_rdt_survey (struct launch *l, struct err *err)
{
  const struct plan_rdt *p = l->plan->rdt;
  int ret = exists (p->root, p->group, NULL, err);

  if (ret < 0)
    return ret;
  if (ret == 0 && p->named && p->caches == NULL && p->schemata == NULL)
    return err_in (err, err_host (err, ENOENT, "the group %s does not exist, and no schema says how to make it", p->group), "linux.intelRdt.closID");
  if (ret == 1 && ! p->named)
    return err_in (err, err_host (err, EEXIST, "the group %s exists already, made by another", p->group), "linux.intelRdt");
  l->rdt = (struct record_rdt){ .root = p->root, .group = p->group, .made = ret == 0, .named = p->named };
  l->rec->rdt = &l->rdt;
  if (p->monitor == NULL)
    return 0;
  ret = exists (p->root, p->group, p->monitor, err);
  if (ret < 0)
    return ret;
  if (ret == 1)
    return err_in (err, err_host (err, EEXIST, "the monitoring group %s exists already, made by another", p->monitor), "linux.intelRdt.enableMonitoring");
  l->rdt.monitor = p->monitor;
  return 0;
}

/* A group that is there must be as it is asked for; a new one is made so.  */
static int
apply (const struct launch *l, int group, const char *text, struct err *err)
{
  if (text == NULL)
    return 0;
  return l->rdt.made ? rdt_write (l->rdt.root, group, text, err) : rdt_compare (group, text, err);
}

int
parent_rdt_make (void *self, struct err *err)
{
  struct launch *l = self;
  const struct plan_rdt *p = l->plan->rdt;
  int ret = 0;

  if (l->rdt.made && (ret = rdt_make (p->root, p->group, NULL, err)) == -EEXIST)
    l->rdt.made = false; /* another was faster: it is his */
  if (ret < 0)
    return err_in (err, ret, "linux.intelRdt");
  own_fd int group = rdt_open (p->root, p->group, NULL, err);
  if (group < 0)
    return err_in (err, group, "linux.intelRdt");
  ret = apply (l, group, p->caches, err);
  if (ret == 0)
    ret = apply (l, group, p->schemata, err);
  if (ret < 0 || p->monitor == NULL)
    return err_in (err, ret, "linux.intelRdt");
  ret = rdt_make (p->root, p->group, p->monitor, err);
  if (ret == -EEXIST)
    l->rdt.monitor = NULL;
  return err_in (err, ret, "linux.intelRdt.enableMonitoring");
}

int
parent_rdt_join (void *self, struct err *err)
{
  struct launch *l = self;
  const struct record_rdt *r = l->rec->rdt;
  int ret;

  if (r == NULL)
    return 0;
  own_fd int group = rdt_open (r->root, r->group, NULL, err);
  ret = group < 0 ? group : rdt_add (group, l->pid, err);
  if (ret < 0 || r->monitor == NULL)
    return err_in (err, ret, "linux.intelRdt");
  /* a monitoring group takes processes of the group above it only */
  own_fd int monitor = rdt_open (r->root, r->group, r->monitor, err);
  ret = monitor < 0 ? monitor : rdt_add (monitor, l->pid, err);
  return err_in (err, ret, "linux.intelRdt.enableMonitoring");
}
