/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of how a process is scheduled, where its memory comes from, of its personality and its labels; see rule.h.  What the kernel
 * would refuse for any machine is refused here, by its JSON path. */
#include <stdint.h>
#include <string.h>

#include "base/bits.h"
#include "ocispec/config.h"
#include "plan/rule.h"

static const struct oci_scheduler no_scheduler = { .policy = "" };
static const struct oci_exec_cpu_affinity no_affinity;
static const struct oci_memory_policy no_policy = { .mode = "" };

static const struct oci_scheduler *
sched (const struct oci_config *c)
{
  return c->process && c->process->scheduler ? c->process->scheduler : &no_scheduler;
}

static const struct oci_exec_cpu_affinity *
affinity (const struct oci_config *c)
{
  return c->process && c->process->exec_cpu_affinity ? c->process->exec_cpu_affinity : &no_affinity;
}

static const struct oci_memory_policy *
policy (const struct oci_config *c)
{
  return c->linux_ && c->linux_->memory_policy ? c->linux_->memory_policy : &no_policy;
}

static bool
listed (const char *const *list, size_t n, const char *word)
{
  for (size_t i = 0; i < n; i++)
    if (strcmp (list[i], word) == 0)
      return true;
  return false;
}

/* --- process.scheduler */

static bool
is_policy (const struct oci_config *c, const char *name)
{
  return strcmp (sched (c)->policy, name) == 0;
}

static bool
is_real_time (const struct oci_config *c)
{
  return is_policy (c, "SCHED_FIFO") || is_policy (c, "SCHED_RR");
}

static uint64_t
number (const uint64_t *n)
{
  return n ? *n : 0;
}

static bool
nice_far (const struct oci_config *c, size_t i)
{
  const int32_t *nice = sched (c)->nice;

  (void) i;
  return nice && (*nice < -20 || *nice > 19);
}

static bool
priority_far (const struct oci_config *c, size_t i)
{
  const int32_t *priority = sched (c)->priority;

  (void) i;
  return is_real_time (c) && (priority == NULL || *priority < 1 || *priority > 99);
}

static bool
priority_idle (const struct oci_config *c, size_t i)
{
  const int32_t *priority = sched (c)->priority;

  (void) i;
  return ! is_real_time (c) && priority && *priority != 0;
}

static bool
deadline_idle (const struct oci_config *c, const uint64_t *n)
{
  return ! is_policy (c, "SCHED_DEADLINE") && number (n) != 0;
}

static bool
runtime_idle (const struct oci_config *c, size_t i)
{
  (void) i;
  return deadline_idle (c, sched (c)->runtime);
}

static bool
deadline_alone (const struct oci_config *c, size_t i)
{
  (void) i;
  return deadline_idle (c, sched (c)->deadline);
}

static bool
period_idle (const struct oci_config *c, size_t i)
{
  (void) i;
  return deadline_idle (c, sched (c)->period);
}

enum { RUNTIME_MIN = 1024 }; /* nanoseconds: sched(7) */

static bool
runtime_broken (const struct oci_config *c, size_t i)
{
  const struct oci_scheduler *s = sched (c);

  (void) i;
  return is_policy (c, "SCHED_DEADLINE")
         && (number (s->runtime) < RUNTIME_MIN || number (s->runtime) > number (s->deadline) || number (s->runtime) >> 63);
}

static bool
period_broken (const struct oci_config *c, size_t i)
{
  const struct oci_scheduler *s = sched (c);

  (void) i;
  return is_policy (c, "SCHED_DEADLINE") && number (s->period) != 0 && (number (s->period) < number (s->deadline) || number (s->period) >> 63);
}

/* clone(2) refuses such a process a child (EAGAIN).  */
static bool
hooks_starved (const struct oci_config *c, size_t i)
{
  const struct oci_scheduler *s = sched (c);

  (void) i;
  return is_policy (c, "SCHED_DEADLINE") && c->hooks && c->hooks->n_start_container > 0
         && ! listed (s->flags, s->n_flags, "SCHED_FLAG_RESET_ON_FORK");
}

/* --- process.ioPriority, process.execCPUAffinity */

static bool
io_level_far (const struct oci_config *c, size_t i)
{
  const struct oci_io_priority *p = c->process ? c->process->io_priority : NULL;

  (void) i;
  return p && (p->priority < 0 || p->priority > 7);
}

static bool
no_list (const char *text)
{
  struct bits bits;

  return text && bits_parse (text, &bits) < 0;
}

static bool
initial_broken (const struct oci_config *c, size_t i)
{
  (void) i;
  return no_list (affinity (c)->initial);
}

static bool
final_broken (const struct oci_config *c, size_t i)
{
  (void) i;
  return no_list (affinity (c)->final);
}

/* --- linux.memoryPolicy */

enum { NODES_MAX = 1024 }; /* MAX_NUMNODES of the largest configuration */

static bool
nodes_broken (const struct oci_config *c, size_t i)
{
  const char *nodes = policy (c)->nodes;
  struct bits bits;

  (void) i;
  return nodes && (bits_parse (nodes, &bits) < 0 || bits_words (&bits) > NODES_MAX / BITS_PER_WORD);
}

static bool
has_nodes (const struct oci_config *c)
{
  const char *nodes = policy (c)->nodes;
  struct bits bits;

  return nodes && (bits_parse (nodes, &bits) < 0 || bits_words (&bits) > 0);
}

static bool
takes_no_nodes (const struct oci_config *c)
{
  const char *mode = policy (c)->mode;

  return strcmp (mode, "MPOL_DEFAULT") == 0 || strcmp (mode, "MPOL_LOCAL") == 0;
}

static bool
nodes_idle (const struct oci_config *c, size_t i)
{
  (void) i;
  return takes_no_nodes (c) && has_nodes (c);
}

/* MPOL_PREFERRED without nodes means where the thread runs (set_mempolicy(2)).  */
static bool
nodes_missing (const struct oci_config *c, size_t i)
{
  const char *mode = policy (c)->mode;

  (void) i;
  return mode[0] && ! takes_no_nodes (c) && strcmp (mode, "MPOL_PREFERRED") != 0 && ! has_nodes (c);
}

static bool
has_flag (const struct oci_config *c, const char *flag)
{
  return listed (policy (c)->flags, policy (c)->n_flags, flag);
}

static bool
flags_exclusive (const struct oci_config *c, size_t i)
{
  (void) i;
  return has_flag (c, "MPOL_F_STATIC_NODES") && has_flag (c, "MPOL_F_RELATIVE_NODES");
}

static bool
flags_idle (const struct oci_config *c, size_t i)
{
  (void) i;
  return ! has_nodes (c) && (has_flag (c, "MPOL_F_STATIC_NODES") || has_flag (c, "MPOL_F_RELATIVE_NODES"));
}

static bool
balancing_alone (const struct oci_config *c, size_t i)
{
  const char *mode = policy (c)->mode;

  (void) i;
  return has_flag (c, "MPOL_F_NUMA_BALANCING") && strcmp (mode, "MPOL_BIND") != 0 && strcmp (mode, "MPOL_PREFERRED_MANY") != 0;
}

/* --- linux.personality */

static size_t
n_persona_flags (const struct oci_config *c)
{
  return c->linux_ && c->linux_->personality ? c->linux_->personality->n_flags : 0;
}

static bool
always (const struct oci_config *c, size_t i)
{
  (void) c;
  (void) i;
  return true;
}

/* --- labels */

/* They are written in one piece: a line feed would end one, and a quote would end the option that carries one.  */
static bool
no_label (const char *text)
{
  for (; text && *text; text++)
    if ((unsigned char) *text < ' ' || *text == 0x7f || *text == '"')
      return true;
  return false;
}

static bool
profile_broken (const struct oci_config *c, size_t i)
{
  (void) i;
  return c->process && no_label (c->process->apparmor_profile);
}

static bool
label_broken (const struct oci_config *c, size_t i)
{
  (void) i;
  return c->process && no_label (c->process->selinux_label);
}

static bool
mount_label_broken (const struct oci_config *c, size_t i)
{
  (void) i;
  return c->linux_ && no_label (c->linux_->mount_label);
}

const struct rule rules_task[] = {
  { "process.apparmorProfile", NULL, NULL, profile_broken, "must not have control characters or quotes", "config.md#linux-process" },
  { "process.selinuxLabel", NULL, NULL, label_broken, "must not have control characters or quotes", "config.md#linux-process" },
  { "linux.mountLabel", NULL, NULL, mount_label_broken, "must not have control characters or quotes", "config-linux.md#mount-label" },
  { "process.scheduler.nice", NULL, NULL, nice_far, "must be from -20 to 19", "config.md#linux-process" },
  { "process.scheduler.priority", NULL, NULL, priority_far, "must be from 1 to 99 with SCHED_FIFO and SCHED_RR", "config.md#linux-process" },
  { "process.scheduler.priority", NULL, NULL, priority_idle, "needs SCHED_FIFO or SCHED_RR", "config.md#linux-process" },
  { "process.scheduler.runtime", NULL, NULL, runtime_idle, "needs SCHED_DEADLINE", "config.md#linux-process" },
  { "process.scheduler.deadline", NULL, NULL, deadline_alone, "needs SCHED_DEADLINE", "config.md#linux-process" },
  { "process.scheduler.period", NULL, NULL, period_idle, "needs SCHED_DEADLINE", "config.md#linux-process" },
  { "process.scheduler.runtime", NULL, NULL, runtime_broken, "must be at least 1024 (nanoseconds) and not above deadline", "config.md#linux-process" },
  { "process.scheduler.period", NULL, NULL, period_broken, "must not be below deadline", "config.md#linux-process" },
  { "process.scheduler.flags", NULL, NULL, hooks_starved, "startContainer hooks need SCHED_FLAG_RESET_ON_FORK: a SCHED_DEADLINE process may not fork", "config.md#linux-process" },
  { "process.ioPriority.priority", NULL, NULL, io_level_far, "must be from 0 to 7", "config.md#linux-process" },
  { "process.execCPUAffinity.initial", NULL, NULL, initial_broken, "must be a list of processors such as 0-3,7", "config.md#linux-process" },
  { "process.execCPUAffinity.final", NULL, NULL, final_broken, "must be a list of processors such as 0-3,7", "config.md#linux-process" },
  { "linux.memoryPolicy.nodes", NULL, NULL, nodes_broken, "must be a list of nodes such as 0-3,7", "config-linux.md#memory-policy" },
  { "linux.memoryPolicy.nodes", NULL, NULL, nodes_idle, "must be empty with MPOL_DEFAULT and MPOL_LOCAL", "config-linux.md#memory-policy" },
  { "linux.memoryPolicy.nodes", NULL, NULL, nodes_missing, "required with this mode", "config-linux.md#memory-policy" },
  { "linux.memoryPolicy.flags", NULL, NULL, flags_exclusive, "MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other", "config-linux.md#memory-policy" },
  { "linux.memoryPolicy.flags", NULL, NULL, flags_idle, "MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES need nodes", "config-linux.md#memory-policy" },
  { "linux.memoryPolicy.flags", NULL, NULL, balancing_alone, "MPOL_F_NUMA_BALANCING needs MPOL_BIND or MPOL_PREFERRED_MANY", "config-linux.md#memory-policy" },
  { "linux.personality.flags[]", n_persona_flags, NULL, always, "is not supported: runtime-spec names no flag", "config-linux.md#personality" },
};

const size_t rules_n_task = sizeof rules_task / sizeof *rules_task;
