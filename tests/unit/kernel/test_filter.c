/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of kernel/filter.c and filter_lib.c; whole profiles are compared in plan/test_profile.c.  */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/log.h"
#include "bpf.h"
#include "kernel/filter.h"
#include "kernel/filter_lib.h"

static const char *const getppid_[] = { "getppid" };

/* This machine's architecture as the kernel says it.  */
static uint32_t
native (void)
{
  struct filter_lib lib;
  uint32_t arch;

  assert_int_equal (filter_lib_open (&lib, NULL), 0);
  arch = lib.arch_native ();
  filter_lib_close (&lib);
  assert_null (lib.handle);
  return arch;
}

static struct filter
compiled (const struct filter_profile *profile, const struct log *log)
{
  struct filter f = { 0 };
  struct err err = { 0 };

  if (filter_compile (profile, log, &f, &err) < 0)
    fail_msg ("%s: %s: %s(%s): %d", err.where, err.what, err.call, err.object, err.num);
  assert_true (filter_valid (f.code, f.n));
  return f;
}

static uint32_t
ask (const struct filter *f, int nr, uint64_t arg)
{
  const struct seccomp_data data = { .nr = nr, .arch = native (), .args = { arg } };

  return bpf_run (f->code, f->n, &data);
}

static void
filter_compile_rule (void **state)
{
  const struct filter_arg args[] = { { .index = 0, .op = 4, .value = 5 } };
  const struct filter_rule rules[] = { { getppid_, 1, SECCOMP_RET_ERRNO | 7, args, 1 } };
  const struct filter_profile profile = { .where = "p", .default_action = SECCOMP_RET_ALLOW, .rules = rules, .n_rules = 1 };
  struct filter f = compiled (&profile, NULL);

  (void) state;
  assert_int_equal (ask (&f, SYS_getppid, 5), SECCOMP_RET_ERRNO | 7);
  assert_int_equal (ask (&f, SYS_getppid, 6), SECCOMP_RET_ALLOW);
  assert_int_equal (ask (&f, 100000, 0), SECCOMP_RET_ALLOW); /* no stub: the default lets calls through */
  assert_non_null (strstr (f.library, "libseccomp"));
  free (f.code);
}

static void
filter_compile_stub (void **state)
{
  const struct filter_rule rules[] = { { getppid_, 1, SECCOMP_RET_ALLOW, NULL, 0 } };
  static const struct { uint32_t action; int has; } rows[] = {
    { SECCOMP_RET_ERRNO | 1, 1 }, { SECCOMP_RET_KILL_PROCESS, 1 }, { SECCOMP_RET_KILL_THREAD, 1 }, { SECCOMP_RET_TRAP, 1 },
    { SECCOMP_RET_LOG, 0 }, { SECCOMP_RET_TRACE | 1, 0 } };

  (void) state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    {
      const struct filter_profile profile = { .where = "p", .default_action = rows[i].action, .rules = rules, .n_rules = 1 };
      struct filter f = compiled (&profile, NULL);

      assert_int_equal (ask (&f, SYS_getppid, 0), SECCOMP_RET_ALLOW);
      assert_int_equal (ask (&f, SYS_getppid + 1, 0), rows[i].has ? SECCOMP_RET_ERRNO | ENOSYS : rows[i].action);
      assert_int_equal (ask (&f, SYS_getppid - 1, 0), rows[i].action);
      free (f.code);
    }
}

static void
filter_compile_nothing (void **state)
{
  const struct filter_profile profile = { .where = "p", .default_action = SECCOMP_RET_ERRNO | 1 };
  struct filter f = compiled (&profile, NULL);

  (void) state;
  assert_int_equal (ask (&f, SYS_getppid, 0), SECCOMP_RET_ERRNO | 1);
  free (f.code);
}

static void
count_line (void *data, enum log_level level, const char *message)
{
  assert_int_equal (level, LOG_LEVEL_DEBUG);
  assert_non_null (strstr (message, "\"no_such_call\""));
  ++*(int *) data;
}

static void
filter_compile_unknown_call (void **state)
{
  const char *const names[] = { "no_such_call", "getppid" };
  const struct filter_rule rules[] = { { names, 2, SECCOMP_RET_ERRNO | 7, NULL, 0 } };
  const struct filter_profile profile = { .where = "p", .default_action = SECCOMP_RET_ALLOW, .rules = rules, .n_rules = 1 };
  int lines = 0;
  const struct log log = { .level = LOG_LEVEL_DEBUG, .write = count_line, .data = &lines };
  struct filter f = compiled (&profile, &log);

  (void) state;
  assert_int_equal (lines, 1);
  assert_int_equal (ask (&f, SYS_getppid, 0), SECCOMP_RET_ERRNO | 7);
  free (f.code);
}

static void
filter_compile_wrong (void **state)
{
  const char *const archs[] = { "SCMP_ARCH_NONE" };
  const struct filter_rule rules[] = { { getppid_, 1, 0x12345678, NULL, 0 } };
  struct filter_profile profile = { .where = "p", .default_action = SECCOMP_RET_ALLOW, .archs = archs, .n_archs = 1 };
  struct filter f = { 0 };
  struct err err = { 0 };

  (void) state;
  assert_int_equal (filter_compile (&profile, NULL, &f, &err), -EINVAL);
  assert_string_equal (err.where, "p.architectures[0]");
  err_clear (&err);
  profile = (struct filter_profile){ .where = "p", .default_action = SECCOMP_RET_ALLOW, .rules = rules, .n_rules = 1 };
  assert_true (filter_compile (&profile, NULL, &f, &err) < 0);
  assert_string_equal (err.where, "p.syscalls[0]");
  assert_string_equal (err.object, "getppid");
  assert_null (f.code);
}

/* Rules enough to need more instructions than the kernel takes.  */
static void
filter_compile_too_large (void **state)
{
  enum
  {
    MANY = 6000
  };
  struct filter_arg *args = calloc (MANY, sizeof *args);
  struct filter_rule *rules = calloc (MANY, sizeof *rules);
  const struct filter_profile profile = { .where = "p", .default_action = SECCOMP_RET_ALLOW, .rules = rules, .n_rules = MANY };
  struct filter f = { 0 };
  struct err err = { 0 };

  (void) state;
  assert_true (args && rules);
  for (unsigned i = 0; i < MANY; i++)
    {
      args[i] = (struct filter_arg){ .index = 0, .op = 4, .value = i };
      rules[i] = (struct filter_rule){ getppid_, 1, SECCOMP_RET_ERRNO | 7, &args[i], 1 };
    }
  assert_int_equal (filter_compile (&profile, NULL, &f, &err), -EINVAL);
  assert_int_equal (err.kind, ERR_SPEC);
  assert_string_equal (err.where, "p");
  free (args);
  free (rules);
}

#define RET BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static void
filter_valid_programs (void **state)
{
  static const struct { struct sock_filter code[4]; size_t n; bool valid; } rows[] = {
    { { RET }, 1, true },
    { { RET }, 0, false },
    { { RET }, FILTER_MAX + 1, false },
    { { BPF_STMT (BPF_LD | BPF_W | BPF_ABS, 4) }, 1, false }, /* no return at the end */
    { { BPF_STMT (BPF_LD | BPF_W | BPF_ABS, 60), RET }, 2, true },
    { { BPF_STMT (BPF_LD | BPF_W | BPF_ABS, 64), RET }, 2, false },
    { { BPF_STMT (BPF_LD | BPF_W | BPF_ABS, 2), RET }, 2, false },
    { { BPF_STMT (BPF_LD | BPF_H | BPF_ABS, 4), RET }, 2, false },
    { { BPF_STMT (BPF_LD | BPF_W | BPF_IND, 4), RET }, 2, false },
    { { BPF_STMT (BPF_ALU | BPF_DIV | BPF_K, 0), RET }, 2, false },
    { { BPF_STMT (BPF_ALU | BPF_LSH | BPF_K, 32), RET }, 2, false },
    { { BPF_STMT (BPF_ALU | BPF_MOD | BPF_K, 2), RET }, 2, false }, /* not for seccomp */
    { { BPF_STMT (BPF_ST, BPF_MEMWORDS), RET }, 2, false },
    { { BPF_STMT (BPF_ST, 0), RET }, 2, true },
    { { BPF_JUMP (BPF_JMP | BPF_JA, 0, 0, 0), RET }, 2, true },
    { { BPF_JUMP (BPF_JMP | BPF_JA, 1, 0, 0), RET }, 2, false },
    { { BPF_JUMP (BPF_JMP | BPF_JA, UINT32_MAX, 0, 0), RET }, 2, false }, /* backwards */
    { { BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, 1, 1, 0), RET, RET }, 3, true },
    { { BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, 1, 2, 0), RET, RET }, 3, false },
    { { BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 2), RET, RET }, 3, false },
    { { BPF_JUMP (BPF_JMP | 0x50, 1, 0, 0), RET, RET }, 3, false },
  };

  (void) state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (filter_valid (rows[i].code, rows[i].n) != rows[i].valid)
      fail_msg ("row %zu", i);
}

static void
filter_lib_arch_names (void **state)
{
  uint32_t arch;
  bool x32, call_0;

  (void) state;
  filter_lib_arch (0x4000003e, &arch, &x32, &call_0);
  assert_true (arch == AUDIT_ARCH_X86_64 && x32 && ! call_0);
  filter_lib_arch (AUDIT_ARCH_X86_64, &arch, &x32, &call_0);
  assert_true (arch == AUDIT_ARCH_X86_64 && ! x32 && ! call_0);
  filter_lib_arch (AUDIT_ARCH_S390X, &arch, &x32, &call_0);
  assert_true (arch == AUDIT_ARCH_S390X && ! x32 && call_0);
}

static void
filter_compile_built_without (void **state)
{
  const struct filter_profile profile = { .where = "p" };
  struct filter f = { 0 };
  struct err err = { 0 };

  (void) state;
  assert_int_equal (filter_compile (&profile, NULL, &f, &err), -ENOTSUP);
  assert_string_equal (err.what, "this orlop was built without seccomp");
  assert_string_equal (err.where, "p");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (filter_compile_rule),         cmocka_unit_test (filter_compile_stub),  cmocka_unit_test (filter_compile_nothing),
    cmocka_unit_test (filter_compile_unknown_call), cmocka_unit_test (filter_compile_wrong), cmocka_unit_test (filter_compile_too_large),
    cmocka_unit_test (filter_lib_arch_names),       cmocka_unit_test (filter_valid_programs),
  };
  const struct CMUnitTest without[] = {
    cmocka_unit_test (filter_compile_built_without),
    cmocka_unit_test (filter_valid_programs),
  };

  return HAVE_SECCOMP ? cmocka_run_group_tests (tests, NULL, NULL) : cmocka_run_group_tests (without, NULL, NULL);
}
