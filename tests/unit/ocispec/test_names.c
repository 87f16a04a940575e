/* SPDX-License-Identifier: Apache-2.0 */
/* Words and pairs.  */
#include "sample.h"

#include "ocispec/names.h"

static void
oci_name_known_finds_whole_words (void **state)
{
  (void) state;
  assert_true (oci_name_known (oci_namespace_names, "time"));
  assert_true (oci_name_known (oci_seccomp_flag_names, "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"));
  assert_false (oci_name_known (oci_namespace_names, "tim"));
  assert_false (oci_name_known (oci_namespace_names, "times"));
  assert_false (oci_name_known (oci_namespace_names, ""));
}

static void
names_are_unique (void **state)
{
  const char *const *const lists[] = { oci_status_names,
                                       oci_hook_names,
                                       oci_namespace_names,
                                       oci_clock_names,
                                       oci_rlimit_names,
                                       oci_device_names,
                                       oci_scheduler_policy_names,
                                       oci_scheduler_flag_names,
                                       oci_io_priority_class_names,
                                       oci_device_rule_names,
                                       oci_propagation_names,
                                       oci_seccomp_action_names,
                                       oci_seccomp_operator_names,
                                       oci_seccomp_arch_names,
                                       oci_seccomp_flag_names,
                                       oci_memory_policy_mode_names,
                                       oci_memory_policy_flag_names,
                                       oci_personality_domain_names };

  (void) state;
  for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
    for (const char *const *name = lists[i]; *name; name++)
      assert_false (oci_name_known (name + 1, *name));
}

static void
oci_pair_value_finds_the_key (void **state)
{
  const struct oci_pair pairs[] = { { "a", "1" }, { "ab", "2" } };

  (void) state;
  assert_string_equal (oci_pair_value (pairs, 2, "ab"), "2");
  assert_string_equal (oci_pair_value (pairs, 2, "a"), "1");
  assert_null (oci_pair_value (pairs, 2, "b"));
  assert_null (oci_pair_value (NULL, 0, "b"));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (oci_name_known_finds_whole_words),
    cmocka_unit_test (names_are_unique),
    cmocka_unit_test (oci_pair_value_finds_the_key),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
