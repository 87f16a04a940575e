/* SPDX-License-Identifier: Apache-2.0 */
/* The child's part in hooks: asks the parent for its own (prestart, createRuntime), runs
 * createContainer before the root is entered and startContainer before execve.  child-safe */
#include "launch/child.h"
#include "launch/hooks.h"

int
child_hooks_runtime (void *self, struct err *err)
{
  struct child *c = self;
  int fds[2] = { -1, -1 };
  size_t n = 2;
  int ret = sync_send (c->sync, SYNC_HOOKS, NULL, 0, NULL, 0, err);

  if (ret == 0)
    ret = sync_expect (c->sync, SYNC_HOOKS, NULL, fds, &n, err);
  if (ret < 0)
    return ret;
  c->state_creating = n > 0 ? fds[0] : -1;
  c->state_created = n > 1 ? fds[1] : -1;
  return 0;
}

int
child_hooks_container (void *self, struct err *err)
{
  struct child *c = self;

  return hooks_run (c->plan->hooks.create_container, c->plan->hooks.n_create_container, c->state_creating, "/", -1, err);
}

int
child_hooks_start (void *self, struct err *err)
{
  struct child *c = self;

  return hooks_run (c->plan->hooks.start_container, c->plan->hooks.n_start_container, c->state_created, "/", -1, err);
}
