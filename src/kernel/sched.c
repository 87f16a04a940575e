/* SPDX-License-Identifier: Apache-2.0 */
/* Scheduling; see sched.h.  Numbers are those of the kernel's <linux/sched.h> and <linux/ioprio.h>, which C libraries hide or lack. */
#include "kernel/sched.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "kernel/sys.h"

const struct name sched_policies[] = {
  { "SCHED_OTHER", 0 }, { "SCHED_FIFO", 1 }, { "SCHED_RR", 2 },       { "SCHED_BATCH", 3 },
  { "SCHED_ISO", 4 }, /* reserved; no released kernel has it */
  { "SCHED_IDLE", 5 },  { "SCHED_DEADLINE", 6 }, { NULL, 0 },
};

const struct name sched_flags[] = {
  { "SCHED_FLAG_RESET_ON_FORK", 0x01 }, { "SCHED_FLAG_RECLAIM", 0x02 },        { "SCHED_FLAG_DL_OVERRUN", 0x04 },
  { "SCHED_FLAG_KEEP_POLICY", 0x08 },   { "SCHED_FLAG_KEEP_PARAMS", 0x10 },    { "SCHED_FLAG_UTIL_CLAMP_MIN", 0x20 },
  { "SCHED_FLAG_UTIL_CLAMP_MAX", 0x40 }, { NULL, 0 },
};

const struct name sched_io_classes[] = {
  { "IOPRIO_CLASS_RT", 1 }, { "IOPRIO_CLASS_BE", 2 }, { "IOPRIO_CLASS_IDLE", 3 }, { NULL, 0 },
};

int
sched_set (pid_t pid, const struct sched *s, struct err *err)
{
  const struct sys_sched_attr attr = { .size = sizeof attr, .policy = s->policy, .flags = s->flags, .nice = s->nice,
                                       .priority = s->priority, .runtime = s->runtime, .deadline = s->deadline, .period = s->period };
  const char *name = value_name (sched_policies, s->policy);
  int ret = sys_sched_setattr (pid, &attr);

  return ret < 0 ? err_sys (err, -ret, "sched_setattr", "%s", name ? name : "policy") : 0;
}

int
sched_set_io (pid_t pid, unsigned class_, unsigned level, struct err *err)
{
  enum { CLASS_SHIFT = 13 };
  const char *name = value_name (sched_io_classes, class_);
  int ret = sys_ioprio_set (pid, class_ << CLASS_SHIFT | level);

  return ret < 0 ? err_sys (err, -ret, "ioprio_set", "%s %u", name ? name : "class", level) : 0;
}

int
sched_pin (pid_t pid, const struct bits *cpus, struct err *err)
{
  int ret = sys_sched_setaffinity (pid, sizeof cpus->word, cpus->word);

  return ret < 0 ? err_sys (err, -ret, "sched_setaffinity", "processors") : 0;
}

int
sched_unpin (pid_t pid, struct err *err)
{
  struct bits all;

  memset (&all, 0xff, sizeof all);
  return sched_pin (pid, &all, err);
}

int
sched_pinned (pid_t pid, struct bits *ret_cpus, struct err *err)
{
  int ret;

  memset (ret_cpus, 0, sizeof *ret_cpus); /* the kernel writes as many bytes as it needs */
  ret = sys_sched_getaffinity (pid, sizeof ret_cpus->word, ret_cpus->word);
  return ret < 0 ? err_sys (err, -ret, "sched_getaffinity", "processors") : 0;
}
