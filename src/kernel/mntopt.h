/* SPDX-License-Identifier: Apache-2.0 */
/* The options of mounts: one table from their names to the kernel's words.  Pure. */
#ifndef ORLOP_KERNEL_MNTOPT_H
#define ORLOP_KERNEL_MNTOPT_H

#include <stdbool.h>
#include <stdint.h>

/* What an option is to us.  */
enum mntopt_kind
{
  MNTOPT_FLAG,  /* known and folded in; of fstab(5), nothing to do */
  MNTOPT_DATA   /* not known: data of the file system */
};

/* Options that no system call has a flag for.  */
enum mntopt_extra
{
  MNTOPT_COPY_UP = 1,       /* tmpcopyup: a tmpfs begins with what it covers */
  MNTOPT_IDMAP = 2,         /* idmap, ridmap: owners are mapped */
  MNTOPT_IDMAP_ALL = 4,     /* ridmap: in all mounts below it, too */
  MNTOPT_SRC_NOFOLLOW = 8,  /* a source that is a link is bound itself */
  MNTOPT_DEST_NOFOLLOW = 16, /* a destination that is a link is covered itself */
  MNTOPT_COPY_SYMLINK = 32  /* a source that is a link is made anew instead of a mount */
};

/* What a list of options comes to.  Start with zeroes.  */
struct mntopt
{
  uint64_t attr_set, attr_clear; /* MOUNT_ATTR_* */
  uint64_t rattr_set, rattr_clear; /* the same for the mount and all below it ("rro"), after the others */
  unsigned extra;                /* enum mntopt_extra */
  const char *idmap;             /* what follows "idmap=", or NULL; points into the option */
  uint64_t propagation;          /* MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE or 0 */
  bool propagation_recursive;
  bool bind, bind_recursive;     /* "bind", "rbind" (which sets both) */
  bool remount;
  uint64_t super_set, super_clear; /* MS_*: of the superblock: MS_RDONLY MS_SYNCHRONOUS MS_DIRSYNC MS_MANDLOCK MS_LAZYTIME MS_I_VERSION MS_SILENT */
  unsigned long all_flags;       /* everything as MS_* for mount(2), without propagation */
};

/* Superblock flags that have a word of their own for fsconfig(2); the others (iversion, silent) only mount(2) can give.  */
struct mntopt_super
{
  uint64_t flag;    /* MS_* */
  const char *word; /* "sync"; NULL: mount(2) only */
};

/* All superblock flags, ended by a zero flag.  */
extern const struct mntopt_super mntopt_supers[];

/* One known option, for `features`.  */
struct mntopt_row
{
  const char *name;
  uint64_t attr_set, attr_clear, rattr_set, rattr_clear;
  unsigned extra;
  unsigned long ms_set, ms_clear; /* as MS_* */
  uint64_t super;                 /* which of ms_set | ms_clear are superblock flags */
  uint64_t propagation;           /* with MS_REC when recursive */
  bool bind, remount;
};

/* Folds OPTION into ACC; a later one wins over an earlier one.  Returns what it is; ACC is unchanged for DATA.  */
enum mntopt_kind mntopt_apply (struct mntopt *acc, const char *option);

/* Folds the recursive attributes into the others: for a mount that has none below it they are the same.  */
void mntopt_unify (struct mntopt *acc);

/* Every option that is known, sorted by name, ended by a NULL name.  */
const struct mntopt_row *mntopt_rows (void);

#endif
