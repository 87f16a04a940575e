/* SPDX-License-Identifier: Apache-2.0 */
/* Names of capabilities. */
#include "in_child.h"

#include <linux/capability.h>

#include "kernel/caps.h"

static void
caps_names_are_numbered_in_order (void **state)
{
  size_t n = 0;
  (void) state;
  for (; caps_names[n].name; n++)
    {
      assert_int_equal (caps_names[n].value, n);
      assert_memory_equal (caps_names[n].name, "CAP_", 4);
    }
  assert_true (n > CAP_LAST_CAP);
}

static void
caps_parse_known (void **state)
{
  unsigned cap = 99;
  (void) state;
  assert_int_equal (caps_parse ("CAP_KILL", &cap), 0);
  assert_int_equal (cap, CAP_KILL);
  assert_int_equal (caps_parse ("CAP_CHOWN", &cap), 0);
  assert_int_equal (cap, 0);
  assert_int_equal (caps_parse ("CAP_CHECKPOINT_RESTORE", &cap), 0);
  assert_int_equal (cap, 40);
}

static void
caps_parse_unknown (void **state)
{
  static const char *const names[] = { "CAP_NONE", "KILL", "cap_kill", "CAP_KILL ", "5", "", "CAP_KIL" };
  unsigned cap = 99;
  (void) state;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    assert_int_equal (caps_parse (names[i], &cap), -ENOENT);
  assert_int_equal (cap, 99);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (caps_names_are_numbered_in_order),
    cmocka_unit_test (caps_parse_known),
    cmocka_unit_test (caps_parse_unknown),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
