/* SPDX-License-Identifier: Apache-2.0 */
/* Giving a cgroup to a user, who may then make cgroups in it.  Only what the kernel lists changes hands: with any other file
 * the container could lift its own limits. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/own.h"
#include "cgroup/cgroup.h"
#include "cgroup/dir.h"

static const char list[] = "/sys/kernel/cgroup/delegate";

/* What the list was before there was one (Linux 4.15; config-linux.md, "Cgroup ownership").  */
static const char oldest[] = "cgroup.procs\ncgroup.subtree_control\ncgroup.threads\n";

static int
give_files (int dir, char *names, uid_t uid, struct err *err)
{
  char *rest = names;

  for (const char *name; (name = strtok_r (NULL, "\n", &rest));)
    if (strchr (name, '/') == NULL && fchownat (dir, name, uid, (gid_t) -1, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
      return err_sys (err, errno, "fchownat", "%s", name);
  return 0;
}

int
cgroup_delegate (const struct cgroup *cg, pid_t pid, bool given, uid_t uid, struct err *err)
{
  struct cgroup_dir below = cg->n_dirs ? cg->dirs[0] : (struct cgroup_dir){ .skipped = true };
  const struct cgroup in = { .driver = cg->driver, .dirs = &below, .n_dirs = 1 };
  char path[PATH_MAX];
  struct cgroup_path p;
  int r;

  if (cg->delegate == NULL)
    return 0;
  if (below.skipped)
    return err_host (err, EPERM, "the container has no cgroup of its own below which another could be");
  if (snprintf (path, sizeof path, "%s/%s", below.path, cg->delegate) >= (int) sizeof path)
    return err_sys (err, ENAMETOOLONG, "mkdir", "%s", cg->delegate);
  below.path = path;
  r = cgroup_dir_path (&below, NULL, &p, err);
  if (r == 0 && mkdir (p.text, 0755) < 0 && errno != EEXIST)
    r = err_sys (err, errno, "mkdir", "%s", p.text);
  if (r == 0)
    r = cgroup_add_pid (&in, pid, err);
  return r == 0 && given ? cgroup_give (&in, uid, err) : r;
}

int
cgroup_give (const struct cgroup *cg, uid_t uid, struct err *err)
{
  const struct cgroup_dir *d = cgroup_dir_find (cg, "");
  char names[4096];
  struct cgroup_path p;
  ssize_t n = file_read_small (AT_FDCWD, list, names, sizeof names);
  int r = d && ! d->skipped ? cgroup_dir_path (d, NULL, &p, err) : 0;

  if (d == NULL || d->skipped || r < 0)
    return r;
  if (n == -ENOENT)
    memcpy (names, oldest, sizeof oldest);
  else if (n < 0)
    return err_sys (err, (int) -n, "read", "%s", list);
  own_fd int dir = open (p.text, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (dir < 0)
    return err_sys (err, errno, "open", "%s", p.text);
  if (fchownat (dir, "", uid, (gid_t) -1, AT_EMPTY_PATH) < 0)
    return err_sys (err, errno, "fchownat", "%s", p.text);
  return give_files (dir, names, uid, err);
}
