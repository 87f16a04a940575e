/* SPDX-License-Identifier: Apache-2.0 */
/* Loading filters for real, in children.  */
#include "in_child.h"

#include <fcntl.h>
#include <linux/capability.h>

#include "base/err.h"
#include "kernel/capset.h"
#include "kernel/creds.h"
#include "kernel/seccomp.h"

static const struct sock_filter no_getppid[] = {
  BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)),
  BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
  BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXFULL),
  BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

static int
loads (void *arg)
{
  (void) arg;
  CHECK (creds_no_new_privs (NULL) == 0);
  CHECK (seccomp_load (no_getppid, 4, 0, NULL) == 0);
  CHECK (syscall (SYS_getppid) == -1 && errno == EXFULL);
  return 0;
}

static int
loads_with_privilege (void *arg)
{
  const struct caps none = { 0 };
  struct err err = { 0 };

  (void) arg;
  CHILD_SKIP_UNLESS (geteuid () == 0, "not root");
  CHECK (seccomp_load (no_getppid, 4, SECCOMP_FILTER_FLAG_LOG, NULL) == 0);
  CHECK (capset_apply (&none, NULL) == 0);
  CHECK (seccomp_load (no_getppid, 4, 0, &err) == -EACCES);
  CHECK (strcmp (err.call, "seccomp") == 0 && err.num == EACCES);
  return 0;
}

static int
gives_a_listener (void *arg)
{
  (void) arg;
  CHECK (creds_no_new_privs (NULL) == 0);
  int fd = seccomp_load (no_getppid, 4, 1 << 3 /* NEW_LISTENER */, NULL);
  CHECK (fd > 2 && fcntl (fd, F_GETFD) == FD_CLOEXEC);
  return 0;
}

static int
refuses (void *arg)
{
  struct err err = { 0 };

  (void) arg;
  CHECK (creds_no_new_privs (NULL) == 0);
  CHECK (seccomp_load (no_getppid, 3, 0, NULL) == -EINVAL); /* the jump leaves it */
  CHECK (seccomp_load (no_getppid, 4, 1U << 30, &err) == -EINVAL);
  CHECK (strstr (err.object, "flags 0x40000000") != NULL);
  return 0;
}

static int
checks (void *arg)
{
  struct err err = { 0 };

  (void) arg;
  CHECK (seccomp_check (0, NULL) == 0 && seccomp_check (SECCOMP_FILTER_FLAG_LOG, NULL) == 0);
  CHECK (seccomp_check (1U << 30, &err) == -EINVAL);
  CHECK (strcmp (err.call, "seccomp") == 0 && err.num == EINVAL);
  CHECK (syscall (SYS_getppid) > 0); /* nothing was loaded */
  return 0;
}

#define TEST(name, body)                                                                                              \
  static void name (void **state) { (void) state; assert_child (body); }

TEST (seccomp_load_filters, loads)
TEST (seccomp_load_needs_privilege, loads_with_privilege)
TEST (seccomp_load_listener, gives_a_listener)
TEST (seccomp_load_refused, refuses)
TEST (seccomp_check_flags, checks)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (seccomp_load_filters), cmocka_unit_test (seccomp_load_needs_privilege), cmocka_unit_test (seccomp_load_listener),
    cmocka_unit_test (seccomp_load_refused), cmocka_unit_test (seccomp_check_flags),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
