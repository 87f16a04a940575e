/* SPDX-License-Identifier: Apache-2.0 */
/* Options of cgroup v2; see host_cgroups.h.  They belong to its one superblock and are set by whoever mounts it in the first cgroup namespace, also by a mount
 * that is never attached (apply_cgroup_root_flags in the kernel's cgroup.c).  */
#include "launch/host_cgroups.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/own.h"
#include "base/str.h"
#include "kernel/mount.h"
#include "kernel/mountinfo.h"

enum
{
  OPTIONS_MAX = 16
};

void
host_cgroups_look (struct host_cgroups *h)
{
  own_mem char *text = NULL;
  own_mem struct mountinfo *list = NULL;
  size_t n = 0;

  h->options[0] = '\0';
  if (mountinfo_read (getpid (), &text, &list, &n, NULL) < 0)
    return;
  for (size_t i = 0; i < n; i++)
    if (strcmp (list[i].type, "cgroup2") == 0)
      {
        (void) str_copy (h->options, sizeof h->options, list[i].super);
        return;
      }
}

/* Options that are not of cgroup v2 but of any file system.  */
static const char *const general[] = { "rw", "ro", "seclabel", NULL };

void
host_cgroups_put_back (const struct host_cgroups *before, const struct log *log)
{
  struct mount_opt opts[OPTIONS_MAX];
  struct host_cgroups now;
  char text[sizeof before->options];
  struct err err = { 0 };
  char buf[512], *rest = text;
  size_t n = 0;

  host_cgroups_look (&now);
  if (strcmp (before->options, now.options) == 0)
    return;
  (void) str_copy (text, sizeof text, before->options);
  for (char *option; n < OPTIONS_MAX && (option = strsep (&rest, ","));)
    if (! str_is_one_of (general, option))
      opts[n++] = (struct mount_opt){ .key = option };
  own_fd int mount = mount_make ("cgroup2", "cgroup2", opts, n, 0, &err);
  if (mount < 0)
    log_warn (log, "CRIU has changed the machine's options of cgroup v2 from %s to %s, and they cannot be put back: %s", before->options, now.options,
              err_text (&err, NULL, buf, sizeof buf));
}
