/* SPDX-License-Identifier: Apache-2.0 */
/* Seccomp profiles; see profile.h.  Must never look at the machine: what libseccomp or the kernel make of it is found when it is
 * compiled and loaded.  */
#include "plan/profile.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "kernel/filter.h"
#include "ocispec/config.h"
#include "plan/report.h"

#ifndef SECCOMP_FILTER_FLAG_NEW_LISTENER
#define SECCOMP_FILTER_FLAG_NEW_LISTENER (1UL << 3) /* Linux 5.0 */
#endif

static const char section[] = "linux.seccomp";

enum
{
  ERRNO_DEFAULT = EPERM /* config-linux.md */
};

/* Value of NAME, which the decoder has compared with the specification's list; a test compares that with ours.  */
static uint32_t
value (const struct name *table, const char *name)
{
  uint64_t v = 0;

  (void) name_value (table, name, &v);
  return (uint32_t) v;
}

/* What a number beside ACTION may be at most; 0: the action takes none.  */
static uint32_t
errno_limit (const char *action)
{
  uint32_t kind = value (filter_actions, action);

  /* the kernel makes what it cannot answer into the largest errno; a tracer is given all 16 bits */
  return kind == SECCOMP_RET_ERRNO ? FILTER_ERRNO_MAX : kind == SECCOMP_RET_TRACE ? SECCOMP_RET_DATA : 0;
}

static bool
notifies (const char *action)
{
  return value (filter_actions, action) == value (filter_actions, "SCMP_ACT_NOTIFY");
}

static bool
given (const char *text)
{
  return text && *text;
}

bool
profile_notifies (const struct oci_seccomp *s)
{
  for (size_t i = 0; i < s->n_syscalls; i++)
    if (notifies (s->syscalls[i].action))
      return true;
  return false;
}

static bool
strict (const char *action)
{
  uint32_t kind = value (filter_actions, action);

  return kind != SECCOMP_RET_ALLOW && kind != SECCOMP_RET_ERRNO && kind != SECCOMP_RET_LOG;
}

bool
profile_is_strict (const struct oci_seccomp *s)
{
  if (strict (s->default_action))
    return true;
  for (size_t i = 0; i < s->n_syscalls; i++)
    if (strict (s->syscalls[i].action))
      return true;
  return false;
}

static void __attribute__ ((format (printf, 3, 4)))
breach (struct report *report, const char *what, const char *path_fmt, ...)
{
  char path[sizeof report->breach->path];
  va_list args;
  int n = snprintf (path, sizeof path, "%s.", section);

  va_start (args, path_fmt);
  (void) vsnprintf (path + n, sizeof path - (size_t) n, path_fmt, args);
  va_end (args);
  report_add (report, path, "%s", what);
}

/* An errno that ACTION does not take, or that is none: the sentence, or NULL.  */
static const char *
errno_wrong (const char *action, const uint32_t *num)
{
  uint32_t limit = errno_limit (action);

  if (num == NULL)
    return NULL;
  if (limit == 0)
    return "only SCMP_ACT_ERRNO and SCMP_ACT_TRACE take an errno";
  if (*num <= limit)
    return NULL;
  return limit == FILTER_ERRNO_MAX ? "must be at most 4094" : "must be at most 65535";
}

static void
check_call (const struct oci_seccomp_syscall *call, size_t i, struct report *report)
{
  const char *wrong = errno_wrong (call->action, call->errno_ret);

  if (call->n_names == 0)
    breach (report, "must have at least one entry", "syscalls[%zu].names", i);
  for (size_t k = 0; k < call->n_names; k++)
    if (call->names[k][0] == '\0')
      breach (report, "must not be empty", "syscalls[%zu].names[%zu]", i, k);
    else if (notifies (call->action) && strcmp (call->names[k], "write") == 0)
      breach (report, "SCMP_ACT_NOTIFY cannot be used for write", "syscalls[%zu].names[%zu]", i, k);
  if (wrong)
    breach (report, wrong, "syscalls[%zu].errnoRet", i);
  for (size_t k = 0; k < call->n_args; k++)
    if (call->args[k].index >= FILTER_ARGS)
      breach (report, "must be from 0 to 5", "syscalls[%zu].args[%zu].index", i, k);
}

void
profile_check (const struct oci_seccomp *s, struct report *report)
{
  const char *wrong;

  if (s == NULL)
    return;
  wrong = errno_wrong (s->default_action, s->default_errno_ret);
  if (wrong)
    breach (report, wrong, "defaultErrnoRet");
  if (notifies (s->default_action))
    breach (report, "SCMP_ACT_NOTIFY cannot be used as default", "defaultAction");
  if (given (s->listener_metadata) && ! given (s->listener_path))
    breach (report, "needs listenerPath", "listenerMetadata");
  if (profile_notifies (s) && ! given (s->listener_path))
    breach (report, "required with SCMP_ACT_NOTIFY", "listenerPath");
  for (size_t i = 0; i < s->n_syscalls; i++)
    check_call (&s->syscalls[i], i, report);
}

/* ACTION with its errno, as libseccomp and the kernel write it.  */
static uint32_t
full_action (const char *action, const uint32_t *num)
{
  return value (filter_actions, action) | (errno_limit (action) ? (num ? *num : ERRNO_DEFAULT) : 0);
}

/* The conditions of CALL in *ARENA.  */
static const struct filter_arg *
copy_args (const struct oci_seccomp_syscall *call, struct oci_arena **arena)
{
  struct filter_arg *args = oci_alloc (arena, (call->n_args + 1) * sizeof *args);

  for (size_t i = 0; args && i < call->n_args; i++)
    {
      const struct oci_seccomp_arg *a = &call->args[i];

      args[i] = (struct filter_arg){ .index = a->index, .op = value (filter_operators, a->op), .value = a->value,
                                     .value_two = a->value_two ? *a->value_two : 0 };
    }
  return args;
}

int
profile_make (const struct oci_seccomp *s, struct oci_arena **arena, struct filter_profile *ret_profile,
              struct err *err)
{
  struct filter_rule *rules = oci_alloc (arena, (s->n_syscalls + 1) * sizeof *rules);

  if (rules == NULL)
    return err_sys (err, ENOMEM, "malloc", "%s", section);
  for (size_t i = 0; i < s->n_syscalls; i++)
    {
      const struct oci_seccomp_syscall *call = &s->syscalls[i];

      rules[i] = (struct filter_rule){ .names = call->names, .n_names = call->n_names, .n_args = call->n_args,
                                       .action = full_action (call->action, call->errno_ret), .args = copy_args (call, arena) };
      if (rules[i].args == NULL)
        return err_sys (err, ENOMEM, "malloc", "%s", section);
    }
  *ret_profile = (struct filter_profile){ .where = section, .default_action = full_action (s->default_action, s->default_errno_ret),
                                          .archs = s->architectures, .n_archs = s->n_architectures,
                                          .rules = rules, .n_rules = s->n_syscalls };
  return 0;
}

unsigned
profile_flags (const struct oci_seccomp *s)
{
  unsigned flags = 0;

  for (size_t i = 0; i < s->n_flags; i++)
    flags |= value (filter_flags, s->flags[i]);
  /* who loads it is the only thread of its process, so that all threads have it; and beside a listener the flag would want another one */
  flags &= ~(unsigned) SECCOMP_FILTER_FLAG_TSYNC;
  if (profile_notifies (s))
    return flags | SECCOMP_FILTER_FLAG_NEW_LISTENER;
  /* how to wait for an agent: without one the kernel refuses it */
  return flags & ~value (filter_flags, "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV");
}
