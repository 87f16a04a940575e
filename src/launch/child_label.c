/* SPDX-License-Identifier: Apache-2.0 */
/* Labels of security modules: the runtime's procfs is opened before anything of the container can be mounted or joined, and written
 * through when the program's turn is near.  child-safe */
#include "kernel/lsm.h"
#include "launch/child.h"

int
child_label_open (void *self, struct err *err)
{
  int fd = child_proc (self, err);

  return fd < 0 ? fd : 0;
}

int
child_label (void *self, struct err *err)
{
  struct child *c = self;
  const struct plan_process *p = &c->plan->process;
  int ret = 0;

  if (p->apparmor)
    ret = err_in (err, lsm_label_exec (c->proc, LSM_APPARMOR, p->apparmor, err), "process.apparmorProfile");
  if (ret == 0 && p->selinux)
    ret = err_in (err, lsm_label_exec (c->proc, LSM_SELINUX, p->selinux, err), "process.selinuxLabel");
  return ret;
}
