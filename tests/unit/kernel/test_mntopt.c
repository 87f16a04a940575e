/* SPDX-License-Identifier: Apache-2.0 */
/* The table of mount options: what each comes to, alone and after others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <linux/mount.h>

#include "kernel/mntopt.h"

/* Folds the words of LIST, which commas separate.  */
static struct mntopt
fold (const char *list)
{
  struct mntopt acc = { 0 };
  char copy[256], *rest = copy, *word;

  strcpy (copy, list);
  while ((word = strsep (&rest, ",")) != NULL)
    assert_int_equal (mntopt_apply (&acc, word), MNTOPT_FLAG);
  return acc;
}

static void
mntopt_rows_sorted (void **state)
{
  const struct mntopt_row *r = mntopt_rows ();

  (void) state;
  assert_non_null (r[0].name);
  for (; r[1].name; r++)
    assert_true (strcmp (r[0].name, r[1].name) < 0);
}

/* What fstab(5) has for others than the kernel.  */
static const char *const fstab_words[]
    = { "X-mount.mkdir", "_netdev", "auto", "noauto", "nofail", "nogroup", "noowner", "nouser", "nousers", NULL };

static bool
is_fstab_word (const char *word)
{
  for (const char *const *w = fstab_words; *w; w++)
    if (strcmp (*w, word) == 0)
      return true;
  return false;
}

/* Every row changes something, but for those that only say what is, or what others are to do.  */
static void
mntopt_rows_mean_something (void **state)
{
  (void) state;
  for (const struct mntopt_row *r = mntopt_rows (); r->name; r++)
    {
      struct mntopt acc = { 0 };

      assert_int_equal (mntopt_apply (&acc, r->name), MNTOPT_FLAG);
      if (strcmp (r->name, "defaults") != 0 && ! is_fstab_word (r->name))
        assert_true (r->attr_set || r->attr_clear || r->extra || r->ms_set || r->ms_clear || r->propagation || r->bind
                     || r->remount);
      assert_int_equal (r->super & ~(uint64_t) (r->ms_set | r->ms_clear), 0);
    }
}

static void
mntopt_apply_each_attribute (void **state)
{
  static const struct
  {
    const char *on, *off;
    uint64_t attr;
    unsigned long ms;
  } pairs[] = {
    { "ro", "rw", MOUNT_ATTR_RDONLY, MS_RDONLY },
    { "nosuid", "suid", MOUNT_ATTR_NOSUID, MS_NOSUID },
    { "nodev", "dev", MOUNT_ATTR_NODEV, MS_NODEV },
    { "noexec", "exec", MOUNT_ATTR_NOEXEC, MS_NOEXEC },
    { "nodiratime", "diratime", MOUNT_ATTR_NODIRATIME, MS_NODIRATIME },
  };

  (void) state;
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
    {
      char both[64];
      struct mntopt on = fold (pairs[i].on), off = fold (pairs[i].off), last;

      assert_int_equal (on.attr_set, pairs[i].attr);
      assert_int_equal (on.attr_clear, 0);
      assert_int_equal (on.all_flags, pairs[i].ms);
      assert_int_equal (off.attr_set, 0);
      assert_int_equal (off.attr_clear, pairs[i].attr);
      strcat (strcat (strcpy (both, pairs[i].off), ","), pairs[i].on);
      last = fold (both); /* the later one wins */
      assert_int_equal (last.attr_set, pairs[i].attr);
      assert_int_equal (last.attr_clear, 0);
      assert_int_equal (last.all_flags, pairs[i].ms);
      strcat (strcat (strcpy (both, pairs[i].on), ","), pairs[i].off);
      last = fold (both);
      assert_int_equal (last.attr_set, 0);
      assert_int_equal (last.attr_clear, pairs[i].attr);
      assert_int_equal (last.all_flags, 0);
    }
}

/* The mode of access times is a number in the word of attributes: never two at once, and the field is cleared for a new one.  */
static void
mntopt_apply_access_times (void **state)
{
  struct mntopt o = fold ("noatime,strictatime");

  (void) state;
  assert_int_equal (o.attr_set & MOUNT_ATTR__ATIME, MOUNT_ATTR_STRICTATIME);
  assert_int_equal (o.attr_clear, MOUNT_ATTR__ATIME);
  assert_int_equal (o.all_flags, MS_STRICTATIME);
  o = fold ("strictatime,noatime");
  assert_int_equal (o.attr_set & MOUNT_ATTR__ATIME, MOUNT_ATTR_NOATIME);
  assert_int_equal (o.all_flags, MS_NOATIME);
  o = fold ("noatime,relatime");
  assert_int_equal (o.attr_set, MOUNT_ATTR_RELATIME);
  assert_int_equal (o.attr_clear, MOUNT_ATTR__ATIME);
  assert_int_equal (o.all_flags, MS_RELATIME);
  o = fold ("nodiratime,noatime");
  assert_int_equal (o.attr_set, MOUNT_ATTR_NODIRATIME | MOUNT_ATTR_NOATIME);
}

static void
mntopt_apply_propagation (void **state)
{
  struct mntopt o = fold ("rshared,slave");

  (void) state;
  assert_int_equal (o.propagation, MS_SLAVE);
  assert_false (o.propagation_recursive);
  o = fold ("private,runbindable");
  assert_int_equal (o.propagation, MS_UNBINDABLE);
  assert_true (o.propagation_recursive);
  assert_int_equal (o.all_flags, 0); /* mount(2) takes it in a call of its own */
}

static void
mntopt_apply_bind (void **state)
{
  struct mntopt o = fold ("bind");

  (void) state;
  assert_true (o.bind && ! o.bind_recursive && ! o.remount);
  o = fold ("rbind,ro");
  assert_true (o.bind && o.bind_recursive);
  assert_int_equal (o.all_flags, MS_BIND | MS_REC | MS_RDONLY);
  o = fold ("remount,bind");
  assert_true (o.bind && o.remount);
}

static void
mntopt_apply_superblock (void **state)
{
  struct mntopt o = fold ("sync,dirsync,ro");

  (void) state;
  assert_int_equal (o.super_set, MS_SYNCHRONOUS | MS_DIRSYNC | MS_RDONLY);
  o = fold ("sync,async");
  assert_int_equal (o.super_set, 0);
  assert_int_equal (o.super_clear, MS_SYNCHRONOUS);
  assert_int_equal (o.all_flags, 0);
}

/* "r" before an attribute: the same for all mounts below, apart from those of the mount itself.  */
static void
mntopt_apply_recursive (void **state)
{
  static const char *const words[] = { "ro",      "rw",    "nosuid",     "suid",        "nodev",         "dev",
                                       "noexec",  "exec",  "nodiratime", "diratime",    "nosymfollow",   "symfollow",
                                       "noatime", "atime", "relatime",   "strictatime", "nostrictatime", NULL };

  (void) state;
  for (const char *const *w = words; *w; w++)
    {
      char word[64];
      struct mntopt one = fold (*w), all = fold (strcat (strcpy (word, "r"), *w));

      assert_int_equal (all.rattr_set, one.attr_set);
      assert_int_equal (all.rattr_clear, one.attr_clear);
      assert_int_equal (all.attr_set | all.attr_clear | one.rattr_set | one.rattr_clear, 0);
      assert_int_equal (all.super_set | all.super_clear, 0);
      mntopt_unify (&all);
      assert_int_equal (all.attr_set, one.attr_set);
      assert_int_equal (all.attr_clear, one.attr_clear);
      assert_int_equal (all.rattr_set | all.rattr_clear, 0);
    }
}

static void
mntopt_unify_later_wins (void **state)
{
  struct mntopt o = fold ("rnosuid,ro,suid,rrw");

  (void) state;
  mntopt_unify (&o); /* recursive ones come after the others, wherever they stand */
  assert_int_equal (o.attr_set, MOUNT_ATTR_NOSUID);
  assert_int_equal (o.attr_clear, MOUNT_ATTR_RDONLY);
}

static void
mntopt_apply_extra (void **state)
{
  struct mntopt o = fold ("tmpcopyup,src-nofollow,dest-nofollow,copy-symlink");

  (void) state;
  assert_int_equal (o.extra, MNTOPT_COPY_UP | MNTOPT_SRC_NOFOLLOW | MNTOPT_DEST_NOFOLLOW | MNTOPT_COPY_SYMLINK);
  assert_int_equal (o.all_flags, 0);
  assert_int_equal (fold ("idmap").extra, MNTOPT_IDMAP);
  assert_null (fold ("idmap").idmap);
  assert_int_equal (fold ("ridmap").extra, MNTOPT_IDMAP | MNTOPT_IDMAP_ALL);
  memset (&o, 0, sizeof o);
  assert_int_equal (mntopt_apply (&o, "ridmap=uids=0-1-2"), MNTOPT_FLAG);
  assert_string_equal (o.idmap, "uids=0-1-2");
  assert_int_equal (o.extra, MNTOPT_IDMAP | MNTOPT_IDMAP_ALL);
  assert_int_equal (mntopt_apply (&o, "idmaps=1"), MNTOPT_DATA);
  assert_int_equal (mntopt_apply (&o, "ro=1"), MNTOPT_DATA);
}

static void
mntopt_apply_fstab (void **state)
{
  static const char *const prefixed[] = { "x-systemd.automount", "x-", "X-foo=1", "comment=a,b", "comment=", "helper=x", "uhelper=udisks2", NULL };
  static const char *const data[] = { "X-mount.subdir=a", "X-mount.owner=1", "X-mount.mkdir=700", "comment", "uhelper", "loop", "offset=1", "nofail=1", "user=me", NULL };
  struct mntopt acc = { 0 }, none = { 0 };
  struct mntopt o = fold ("user,exec");

  (void) state;
  for (const char *const *w = fstab_words; *w; w++)
    assert_int_equal (mntopt_apply (&acc, *w), MNTOPT_FLAG);
  for (const char *const *w = prefixed; *w; w++)
    assert_int_equal (mntopt_apply (&acc, *w), MNTOPT_FLAG);
  for (const char *const *w = data; *w; w++)
    assert_int_equal (mntopt_apply (&acc, *w), MNTOPT_DATA);
  assert_memory_equal (&acc, &none, sizeof acc);
  assert_int_equal (o.attr_set, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
  assert_int_equal (o.all_flags, MS_NOSUID | MS_NODEV);
  assert_int_equal (fold ("suid,users").attr_set, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
  assert_int_equal (fold ("owner").attr_set, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
  assert_int_equal (fold ("group,dev").attr_set, MOUNT_ATTR_NOSUID);
}

static void
mntopt_apply_unknown_is_data (void **state)
{
  struct mntopt acc = { .attr_set = MOUNT_ATTR_NOSUID }, before = acc;

  (void) state;
  assert_int_equal (mntopt_apply (&acc, "size=1m"), MNTOPT_DATA);
  assert_int_equal (mntopt_apply (&acc, "RO"), MNTOPT_DATA);
  assert_int_equal (mntopt_apply (&acc, ""), MNTOPT_DATA);
  assert_int_equal (mntopt_apply (&acc, "ro "), MNTOPT_DATA);
  assert_memory_equal (&acc, &before, sizeof acc);
}

static void
mntopt_supers_complete (void **state)
{
  uint64_t known = 0, used = 0;

  (void) state;
  for (const struct mntopt_super *s = mntopt_supers; s->flag; s++)
    known |= s->flag;
  for (const struct mntopt_row *r = mntopt_rows (); r->name; r++)
    used |= r->super;
  assert_int_equal (known, used);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (mntopt_rows_sorted),          cmocka_unit_test (mntopt_rows_mean_something),
    cmocka_unit_test (mntopt_apply_each_attribute), cmocka_unit_test (mntopt_apply_access_times),
    cmocka_unit_test (mntopt_apply_propagation),    cmocka_unit_test (mntopt_apply_bind),
    cmocka_unit_test (mntopt_apply_superblock),     cmocka_unit_test (mntopt_apply_fstab), cmocka_unit_test (mntopt_apply_unknown_is_data),
    cmocka_unit_test (mntopt_supers_complete),      cmocka_unit_test (mntopt_apply_recursive),
    cmocka_unit_test (mntopt_unify_later_wins),     cmocka_unit_test (mntopt_apply_extra),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
