/* SPDX-License-Identifier: Apache-2.0 */
/* Memory policy, for real in children. */
#include "in_child.h"

#include "base/bits.h"
#include "base/err.h"
#include "kernel/numa.h"
#include "ocispec/names.h"

/* spec: 146 */
static void
numa_names_all (void **state)
{
  uint64_t value, seen = 0;

  (void) state;
  for (const char *const *w = oci_memory_policy_mode_names; *w; w++)
    {
      assert_true (name_value (numa_modes, *w, &value));
      assert_false (seen >> value & 1);
      seen |= 1ULL << value;
    }
  for (const char *const *w = oci_memory_policy_flag_names; *w; w++)
    assert_true (name_value (numa_flags, *w, &value));
}

static int
bind_to_the_first_node (void *arg)
{
  struct bits first = { { 1 } }, none = { { 0 } }, far;
  struct err err = { 0 };
  int mode = -1;
  int ret = numa_set (2, 1 << 15, &first, &err);

  (void) arg;
  CHILD_SKIP_UNLESS (ret != -ENOSYS, "a kernel without NUMA");
  CHECK (ret == 0);
  CHECK (syscall (SYS_get_mempolicy, &mode, NULL, 0, NULL, 0) == 0 && mode == (2 | 1 << 15));
  CHECK (numa_set (4, 0, &none, NULL) == 0);
  CHECK (syscall (SYS_get_mempolicy, &mode, NULL, 0, NULL, 0) == 0 && mode == 4);
  CHECK (bits_parse ("900", &far) == 0 && numa_set (2, 0, &far, &err) == -EINVAL);
  CHECK (strcmp (err.call, "set_mempolicy") == 0 && strcmp (err.object, "MPOL_BIND") == 0);
  return 0;
}

/* spec: 146 */
static void
numa_set_mode_flags_and_nodes (void **state)
{
  (void) state;
  assert_child (bind_to_the_first_node);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (numa_names_all),
    cmocka_unit_test (numa_set_mode_flags_and_nodes),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
