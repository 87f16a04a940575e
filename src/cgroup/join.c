/* SPDX-License-Identifier: Apache-2.0 */
/* Putting processes into a cgroup. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/own.h"
#include "cgroup/cgroup.h"
#include "cgroup/dir.h"
#include "cgroup/scope.h"

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

void
cgroup_close_fds (const int *fds, size_t n)
{
  for (size_t i = 0; i < n;)
    {
      size_t end = i + 1;

      while (end < n && fds[end] == fds[end - 1] + 1)
        end++;
      if (end - i == 1 || syscall (SYS_close_range, fds[i], fds[end - 1], 0) < 0)
        for (size_t j = i; j < end; j++)
          own_close (&fds[j]);
      i = end;
    }
}

/* `tasks` moves one thread: a fresh process has only one, and needs no lock on its group (Linux: cgroup_procs_write_start).  */
static const char *
join_file (const struct cgroup_dir *d)
{
  return cgroup_dir_is_v2 (d) ? "cgroup.procs" : "tasks";
}

/* Opens one more.  */
static int
add_fd (const struct cgroup_dir *d, int *fds, size_t *n, size_t max, struct err *err)
{
  struct cgroup_path p;
  int r = cgroup_dir_path (d, join_file (d), &p, err);

  if (r == 0 && *n == max)
    return err_bug (err, E2BIG, "too many cgroup hierarchies");
  if (r == 0 && (fds[*n] = open (p.text, O_WRONLY | O_CLOEXEC)) < 0)
    return err_sys (err, errno, "open", "%s", p.text);
  *n += r == 0;
  return r;
}

int
cgroup_join_fds (const struct cgroup *cg, int *fds, size_t max, struct err *err)
{
  const struct cgroup_dir *freezer = cgroup_dir_find (cg, "freezer");
  size_t n = 0;
  int r = 0;

  for (size_t i = 0; r == 0 && i < cg->n_dirs; i++)
    if (! cg->dirs[i].skipped && &cg->dirs[i] != freezer)
      r = add_fd (&cg->dirs[i], fds, &n, max, err);
  /* last: in a frozen one the process stops there, and those who look for it must find it wherever they look */
  if (r == 0 && freezer && ! freezer->skipped)
    r = add_fd (freezer, fds, &n, max, err);
  if (r < 0)
    cgroup_close_fds (fds, n);
  return r < 0 ? r : (int) n;
}

int
cgroup_join (const int *fds, size_t n, struct err *err)
{
  for (size_t i = 0; i < n; i++)
    if (write (fds[i], "0", 1) < 0)
      return err_sys (err, errno, "write", "tasks of the container's cgroup");
  return 0;
}

int
cgroup_add_pid (const struct cgroup *cg, pid_t pid, struct err *err)
{
  char text[16];

  (void) snprintf (text, sizeof text, "%d", pid);
  for (size_t i = 0; i < cg->n_dirs; i++)
    {
      int r = cg->dirs[i].skipped ? 0 : cgroup_dir_write (&cg->dirs[i], "cgroup.procs", text, err);

      if ((r == -EACCES || r == -EPERM) && cg->unit)
        {
          /* a user may move processes only within what was delegated to him (cgroups(7), "delegation containment"); systemd may do more */
          err_clear (err);
          r = scope_attach (cg, pid, err);
        }
      if (r < 0)
        return r;
    }
  return 0;
}
