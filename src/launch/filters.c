/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled filters; see filters.h.  */
#include "launch/filters.h"

#include "kernel/filter.h"
#include "plan/profile.h"

int
filters_get (const char *root, const struct oci_seccomp *s, struct oci_arena **arena, const struct log *log,
             struct filter *ret_filter, struct err *err)
{
  struct filter_profile profile;
  int ret = profile_make (s, arena, &profile, err);

  (void) root;
  return ret < 0 ? ret : filter_compile (&profile, log, ret_filter, err);
}
