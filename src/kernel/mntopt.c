/* SPDX-License-Identifier: Apache-2.0 */
/* The options of mounts (config.md, "Linux mount options"; mount(8)); see mntopt.h.  */
#include "kernel/mntopt.h"

#include <stddef.h>
#include <string.h>

#include "kernel/sys.h"

#ifndef MS_LAZYTIME
#define MS_LAZYTIME (1 << 25)
#endif
#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256 /* Linux 5.10 */
#endif

#define ATIME MOUNT_ATTR__ATIME

/* A flag of the mount, on (NAME, attribute, MS_*) and off.  */
#define ON(n, attr, ms) { .name = n, .attr_set = attr, .ms_set = ms }
#define OFF(n, attr, ms) { .name = n, .attr_clear = attr, .ms_clear = ms }
/* A flag of the superblock.  */
#define SUPER(n, ms) { .name = n, .ms_set = ms, .super = ms }
#define UNSUPER(n, ms) { .name = n, .ms_clear = ms, .super = ms }
#define PROPAGATION(n, ms) { .name = n, .propagation = ms }
#define LATER(n) { .name = n, .kind = MNTOPT_LATER }

static const struct mntopt_row rows[] = {
  UNSUPER ("async", MS_SYNCHRONOUS),
  OFF ("atime", MOUNT_ATTR_NOATIME, MS_NOATIME),
  { .name = "bind", .bind = true, .ms_set = MS_BIND },
  LATER ("copy-symlink"),
  { .name = "defaults" }, /* the kernel's own: rw, suid, dev, exec, async are what is without any option */
  LATER ("dest-nofollow"),
  OFF ("dev", MOUNT_ATTR_NODEV, MS_NODEV),
  OFF ("diratime", MOUNT_ATTR_NODIRATIME, MS_NODIRATIME),
  SUPER ("dirsync", MS_DIRSYNC),
  OFF ("exec", MOUNT_ATTR_NOEXEC, MS_NOEXEC),
  LATER ("idmap"),
  SUPER ("iversion", MS_I_VERSION),
  SUPER ("lazytime", MS_LAZYTIME),
  UNSUPER ("loud", MS_SILENT),
  SUPER ("mand", MS_MANDLOCK),
  { .name = "noatime", .attr_set = MOUNT_ATTR_NOATIME, .attr_clear = ATIME, .ms_set = MS_NOATIME,
    .ms_clear = MS_RELATIME | MS_STRICTATIME },
  ON ("nodev", MOUNT_ATTR_NODEV, MS_NODEV),
  ON ("nodiratime", MOUNT_ATTR_NODIRATIME, MS_NODIRATIME),
  ON ("noexec", MOUNT_ATTR_NOEXEC, MS_NOEXEC),
  UNSUPER ("noiversion", MS_I_VERSION),
  UNSUPER ("nolazytime", MS_LAZYTIME),
  UNSUPER ("nomand", MS_MANDLOCK),
  { .name = "norelatime", .ms_clear = MS_RELATIME }, /* back to the kernel's default, which is relatime */
  { .name = "nostrictatime", .attr_clear = MOUNT_ATTR_STRICTATIME, .ms_clear = MS_STRICTATIME },
  ON ("nosuid", MOUNT_ATTR_NOSUID, MS_NOSUID),
  ON ("nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW),
  PROPAGATION ("private", MS_PRIVATE),
  LATER ("ratime"),
  { .name = "rbind", .bind = true, .ms_set = MS_BIND | MS_REC },
  LATER ("rdev"),
  LATER ("rdiratime"),
  { .name = "relatime", .attr_clear = ATIME, .ms_set = MS_RELATIME, .ms_clear = MS_NOATIME | MS_STRICTATIME },
  { .name = "remount", .remount = true, .ms_set = MS_REMOUNT },
  LATER ("rexec"),
  LATER ("ridmap"),
  LATER ("rnoatime"),
  LATER ("rnodev"),
  LATER ("rnodiratime"),
  LATER ("rnoexec"),
  LATER ("rnorelatime"),
  LATER ("rnostrictatime"),
  LATER ("rnosuid"),
  LATER ("rnosymfollow"),
  { .name = "ro", .attr_set = MOUNT_ATTR_RDONLY, .ms_set = MS_RDONLY, .super = MS_RDONLY },
  PROPAGATION ("rprivate", MS_PRIVATE | MS_REC),
  LATER ("rrelatime"),
  LATER ("rro"),
  LATER ("rrw"),
  PROPAGATION ("rshared", MS_SHARED | MS_REC),
  PROPAGATION ("rslave", MS_SLAVE | MS_REC),
  LATER ("rstrictatime"),
  LATER ("rsuid"),
  LATER ("rsymfollow"),
  PROPAGATION ("runbindable", MS_UNBINDABLE | MS_REC),
  { .name = "rw", .attr_clear = MOUNT_ATTR_RDONLY, .ms_clear = MS_RDONLY, .super = MS_RDONLY },
  PROPAGATION ("shared", MS_SHARED),
  SUPER ("silent", MS_SILENT),
  PROPAGATION ("slave", MS_SLAVE),
  LATER ("src-nofollow"),
  { .name = "strictatime", .attr_set = MOUNT_ATTR_STRICTATIME, .attr_clear = ATIME, .ms_set = MS_STRICTATIME,
    .ms_clear = MS_NOATIME | MS_RELATIME },
  OFF ("suid", MOUNT_ATTR_NOSUID, MS_NOSUID),
  OFF ("symfollow", MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW),
  SUPER ("sync", MS_SYNCHRONOUS),
  LATER ("tmpcopyup"),
  PROPAGATION ("unbindable", MS_UNBINDABLE),
  { .name = NULL },
};

const struct mntopt_super mntopt_supers[] = {
  { MS_RDONLY, "ro" },   { MS_SYNCHRONOUS, "sync" },  { MS_DIRSYNC, "dirsync" }, { MS_MANDLOCK, "mand" },
  { MS_LAZYTIME, "lazytime" }, { MS_I_VERSION, NULL }, { MS_SILENT, NULL },      { 0, NULL },
};

const struct mntopt_row *
mntopt_rows (void)
{
  return rows;
}

static void
fold (struct mntopt *acc, const struct mntopt_row *r)
{
  /* an access time mode replaces the one before: the field is a number (mount_setattr(2)) */
  uint64_t replaced = r->attr_clear | r->attr_set;

  acc->attr_set = (acc->attr_set & ~replaced) | r->attr_set;
  acc->attr_clear = (acc->attr_clear & ~r->attr_set) | (r->attr_clear & ~r->attr_set);
  if (replaced & ATIME)
    acc->attr_clear |= ATIME;
  acc->all_flags = (acc->all_flags & ~r->ms_clear) | r->ms_set;
  acc->super_set = (acc->super_set & ~(r->ms_clear & r->super)) | (r->ms_set & r->super);
  acc->super_clear = (acc->super_clear & ~(r->ms_set & r->super)) | (r->ms_clear & r->super);
  acc->remount |= r->remount;
  if (r->propagation)
    {
      acc->propagation = r->propagation & ~(uint64_t) MS_REC;
      acc->propagation_recursive = r->propagation & MS_REC;
    }
  if (r->bind)
    {
      acc->bind = true;
      acc->bind_recursive = r->ms_set & MS_REC;
    }
}

enum mntopt_kind
mntopt_apply (struct mntopt *acc, const char *option)
{
  for (const struct mntopt_row *r = rows; r->name; r++)
    if (strcmp (r->name, option) == 0)
      {
        if (r->kind == MNTOPT_FLAG)
          fold (acc, r);
        return r->kind;
      }
  /* "idmap=..." of crun is the same option with a value */
  return strncmp (option, "idmap=", 6) == 0 || strncmp (option, "ridmap=", 7) == 0 ? MNTOPT_LATER : MNTOPT_DATA;
}
