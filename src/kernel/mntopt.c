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
/* A flag of the mount and of all mounts below it; of a new mount it is the same as without "r".  */
#define RON(n, attr, ms) { .name = n, .rattr_set = attr, .ms_set = ms }
#define ROFF(n, attr, ms) { .name = n, .rattr_clear = attr, .ms_clear = ms }
/* What no system call knows.  */
#define EXTRA(n, bits) { .name = n, .extra = bits }
/* Of fstab(5), for who mounts, when, and what if it fails: mount(8) keeps it from the kernel, and there is nothing to do.  */
#define FSTAB(n) { .name = n }
/* Which bits mount(8) adds for those that let users mount, unless a later option takes them away.  */
#define OWNER_ATTR (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)
#define OWNER_MS (MS_NOSUID | MS_NODEV)
#define USER_ATTR (OWNER_ATTR | MOUNT_ATTR_NOEXEC)
#define USER_MS (OWNER_MS | MS_NOEXEC)

static const struct mntopt_row rows[] = {
  FSTAB ("X-mount.mkdir"), /* as is done for every mount */
  FSTAB ("_netdev"),
  UNSUPER ("async", MS_SYNCHRONOUS),
  OFF ("atime", MOUNT_ATTR_NOATIME, MS_NOATIME),
  FSTAB ("auto"),
  { .name = "bind", .bind = true, .ms_set = MS_BIND },
  EXTRA ("copy-symlink", MNTOPT_COPY_SYMLINK),
  { .name = "defaults" }, /* the kernel's own: rw, suid, dev, exec, async are what is without any option */
  EXTRA ("dest-nofollow", MNTOPT_DEST_NOFOLLOW),
  OFF ("dev", MOUNT_ATTR_NODEV, MS_NODEV),
  OFF ("diratime", MOUNT_ATTR_NODIRATIME, MS_NODIRATIME),
  SUPER ("dirsync", MS_DIRSYNC),
  OFF ("exec", MOUNT_ATTR_NOEXEC, MS_NOEXEC),
  ON ("group", OWNER_ATTR, OWNER_MS),
  EXTRA ("idmap", MNTOPT_IDMAP),
  SUPER ("iversion", MS_I_VERSION),
  SUPER ("lazytime", MS_LAZYTIME),
  UNSUPER ("loud", MS_SILENT),
  SUPER ("mand", MS_MANDLOCK),
  { .name = "noatime", .attr_set = MOUNT_ATTR_NOATIME, .attr_clear = ATIME, .ms_set = MS_NOATIME,
    .ms_clear = MS_RELATIME | MS_STRICTATIME },
  FSTAB ("noauto"),
  ON ("nodev", MOUNT_ATTR_NODEV, MS_NODEV),
  ON ("nodiratime", MOUNT_ATTR_NODIRATIME, MS_NODIRATIME),
  ON ("noexec", MOUNT_ATTR_NOEXEC, MS_NOEXEC),
  FSTAB ("nofail"),
  FSTAB ("nogroup"),
  UNSUPER ("noiversion", MS_I_VERSION),
  UNSUPER ("nolazytime", MS_LAZYTIME),
  UNSUPER ("nomand", MS_MANDLOCK),
  FSTAB ("noowner"),
  { .name = "norelatime", .ms_clear = MS_RELATIME }, /* back to the kernel's default, which is relatime */
  { .name = "nostrictatime", .attr_clear = MOUNT_ATTR_STRICTATIME, .ms_clear = MS_STRICTATIME },
  ON ("nosuid", MOUNT_ATTR_NOSUID, MS_NOSUID),
  ON ("nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW),
  FSTAB ("nouser"),
  FSTAB ("nousers"),
  ON ("owner", OWNER_ATTR, OWNER_MS),
  PROPAGATION ("private", MS_PRIVATE),
  ROFF ("ratime", MOUNT_ATTR_NOATIME, MS_NOATIME),
  { .name = "rbind", .bind = true, .ms_set = MS_BIND | MS_REC },
  ROFF ("rdev", MOUNT_ATTR_NODEV, MS_NODEV),
  ROFF ("rdiratime", MOUNT_ATTR_NODIRATIME, MS_NODIRATIME),
  { .name = "relatime", .attr_clear = ATIME, .ms_set = MS_RELATIME, .ms_clear = MS_NOATIME | MS_STRICTATIME },
  { .name = "remount", .remount = true, .ms_set = MS_REMOUNT },
  ROFF ("rexec", MOUNT_ATTR_NOEXEC, MS_NOEXEC),
  EXTRA ("ridmap", MNTOPT_IDMAP | MNTOPT_IDMAP_ALL),
  { .name = "rnoatime", .rattr_set = MOUNT_ATTR_NOATIME, .rattr_clear = ATIME, .ms_set = MS_NOATIME,
    .ms_clear = MS_RELATIME | MS_STRICTATIME },
  RON ("rnodev", MOUNT_ATTR_NODEV, MS_NODEV),
  RON ("rnodiratime", MOUNT_ATTR_NODIRATIME, MS_NODIRATIME),
  RON ("rnoexec", MOUNT_ATTR_NOEXEC, MS_NOEXEC),
  { .name = "rnorelatime", .ms_clear = MS_RELATIME },
  { .name = "rnostrictatime", .rattr_clear = MOUNT_ATTR_STRICTATIME, .ms_clear = MS_STRICTATIME },
  RON ("rnosuid", MOUNT_ATTR_NOSUID, MS_NOSUID),
  RON ("rnosymfollow", MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW),
  { .name = "ro", .attr_set = MOUNT_ATTR_RDONLY, .ms_set = MS_RDONLY, .super = MS_RDONLY },
  PROPAGATION ("rprivate", MS_PRIVATE | MS_REC),
  { .name = "rrelatime", .rattr_clear = ATIME, .ms_set = MS_RELATIME, .ms_clear = MS_NOATIME | MS_STRICTATIME },
  RON ("rro", MOUNT_ATTR_RDONLY, MS_RDONLY),
  ROFF ("rrw", MOUNT_ATTR_RDONLY, MS_RDONLY),
  PROPAGATION ("rshared", MS_SHARED | MS_REC),
  PROPAGATION ("rslave", MS_SLAVE | MS_REC),
  { .name = "rstrictatime", .rattr_set = MOUNT_ATTR_STRICTATIME, .rattr_clear = ATIME, .ms_set = MS_STRICTATIME,
    .ms_clear = MS_NOATIME | MS_RELATIME },
  ROFF ("rsuid", MOUNT_ATTR_NOSUID, MS_NOSUID),
  ROFF ("rsymfollow", MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW),
  PROPAGATION ("runbindable", MS_UNBINDABLE | MS_REC),
  { .name = "rw", .attr_clear = MOUNT_ATTR_RDONLY, .ms_clear = MS_RDONLY, .super = MS_RDONLY },
  PROPAGATION ("shared", MS_SHARED),
  SUPER ("silent", MS_SILENT),
  PROPAGATION ("slave", MS_SLAVE),
  EXTRA ("src-nofollow", MNTOPT_SRC_NOFOLLOW),
  { .name = "strictatime", .attr_set = MOUNT_ATTR_STRICTATIME, .attr_clear = ATIME, .ms_set = MS_STRICTATIME,
    .ms_clear = MS_NOATIME | MS_RELATIME },
  OFF ("suid", MOUNT_ATTR_NOSUID, MS_NOSUID),
  OFF ("symfollow", MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW),
  SUPER ("sync", MS_SYNCHRONOUS),
  EXTRA ("tmpcopyup", MNTOPT_COPY_UP),
  PROPAGATION ("unbindable", MS_UNBINDABLE),
  ON ("user", USER_ATTR, USER_MS),
  ON ("users", USER_ATTR, USER_MS),
  { .name = NULL },
};

/* How words begin that mount(8) keeps from the kernel, too: what others write into fstab for themselves, and comments.  */
static const char *const fstab_prefixes[] = { "X-", "comment=", "helper=", "uhelper=", "x-", NULL };

/* Those that mount(8) obeys, and we do not.  */
#define OBEYED "X-mount."

const struct mntopt_super mntopt_supers[] = {
  { MS_RDONLY, "ro" },   { MS_SYNCHRONOUS, "sync" },  { MS_DIRSYNC, "dirsync" }, { MS_MANDLOCK, "mand" },
  { MS_LAZYTIME, "lazytime" }, { MS_I_VERSION, NULL }, { MS_SILENT, NULL },      { 0, NULL },
};

const struct mntopt_row *
mntopt_rows (void)
{
  return rows;
}

/* An access time mode replaces the one before: the field is a number (mount_setattr(2)).  */
static void
fold_attr (uint64_t *set, uint64_t *clear, uint64_t row_set, uint64_t row_clear)
{
  uint64_t replaced = row_clear | row_set;

  *set = (*set & ~replaced) | row_set;
  *clear = (*clear & ~row_set) | (row_clear & ~row_set);
  if (replaced & ATIME)
    *clear |= ATIME;
}

static void
fold (struct mntopt *acc, const struct mntopt_row *r)
{
  fold_attr (&acc->attr_set, &acc->attr_clear, r->attr_set, r->attr_clear);
  fold_attr (&acc->rattr_set, &acc->rattr_clear, r->rattr_set, r->rattr_clear);
  acc->all_flags = (acc->all_flags & ~r->ms_clear) | r->ms_set;
  acc->super_set = (acc->super_set & ~(r->ms_clear & r->super)) | (r->ms_set & r->super);
  acc->super_clear = (acc->super_clear & ~(r->ms_set & r->super)) | (r->ms_clear & r->super);
  acc->remount |= r->remount;
  acc->extra |= r->extra;
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

void
mntopt_unify (struct mntopt *acc)
{
  fold_attr (&acc->attr_set, &acc->attr_clear, acc->rattr_set, acc->rattr_clear);
  acc->rattr_set = acc->rattr_clear = 0;
}

static bool
is_fstab (const char *option)
{
  for (const char *const *p = fstab_prefixes; *p; p++)
    if (strncmp (option, *p, strlen (*p)) == 0)
      return strncmp (option, OBEYED, strlen (OBEYED)) != 0;
  return false;
}

enum mntopt_kind
mntopt_apply (struct mntopt *acc, const char *option)
{
  size_t len = strcspn (option, "=");
  /* crun's "idmap=uids=0-1000-10;gids=..." is the same option with a value */
  bool map = option[len] == '=' && ((len == 5 && memcmp (option, "idmap", 5) == 0) || (len == 6 && memcmp (option, "ridmap", 6) == 0));

  for (const struct mntopt_row *r = rows; r->name; r++)
    if (map ? strlen (r->name) == len && memcmp (r->name, option, len) == 0 : strcmp (r->name, option) == 0)
      {
        fold (acc, r);
        if (map)
          acc->idmap = option + len + 1;
        return MNTOPT_FLAG;
      }
  return is_fstab (option) ? MNTOPT_FLAG : MNTOPT_DATA;
}
