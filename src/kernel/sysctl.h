/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel parameters below /proc/sys: their names, which namespace they belong to, writing one.  child-safe, see proc(5), sysctl(8). */
#ifndef ORLOP_KERNEL_SYSCTL_H
#define ORLOP_KERNEL_SYSCTL_H

#include <stddef.h>

struct err;

/* Turns KEY into a path below /proc/sys in BUF of SIZE bytes.  As in sysctl(8) the first separator decides: "net.ipv4.conf.eth0/1.mtu"
 * is net/ipv4/conf/eth0.1/mtu, and "net/ipv4/conf/eth0.1/mtu" is itself.  Letters, digits and "_-.:@" only; no empty, "." or ".."
 * component.  Returns 0, -EINVAL or -ENAMETOOLONG.  child-safe */
int sysctl_path (const char *key, char *buf, size_t size);

/* The namespace (the spec's word: "ipc", "network", "user", "uts") that must be the container's own for KEY (either form) to be settable
 * without changing the host, or NULL: not namespaced, or set by another property (kernel.hostname), to be refused.
 * kernel.domainname is "uts" (engines write it).  child-safe */
const char *sysctl_namespace (const char *key);

/* Checks that VALUE holds no control character but tab (CVE-2022-0811 smuggled lines).  Returns 0 or -EINVAL.  child-safe */
int sysctl_check_value (const char *value);

/* Writes VALUE to PATH (from sysctl_path) below the handle of a /proc/sys directory, in one write.  No symbolic link, no mount
 * point is crossed (openat2, Linux 5.6; on -ENOSYS each component is opened with O_NOFOLLOW), and the file must be procfs's
 * (CVE-2019-16884, CVE-2025-52881).  Returns 0 or negative errno; -EXDEV: something is mounted there; -EINVAL: not taken, or not all of it.  child-safe */
int sysctl_set (int proc_sys_dirfd, const char *path, const char *value, struct err *err);

#endif
