/* SPDX-License-Identifier: Apache-2.0 */
/* Security modules that confine by a label: whether they are there, and labels for the next execve and for keys.  A label is
 * written through a handle of procfs that the caller has checked, so that no mount can take it (CVE-2019-16884, CVE-2025-52881).
 * See proc_pid_attr(5), and lsm.rst of the kernel. */
#ifndef ORLOP_KERNEL_LSM_H
#define ORLOP_KERNEL_LSM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct err;

enum lsm
{
  LSM_APPARMOR,
  LSM_SELINUX
};

/* True if WHICH is at work, by what stands below SYS ("/sys").  One call.  */
bool lsm_present (enum lsm which, const char *sys);

enum
{
  LSM_LABEL_MAX = 4096 /* what attr reads and writes is at most a page (proc_pid_attr(5)) */
};

/* Writes the label that confines PID, or this process if PID is 0, into BUF, without AppArmor's mode behind it.  Returns 0 or negative errno.  */
int lsm_label_of (pid_t pid, enum lsm which, char *buf, size_t size);

/* The program that this process executes next is confined by LABEL: of AppArmor the name of a loaded profile, of SELinux a context.  PROC is the
 * root of procfs.  Stacked modules have a file each where the kernel has one (Linux 5.8 for AppArmor).  Returns 0 or negative errno (-ENOENT
 * of write: the profile is not loaded; -EINVAL: no such context, or a kernel without WHICH; -EACCES: the policy).  child-safe */
int lsm_label_exec (int proc, enum lsm which, const char *label, struct err *err);

/* Keys that this process makes have LABEL of SELinux; NULL: as if never said.  Returns as lsm_label_exec.  child-safe */
int lsm_label_keys (int proc, const char *label, struct err *err);

/* Gives the root directory of the mount MNT the LABEL of SELinux.  Returns 0 or negative errno.  child-safe */
int lsm_label_root (int mnt, const char *label, struct err *err);

#endif
