/* SPDX-License-Identifier: Apache-2.0 */
/* orlop-init: the static program that becomes the container's first process (or one more
 * of them).  Told one descriptor on its command line, it receives the plan, executes it
 * row by row and ends in execve.  Whatever fails is sent to who waits, as it is. */
#include <errno.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fds.h"
#include "base/own.h"
#include "base/str.h"
#include "launch/child.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

/* See base/own.h.  */
const int own_leave = 128;

/* Maps the plan where the parent made it, so that its pointers hold.  */
static int
map_plan (struct child *c, const struct sync_hello *hello, int fd, struct err *err)
{
  void *at = (void *) (uintptr_t) hello->address; /* NOLINT: the address is the protocol */
  void *got = mmap (at, hello->size, PROT_READ, MAP_PRIVATE | MAP_FIXED_NOREPLACE, fd, 0);

  if (got == MAP_FAILED)
    return err_sys (err, errno, "mmap", "plan");
  if (got != at)
    return err_bug (err, EEXIST, "the plan's address is taken");
  c->plan = (const struct plan *) (uintptr_t) hello->plan; /* NOLINT */
  return 0;
}

/* Puts the descriptors of HELLO into their places.  */
static int
place_fds (struct child *c, const struct sync_hello *hello, int *fds, size_t n, struct err *err)
{
  int *const places[] = { [SYNC_FD_LISTEN] = &c->listen, [SYNC_FD_CONSOLE] = &c->console, [SYNC_FD_PIDFD] = &c->pidfd };
  size_t next = 1; /* the plan's is the first */

  for (size_t role = SYNC_FD_LISTEN; role < SYNC_FD_JOIN; role++)
    if (hello->present & 1u << role)
      *places[role] = next < n ? fds[next++] : -1;
  for (size_t i = 0; i < c->plan->ns.n_joins && i < CHILD_MAX_JOINS; i++)
    c->joins[i] = next < n ? fds[next++] : -1;
  return next == n ? 0 : err_bug (err, EPROTO, "HELLO brought %zu descriptors, not %zu", n, next);
}

static int
receive_trees (struct child *c, size_t n_later, struct err *err)
{
  while (c->n_received < n_later)
    {
      size_t n = FDS_MAX;
      int ret;

      if (n_later > CHILD_MAX_MOUNTS + 1)
        return err_bug (err, E2BIG, "too many mounts from the parent");
      if (n > CHILD_MAX_MOUNTS + 1 - c->n_received)
        n = CHILD_MAX_MOUNTS + 1 - c->n_received;
      ret = sync_expect (c->sync, SYNC_FDS, NULL, c->received + c->n_received, &n, err);
      if (ret < 0)
        return ret;
      c->n_received += n;
    }
  return 0;
}

static int
receive_hello (struct child *c, struct err *err)
{
  struct sync_packet p;
  int fds[FDS_MAX];
  size_t n = FDS_MAX;
  int ret = sync_expect (c->sync, SYNC_HELLO, &p, fds, &n, err);

  if (ret < 0)
    return ret;
  if (n == 0)
    return err_bug (err, EPROTO, "HELLO brought no plan");
  c->ignored = p.hello.ignored;
  ret = map_plan (c, &p.hello, fds[0], err);
  if (ret == 0)
    ret = place_fds (c, &p.hello, fds, n, err);
  return ret < 0 ? ret : receive_trees (c, p.hello.n_later, err);
}

static int
run (struct child *c, struct err *err)
{
  static const struct step *const tables[] = { [PLAN_CREATE] = child_create, [PLAN_EXEC] = child_exec, [PLAN_MOUNTS] = child_mounts };
  int ret = receive_hello (c, err);

  if (ret < 0)
    return ret;
  /* nobody in a container that we join may trace or open us (CVE-2016-9962); the parent is done with /proc/PID by now */
  if (prctl (PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
    return err_sys (err, errno, "prctl", "PR_SET_DUMPABLE");
  /* whatever else the caller left open ends here, before any hook or program runs */
  ret = fds_cloexec_from (3 + c->plan->preserve_fds);
  if (ret < 0)
    return err_sys (err, -ret, "close_range", "descriptors of the caller");
  return step_run (tables[c->plan->action], c, c->plan, NULL, err);
}

/* At run time: as an initialiser it would put all of the struct, tens of KiB of zeros, into the image that each start writes.  */
static void
no_fds (struct child *c)
{
  c->listen = c->start = c->console = c->pidfd = c->proc = c->root = c->state_creating = c->state_created = -1;
}

int
main (int argc, char **argv)
{
  static struct child c;
  static struct err err;
  uint64_t sync;

  if (argc != 2 || str_u64 (argv[1], INT32_MAX, &sync) < 0)
    return 125; /* not for people: only the runtime starts this program */
  no_fds (&c);
  c.sync = (int) sync;
  (void) run (&c, &err); /* comes back only with an error */
  sync_fail (c.start >= 0 ? c.start : c.sync, &err);
  return 1;
}
