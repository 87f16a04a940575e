/* SPDX-License-Identifier: Apache-2.0 */
/* How the process is scheduled, where its memory comes from, which personality it has: words become numbers here.  What the process
 * document of exec leaves open is as for the container's first process, as runc has it. */
#include <errno.h>
#include <linux/capability.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/names.h"
#include "kernel/numa.h"
#include "kernel/sched.h"
#include "ocispec/config.h"
#include "plan/arena.h"
#include "plan/host.h"
#include "plan/part.h"

static const struct name personalities[] = {
  { "LINUX", 0 },   /* PER_LINUX */
  { "LINUX32", 8 }, /* PER_LINUX32 */
  { NULL, 0 },
};

static const struct oci_process no_process;

/* The numbers of WORDS, all of them in TABLE, as one mask.  */
static uint64_t
fold (const struct name *table, const char *const *words, size_t n)
{
  uint64_t mask = 0, bit;

  for (size_t i = 0; i < n; i++)
    if (name_value (table, words[i], &bit))
      mask |= bit;
  return mask;
}

static uint64_t
number (const uint64_t *n)
{
  return n ? *n : 0;
}

static int
copy_scheduler (const struct part *p, const struct oci_scheduler *from, struct err *err)
{
  struct sched *to;
  uint64_t policy;

  if (from == NULL)
    return 0;
  to = plan_alloc (p->arena, sizeof *to);
  if (to == NULL)
    return part_nomem (err);
  if (! name_value (sched_policies, from->policy, &policy))
    return err_spec (err, "process.scheduler.policy", "unknown policy %s", from->policy);
  to->policy = (uint32_t) policy;
  to->flags = fold (sched_flags, from->flags, from->n_flags);
  to->nice = from->nice ? *from->nice : 0;
  to->priority = from->priority ? (uint32_t) *from->priority : 0; /* not negative: rules_check */
  to->runtime = number (from->runtime);
  to->deadline = number (from->deadline);
  to->period = number (from->period);
  p->plan->process.scheduler = to;
  return 0;
}

static int
copy_io_priority (const struct part *p, const struct oci_io_priority *from, struct err *err)
{
  struct plan_io_priority *to;
  uint64_t class_;

  if (from == NULL)
    return 0;
  to = plan_alloc (p->arena, sizeof *to);
  if (to == NULL)
    return part_nomem (err);
  if (! name_value (sched_io_classes, from->class_, &class_))
    return err_spec (err, "process.ioPriority.class", "unknown class %s", from->class_);
  *to = (struct plan_io_priority){ .class_ = (unsigned) class_, .level = (unsigned) from->priority };
  p->plan->process.io_priority = to;
  return 0;
}

/* LIST as a set in the arena; NULL for an empty one.  */
static int
copy_list (const struct part *p, const char *list, const struct bits **ret, struct err *err)
{
  struct bits bits, *copy;

  *ret = NULL;
  if (list == NULL || bits_parse (list, &bits) < 0 || bits_words (&bits) == 0) /* a broken one is rules_check's to refuse */
    return 0;
  copy = plan_alloc (p->arena, sizeof *copy);
  if (copy == NULL)
    return part_nomem (err);
  *copy = bits;
  *ret = copy;
  return 0;
}

/* The runtime's affinity must not leak into the container.  Older kernels saw to it when a process was moved to another cpuset; since
 * Linux 6.2 they remember what was set before.  */
static int
copy_affinity (const struct part *p, const struct oci_exec_cpu_affinity *from, struct err *err)
{
  struct plan_process *to = &p->plan->process;
  int ret = 0;

  if (p->plan->action == PLAN_EXEC && from)
    {
      ret = copy_list (p, from->initial, &to->initial_cpus, err);
      if (ret == 0)
        ret = copy_list (p, from->final, &to->cpus, err);
    }
  to->any_cpu = to->initial_cpus == NULL && to->cpus == NULL;
  return ret;
}

static int
copy_memory_policy (const struct part *p, const struct oci_memory_policy *from, struct err *err)
{
  struct plan_memory_policy *to;
  struct bits *none;
  uint64_t mode;
  int ret;

  if (from == NULL)
    return 0;
  to = plan_alloc (p->arena, sizeof *to);
  none = plan_alloc (p->arena, sizeof *none);
  if (to == NULL || none == NULL)
    return part_nomem (err);
  if (! name_value (numa_modes, from->mode, &mode))
    return err_spec (err, "linux.memoryPolicy.mode", "unknown mode %s", from->mode);
  ret = copy_list (p, from->nodes, &to->nodes, err);
  if (to->nodes == NULL)
    to->nodes = none;
  to->mode = (unsigned) mode;
  to->flags = (unsigned) fold (numa_flags, from->flags, from->n_flags);
  p->plan->memory_policy = to;
  return ret;
}

static int
copy_personality (const struct part *p, const struct oci_personality *from, struct err *err)
{
  unsigned long *to;
  uint64_t domain;

  if (from == NULL)
    return 0;
  to = plan_alloc (p->arena, sizeof *to);
  if (to == NULL)
    return part_nomem (err);
  if (! name_value (personalities, from->domain, &domain))
    return err_spec (err, "linux.personality.domain", "unknown domain %s", from->domain);
  *to = (unsigned long) domain;
  p->plan->personality = to;
  return 0;
}

int
plan_task (const struct part *p, struct err *err)
{
  const struct oci_process *own = p->process ? p->process : &no_process, *first = p->config->process ? p->config->process : &no_process;
  const struct oci_linux *l = p->config->linux_;
  bool may = (p->host->permitted & (1ULL << CAP_SYS_NICE)) != 0;
  int ret = copy_scheduler (p, own->scheduler ? own->scheduler : first->scheduler, err);

  if (ret == 0)
    ret = copy_io_priority (p, own->io_priority ? own->io_priority : first->io_priority, err);
  if (ret == 0)
    ret = copy_affinity (p, own->exec_cpu_affinity ? own->exec_cpu_affinity : first->exec_cpu_affinity, err);
  if (ret == 0)
    ret = copy_memory_policy (p, l ? l->memory_policy : NULL, err);
  if (ret == 0)
    ret = copy_personality (p, l ? l->personality : NULL, err);
  /* the kernel asks for the privilege in the first user namespace (sched(7)): there nobody can act for the child */
  p->plan->process.scheduled_by_parent = may && ! p->host->in_user_ns;
  return ret;
}
