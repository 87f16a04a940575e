/* SPDX-License-Identifier: Apache-2.0 */
/* Programs of seccomp(2): from a profile in plain values to what the kernel takes, by libseccomp.  That library is loaded
 * when a filter must be compiled and at no other time.  Parent only: nothing here is child-safe; loading into the kernel is seccomp.h. */
#ifndef ORLOP_KERNEL_FILTER_H
#define ORLOP_KERNEL_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/names.h"

struct err;
struct log;

enum
{
  FILTER_ARGS = 6,         /* arguments of a system call */
  FILTER_MAX = 4096,       /* BPF_MAXINSNS of the kernel */
  FILTER_ERRNO_MAX = 4094, /* the kernel answers at most MAX_ERRNO, 4095, and libseccomp takes what is below it */
  FILTER_PATH = 256
};

/* The words of runtime-spec, which are libseccomp's; each table ends with a NULL name.  Values of actions are SECCOMP_RET_*, of operators
 * enum scmp_compare, of flags SECCOMP_FILTER_FLAG_*.  */
extern const struct name filter_actions[], filter_operators[], filter_flags[];

/* One condition on an argument.  */
struct filter_arg
{
  unsigned index;     /* below FILTER_ARGS */
  uint32_t op;        /* of filter_operators */
  uint64_t value;     /* what is compared with; for a masked comparison the mask */
  uint64_t value_two; /* for a masked comparison what is compared with */
};

struct filter_rule
{
  const char *const *names;
  size_t n_names;
  uint32_t action; /* of filter_actions, with the errno in its lower half */
  const struct filter_arg *args;
  size_t n_args;
};

struct filter_profile
{
  const char *where; /* JSON path, for errors */
  uint32_t default_action;
  const char *const *archs; /* SCMP_ARCH_*; that of this machine is always one of them */
  size_t n_archs;
  const struct filter_rule *rules;
  size_t n_rules;
};

/* A compiled program.  */
struct filter
{
  struct sock_filter *code; /* owned; free (3) */
  size_t n;
  char library[FILTER_PATH]; /* file of the libseccomp that compiled it */
};

/* Compiles PROFILE, with the stub of filter_stub.h in front unless the default action lets calls through.  Calls that the library does not know are
 * skipped with a line to LOG (may be NULL) at debug level.  Several conditions on one argument are alternatives, as runc has it.
 * -ENOTSUP: this build, or this machine, has no libseccomp.  Returns 0 or negative errno.  */
int filter_compile (const struct filter_profile *profile, const struct log *log, struct filter *ret_filter,
                    struct err *err);

/* True if the kernel would take the N instructions of CODE: at least one and at most FILTER_MAX, only those that seccomp(2) allows, jumps that stay
 * inside, a return at the end.  Pure.  */
bool filter_valid (const struct sock_filter *code, size_t n);

#endif
