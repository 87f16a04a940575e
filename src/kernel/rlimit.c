/* SPDX-License-Identifier: Apache-2.0 */
/* Resource limits.  child-safe */
#include "kernel/rlimit.h"

#include <stddef.h>

#include <sys/resource.h>

#include "base/err.h"
#include "kernel/sys.h"

const struct name rlimit_names[] = {
  { "RLIMIT_AS", RLIMIT_AS },
  { "RLIMIT_CORE", RLIMIT_CORE },
  { "RLIMIT_CPU", RLIMIT_CPU },
  { "RLIMIT_DATA", RLIMIT_DATA },
  { "RLIMIT_FSIZE", RLIMIT_FSIZE },
  { "RLIMIT_LOCKS", RLIMIT_LOCKS },
  { "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK },
  { "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE },
  { "RLIMIT_NICE", RLIMIT_NICE },
  { "RLIMIT_NOFILE", RLIMIT_NOFILE },
  { "RLIMIT_NPROC", RLIMIT_NPROC },
  { "RLIMIT_RSS", RLIMIT_RSS },
  { "RLIMIT_RTPRIO", RLIMIT_RTPRIO },
  { "RLIMIT_RTTIME", RLIMIT_RTTIME },
  { "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING },
  { "RLIMIT_STACK", RLIMIT_STACK },
  { NULL, 0 },
};

int
rlimit_set (unsigned which, uint64_t soft, uint64_t hard, struct err *err)
{
  const struct sys_rlimit limit = { .soft = soft, .hard = hard };
  const char *name = value_name (rlimit_names, which);

  int ret = sys_prlimit (0, which, &limit, NULL);
  if (ret < 0)
    return err_sys (err, -ret, "prlimit64", "%s %llu:%llu", name ? name : "unknown limit", (unsigned long long) soft,
                    (unsigned long long) hard);
  return 0;
}
