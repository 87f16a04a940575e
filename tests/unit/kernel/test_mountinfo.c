/* SPDX-License-Identifier: Apache-2.0 */
/* The table of mounts: the kernel's own, and what a line can be. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "kernel/mountinfo.h"

static void
mountinfo_parse_every_field (void **state)
{
  char text[] = "36 35 98:0 /mnt\\0401 /a\\134b\\011c rw,noatime master:1 shared:2 - ext3 /dev/my\\043root rw,errors=continue\n"
                "37 36 0:44 / / ro - tmpfs  rw\n"
                "38 36 0:45 / /x ro - tmpfs none\n";
  struct mountinfo *list = NULL;
  size_t n;

  (void) state;
  assert_int_equal (mountinfo_parse (text, &list, &n), 0);
  assert_int_equal (n, 3);
  assert_int_equal (list[0].id, 36);
  assert_int_equal (list[0].parent, 35);
  assert_string_equal (list[0].device, "98:0");
  assert_string_equal (list[0].root, "/mnt 1");
  assert_string_equal (list[0].point, "/a\\b\tc");
  assert_string_equal (list[0].options, "rw,noatime");
  assert_string_equal (list[0].tags, "master:1 shared:2");
  assert_string_equal (list[0].type, "ext3");
  assert_string_equal (list[0].source, "/dev/my#root");
  assert_string_equal (list[0].super, "rw,errors=continue");
  assert_string_equal (list[1].tags, "");
  assert_string_equal (list[1].source, "");
  assert_string_equal (list[1].super, "rw");
  assert_string_equal (list[2].super, "");
  free (list);
}

static void
mountinfo_parse_leaves_out_what_is_none (void **state)
{
  static const char *const lines[] = { "", "\n\n", "36 35 98:0 / /a rw ext3 /dev/root rw", "x 35 98:0 / /a rw - ext3 /dev/root rw", "36 35 - ext3 x rw",
                                       "36 -1 98:0 / /a rw - ext3 x rw", "4294967296 35 98:0 / /a rw - ext3 x rw", " - ", "36 35 98:0 / /a rw - " };

  (void) state;
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
    {
      char *text = strdup (lines[i]);
      struct mountinfo *list = NULL;
      size_t n = 7;

      assert_int_equal (mountinfo_parse (text, &list, &n), 0);
      assert_int_equal (n, 0);
      free (list);
      free (text);
    }
}

static void
mountinfo_top_of_a_stack (void **state)
{
  char text[] = "5 1 0:1 / /a rw - tmpfs lower rw\n9 5 0:2 / /a rw - tmpfs upper rw\n7 9 0:3 / /a/b rw - tmpfs below rw\n";
  struct mountinfo *list = NULL;
  size_t n;

  (void) state;
  assert_int_equal (mountinfo_parse (text, &list, &n), 0);
  assert_string_equal (mountinfo_top (list, n, "/a")->source, "upper");
  assert_string_equal (mountinfo_top (list, n, "/a/b")->source, "below");
  assert_null (mountinfo_top (list, n, "/a/"));
  assert_string_equal (mountinfo_by_id (list, n, 5)->source, "lower");
  assert_null (mountinfo_by_id (list, n, 6));
  free (list);
}

static void
mountinfo_read_our_own (void **state)
{
  struct mountinfo *list = NULL;
  char *text = NULL;
  struct err err = { 0 };
  size_t n = 0;

  (void) state;
  assert_int_equal (mountinfo_read (getpid (), &text, &list, &n, &err), 0);
  assert_non_null (mountinfo_top (list, n, "/proc"));
  assert_string_equal (mountinfo_top (list, n, "/proc")->type, "proc");
  free (list);
  free (text);
  assert_int_equal (mountinfo_read (0x7fffffff, &text, &list, &n, &err), -ENOENT);
  assert_non_null (strstr (err.object, "/proc/2147483647/mountinfo"));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (mountinfo_parse_every_field),
    cmocka_unit_test (mountinfo_parse_leaves_out_what_is_none),
    cmocka_unit_test (mountinfo_top_of_a_stack),
    cmocka_unit_test (mountinfo_read_our_own),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
