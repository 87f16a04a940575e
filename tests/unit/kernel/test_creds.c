/* SPDX-License-Identifier: Apache-2.0 */
/* Ids, groups and ratchets, for real in children. */
#include "in_child.h"

#include <grp.h>
#include <sched.h>

#include "base/err.h"
#include "kernel/capset.h"
#include "kernel/creds.h"
#include "kernel/pid.h"
#include "kernel/sys.h"

static int
becomes_user (void *arg)
{
  const gid_t groups[] = { 10, 20 };
  gid_t now[4];
  uid_t ruid, euid, suid;
  gid_t rgid, egid, sgid;
  struct pid_self before, after;
  (void) arg;
  CHILD_SKIP_UNLESS (geteuid () == 0, "not root");
  CHECK (pid_self (&before) == 0);
  CHECK (creds_set (1000, 2000, groups, 2, false, NULL) == 0);
  CHECK (getresuid (&ruid, &euid, &suid) == 0 && ruid == 1000 && euid == 1000 && suid == 1000);
  CHECK (getresgid (&rgid, &egid, &sgid) == 0 && rgid == 2000 && egid == 2000 && sgid == 2000);
  CHECK (getgroups (4, now) == 2 && now[0] == 10 && now[1] == 20);
  CHECK (pid_self (&after) == 0);
  CHECK (after.permitted == before.permitted && after.effective == 0); /* to be raised by capset_apply */
  return 0;
}

static void
creds_set_user (void **state)
{
  (void) state;
  assert_child (becomes_user);
}

static int
becomes_root (void *arg)
{
  const gid_t some[] = { 10 };
  struct pid_self self;
  (void) arg;
  CHILD_SKIP_UNLESS (geteuid () == 0, "not root");
  CHECK (setgroups (1, some) == 0);
  CHECK (creds_set (0, 0, NULL, 0, false, NULL) == 0);
  CHECK (getgroups (0, NULL) == 0);
  CHECK (prctl (PR_GET_KEEPCAPS, 0, 0, 0, 0) == 0);
  CHECK (pid_self (&self) == 0 && self.effective == self.permitted);
  return 0;
}

static void
creds_set_root_drops_groups (void **state)
{
  (void) state;
  assert_child (becomes_root);
}

static int
keeps_groups (void *arg)
{
  const gid_t some[] = { 10 };
  struct err err = { 0 };
  (void) arg;
  CHILD_SKIP_UNLESS (geteuid () == 0, "not root");
  CHECK (setgroups (1, some) == 0);
  CHECK (creds_set (1000, 1000, some, 1, true, &err) == -EINVAL && strcmp (err.call, "setgroups") == 0);
  CHECK (getuid () == 0);
  CHECK (creds_set (1000, 1000, NULL, 0, true, NULL) == 0);
  CHECK (getgroups (0, NULL) == 1 && getuid () == 1000);
  return 0;
}

static void
creds_set_keeps_groups (void **state)
{
  (void) state;
  assert_child (keeps_groups);
}

static int
refuses_minus_one (void *arg)
{
  struct err err = { 0 };
  (void) arg;
  CHECK (creds_set ((uid_t) -1, 1000, NULL, 0, false, &err) == -EINVAL && strcmp (err.call, "setresuid") == 0);
  err_clear (&err);
  CHECK (creds_set (1000, (gid_t) -1, NULL, 0, false, &err) == -EINVAL && strcmp (err.call, "setresgid") == 0);
  return 0;
}

static void
creds_set_refuses_minus_one (void **state)
{
  (void) state;
  assert_child (refuses_minus_one);
}

static int
unmapped (void *arg)
{
  struct err err = { 0 };
  (void) arg;
  CHILD_SKIP_UNLESS (unshare (CLONE_NEWUSER) == 0, "no user namespaces");
  CHECK (creds_set (1000, 1000, NULL, 0, true, &err) == -EINVAL && strcmp (err.call, "setresgid") == 0);
  CHECK (strcmp (err.object, "1000") == 0);
  return 0;
}

static void
creds_set_unmapped_id (void **state)
{
  (void) state;
  assert_child (unmapped);
}

static int
ratchets (void *arg)
{
  (void) arg;
  CHECK (prctl (PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
  CHECK (creds_no_new_privs (NULL) == 0);
  CHECK (prctl (PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
  return 0;
}

static void
creds_no_new_privs_is_set (void **state)
{
  (void) state;
  assert_child (ratchets);
}

static int
not_dumpable (void *arg)
{
  (void) arg;
  CHECK (prctl (PR_GET_DUMPABLE, 0, 0, 0, 0) == 1);
  CHECK (creds_not_dumpable (NULL) == 0);
  CHECK (prctl (PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
  return 0;
}

static void
creds_not_dumpable_is_set (void **state)
{
  (void) state;
  assert_child (not_dumpable);
}

static void
creds_executed_as_ourselves (void **state)
{
  (void) state;
  assert_true (creds_executed_as (getuid (), getgid ()));
  assert_false (creds_executed_as (getuid () + 1, getgid ()));
  assert_false (creds_executed_as (getuid (), getgid () + 1));
  assert_false (creds_executed_as ((uid_t) -1, (gid_t) -1));
}

static int
set_groups_alone (void *arg)
{
  const gid_t groups[] = { 5, 6 };
  gid_t got[8];

  (void) arg;
  CHILD_SKIP_UNLESS (geteuid () == 0, "groups need root");
  CHECK (creds_set_groups (groups, 2, false, NULL) == 0);
  CHECK (getgroups (8, got) == 2 && got[0] == 5 && got[1] == 6);
  CHECK (creds_set_groups (NULL, 0, true, NULL) == 0);
  CHECK (getgroups (8, got) == 2);
  CHECK (creds_set_groups (groups, 1, true, NULL) == -EINVAL);
  return 0;
}

static void
creds_set_groups_or_keep (void **state)
{
  (void) state;
  assert_child (set_groups_alone);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (creds_executed_as_ourselves),
    cmocka_unit_test (creds_set_groups_or_keep),
    cmocka_unit_test (creds_set_user),
    cmocka_unit_test (creds_set_root_drops_groups),
    cmocka_unit_test (creds_set_keeps_groups),
    cmocka_unit_test (creds_set_refuses_minus_one),
    cmocka_unit_test (creds_set_unmapped_id),
    cmocka_unit_test (creds_no_new_privs_is_set),
    cmocka_unit_test (creds_not_dumpable_is_set),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
