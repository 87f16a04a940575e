/* SPDX-License-Identifier: Apache-2.0 */
/* What is written to take a change back, by what the kernel's files look like.  */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cgroup/undo.h"

static void
cgroup_undo_text_of_files (void **state)
{
  static const struct
  {
    const char *old, *text;
    bool v2;
    const char *back;
  } cases[] = {
    { "max\n", "1048576", true, "max" },
    { "9223372036854771712\n", "-1", false, "9223372036854771712" },
    { "50000 100000\n", "max 20000", true, "50000 100000" },
    { "max 100000\n", "max 20000", true, "max 100000" },
    { "\n", "0-1", true, "\n" }, /* a cpuset that has what its parent has */
    { "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n", "1", false, "0" },
    { "default 100\n8:0 200\n", "500", true, "default 100" },
    { "default 100\n8:0 200\n", "8:0 500", true, "8:0 200" },
    { "default 100\n8:0 200\n", "8:16 500", true, "8:16 default" },
    { "8:0 10\n8:16 20", "8:16 7", false, "8:16 20" },
    { "", "8:0 7", false, "8:0 0" },
    { "8:0 rbps=5 wbps=max riops=max wiops=max\n", "8:0 wbps=9", true, "8:0 rbps=5 wbps=max riops=max wiops=max" },
    { "18:0 rbps=5 wbps=max riops=max wiops=max\n", "8:0 rbps=9 wiops=4", true, "8:0 rbps=max wiops=max" },
    { "mlx4_0 hca_handle=2 hca_object=max\n", "mlx4_0 hca_handle=3", true, "mlx4_0 hca_handle=2 hca_object=max" },
    { "lo 0\neth0 3\n", "eth0 9", false, "eth0 3" },
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      char buf[256];
      size_t n = cgroup_undo_text (cases[i].old, cases[i].text, cases[i].v2, buf, sizeof buf);

      if (n != strlen (cases[i].back) || strcmp (buf, cases[i].back) != 0)
        fail_msg ("%s: \"%s\", not \"%s\"", cases[i].text, buf, cases[i].back);
    }
}

static void
cgroup_undo_controllers_words (void **state)
{
  static const struct
  {
    const char *old, *text, *back;
  } cases[] = {
    { "\n", "+pids", "-pids" },     { "cpu pids\n", "-pids", "+pids" }, { "pids\n", "+pids", "" },
    { "cpu\n", "-pids", "" },       { "cpu io\n", "+pids -cpu +io", "-pids +cpu" },
    { "cpuset\n", "+cpu", "-cpu" }, { "\n", "+", "-" }, /* the kernel refuses both */
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      char buf[32] = "";

      (void) cgroup_undo_controllers (cases[i].old, cases[i].text, buf, sizeof buf);
      assert_string_equal (buf, cases[i].back);
    }
  assert_int_equal (cgroup_undo_controllers ("", "+memory +hugetlb", (char[8]){ 0 }, 8), 0);
}

static void
cgroup_undo_text_without_room (void **state)
{
  char buf[8];

  (void) state;
  assert_int_equal (cgroup_undo_text ("123456789\n", "1", true, buf, sizeof buf), 0);
  assert_int_equal (cgroup_undo_text ("1234567\n", "1", true, buf, sizeof buf), 7);
  assert_int_equal (cgroup_undo_text ("", "8:0 rbps=1", true, buf, sizeof buf), 0);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (cgroup_undo_text_of_files),
    cmocka_unit_test (cgroup_undo_text_without_room),
    cmocka_unit_test (cgroup_undo_controllers_words),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
