/* SPDX-License-Identifier: Apache-2.0 */
/* What runtime-spec allows and we cannot do yet, as a table: refused by name, never ignored.
 * Values that ask for nothing pass.  linux.resources is refused where it is understood:
 * cgroup_limits_check.  A row leaves when its property is implemented. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "ocispec/config.h"
#include "plan/part.h"
#include "plan/report.h"

static const struct oci_linux no_linux;
static const struct oci_process no_process;

static const struct oci_linux *
lin (const struct oci_config *c)
{
  return c->linux_ ? c->linux_ : &no_linux;
}

static const struct oci_process *
proc (const struct oci_config *c)
{
  return c->process ? c->process : &no_process;
}

static bool
given (const char *text)
{
  return text && text[0] != '\0';
}

/* A filter that allows everything is none.  */
static bool
asks_seccomp (const struct oci_config *c)
{
  const struct oci_seccomp *s = lin (c)->seccomp;

  return s && (strcmp (s->default_action, "SCMP_ACT_ALLOW") != 0 || s->n_syscalls > 0 || s->n_flags > 0);
}

static bool
asks_mount_label (const struct oci_config *c)
{
  return given (lin (c)->mount_label);
}

/* "unconfined" is what a process is that nobody confined.  */
static bool
asks_apparmor (const struct oci_config *c)
{
  const char *profile = proc (c)->apparmor_profile;

  return given (profile) && strcmp (profile, "unconfined") != 0;
}

static bool
asks_selinux (const struct oci_config *c)
{
  return given (proc (c)->selinux_label);
}

static const struct
{
  const char *path;
  bool (*asked) (const struct oci_config *c);
} later[] = {
  { "process.apparmorProfile", asks_apparmor },
  { "process.selinuxLabel", asks_selinux },
  { "linux.seccomp", asks_seccomp },
  { "linux.mountLabel", asks_mount_label },
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

int
plan_refuse_process (const struct oci_process *process, struct err *err)
{
  struct report report = { 0 };
  struct oci_process copy = *process;
  const struct oci_config config = { .process = &copy };

  for (size_t i = 0; i < sizeof later / sizeof *later; i++)
    {
      const char *path = str_after (later[i].path, "process.");
      if (path && later[i].asked (&config))
        report_add (&report, path, "not implemented yet");
    }
  return report_end (&report, err);
}
