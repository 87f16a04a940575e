/* SPDX-License-Identifier: Apache-2.0 */
/* The filter of system calls: its program, what it takes to load it, and who is told of its listener.  */
#include <errno.h>
#include <linux/capability.h>
#include <string.h>

#include "base/err.h"
#include "kernel/filter.h"
#include "ocispec/config.h"
#include "plan/arena.h"
#include "plan/host.h"
#include "plan/part.h"
#include "plan/profile.h"

/* The compiled program, which whoever shows a plan need not have.  */
static int
copy_program (const struct part *p, struct plan_seccomp *to, struct err *err)
{
  const struct filter *f = p->args->filter;
  struct sock_filter *code;

  if (f == NULL || f->n == 0)
    return 0;
  code = plan_alloc (p->arena, f->n * sizeof *code);
  if (code == NULL)
    return part_nomem (err);
  memcpy (code, f->code, f->n * sizeof *code);
  to->code = code;
  to->n = f->n;
  return 0;
}

static int
copy_listener (const struct part *p, const struct oci_seccomp *s, struct plan_seccomp *to, struct err *err)
{
  to->listener_path = part_host_path (p, s->listener_path);
  if (to->listener_path == NULL)
    return part_nomem (err);
  if (s->listener_metadata && (to->listener_metadata = plan_strdup (p->arena, s->listener_metadata)) == NULL)
    return part_nomem (err);
  return 0;
}

int
plan_seccomp (const struct part *p, struct err *err)
{
  const struct oci_seccomp *s = p->config->linux_ ? p->config->linux_->seccomp : NULL;
  const struct plan_ns *ns = &p->plan->ns;
  struct plan_seccomp *to = &p->plan->seccomp;

  if (s == NULL || p->process == NULL)
    return 0;
  to->given = true;
  to->flags = profile_flags (s);
  to->strict = profile_is_strict (s);
  to->keep_admin = ! p->process->no_new_privileges;
  if (to->keep_admin && ! ns->new_user && ! ns->joined_user && ! (p->host->permitted & (1ULL << CAP_SYS_ADMIN)))
    return err_in (err, err_host (err, EPERM, "loading a filter without process.noNewPrivileges needs CAP_SYS_ADMIN"),
                   "linux.seccomp");
  if (profile_notifies (s) && copy_listener (p, s, to, err) < 0)
    return -ENOMEM;
  return copy_program (p, to, err);
}
