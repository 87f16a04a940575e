/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of kernel/filter_stub.c: every number on both sides of the newest, by an interpreter.  */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "bpf.h"
#include "kernel/filter.h"
#include "kernel/filter_stub.h"

enum
{
  PASSED = 0x7fff1234, /* what the filter behind the stub answers */
  NOSYS = SECCOMP_RET_ERRNO | ENOSYS,
  X32 = FILTER_X32_BIT
};

/* The stub of NEWEST with a filter behind it that answers PASSED: its answer to call NR of ARCH.  */
static uint32_t
ask (const struct filter_newest *newest, size_t n, uint32_t arch, uint32_t nr)
{
  struct sock_filter code[FILTER_STUB_MAX + 1];
  size_t len = filter_stub (newest, n, code);
  const struct seccomp_data data = { .nr = (int) nr, .arch = arch };

  assert_true (len <= FILTER_STUB_MAX);
  code[len] = (struct sock_filter){ .code = BPF_RET | BPF_K, .k = PASSED };
  assert_true (filter_valid (code, len + 1));
  return bpf_run (code, len + 1, &data);
}

static void
filter_stub_none (void **state)
{
  struct sock_filter code[FILTER_STUB_MAX];

  (void) state;
  assert_int_equal (filter_stub (NULL, 0, code), 0);
}

static void
filter_stub_one (void **state)
{
  static const struct filter_newest newest[] = { { .arch = AUDIT_ARCH_AARCH64, .number = 435 } };

  (void) state;
  assert_int_equal (ask (newest, 1, AUDIT_ARCH_AARCH64, 0), PASSED);
  assert_int_equal (ask (newest, 1, AUDIT_ARCH_AARCH64, 435), PASSED);
  assert_int_equal (ask (newest, 1, AUDIT_ARCH_AARCH64, 436), NOSYS);
  assert_int_equal (ask (newest, 1, AUDIT_ARCH_AARCH64, UINT32_MAX), NOSYS);
  assert_int_equal (ask (newest, 1, AUDIT_ARCH_ARM, 436), PASSED); /* the filter knows what to do with others */
}

/* The three of a PC, in any order.  */
static void
filter_stub_x86 (void **state)
{
  static const struct filter_newest a = { .arch = AUDIT_ARCH_X86_64, .number = 400 };
  static const struct filter_newest b = { .arch = AUDIT_ARCH_X86_64, .x32 = true, .number = X32 + 300 };
  static const struct filter_newest c = { .arch = AUDIT_ARCH_I386, .number = 200 };
  const struct filter_newest orders[][3] = { { a, b, c }, { c, b, a }, { b, c, a }, { a, c, b } };

  (void) state;
  for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
    for (uint32_t nr = 0; nr < 500; nr++)
      {
        assert_int_equal (ask (orders[i], 3, AUDIT_ARCH_X86_64, nr), nr > 400 ? NOSYS : PASSED);
        assert_int_equal (ask (orders[i], 3, AUDIT_ARCH_X86_64, X32 + nr), nr > 300 ? NOSYS : PASSED);
        assert_int_equal (ask (orders[i], 3, AUDIT_ARCH_I386, nr), nr > 200 ? NOSYS : PASSED);
      }
}

/* Without x32 in the profile its calls go to the filter, which kills them; and the other way round.  */
static void
filter_stub_x32_alone (void **state)
{
  static const struct filter_newest a[] = { { .arch = AUDIT_ARCH_X86_64, .number = 400 } };
  static const struct filter_newest b[] = { { .arch = AUDIT_ARCH_X86_64, .x32 = true, .number = X32 + 300 } };

  (void) state;
  assert_int_equal (ask (a, 1, AUDIT_ARCH_X86_64, X32 + 999), PASSED);
  assert_int_equal (ask (a, 1, AUDIT_ARCH_X86_64, 401), NOSYS);
  assert_int_equal (ask (b, 1, AUDIT_ARCH_X86_64, 999), PASSED);
  assert_int_equal (ask (b, 1, AUDIT_ARCH_X86_64, X32 + 300), PASSED);
  assert_int_equal (ask (b, 1, AUDIT_ARCH_X86_64, X32 + 301), NOSYS);
}

static void
filter_stub_s390 (void **state)
{
  static const struct filter_newest newest[]
      = { { .arch = AUDIT_ARCH_S390X, .call_0_too = true, .number = 450 }, { .arch = AUDIT_ARCH_S390, .call_0_too = true, .number = 440 } };

  (void) state;
  for (size_t i = 0; i < 2; i++)
    {
      assert_int_equal (ask (newest, 2, newest[i].arch, 0), NOSYS);
      assert_int_equal (ask (newest, 2, newest[i].arch, 1), PASSED);
      assert_int_equal (ask (newest, 2, newest[i].arch, newest[i].number), PASSED);
      assert_int_equal (ask (newest, 2, newest[i].arch, newest[i].number + 1), NOSYS);
    }
}

/* As many as there may be: the far ones are reached all the same.  */
static void
filter_stub_many (void **state)
{
  struct filter_newest newest[FILTER_STUB_ARCHS];

  (void) state;
  for (uint32_t i = 0; i < FILTER_STUB_ARCHS; i++)
    newest[i] = (struct filter_newest){ .arch = 1000 + i, .number = 10 + i };
  for (uint32_t i = 0; i < FILTER_STUB_ARCHS; i++)
    {
      assert_int_equal (ask (newest, FILTER_STUB_ARCHS, 1000 + i, 10 + i), PASSED);
      assert_int_equal (ask (newest, FILTER_STUB_ARCHS, 1000 + i, 11 + i), NOSYS);
    }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (filter_stub_none),      cmocka_unit_test (filter_stub_one),  cmocka_unit_test (filter_stub_x86),
    cmocka_unit_test (filter_stub_x32_alone), cmocka_unit_test (filter_stub_s390), cmocka_unit_test (filter_stub_many),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
