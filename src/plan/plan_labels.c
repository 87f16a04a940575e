/* SPDX-License-Identifier: Apache-2.0 */
/* Labels of AppArmor and SELinux, of the process and of mounts.  One that the machine cannot set is an error: a container that
 * runs unconfined although it was to be confined is the worst of answers. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "ocispec/config.h"
#include "plan/arena.h"
#include "plan/host.h"
#include "plan/part.h"

static const struct oci_process no_process;

/* TEXT, or OTHER where there is none; NULL for an empty one, which is what absent becomes in some languages.  */
static const char *
given (const char *text, const char *other)
{
  const char *t = text && text[0] ? text : other;

  return t && t[0] ? t : NULL;
}

/* What is asked for: exec's process is as the container's first one where its document says nothing, as runc and crun have it.  */
static const char *
find_profile (const struct oci_config *c, const struct oci_process *p)
{
  return given (p ? p->apparmor_profile : NULL, c->process ? c->process->apparmor_profile : NULL);
}

static const char *
find_label (const struct oci_config *c, const struct oci_process *p)
{
  return given (p ? p->selinux_label : NULL, c->process ? c->process->selinux_label : NULL);
}

static const char *
find_mount_label (const struct oci_config *c)
{
  return given (c->linux_ ? c->linux_->mount_label : NULL, NULL);
}

bool
plan_asks_labels (const struct oci_config *config, const struct oci_process *process)
{
  return find_profile (config, process) || find_label (config, process) || find_mount_label (config);
}

/* Where the property stands: at the top of exec's own document.  */
static const char *
where (const struct part *p, bool own, const char *property)
{
  return own && p->plan->action == PLAN_EXEC ? property : plan_printf (p->arena, "process.%s", property);
}

static int
copy_profile (const struct part *p, const struct oci_process *own, struct err *err)
{
  const char *profile = find_profile (p->config, own);

  if (profile == NULL)
    return 0;
  /* "unconfined" is what a process is that nobody confined; where there is AppArmor we might be confined ourselves */
  if (! p->host->apparmor && strcmp (profile, "unconfined") == 0)
    return 0;
  if (! p->host->apparmor)
    return err_in (err, err_host (err, ENOTSUP, "AppArmor is not there (/sys/module/apparmor/parameters/enabled), so profile %.200s cannot confine the container", profile),
                   "%s", where (p, given (own->apparmor_profile, NULL), "apparmorProfile"));
  p->plan->process.apparmor = plan_strdup (p->arena, profile);
  return p->plan->process.apparmor ? 0 : part_nomem (err);
}

static int
copy_label (const struct part *p, const struct oci_process *own, struct err *err)
{
  const char *label = find_label (p->config, own);

  if (label == NULL)
    return 0;
  if (! p->host->selinux)
    return err_in (err, err_host (err, ENOTSUP, "SELinux is not there (/sys/fs/selinux), so label %.200s cannot confine the container", label),
                   "%s", where (p, given (own->selinux_label, NULL), "selinuxLabel"));
  p->plan->process.selinux = plan_strdup (p->arena, label);
  return p->plan->process.selinux ? 0 : part_nomem (err);
}

static int
copy_mount_label (const struct part *p, struct err *err)
{
  const char *label = find_mount_label (p->config);

  if (label == NULL || p->plan->action == PLAN_EXEC)
    return 0;
  if (! p->host->selinux)
    return err_in (err, err_host (err, ENOTSUP, "SELinux is not there (/sys/fs/selinux), so mounts cannot have label %.200s", label),
                   "linux.mountLabel");
  p->plan->mount_label = plan_strdup (p->arena, label);
  return p->plan->mount_label ? 0 : part_nomem (err);
}

int
plan_labels (const struct part *p, struct err *err)
{
  const struct oci_process *own = p->process ? p->process : &no_process;
  int ret = copy_profile (p, own, err);

  if (ret == 0)
    ret = copy_label (p, own, err);
  return ret < 0 ? ret : copy_mount_label (p, err);
}
