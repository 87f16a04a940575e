/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of plan/host.c.  */
#include "in_text.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "kernel/pid.h"
#include "plan/host.h"

static void
host_read_agrees_with_proc (void **state)
{
  struct host h = { 0 };
  struct pid_self self;

  (void) state;
  if (pid_self (&self) < 0)
    {
      print_message ("no procfs: skipped\n");
      skip ();
    }
  assert_int_equal (host_read (&h, NULL), 0);
  /* ids are read only where they matter: without CAP_SETGID */
  assert_int_equal (h.euid, h.permitted >> 6 & 1 ? 0 : geteuid ());
  assert_int_equal (h.egid, h.permitted >> 6 & 1 ? 0 : getegid ());
  assert_true (h.permitted == self.permitted);
  assert_true ((h.bounding & self.bounding) == h.bounding);
  assert_true (h.last_cap >= 37 && h.last_cap < 64);
  assert_null (h.layout);
  assert_null (h.cgroup);
}

static void
host_read_last_cap (void **state)
{
  char text[16] = "";
  struct host h = { 0 };
  own_fd int fd = open ("/proc/sys/kernel/cap_last_cap", O_RDONLY | O_CLOEXEC);

  (void) state;
  if (fd < 0 || read (fd, text, sizeof text - 1) <= 0)
    {
      print_message ("no cap_last_cap: skipped\n");
      skip ();
    }
  assert_int_equal (host_read (&h, NULL), 0);
  assert_int_equal (h.last_cap, atoi (text));
}

static void
host_read_keeps_what_the_caller_set (void **state)
{
  struct host h = { .layout = (void *) 0x10, .cgroup = (void *) 0x20 };

  (void) state;
  assert_int_equal (host_read (&h, NULL), 0);
  assert_ptr_equal (h.layout, (void *) 0x10);
  assert_ptr_equal (h.cgroup, (void *) 0x20);
}

static void
host_parse_all (void **state)
{
  struct host h = { 0 };

  (void) state;
  assert_int_equal (host_parse ("# a comment\n\neuid 1000\negid 4294967295\nlast_cap 40\npermitted 1ff\nbounding ffffffffffffffff\n"
                                "in_user_ns 1\nsetgroups_denied 1\nmounts_foreign 1\nmount_api 0",
                                &h, NULL),
                    0);
  assert_int_equal (h.euid, 1000);
  assert_true (h.egid == 4294967295u);
  assert_int_equal (h.last_cap, 40);
  assert_int_equal (h.permitted, 0x1ff);
  assert_true (h.bounding == UINT64_MAX);
  assert_true (h.in_user_ns);
  assert_true (h.setgroups_denied);
  assert_true (h.mounts_foreign);
  assert_false (h.mount_api);
}

static void
host_parse_bad (void **state)
{
  static const char *const bad[] = { "euid",      "euid x",         "euid -1",          "euid 4294967296", "what 1",
                                     "mount_api 2", "permitted xyz", "permitted ",       "permitted 1ffffffffffffffff",
                                     "euid 1 2" };

  (void) state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    {
      struct host h = { 0 };
      struct err err = { 0 };

      if (host_parse (bad[i], &h, &err) == 0)
        fail_msg ("\"%s\" was taken", bad[i]);
      assert_int_equal (err.kind, ERR_USAGE);
    }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (host_read_agrees_with_proc), cmocka_unit_test (host_read_last_cap),
    cmocka_unit_test (host_read_keeps_what_the_caller_set), cmocka_unit_test (host_parse_all),
    cmocka_unit_test (host_parse_bad),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
