/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of plan/profile.c, and of what becomes of whole profiles: the compiled program is asked, by an interpreter of its own, about every
 * rule of the engines' profiles on each architecture, every number up to the newest, and what lies beyond; and must answer what the document says.  */
#include "in_text.h"

#include <fcntl.h>

#include "kernel/bpf.h"
#include "kernel/filter.h"
#include "kernel/filter_lib.h"
#include "ocispec/names.h"
#include "plan/profile.h"
#include "plan/report.h"

enum
{
  X32_BIT = 0x40000000,
  NOSYS = SECCOMP_RET_ERRNO | ENOSYS,
  MATCHES = 16
};

/* --- the profile as the specification reads it */

/* A profile under test.  */
struct subject
{
  const char *name;
  const struct oci_seccomp *s;
  struct filter_lib lib; /* for numbers of names alone */
  struct filter filter;
  uint32_t arch; /* token of libseccomp that is asked about */
  size_t asked;
};

static uint32_t
action (const char *name, const uint32_t *num)
{
  static const struct { const char *name; uint32_t value; bool takes_errno; } actions[] = {
    { "SCMP_ACT_KILL", 0, false },           { "SCMP_ACT_KILL_THREAD", 0, false }, { "SCMP_ACT_KILL_PROCESS", 0x80000000, false },
    { "SCMP_ACT_TRAP", 0x00030000, false },  { "SCMP_ACT_ERRNO", 0x00050000, true }, { "SCMP_ACT_TRACE", 0x7ff00000, true },
    { "SCMP_ACT_LOG", 0x7ffc0000, false },   { "SCMP_ACT_ALLOW", 0x7fff0000, false }, { "SCMP_ACT_NOTIFY", 0x7fc00000, false } };

  for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
    if (strcmp (actions[i].name, name) == 0)
      return actions[i].value | (actions[i].takes_errno ? (num ? *num : EPERM) : 0);
  fail_msg ("unknown action %s", name);
  return 0;
}

static bool
holds (const struct oci_seccomp_arg *a, const uint64_t *args)
{
  uint64_t x = args[a->index];
  const char *op = a->op + strlen ("SCMP_CMP_");

  if (strcmp (op, "MASKED_EQ") == 0)
    return (x & a->value) == (a->value_two ? *a->value_two : 0);
  return strcmp (op, "EQ") == 0   ? x == a->value
         : strcmp (op, "NE") == 0 ? x != a->value
         : strcmp (op, "LT") == 0 ? x < a->value
         : strcmp (op, "LE") == 0 ? x <= a->value
         : strcmp (op, "GT") == 0 ? x > a->value
                                  : x >= a->value;
}

static bool
all_hold (const struct oci_seccomp_syscall *call, const uint64_t *args)
{
  for (size_t i = 0; i < call->n_args; i++)
    if (! holds (&call->args[i], args))
      return false;
  return true;
}

/* The number of NAME on the architecture that is asked about, or a negative one.  What libseccomp knows as a part of socketcall and ipc has
 * a number of its own on i386, from unistd_32.h of the kernel.  */
static int
number (const struct subject *t, const char *name)
{
  static const struct { const char *name; int number; } own[] = {
    { "recvmmsg", 337 },   { "sendmmsg", 345 },    { "socket", 359 },     { "socketpair", 360 },  { "bind", 361 },        { "connect", 362 },
    { "listen", 363 },     { "accept4", 364 },     { "getsockopt", 365 }, { "setsockopt", 366 },  { "getsockname", 367 }, { "getpeername", 368 },
    { "sendto", 369 },     { "sendmsg", 370 },     { "recvfrom", 371 },   { "recvmsg", 372 },     { "shutdown", 373 },    { "semget", 393 },
    { "semctl", 394 },     { "shmget", 395 },      { "shmctl", 396 },     { "shmat", 397 },       { "shmdt", 398 },       { "msgget", 399 },
    { "msgsnd", 400 },     { "msgrcv", 401 },      { "msgctl", 402 } };

  for (size_t i = 0; t->arch == AUDIT_ARCH_I386 && i < sizeof own / sizeof *own; i++)
    if (strcmp (own[i].name, name) == 0)
      return own[i].number;
  return t->lib.syscall_resolve_name_arch (t->arch, name);
}

/* The number of the newest call that the profile names.  */
static int
newest (const struct subject *t)
{
  int most = -1;

  for (size_t i = 0; i < t->s->n_syscalls; i++)
    for (size_t k = 0; k < t->s->syscalls[i].n_names; k++)
      {
        int nr = number (t, t->s->syscalls[i].names[k]);

        most = nr > most ? nr : most;
      }
  return most;
}

/* The answers that the document allows for a call: those of all rules that fit, or the default.  Returns how many.  */
static size_t
expected (const struct subject *t, int nr, const uint64_t *args, uint32_t *ret_answers)
{
  size_t n = 0;

  if (nr > newest (t))
    {
      ret_answers[0] = NOSYS;
      return 1;
    }
  for (size_t i = 0; i < t->s->n_syscalls; i++)
    for (size_t k = 0; k < t->s->syscalls[i].n_names && n < MATCHES; k++)
      if (number (t, t->s->syscalls[i].names[k]) == nr && all_hold (&t->s->syscalls[i], args))
        ret_answers[n++] = action (t->s->syscalls[i].action, t->s->syscalls[i].errno_ret);
  if (n == 0)
    ret_answers[n++] = action (t->s->default_action, t->s->default_errno_ret);
  return n;
}

static uint32_t
ask (const struct subject *t, int nr, const uint64_t *args)
{
  struct seccomp_data data = { .nr = nr };
  bool x32, zero;

  filter_lib_arch (t->arch, &data.arch, &x32, &zero);
  memcpy (data.args, args, sizeof data.args);
  return bpf_run (t->filter.code, t->filter.n, &data);
}

static void
compare (struct subject *t, int nr, const uint64_t *args)
{
  uint32_t answers[MATCHES], got = ask (t, nr, args);
  size_t n = expected (t, nr, args, answers);

  t->asked++;
  for (size_t i = 0; i < n; i++)
    if (answers[i] == got)
      return;
  fail_msg ("%s: arch %#x call %d (%#jx, %#jx, %#jx, ...): the filter says %#x, the profile %#x", t->name, t->arch, nr,
            (uintmax_t) args[0], (uintmax_t) args[1], (uintmax_t) args[2], got, answers[0]);
}

/* --- what is asked */

/* Values on and around those of one condition.  */
static void
compare_around (struct subject *t, int nr, const struct oci_seccomp_arg *a)
{
  const uint64_t two = a->value_two ? *a->value_two : 0;
  const uint64_t values[] = { 0, 1, a->value - 1, a->value, a->value + 1, two, two | ~a->value, two - 1, ~a->value, UINT64_MAX, UINT32_MAX,
                              a->value | 1ULL << 32, two | 1ULL << 40 };
  bool narrow = ! (t->arch & __AUDIT_ARCH_64BIT) && t->arch != AUDIT_ARCH_X86_64;

  for (size_t i = 0; i < sizeof values / sizeof *values; i++)
    {
      uint64_t args[FILTER_ARGS] = { 0 };

      /* arguments of 32-bit calls have no upper half */
      args[a->index] = narrow ? (uint32_t) values[i] : values[i];
      compare (t, nr, args);
    }
}

static void
compare_rules (struct subject *t)
{
  const uint64_t ones[FILTER_ARGS] = { 1, 1, 1, 1, 1, 1 }, none[FILTER_ARGS] = { 0 };

  for (size_t i = 0; i < t->s->n_syscalls; i++)
    for (size_t k = 0; k < t->s->syscalls[i].n_names; k++)
      {
        int nr = number (t, t->s->syscalls[i].names[k]);

        if (nr < 0)
          continue; /* this architecture has no such call */
        compare (t, nr, none);
        compare (t, nr, ones);
        for (size_t j = 0; j < t->s->syscalls[i].n_args; j++)
          compare_around (t, nr, &t->s->syscalls[i].args[j]);
      }
}

static void
compare_numbers (struct subject *t, int from)
{
  const uint64_t none[FILTER_ARGS] = { 0 };
  static const int far[] = { 500, 600, 1000, 9999, 65535, 1 << 20, 1 << 29 };

  for (int nr = from; nr <= newest (t) + 2; nr++)
    compare (t, nr, none);
  for (size_t i = 0; i < sizeof far / sizeof *far; i++)
    compare (t, from + far[i], none);
}

static void
compile (struct subject *t, struct oci_arena **arena)
{
  struct filter_profile profile;
  struct err err = { 0 };

  assert_int_equal (profile_make (t->s, arena, &profile, &err), 0);
  if (filter_compile (&profile, NULL, &t->filter, &err) < 0)
    fail_msg ("%s: %s: %s(%s)", err.where, err.what, err.call, err.object);
}

/* A filter says no to architectures that are not in it.  */
static void
compare_strangers (const struct subject *t)
{
  const struct seccomp_data arm = { .nr = 1, .arch = AUDIT_ARCH_ARM };

  assert_int_equal (bpf_run (t->filter.code, t->filter.n, &arm), SECCOMP_RET_KILL_THREAD);
}

static void
compare_profile (const char *name)
{
  static const struct
  {
    uint32_t token;
    int from;
  } archs[] = { { AUDIT_ARCH_X86_64, 0 }, { AUDIT_ARCH_I386, 0 }, { 0x4000003e /* x32 */, X32_BIT } };
  struct document doc = { 0 };
  struct subject t = { .name = name };
  char path[512];

  (void) snprintf (path, sizeof path, "%s/tests/data/configs/%s.json", getenv ("srcdir") ? getenv ("srcdir") : TOP,
                   name);
  assert_int_equal (document_load (AT_FDCWD, path, &oci_config_type, &doc, NULL), 0);
  t.s = ((struct oci_config *) doc.object)->linux_->seccomp;
  assert_int_equal (filter_lib_open (&t.lib, NULL), 0);
  compile (&t, &doc.arena);
  for (size_t i = 0; i < sizeof archs / sizeof *archs; i++)
    {
      t.arch = archs[i].token;
      compare_rules (&t);
      compare_numbers (&t, archs[i].from);
    }
  compare_strangers (&t);
  print_message ("%s: %zu instructions, %zu questions\n", name, t.filter.n, t.asked);
  assert_true (t.asked > 1500);
  free (t.filter.code);
  filter_lib_close (&t.lib);
  document_close (&doc);
}

static bool
on_x86_64 (void)
{
#if defined __x86_64__ && HAVE_SECCOMP
  return true;
#else
  print_message ("skipped: the profiles in tests/data are for x86_64, and libseccomp is needed\n");
  return false;
#endif
}

/* spec: 149 */
static void
profiles_of_engines (void **state)
{
  static const char *const names[] = { "docker-default", "docker-build", "podman-default", "podman-options", "containerd-seccomp", "buildah-run" };

  (void) state;
  if (! on_x86_64 ())
    skip ();
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    compare_profile (names[i]);
}

/* --- profile.c itself */

/* A document with the seccomp section TEXT.  */
static struct document
with (const char *text)
{
  char all[2048];

  (void) snprintf (all, sizeof all, "{ \"ociVersion\": \"1.2.0\", \"linux\": { \"seccomp\": %s } }", text);
  return parse_text (all, &oci_config_type);
}

static const struct oci_seccomp *
section (const struct document *doc)
{
  return ((const struct oci_config *) doc->object)->linux_->seccomp;
}

/* The words of the specification are those of our tables, in both directions.  */
static void
profile_words (void **state)
{
  static const struct { const char *const *spec; const struct name *ours; } rows[] = {
    { oci_seccomp_action_names, filter_actions }, { oci_seccomp_operator_names, filter_operators }, { oci_seccomp_flag_names, filter_flags } };
  uint64_t value;

  (void) state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    {
      for (const char *const *n = rows[i].spec; *n; n++)
        assert_true (name_value (rows[i].ours, *n, &value));
      for (const struct name *n = rows[i].ours; n->name; n++)
        assert_true (oci_name_known (rows[i].spec, n->name));
    }
}

static void
profile_make_values (void **state)
{
  struct document doc = with (
      "{ \"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 9, \"architectures\": [ \"SCMP_ARCH_X86\" ],"
      "  \"syscalls\": [ { \"names\": [ \"a\", \"b\" ], \"action\": \"SCMP_ACT_TRACE\","
      "    \"args\": [ { \"index\": 2, \"value\": 3, \"valueTwo\": 4, \"op\": \"SCMP_CMP_MASKED_EQ\" } ] } ] }");
  struct filter_profile p;

  (void) state;
  assert_int_equal (profile_make (section (&doc), &doc.arena, &p, NULL), 0);
  assert_int_equal (p.default_action, SECCOMP_RET_ERRNO | 9);
  assert_int_equal (p.n_archs, 1);
  assert_int_equal (p.n_rules, 1);
  assert_int_equal (p.rules[0].action, SECCOMP_RET_TRACE | EPERM);
  assert_string_equal (p.rules[0].names[1], "b");
  assert_true (p.rules[0].args[0].index == 2 && p.rules[0].args[0].op == 7 && p.rules[0].args[0].value == 3
               && p.rules[0].args[0].value_two == 4);
  document_close (&doc);
}

static void
profile_flags_by_use (void **state)
{
  enum
  {
    LISTENER = 1 << 3,
    WAIT = 1 << 5
  };
  static const struct { const char *text; unsigned flags; bool notifies; } rows[] = {
    { "{ \"defaultAction\": \"SCMP_ACT_ALLOW\" }", 0, false },
    { "{ \"defaultAction\": \"SCMP_ACT_ALLOW\", \"flags\": [ \"SECCOMP_FILTER_FLAG_TSYNC\", \"SECCOMP_FILTER_FLAG_LOG\","
      " \"SECCOMP_FILTER_FLAG_SPEC_ALLOW\", \"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\" ] }", 2 | 4, false },
    { "{ \"defaultAction\": \"SCMP_ACT_ALLOW\", \"flags\": [ \"SECCOMP_FILTER_FLAG_TSYNC\", \"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\" ],"
      " \"syscalls\": [ { \"names\": [ \"a\" ], \"action\": \"SCMP_ACT_NOTIFY\" } ] }", LISTENER | WAIT, true } };

  (void) state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    {
      struct document doc = with (rows[i].text);

      assert_int_equal (profile_flags (section (&doc)), rows[i].flags);
      assert_int_equal (profile_notifies (section (&doc)), rows[i].notifies);
      document_close (&doc);
    }
}

/* spec: 148, 151, 152 */
static void
profile_check_breaches (void **state)
{
  struct document doc = with (
      "{ \"defaultAction\": \"SCMP_ACT_NOTIFY\", \"defaultErrnoRet\": 1, \"listenerMetadata\": \"x\", \"syscalls\": ["
      " { \"names\": [ \"\", \"write\" ], \"action\": \"SCMP_ACT_NOTIFY\", \"errnoRet\": 0 },"
      " { \"names\": [], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 4095,"
      "   \"args\": [ { \"index\": 6, \"value\": 0, \"op\": \"SCMP_CMP_EQ\" } ] } ] }");
  static const char *const paths[] = {
    "defaultErrnoRet", "defaultAction", "listenerMetadata", "listenerPath", "syscalls[0].names[0]", "syscalls[0].names[1]",
    "syscalls[0].errnoRet", "syscalls[1].names", "syscalls[1].errnoRet", "syscalls[1].args[0].index" };
  struct report report = { .text = NULL };

  (void) state;
  profile_check (section (&doc), &report);
  assert_int_equal (report.n, sizeof paths / sizeof *paths);
  for (size_t i = 0; i < report.n; i++)
    assert_string_equal (report.breach[i].path + strlen ("linux.seccomp."), paths[i]);
  document_close (&doc);
}

static void
profile_check_good (void **state)
{
  struct document doc = with (
      "{ \"defaultAction\": \"SCMP_ACT_TRACE\", \"defaultErrnoRet\": 65535, \"listenerPath\": \"/x\", \"listenerMetadata\": \"\","
      " \"syscalls\": [ { \"names\": [ \"read\" ], \"action\": \"SCMP_ACT_NOTIFY\","
      "   \"args\": [ { \"index\": 5, \"value\": 0, \"op\": \"SCMP_CMP_EQ\" } ] } ] }");
  struct report report = { .text = NULL };

  (void) state;
  profile_check (section (&doc), &report);
  profile_check (NULL, &report);
  assert_int_equal (report.total, 0);
  document_close (&doc);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (profiles_of_engines),  cmocka_unit_test (profile_words),          cmocka_unit_test (profile_make_values),
    cmocka_unit_test (profile_flags_by_use), cmocka_unit_test (profile_check_breaches), cmocka_unit_test (profile_check_good),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
