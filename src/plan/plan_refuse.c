/* SPDX-License-Identifier: Apache-2.0 */
/* What runtime-spec allows and we cannot do yet, as a table: refused by name, never ignored.
 * Values that ask for nothing pass.  linux.resources is refused where it is understood:
 * cgroup_limits_check.  A row leaves when its property is implemented. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "ocispec/config.h"
#include "plan/part.h"
#include "plan/report.h"

static const struct oci_linux no_linux;

static const struct oci_linux *
lin (const struct oci_config *c)
{
  return c->linux_ ? c->linux_ : &no_linux;
}

/* A filter that allows everything is none.  */
static bool
asks_seccomp (const struct oci_config *c)
{
  const struct oci_seccomp *s = lin (c)->seccomp;

  return s && (strcmp (s->default_action, "SCMP_ACT_ALLOW") != 0 || s->n_syscalls > 0 || s->n_flags > 0);
}

static const struct
{
  const char *path;
  bool (*asked) (const struct oci_config *c);
} later[] = {
  { "linux.seccomp", asks_seccomp },
};

int
plan_refuse (const struct oci_config *config, struct err *err)
{
  struct report report = { 0 };

  for (size_t i = 0; i < sizeof later / sizeof *later; i++)
    if (later[i].asked (config))
      report_add (&report, later[i].path, "not implemented yet");
  return report_end (&report, err);
}
