/* SPDX-License-Identifier: Apache-2.0 */
/* Which mounts come from outside, by texts as kernels write them. */
#include "room.h"

#include "base/err.h"
#include "launch/external.h"

#define HOST                                                                                                                         \
  "24 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"                                                                         \
  "25 24 0:5 / /dev rw shared:2 - devtmpfs devtmpfs rw\n"                                                                            \
  "26 24 0:22 / /proc rw - proc proc rw\n"                                                                                           \
  "27 24 0:23 / /sys rw - sysfs sysfs rw\n"                                                                                          \
  "28 27 0:24 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"                                                                            \
  "29 24 0:30 / /run rw - tmpfs tmpfs rw\n"                                                                                          \
  "30 24 254:1 / /srv/a\\040b rw - ext4 /dev/vdb rw\n"                                                                               \
  "31 30 0:31 / /srv/a\\040b/deep/in rw - tmpfs tmpfs rw\n"                                                                          \
  "32 24 0:32 / /srv/ab rw - tmpfs tmpfs rw\n"

#define ROOT "100 90 254:0 /images/root / rw,relatime - ext4 /dev/vda rw\n"

/* What was found, one after the other with spaces between.  */
static char list[512];

static void
take (void *data, const char *point)
{
  size_t used = strlen (list);

  assert_ptr_equal (data, list);
  (void) snprintf (list + used, sizeof list - used, "%s%s", used ? " " : "", point);
}

/* As take; what is masked with the null device is known by its root.  */
static void
take_rooted (void *data, const char *point, const char *root)
{
  assert_int_equal (strcmp (point, "/proc/kcore") == 0, strcmp (root, "/null") == 0);
  take (data, point);
}

/* A fresh copy of TEXT, which the functions may write into.  */
static char *
copy (char buf[4096], const char *text)
{
  (void) snprintf (buf, 4096, "%s", text);
  return buf;
}

static void
assert_external (const char *inside, enum external_cgroups cgroups, const char *expected)
{
  char in[4096], host[4096];

  list[0] = '\0';
  assert_int_equal (external_mounts (copy (in, inside), copy (host, HOST), cgroups, take_rooted, list, NULL), 0);
  assert_string_equal (list, expected);
}

static void
external_mounts_made_inside (void **state)
{
  (void) state;
  assert_external (ROOT "101 100 0:50 / /proc rw - proc proc rw\n"
                        "102 100 0:51 / /dev rw - tmpfs tmpfs rw\n"
                        "103 102 0:52 / /dev/pts rw - devpts devpts rw\n"
                        "104 102 0:52 /0 /dev/console rw - devpts devpts rw\n" /* part of one above */
                        "105 101 0:50 /sys /proc/sys ro - proc proc rw\n"
                        "106 100 0:23 / /sys ro - sysfs sysfs rw\n"           /* the host's own, but all alike */
                        "107 106 0:24 / /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n"
                        "108 100 254:0 /images/root/a /b rw - ext4 /dev/vda rw\n", /* the root's own directory */
                   EXTERNAL_CGROUPS_PARTS, "");
}

static void
external_mounts_of_the_host (void **state)
{
  (void) state;
  assert_external (ROOT "101 100 254:0 /etc/hosts /etc/hosts rw - ext4 /dev/vda rw\n"
                        "102 100 254:0 /images/root2 /other rw - ext4 /dev/vda rw\n" /* only begins like the root */
                        "103 100 0:30 / /run rw - tmpfs tmpfs rw\n"                 /* whole, but the host has it, too */
                        "104 103 0:30 /user /run/user rw - tmpfs tmpfs rw\n"        /* a part of what is itself from outside */
                        "105 100 0:5 /null /proc/kcore rw - devtmpfs devtmpfs rw\n"
                        "106 100 254:1 / /a\\040b rw - ext4 /dev/vdb rw\n"
                        "107 100 0:77 /part /gone rw - tmpfs tmpfs rw\n",           /* of what nobody has any more */
                   EXTERNAL_CGROUPS_PARTS, "/etc/hosts /other /run /run/user /proc/kcore /a b /gone");
}

/* Seen from outside of the namespace, the root of a cgroup mount is the container's cgroup.  */
static void
external_mounts_cgroups (void **state)
{
  static const char inside[] = ROOT "101 100 0:24 /c1 /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n"
                                    "102 100 0:90 /c1 /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n";

  (void) state;
  assert_external (inside, EXTERNAL_CGROUPS_PARTS, "/sys/fs/cgroup /sys/fs/cgroup/cpu");
  assert_external (inside, EXTERNAL_CGROUPS_NONE, "");
  assert_external (inside, EXTERNAL_CGROUPS_ALL, "/sys/fs/cgroup /sys/fs/cgroup/cpu");
  assert_external (ROOT "101 100 0:24 / /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n", EXTERNAL_CGROUPS_PARTS, "");
  assert_external (ROOT "101 100 0:24 / /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n", EXTERNAL_CGROUPS_ALL, "/sys/fs/cgroup");
}

static void
external_mounts_rubbish (void **state)
{
  static const char *const rows[] = { "x", "1 2 3:4 / /\n", "1 2 3:4\n", "1 2 3:4 / / rw ext4 x rw\n" };
  char in[4096], host[4096];

  (void) state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    {
      assert_int_equal (external_mounts (copy (in, rows[i]), copy (host, HOST), EXTERNAL_CGROUPS_PARTS, take_rooted, list, NULL), -EPROTO);
      assert_int_equal (external_mounts (copy (in, ROOT), copy (host, rows[i]), EXTERNAL_CGROUPS_PARTS, take_rooted, list, NULL), -EPROTO);
    }
}

static void
external_below_a_directory (void **state)
{
  char host[4096];

  (void) state;
  list[0] = '\0';
  assert_int_equal (external_below (copy (host, HOST), "/srv/a b", take, list, NULL), 0);
  assert_string_equal (list, "/srv/a b/deep/in");
  list[0] = '\0';
  assert_int_equal (external_below (copy (host, HOST), "/srv", take, list, NULL), 0);
  assert_string_equal (list, "/srv/a b /srv/a b/deep/in /srv/ab");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (external_mounts_made_inside), cmocka_unit_test (external_mounts_of_the_host),
    cmocka_unit_test (external_mounts_cgroups),     cmocka_unit_test (external_mounts_rubbish),
    cmocka_unit_test (external_below_a_directory),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
