/* SPDX-License-Identifier: Apache-2.0 */
/* Stage 3 of the child, each step in a process of its own, so that what it gives up is given up there. */
#include "child.h"

#include <sys/resource.h>

/* --- session */

static int
lead_a_session (void *arg)
{
  sigset_t set;

  (void) arg;
  sigfillset (&set);
  CHECK (sigprocmask (SIG_SETMASK, &set, NULL) == 0);
  CHECK (child_session (&child, &child_err) == 0);
  CHECK (getsid (0) == getpid ());
  CHECK (sigprocmask (SIG_BLOCK, NULL, &set) == 0 && sigisemptyset (&set));
  CHECK (child_session (&child, &child_err) == 0); /* leads one already */
  return 0;
}

static void
child_session_of_its_own (void **state)
{
  (void) state;
  assert_child (lead_a_session);
}

static int
leave_it_to_the_terminal (void *arg)
{
  pid_t before = getsid (0);

  (void) arg;
  child_plan.process.terminal = true;
  CHECK (child_session (&child, &child_err) == 0);
  CHECK (getsid (0) == before); /* taking the terminal makes the session */
  return 0;
}

static void
child_session_with_a_terminal (void **state)
{
  (void) state;
  assert_child (leave_it_to_the_terminal);
}

/* --- limits */

static struct plan_rlimit limits[] = {
  { .where = "process.rlimits[0]", .which = RLIMIT_CORE, .soft = 0, .hard = 0 },
  { .where = "process.rlimits[1]", .which = RLIMIT_NOFILE, .late = true, .soft = 5, .hard = 300 },
};

static rlim_t
soft (int which)
{
  struct rlimit now = { 0, 0 };

  (void) getrlimit ((__rlimit_resource_t) which, &now);
  return now.rlim_cur;
}

static int
set_in_two_steps (void *arg)
{
  (void) arg;
  child_plan.process.rlimits = limits;
  child_plan.process.n_rlimits = 2;
  CHECK (child_rlimits (&child, &child_err) == 0);
  CHECK (soft (RLIMIT_CORE) == 0);
  CHECK (soft (RLIMIT_NOFILE) > 5); /* would starve the steps until execve */
  CHECK (child_late_rlimits (&child, &child_err) == 0);
  CHECK (soft (RLIMIT_NOFILE) == 5);
  return 0;
}

static void
child_rlimits_early_and_late (void **state)
{
  (void) state;
  assert_child (set_in_two_steps);
}

static int
set_an_impossible_one (void *arg)
{
  static struct plan_rlimit bad[] = { { .where = "process.rlimits[0]", .which = RLIMIT_CORE, .soft = 2, .hard = 1 } };

  (void) arg;
  child_plan.process.rlimits = bad;
  child_plan.process.n_rlimits = 1;
  CHECK (child_rlimits (&child, &child_err) == -EINVAL);
  CHECK (strcmp (child_err.where, "process.rlimits[0]") == 0);
  CHECK (strcmp (child_err.object, "soft 2, hard 1") == 0);
  return 0;
}

static void
child_rlimits_say_which (void **state)
{
  (void) state;
  assert_child (set_an_impossible_one);
}

/* --- ids, umask, working directory */

static int
become_a_user (void *arg)
{
  struct plan_process *p = &child_plan.process;
  gid_t groups[] = { 10, 11 }, got[8];
  char cwd[4096];

  CHILD_SKIP_UNLESS (geteuid () == 0, "becoming a user needs root");
  child_plan.action = PLAN_CREATE;
  p->uid = 1234;
  p->gid = 5678;
  p->groups = groups;
  p->n_groups = 2;
  p->cwd = arg;
  p->set_umask = true;
  p->umask = 027;
  CHECK (child_creds (&child, &child_err) == 0);
  CHECK (getuid () == 1234 && geteuid () == 1234 && getgid () == 5678);
  CHECK (getgroups (8, got) == 2 && got[0] == 10 && got[1] == 11);
  CHECK (umask (0) == 027);
  CHECK (getcwd (cwd, sizeof cwd) && strcmp (cwd, arg) == 0);
  CHECK (setuid (0) < 0); /* there is no way back */
  return 0;
}

static void
child_creds_become_the_user (void **state)
{
  struct room *r = *state;

  assert_child_arg (become_a_user, r->path, "become_a_user");
}

static void
child_creds_enter_a_private_directory (void **state)
{
  struct room *r = *state;

  assert_int_equal (chmod (r->path, 0700), 0); /* root may, the user may not: entered before */
  assert_child_arg (become_a_user, r->path, "become_a_user");
}

static int
have_no_place (void *arg)
{
  child_plan.action = PLAN_EXEC;
  child_plan.process.cwd = arg;
  child_plan.process.keep_groups = true;
  CHECK (child_creds (&child, &child_err) == -ENOENT);
  CHECK (strcmp (child_err.where, "process.cwd") == 0);
  CHECK (strcmp (child_err.call, "chdir") == 0);
  return 0;
}

static void
child_creds_without_working_directory (void **state)
{
  assert_child_arg (have_no_place, (void *) (uintptr_t) room_path (state, "absent"), "have_no_place");
}

/* The working directory lies outside the root that was entered: as a descriptor leaked from the host would (CVE-2024-21626).  */
static int
stand_outside (void *arg)
{
  int outside = open ("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  char leak[64];

  CHILD_SKIP_UNLESS (geteuid () == 0, "another root directory needs root");
  child_plan.action = PLAN_EXEC;
  child_plan.process.cwd = leak;
  child_plan.process.keep_groups = true;
  CHECK (fchdir (outside) == 0 && chroot (arg) == 0); /* "." stays where it is */
  (void) snprintf (leak, sizeof leak, "..");
  CHECK (child_creds (&child, &child_err) == -ENOENT);
  CHECK (strcmp (child_err.call, "getcwd") == 0);
  CHECK (strcmp (child_err.where, "process.cwd") == 0);
  return 0;
}

static void
child_creds_see_a_leaked_directory (void **state)
{
  struct room *r = *state;

  assert_child_arg (stand_outside, r->path, "stand_outside");
}

/* Entering the root of a new container left the process outside of it: "/" is where it would be then by name alone.  */
static int
be_left_outside (void *arg)
{
  int outside = open ("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

  CHILD_SKIP_UNLESS (geteuid () == 0, "another root directory needs root");
  child_plan.action = PLAN_CREATE;
  child_plan.process.cwd = "/";
  CHECK (fchdir (outside) == 0 && chroot (arg) == 0);
  CHECK (child_creds (&child, &child_err) == -ENOENT);
  CHECK (strcmp (child_err.call, "getcwd") == 0);
  return 0;
}

static void
child_creds_see_that_the_root_was_not_entered (void **state)
{
  struct room *r = *state;

  assert_child_arg (be_left_outside, r->path, "be_left_outside");
}

static int
ask_for_no_id (void *arg)
{
  (void) arg;
  child_plan.process.uid = (uid_t) -1;
  CHECK (child_creds (&child, &child_err) == -EINVAL);
  CHECK (strcmp (child_err.where, "process.user") == 0);
  return 0;
}

static void
child_creds_refuse_minus_one (void **state)
{
  (void) state;
  assert_child (ask_for_no_id);
}

static int
gain_nothing (void *arg)
{
  (void) arg;
  CHECK (child_no_new_privs (&child, &child_err) == 0);
  CHECK (prctl (PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
  return 0;
}

static void
child_no_new_privs_is_set (void **state)
{
  (void) state;
  assert_child (gain_nothing);
}

static int
drop_from_the_bounding_set (void *arg)
{
  (void) arg;
  CHILD_SKIP_UNLESS (prctl (PR_CAPBSET_READ, 27, 0, 0, 0) == 1 && geteuid () == 0, "CAP_MKNOD is not ours to drop");
  child_plan.process.last_cap = 40;
  while (child_plan.process.last_cap > 0 && prctl (PR_CAPBSET_READ, child_plan.process.last_cap, 0, 0, 0) < 0)
    child_plan.process.last_cap--;
  CHECK (child_bound (&child, &child_err) == 0); /* no capabilities are asked for: nothing is done */
  CHECK (prctl (PR_CAPBSET_READ, 27, 0, 0, 0) == 1);
  child_plan.process.set_caps = true;
  child_plan.process.caps.bounding = 1u << 0;
  CHECK (child_bound (&child, &child_err) == 0);
  CHECK (prctl (PR_CAPBSET_READ, 0, 0, 0, 0) == 1 && prctl (PR_CAPBSET_READ, 27, 0, 0, 0) == 0);
  return 0;
}

static void
child_bound_drops_the_rest (void **state)
{
  (void) state;
  assert_child (drop_from_the_bounding_set);
}

static int
join_a_keyring (void *arg)
{
  (void) arg;
  child_plan.keyring = "_ses.orlop-unit";
  CHECK (child_keyring (&child, &child_err) == 0);
  CHECK (deny_call (SYS_keyctl, 0, 0, ENOSYS) == 0);
  CHECK (child_keyring (&child, &child_err) == 0); /* a kernel without keys */
  CHECK (deny_call (SYS_keyctl, 0, 0, EDQUOT) == 0);
  CHECK (! child.without_keyring);
  CHECK (child_keyring (&child, &child_err) == 0); /* the quota is used up: the caller's stays, and the parent is told */
  CHECK (child.without_keyring);
  return 0;
}

static void
child_keyring_or_none (void **state)
{
  (void) state;
  assert_child (join_a_keyring);
}

static int
be_refused_a_keyring (void *arg)
{
  (void) arg;
  child_plan.keyring = "_ses.orlop-unit";
  CHECK (deny_call (SYS_keyctl, 0, 0, EACCES) == 0);
  CHECK (child_keyring (&child, &child_err) == -EACCES);
  CHECK (strcmp (child_err.call, "keyctl") == 0);
  return 0;
}

static void
child_keyring_refused (void **state)
{
  (void) state;
  assert_child (be_refused_a_keyring);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    child_test (child_session_of_its_own),
    child_test (child_session_with_a_terminal),
    child_test (child_rlimits_early_and_late),
    child_test (child_rlimits_say_which),
    child_test (child_creds_become_the_user),
    child_test (child_creds_enter_a_private_directory),
    child_test (child_creds_without_working_directory),
    child_test (child_creds_see_a_leaked_directory),
    child_test (child_creds_see_that_the_root_was_not_entered),
    child_test (child_creds_refuse_minus_one),
    child_test (child_no_new_privs_is_set),
    child_test (child_bound_drops_the_rest),
    child_test (child_keyring_or_none),
    child_test (child_keyring_refused),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
