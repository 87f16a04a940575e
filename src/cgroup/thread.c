/* SPDX-License-Identifier: Apache-2.0 */
/* Cgroups in a threaded subtree (cgroups(7), "Thread mode").  */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "cgroup/cgroup.h"
#include "cgroup/dir.h"

/* Makes the cgroup at PATH threaded if it can have processes in no other way.  */
static int
thread_level (const char *path, struct err *err)
{
  static const char invalid[] = "domain invalid\n", threaded[] = "threaded";
  char file[PATH_MAX + sizeof "/cgroup.type"], type[32];
  int r;

  (void) snprintf (file, sizeof file, "%s/cgroup.type", path);
  r = (int) file_read_small (AT_FDCWD, file, type, sizeof type);
  if (r < 0)
    return err_sys (err, -r, "read", "%s", file);
  return strcmp (type, invalid) == 0 ? file_write_at (AT_FDCWD, file, threaded, strlen (threaded), err) : 0;
}

int
cgroup_make_threaded (const struct cgroup *cg, struct err *err)
{
  const struct cgroup_dir *d = cgroup_dir_find (cg, "");
  struct cgroup_path p;
  int r = d && ! d->skipped ? cgroup_dir_path (d, NULL, &p, err) : 0;
  uint32_t n = d && d->made ? d->made : 1;

  if (d == NULL || d->skipped || r < 0)
    return r;
  /* what we made above it is of no use as it is, either: from the top, since each needs a parent that is threaded */
  for (r = 0; r == 0 && n-- > 0;)
    {
      struct cgroup_path level = p;

      for (uint32_t i = 0; i < n; i++)
        *strrchr (level.text, '/') = '\0';
      r = thread_level (level.text, err);
    }
  return r;
}
