/* SPDX-License-Identifier: Apache-2.0 */
/* Loading the filter of system calls, as the last thing before execve; only where an agent answers for it before READY, since the
 * listener must reach the agent through the parent.  child-safe */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/seccomp.h"
#include "launch/child.h"

enum
{
  STACK = 64 * 1024
};

/* What a filtered thread leaves for its helper.  */
struct hand
{
  int sync;
  _Atomic int listener; /* -1: not yet */
};

int
child_seccomp_check (void *self, struct err *err)
{
  const struct child *c = self;

  return err_in (err, seccomp_check (c->plan->seccomp.flags, err), "linux.seccomp.flags");
}

int
child_seccomp_load (void *self, struct err *err)
{
  const struct plan_seccomp *s = &((const struct child *) self)->plan->seccomp;

  return err_in (err, seccomp_load (s->code, s->n, s->flags, err), "linux.seccomp");
}

/* The helper: a thread that the filter does not concern.  Waits for the listener, sends it and ends.  It looks from time to time, since whoever has
 * been filtered may not be let to wake anybody.  */
static int
send_listener (void *data)
{
  struct hand *hand = data;
  struct err err = { 0 };
  int fd;

  while ((fd = atomic_load_explicit (&hand->listener, memory_order_acquire)) < 0)
    (void) poll (NULL, 0, 1);
  if (sync_send (hand->sync, SYNC_NOTIFY, NULL, 0, &fd, 1, &err) == 0)
    return 0;
  sync_fail (hand->sync, &err);
  _exit (1); /* both threads */
}

/* The profile may ask the agent for sendmsg too, and so the agent would have to allow what brings it the means to allow it (runc therefore
 * refuses such a rule for write).  A thread that was there before is not filtered.  It shares descriptors and memory, leaves no zombie, and a
 * process of the container cannot meet it: we are undumpable, and execve ends it at the latest.  */
int
child_seccomp_notify (void *self, struct err *err)
{
  const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
  const struct child *c = self;
  const struct plan_seccomp *s = &c->plan->seccomp;
  struct hand hand = { .sync = c->sync, .listener = -1 };
  char *stack = mmap (NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  int ret;

  if (stack == MAP_FAILED)
    return err_sys (err, errno, "mmap", "stack");
  if (clone (send_listener, stack + STACK, flags, &hand) < 0)
    return err_sys (err, errno, "clone", "helper");
  ret = seccomp_load (s->code, s->n, s->flags, err);
  if (ret < 0)
    return err_in (err, ret, "linux.seccomp");
  atomic_store_explicit (&hand.listener, ret, memory_order_release); /* closed by execve */
  return sync_expect (c->sync, SYNC_NOTIFY, NULL, NULL, NULL, err);
}
