/* SPDX-License-Identifier: Apache-2.0 */
/* Device programs: interpreted here over tables of rules and accesses and compared with what the rules say, then
 * shown to the kernel's verifier. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/bpf.h>

#include "base/err.h"
#include "kernel/devbpf.h"

enum
{
  RULES_MAX = 16,
  INSNS_MAX = DEVBPF_INSNS_FRAME + RULES_MAX * DEVBPF_INSNS_PER_RULE,
  STEPS_MAX = INSNS_MAX /* no program jumps back */
};

struct access
{
  char type;
  int access, major, minor;
};

static uint64_t
source (const struct bpf_insn *i, const uint64_t *reg)
{
  return BPF_SRC (i->code) == BPF_X ? reg[i->src_reg] : (uint64_t) (int64_t) i->imm;
}

static void
run_alu (const struct bpf_insn *i, uint64_t *reg)
{
  uint64_t *dst = &reg[i->dst_reg], src = source (i, reg);

  switch (BPF_OP (i->code))
    {
    case BPF_MOV:
      *dst = src;
      break;
    case BPF_AND:
      *dst &= src;
      break;
    case BPF_RSH:
      *dst >>= src;
      break;
    default: fail_msg ("unknown arithmetic 0x%x", i->code);
    }
}

static bool
jumps (const struct bpf_insn *i, const uint64_t *reg)
{
  uint64_t dst = reg[i->dst_reg], src = source (i, reg);

  switch (BPF_OP (i->code))
    {
    case BPF_JA: return true;
    case BPF_JNE: return dst != src;
    case BPF_JSET: return (dst & src) != 0;
    default:
      fail_msg ("unknown jump 0x%x", i->code);
      return false;
    }
}

/* What the kernel would make of the program.  */
static bool
interpret (const struct bpf_insn *insns, int n, const struct access *a)
{
  struct bpf_cgroup_dev_ctx ctx
      = { .access_type = (uint32_t) a->access << 16 | (a->type == 'c' ? BPF_DEVCG_DEV_CHAR : BPF_DEVCG_DEV_BLOCK),
          .major = (uint32_t) a->major, .minor = (uint32_t) a->minor };
  uint64_t reg[11] = { [1] = (uintptr_t) &ctx };
  int steps = 0;

  for (int pc = 0; pc >= 0 && pc < n; pc++)
    {
      const struct bpf_insn *i = &insns[pc];

      assert_true (steps++ < STEPS_MAX);
      if (i->code == (BPF_JMP | BPF_EXIT))
        return reg[0] != 0;
      if (BPF_CLASS (i->code) == BPF_LDX)
        {
          assert_int_equal (i->code, BPF_LDX | BPF_MEM | BPF_W);
          reg[i->dst_reg] = *(uint32_t *) (uintptr_t) (reg[i->src_reg] + i->off);
        }
      else if (BPF_CLASS (i->code) == BPF_ALU64)
        run_alu (i, reg);
      else if (BPF_CLASS (i->code) == BPF_JMP)
        pc += jumps (i, reg) ? i->off : 0;
      else
        fail_msg ("unknown instruction 0x%x", i->code);
    }
  fail_msg ("the program runs past its end");
  return false;
}

/* The meaning of the rules: of every kind of access the last rule that has it and matches decides.  */
static bool
expected (const struct devbpf_rule *rules, size_t n, bool allow, const struct access *a)
{
  for (int bit = 1; bit <= DEVBPF_WRITE; bit <<= 1)
    {
      bool granted = allow;

      if (! (a->access & bit))
        continue;
      for (size_t i = 0; i < n; i++)
        if ((rules[i].type == 'a' || rules[i].type == a->type) && (rules[i].major < 0 || rules[i].major == a->major)
            && (rules[i].minor < 0 || rules[i].minor == a->minor) && rules[i].access & bit)
          granted = rules[i].allow;
      if (! granted)
        return false;
    }
  return true;
}

/* Tries every access to a handful of devices.  */
static void
compare (const struct devbpf_rule *rules, size_t n, bool allow)
{
  static const int majors[] = { 0, 1, 5, 136 }, minors[] = { 0, 3, 1048575 };
  struct bpf_insn insns[INSNS_MAX];
  int len = devbpf_build (rules, n, allow, insns, INSNS_MAX);

  assert_true (len > 0);
  for (int i = 0; i < 2 * 4 * 3 * 7; i++)
    {
      struct access a = { .type = i % 2 ? 'c' : 'b', .access = 1 + i / 2 % 7, .major = majors[i / 14 % 4],
                          .minor = minors[i / 56] };
      if (interpret (insns, len, &a) != expected (rules, n, allow, &a))
        fail_msg ("%c %d:%d access %d: not what %zu rules say", a.type, a.major, a.minor, a.access, n);
    }
}

static void
devbpf_build_no_rules (void **state)
{
  (void) state;
  compare (NULL, 0, false);
  compare (NULL, 0, true);
}

static void
devbpf_build_last_rule_wins (void **state)
{
  static const struct devbpf_rule rules[] = {
    { true, 'c', DEVBPF_ALL, 1, -1 },
    { false, 'c', DEVBPF_WRITE, 1, 3 },
    { true, 'c', DEVBPF_READ, 1, 3 },
  };
  struct bpf_insn insns[INSNS_MAX];
  int n = devbpf_build (rules, 3, false, insns, INSNS_MAX);

  (void) state;
  assert_true (interpret (insns, n, &(struct access){ 'c', DEVBPF_READ, 1, 3 }));
  assert_true (interpret (insns, n, &(struct access){ 'c', DEVBPF_READ | DEVBPF_WRITE, 1, 5 }));
  assert_false (interpret (insns, n, &(struct access){ 'c', DEVBPF_READ | DEVBPF_WRITE, 1, 3 }));
  assert_false (interpret (insns, n, &(struct access){ 'b', DEVBPF_READ, 1, 3 }));
  compare (rules, 3, false);
}

static void
devbpf_build_two_rules_together (void **state)
{
  /* reading by one rule, writing by another: both are granted */
  static const struct devbpf_rule rules[] = { { true, 'c', DEVBPF_READ, 5, -1 }, { true, 'a', DEVBPF_WRITE, -1, 0 } };
  struct bpf_insn insns[INSNS_MAX];
  int n = devbpf_build (rules, 2, false, insns, INSNS_MAX);

  (void) state;
  assert_true (interpret (insns, n, &(struct access){ 'c', DEVBPF_READ | DEVBPF_WRITE, 5, 0 }));
  assert_false (interpret (insns, n, &(struct access){ 'c', DEVBPF_READ | DEVBPF_WRITE, 5, 3 }));
}

static void
devbpf_build_nothing_asked (void **state)
{
  /* an open for neither reading nor writing, as open(2) has it with access mode 3, asks for no access */
  static const struct devbpf_rule rules[] = { { false, 'c', DEVBPF_ALL, 1, 3 }, { true, 'c', DEVBPF_ALL, 1, 3 } };
  struct bpf_insn insns[INSNS_MAX];
  int n = devbpf_build (rules, 2, false, insns, INSNS_MAX);

  (void) state;
  assert_true (interpret (insns, n, &(struct access){ 'c', 0, 1, 3 }));
}

static uint32_t
next_random (uint32_t *seed)
{
  *seed = *seed * 1664525u + 1013904223u;
  return *seed >> 8;
}

static void
devbpf_build_random_rules (void **state)
{
  static const int32_t majors[] = { -1, 0, 1, 5, 136 }, minors[] = { -1, 0, 3, 1048575 };
  uint32_t seed = 1;

  (void) state;
  for (int round = 0; round < 2000; round++)
    {
      struct devbpf_rule rules[RULES_MAX];
      size_t n = next_random (&seed) % (RULES_MAX + 1);

      for (size_t i = 0; i < n; i++)
        rules[i] = (struct devbpf_rule){ .allow = next_random (&seed) % 2, .type = "acb"[next_random (&seed) % 3],
                                         .access = (uint8_t) (1 + next_random (&seed) % 7),
                                         .major = majors[next_random (&seed) % 5], .minor = minors[next_random (&seed) % 4] };
      compare (rules, n, next_random (&seed) % 2);
    }
}

static void
devbpf_build_too_big (void **state)
{
  static const struct devbpf_rule rule = { true, 'c', DEVBPF_ALL, 1, 3 };
  struct bpf_insn insns[DEVBPF_INSNS_FRAME + DEVBPF_INSNS_PER_RULE];

  (void) state;
  assert_int_equal (devbpf_build (&rule, 1, false, insns, DEVBPF_INSNS_FRAME + DEVBPF_INSNS_PER_RULE),
                    DEVBPF_INSNS_FRAME + DEVBPF_INSNS_PER_RULE);
  assert_int_equal (devbpf_build (&rule, 1, false, insns, DEVBPF_INSNS_FRAME + DEVBPF_INSNS_PER_RULE - 1), -E2BIG);
  assert_int_equal (devbpf_build (NULL, 0, false, insns, 0), -E2BIG);
}

static void
devbpf_load_verified (void **state)
{
  struct devbpf_rule rules[RULES_MAX];
  struct bpf_insn insns[INSNS_MAX];
  struct err err = { 0 };
  int n, fd;

  (void) state;
  for (int i = 0; i < RULES_MAX; i++)
    rules[i] = (struct devbpf_rule){ .allow = i % 3, .type = "acb"[i % 3], .access = (uint8_t) (1 + i % 7),
                                     .major = i % 4 - 1, .minor = i % 5 - 1 };
  n = devbpf_build (rules, RULES_MAX, false, insns, INSNS_MAX);
  fd = devbpf_load (insns, (size_t) n, &err);
  if (fd == -EPERM || fd == -ENOSYS)
    {
      print_message ("bpf(2) is not for us here\n");
      skip ();
    }
  assert_true (fd >= 0);
  close (fd);
}

/* As many as we say that the kernel takes, all of them different and none of them settling everything.  */
static void
devbpf_load_many (void **state)
{
  static struct devbpf_rule rules[DEVBPF_RULES_MAX];
  static struct bpf_insn insns[DEVBPF_INSNS_FRAME + DEVBPF_RULES_MAX * DEVBPF_INSNS_PER_RULE];
  struct err err = { 0 };
  int n, fd;

  (void) state;
  for (int i = 0; i < DEVBPF_RULES_MAX; i++)
    rules[i] = (struct devbpf_rule){ .allow = i % 3, .type = "cb"[i % 2], .access = (uint8_t) (1 + i % 7), .major = i, .minor = i };
  n = devbpf_build (rules, DEVBPF_RULES_MAX, false, insns, sizeof insns / sizeof *insns);
  assert_true (n > 0);
  fd = devbpf_load (insns, (size_t) n, &err);
  if (fd == -EPERM || fd == -ENOSYS)
    {
      print_message ("bpf(2) is not for us here\n");
      skip ();
    }
  if (fd < 0)
    fail_msg ("%d instructions: %s", n, strerror (-fd));
  close (fd);
}

static void
devbpf_load_refused (void **state)
{
  const struct bpf_insn jump_out = { .code = BPF_JMP | BPF_JA, .off = 100 };
  struct err err = { 0 };
  int r = devbpf_load (&jump_out, 1, &err);

  (void) state;
  assert_true (r < 0);
  assert_int_equal (err.num, -r);
  assert_string_equal (err.call, "bpf");
}

static void
devbpf_attach_no_cgroup (void **state)
{
  struct err err = { 0 };

  (void) state;
  assert_true (devbpf_attach (-1, -1, -1, &err) < 0);
  assert_int_equal (err.kind, ERR_SYS);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (devbpf_build_no_rules),         cmocka_unit_test (devbpf_build_last_rule_wins),
    cmocka_unit_test (devbpf_build_two_rules_together), cmocka_unit_test (devbpf_build_nothing_asked),
    cmocka_unit_test (devbpf_build_random_rules),     cmocka_unit_test (devbpf_build_too_big),
    cmocka_unit_test (devbpf_load_verified),          cmocka_unit_test (devbpf_load_refused),
    cmocka_unit_test (devbpf_attach_no_cgroup),       cmocka_unit_test (devbpf_load_many),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
