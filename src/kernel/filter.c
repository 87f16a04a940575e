/* SPDX-License-Identifier: Apache-2.0 */
/* Compiling filters; see filter.h.  Never loads one.  */
#include "kernel/filter.h"

#include <ctype.h>
#include <errno.h>
#include <linux/memfd.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/own.h"
#include "base/str.h"
#include "kernel/filter_lib.h"
#include "kernel/filter_stub.h"
#include "kernel/sys.h"

#ifndef SECCOMP_RET_USER_NOTIF
#define SECCOMP_RET_USER_NOTIF 0x7fc00000U /* Linux 5.0 */
#endif
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5) /* Linux 5.19 */
#endif

const struct name filter_actions[] = {
  { "SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD },
  { "SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS },
  { "SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD },
  { "SCMP_ACT_TRAP", SECCOMP_RET_TRAP },
  { "SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO },
  { "SCMP_ACT_TRACE", SECCOMP_RET_TRACE },
  { "SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW },
  { "SCMP_ACT_LOG", SECCOMP_RET_LOG },
  { "SCMP_ACT_NOTIFY", SECCOMP_RET_USER_NOTIF },
  { NULL, 0 },
};

/* Numbers of enum scmp_compare.  */
const struct name filter_operators[] = {
  { "SCMP_CMP_NE", 1 },
  { "SCMP_CMP_LT", 2 },
  { "SCMP_CMP_LE", 3 },
  { "SCMP_CMP_EQ", 4 },
  { "SCMP_CMP_GE", 5 },
  { "SCMP_CMP_GT", 6 },
  { "SCMP_CMP_MASKED_EQ", 7 },
  { NULL, 0 },
};

const struct name filter_flags[] = {
  { "SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC },
  { "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
  { "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
  { "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV },
  { NULL, 0 },
};

enum
{
  MANY_RULES = 32, /* from here on the library is to build a tree: it searches a list faster than that, and
                      libseccomp up to 2.5.4 fails with a tree of no rules */
  ARCHS_MAX = FILTER_STUB_ARCHS,
  MORE = 512 /* how far above the newest call found by name one is looked for by number */
};

/* A compilation.  */
struct job
{
  const struct filter_profile *profile;
  const struct log *log;
  struct filter_lib lib;
  void *context;
  uint32_t archs[ARCHS_MAX]; /* the library's tokens; this machine's is the first */
  size_t n_archs;
};

/* The library's name of an architecture is the specification's in small letters, without SCMP_ARCH_.  */
static uint32_t
find_arch (const struct job *j, const char *name)
{
  const char *rest = str_after (name, "SCMP_ARCH_");
  char lower[32];
  size_t i = 0;

  for (; rest && rest[i] && i < sizeof lower - 1; i++)
    lower[i] = (char) tolower ((unsigned char) rest[i]);
  lower[i] = '\0';
  return j->lib.arch_resolve_name (lower);
}

static int
add_archs (struct job *j, struct err *err)
{
  const struct filter_profile *p = j->profile;

  j->archs[j->n_archs++] = j->lib.arch_native ();
  for (size_t i = 0; i < p->n_archs; i++)
    {
      uint32_t arch = find_arch (j, p->archs[i]);
      int ret = arch ? j->lib.arch_add (j->context, arch) : -EINVAL;

      if (ret == -EEXIST)
        continue; /* this machine's, or listed twice */
      if (ret == 0 && j->n_archs == ARCHS_MAX)
        ret = -E2BIG;
      if (ret < 0)
        return err_in (err, err_host (err, -ret, "this machine's libseccomp cannot filter for %s", p->archs[i]),
                       "%s.architectures[%zu]", p->where, i);
      j->archs[j->n_archs++] = arch;
    }
  return 0;
}

static bool
has_twin (const struct filter_rule *r, size_t i)
{
  for (size_t k = 0; k < r->n_args; k++)
    if (k != i && r->args[k].index == r->args[i].index)
      return true;
  return false;
}

/* Adds RULE for call NUMBER: all conditions at once, or each alone where two look at one argument, which the library cannot say and runc
 * takes for alternatives.  */
static int
add_call (const struct job *j, const struct filter_rule *rule, int number)
{
  struct filter_lib_arg args[FILTER_ARGS];
  bool alone = false;
  int ret = 0;

  for (size_t i = 0; i < rule->n_args; i++)
    alone = alone || has_twin (rule, i);
  for (size_t i = 0; i < rule->n_args && ret == 0; i++)
    {
      struct filter_lib_arg *a = &args[alone ? 0 : i];

      *a = (struct filter_lib_arg){ rule->args[i].index, (int) rule->args[i].op, rule->args[i].value, rule->args[i].value_two };
      if (alone)
        ret = j->lib.rule_add_array (j->context, rule->action, number, 1, a);
    }
  return alone ? ret : j->lib.rule_add_array (j->context, rule->action, number, (unsigned) rule->n_args, args);
}

static int
add_rules (const struct job *j, struct err *err)
{
  const struct filter_profile *p = j->profile;

  for (size_t i = 0; i < p->n_rules; i++)
    for (size_t k = 0; k < p->rules[i].n_names; k++)
      {
        const char *name = p->rules[i].names[k];
        int number, ret;

        if (p->rules[i].action == p->default_action)
          continue; /* says nothing, and the library refuses it */
        number = j->lib.syscall_resolve_name (name);
        if (number == FILTER_LIB_UNKNOWN)
          {
            log_debug (j->log, "seccomp: system call \"%s\" is unknown to libseccomp and skipped", name);
            continue;
          }
        ret = add_call (j, &p->rules[i], number);
        if (ret < 0)
          return err_in (err, err_sys (err, -ret, "seccomp_rule_add", "%s", name), "%s.syscalls[%zu]", p->where, i);
      }
  return 0;
}

/* The library writes into a descriptor: one of memory.  */
static int export(const struct job *j, struct sock_filter *code, size_t room, struct err *err)
{
  int ret = sys_memfd_create ("orlop-filter", MFD_CLOEXEC);
  ssize_t n;

  if (ret < 0)
    return err_sys (err, -ret, "memfd_create", "filter");
  own_fd int fd = ret;
  ret = j->lib.export_bpf (j->context, fd);
  if (ret < 0)
    return err_sys (err, -ret, "seccomp_export_bpf", "filter");
  n = pread (fd, code, (room + 1) * sizeof *code, 0); /* one more is too many */
  if (n < 0)
    return err_sys (err, errno, "pread", "filter");
  return (int) ((size_t) n / sizeof *code);
}

/* A default action that lets calls through does so for new ones; and so does a tracer, who may know them.  */
static bool
wants_stub (uint32_t action)
{
  uint32_t kind = action & SECCOMP_RET_ACTION_FULL;

  return kind != SECCOMP_RET_ALLOW && kind != SECCOMP_RET_LOG && kind != SECCOMP_RET_TRACE;
}

static bool
names (const struct filter_profile *p, const char *name)
{
  for (size_t i = 0; i < p->n_rules; i++)
    for (size_t k = 0; k < p->rules[i].n_names; k++)
      if (strcmp (p->rules[i].names[k], name) == 0)
        return true;
  return false;
}

/* Calls that once were parts of socketcall(2) and ipc(2) have numbers of their own on i386, powerpc and s390 since Linux 4.3 and 5.1.  Asked for their
 * names the library tells of the old way only; asked for the numbers it knows both.  */
static int
find_newer (const struct job *j, uint32_t arch, int newest)
{
  for (int number = newest + MORE; number > newest; number--)
    {
      own_mem char *name = j->lib.syscall_resolve_num_arch (arch, number);

      if (name && names (j->profile, name))
        return number;
    }
  return newest;
}

/* The newest call of architecture ARCH, by number, that the profile names.  False if it names none.  */
static bool
find_newest (const struct job *j, uint32_t arch, struct filter_newest *ret_newest)
{
  int newest = -1;

  for (size_t i = 0; i < j->profile->n_rules; i++)
    for (size_t k = 0; k < j->profile->rules[i].n_names; k++)
      {
        int number = j->lib.syscall_resolve_name_arch (arch, j->profile->rules[i].names[k]);

        if (number > newest) /* those that the architecture lacks are negative */
          newest = number;
      }
  if (newest > 0)
    newest = find_newer (j, arch, newest);
  *ret_newest = (struct filter_newest){ .arch = arch, .number = (uint32_t) newest };
  filter_lib_arch (arch, &ret_newest->arch, &ret_newest->x32, &ret_newest->call_0_too);
  return newest > 0;
}

static size_t
make_stub (const struct job *j, struct sock_filter *code)
{
  struct filter_newest newest[ARCHS_MAX];
  size_t n = 0;

  if (! wants_stub (j->profile->default_action))
    return 0;
  for (size_t i = 0; i < j->n_archs; i++)
    n += find_newest (j, j->archs[i], &newest[n]);
  return filter_stub (newest, n, code);
}

static int
compile (struct job *j, struct filter *ret_filter, struct err *err)
{
  own_mem struct sock_filter *code = calloc (FILTER_STUB_MAX + FILTER_MAX + 1, sizeof *code);
  size_t total;
  int n, ret;

  if (code == NULL)
    return err_sys (err, ENOMEM, "calloc", "filter");
  ret = add_archs (j, err);
  if (ret == 0 && j->profile->n_rules > MANY_RULES)
    (void) j->lib.attr_set (j->context, FILTER_LIB_OPTIMIZE,
                            2); /* before libseccomp 2.5: a slower filter, the same answers */
  if (ret == 0)
    ret = add_rules (j, err);
  if (ret < 0)
    return ret;
  total = make_stub (j, code);
  n = export(j, code + total, FILTER_MAX, err);
  if (n < 0)
    return n;
  total += (size_t) n;
  if (total > FILTER_MAX)
    return err_spec (err, j->profile->where,
                     "is too large: the kernel takes programs of %d instructions, and this becomes %zu", FILTER_MAX,
                     total);
  if (! filter_valid (code, total))
    return err_bug (err, EINVAL, "libseccomp has made a filter that the kernel would not take");
  ret_filter->code = take_ptr (code);
  ret_filter->n = total;
  return 0;
}

int
filter_compile (const struct filter_profile *profile, const struct log *log, struct filter *ret_filter, struct err *err)
{
  struct job j = { .profile = profile, .log = log };
  int ret = filter_lib_open (&j.lib, err);

  if (ret < 0)
    return err_in (err, ret, "%s", profile->where);
  (void) str_copy (ret_filter->library, sizeof ret_filter->library, j.lib.path);
  j.context = j.lib.init (profile->default_action);
  ret = j.context ? compile (&j, ret_filter, err)
                  : err_sys (err, EINVAL, "seccomp_init", "%#x", profile->default_action);
  if (j.context)
    j.lib.release (j.context);
  filter_lib_close (&j.lib);
  return err_in (err, ret, "%s", profile->where);
}

/* What seccomp(2) lets a program consist of, less what needs a closer look.  */
static bool
op_allowed (const struct sock_filter *f)
{
  switch (f->code)
    {
    case BPF_LD | BPF_W | BPF_ABS:
      return f->k < sizeof (struct seccomp_data) && (f->k & 3) == 0;
    case BPF_ALU | BPF_DIV | BPF_K:
      return f->k != 0;
    case BPF_ALU | BPF_LSH | BPF_K:
    case BPF_ALU | BPF_RSH | BPF_K:
      return f->k < 32;
    case BPF_LD | BPF_MEM:
    case BPF_LDX | BPF_MEM:
    case BPF_ST:
    case BPF_STX:
      return f->k < BPF_MEMWORDS;
    case BPF_RET | BPF_K:
    case BPF_RET | BPF_A:
    case BPF_LD | BPF_IMM:
    case BPF_LDX | BPF_IMM:
    case BPF_MISC | BPF_TAX:
    case BPF_MISC | BPF_TXA:
    case BPF_ALU | BPF_ADD | BPF_K:
    case BPF_ALU | BPF_ADD | BPF_X:
    case BPF_ALU | BPF_SUB | BPF_K:
    case BPF_ALU | BPF_SUB | BPF_X:
    case BPF_ALU | BPF_MUL | BPF_K:
    case BPF_ALU | BPF_MUL | BPF_X:
    case BPF_ALU | BPF_DIV | BPF_X:
    case BPF_ALU | BPF_AND | BPF_K:
    case BPF_ALU | BPF_AND | BPF_X:
    case BPF_ALU | BPF_OR | BPF_K:
    case BPF_ALU | BPF_OR | BPF_X:
    case BPF_ALU | BPF_XOR | BPF_K:
    case BPF_ALU | BPF_XOR | BPF_X:
    case BPF_ALU | BPF_LSH | BPF_X:
    case BPF_ALU | BPF_RSH | BPF_X:
    case BPF_ALU | BPF_NEG:
      return true;
    default:
      return BPF_CLASS (f->code) == BPF_JMP;
    }
}

/* LEFT: how many instructions there are after the jump.  */
static bool
jump_allowed (const struct sock_filter *f, size_t left)
{
  switch (f->code)
    {
    case BPF_JMP | BPF_JA:
      return f->k < left;
    case BPF_JMP | BPF_JEQ | BPF_K:
    case BPF_JMP | BPF_JEQ | BPF_X:
    case BPF_JMP | BPF_JGE | BPF_K:
    case BPF_JMP | BPF_JGE | BPF_X:
    case BPF_JMP | BPF_JGT | BPF_K:
    case BPF_JMP | BPF_JGT | BPF_X:
    case BPF_JMP | BPF_JSET | BPF_K:
    case BPF_JMP | BPF_JSET | BPF_X:
      return f->jt < left && f->jf < left;
    default:
      return false;
    }
}

bool
filter_valid (const struct sock_filter *code, size_t n)
{
  if (n == 0 || n > FILTER_MAX || BPF_CLASS (code[n - 1].code) != BPF_RET)
    return false;
  for (size_t i = 0; i < n; i++)
    if (! op_allowed (&code[i]) || (BPF_CLASS (code[i].code) == BPF_JMP && ! jump_allowed (&code[i], n - i - 1)))
      return false;
  return true;
}
