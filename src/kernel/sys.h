/* SPDX-License-Identifier: Apache-2.0 */
/* System calls that a C library lacks, or wraps in a way that does not suit us.  Each
 * returns what the kernel returns: >= 0, or a negative errno.  No policy, no fallback, no
 * retry: a call is one call.  All are child-safe and work on the calling thread only.
 *
 * This header also brings the kernel's own <linux/mount.h>, which does not live together with
 * <sys/mount.h> of some C libraries: never include that one. */
#ifndef ORLOP_KERNEL_SYS_H
#define ORLOP_KERNEL_SYS_H

#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Constants that headers of older systems lack.  */
#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000 /* Linux 5.14 */
#endif
#ifndef MOUNT_ATTR_IDMAP
#define MOUNT_ATTR_IDMAP 0x00100000 /* Linux 5.12 */
#endif
#ifndef MOUNT_ATTR_SIZE_VER0
/* Argument of mount_setattr(2), Linux 5.12.  */
struct mount_attr
{
  uint64_t attr_set, attr_clr, propagation, userns_fd;
};
#define MOUNT_ATTR_SIZE_VER0 32
#endif
#ifndef MNT_DETACH
#define MNT_DETACH 2 /* umount2(2); libc has it in <sys/mount.h> only */
#endif
#ifndef UMOUNT_NOFOLLOW
#define UMOUNT_NOFOLLOW 8 /* likewise */
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif

/* clone3(2), Linux 5.3.  */
int sys_clone3 (struct clone_args *args);

/* openat2(2), Linux 5.6.  */
int sys_openat2 (int dirfd, const char *path, const struct open_how *how);

/* fchmodat2(2), Linux 6.6: the one that takes AT_EMPTY_PATH.  */
int sys_fchmodat2 (int dirfd, const char *path, mode_t mode, int flags);

/* open_tree(2), Linux 5.2.  */
int sys_open_tree (int dirfd, const char *path, unsigned flags);

/* open_tree_attr(2), Linux 6.15: a clone that has ATTR from the beginning.  */
int sys_open_tree_attr (int dirfd, const char *path, unsigned flags, struct mount_attr *attr, size_t size);

/* move_mount(2), Linux 5.2.  */
int sys_move_mount (int from_dir, const char *from, int to_dir, const char *to, unsigned flags);

/* fsopen(2), Linux 5.2.  */
int sys_fsopen (const char *fstype, unsigned flags);

/* fsconfig(2), Linux 5.2.  */
int sys_fsconfig (int fs, unsigned cmd, const char *key, const void *value, int aux);

/* fsmount(2), Linux 5.2.  */
int sys_fsmount (int fs, unsigned flags, unsigned attr);

/* mount_setattr(2), Linux 5.12.  */
int sys_mount_setattr (int dirfd, const char *path, unsigned flags, struct mount_attr *attr, size_t size);

/* getdents64(2): entries of a directory into BUFFER; 0 at the end.  */
int sys_getdents64 (int dir, void *buffer, size_t size);

/* mount(2).  */
int sys_mount (const char *source, const char *target, const char *fstype, unsigned long flags, const void *data);

/* umount2(2).  */
int sys_umount2 (const char *target, int flags);

/* Number of the mount that FD is in: statx(2) with STATX_MNT_ID, Linux 5.8; -ENOSYS before.  */
int sys_mount_id (int fd, uint64_t *ret_id);

/* pivot_root(2).  */
int sys_pivot_root (const char *new_root, const char *put_old);

/* setns(2); FD a namespace, or (Linux 5.8) a pidfd.  */
int sys_setns (int fd, int flags);

/* unshare(2).  */
int sys_unshare (int flags);

/* pidfd_open(2), Linux 5.3.  */
int sys_pidfd_open (pid_t pid, unsigned flags);

/* pidfd_send_signal(2), Linux 5.1.  */
int sys_pidfd_send_signal (int pidfd, int signal, siginfo_t *info, unsigned flags);

/* waitid(2) with P_PIDFD (Linux 5.4); OPTIONS such as WEXITED.  Goes on when a signal interrupts.  */
int sys_waitid_pidfd (int pidfd, siginfo_t *info, int options);

/* memfd_create(2), Linux 3.17.  */
int sys_memfd_create (const char *name, unsigned flags);

/* execveat(2), Linux 3.19.  Returns only on failure.  */
int sys_execveat (int dirfd, const char *path, char *const *argv, char *const *envp, int flags);

/* capget(2); HEADER and DATA are the kernel's structs.  */
int sys_capget (void *header, void *data);

/* capset(2), likewise.  */
int sys_capset (void *header, const void *data);

/* keyctl(2).  */
long sys_keyctl (int op, unsigned long a, unsigned long b, unsigned long c, unsigned long d);

/* bpf(2); ATTR the kernel's union of SIZE bytes.  */
int sys_bpf (int cmd, void *attr, unsigned size);

/* seccomp(2), Linux 3.17; ARGS depends on OP.  */
int sys_seccomp (unsigned op, unsigned flags, const void *args);

/* The kernel's struct rlimit64, which C libraries name and hide in their own ways.  */
struct sys_rlimit
{
  uint64_t soft, hard; /* UINT64_MAX: unlimited */
};

/* prlimit64(2); either limit may be NULL.  */
int sys_prlimit (pid_t pid, unsigned resource, const struct sys_rlimit *new_limit, struct sys_rlimit *old_limit);

/* The kernel's struct sched_attr of Linux 5.3 (SCHED_ATTR_SIZE_VER1), which C libraries began to have in 2024.  */
struct sys_sched_attr
{
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
  uint32_t util_min, util_max;
};

/* sched_setattr(2), Linux 3.14.  */
int sys_sched_setattr (pid_t pid, const struct sys_sched_attr *attr);

/* ioprio_set(2) of one thread; PRIO class and level as the kernel packs them.  */
int sys_ioprio_set (pid_t pid, unsigned prio);

/* sched_setaffinity(2), SIZE in bytes.  */
int sys_sched_setaffinity (pid_t pid, size_t size, const unsigned long *mask);

/* sched_getaffinity(2): returns how many bytes were written.  */
int sys_sched_getaffinity (pid_t pid, size_t size, unsigned long *mask);

/* set_mempolicy(2), which is in no C library.  */
int sys_set_mempolicy (int mode, const unsigned long *mask, unsigned long n_bits);

/* personality(2): returns the former one.  */
int sys_personality (unsigned long persona);

/* sethostname(2).  */
int sys_sethostname (const char *name, size_t len);

/* setdomainname(2).  */
int sys_setdomainname (const char *name, size_t len);

/* setgroups(2) of this thread alone; that of libc changes all threads by signals.  */
int sys_setgroups (size_t n, const gid_t *groups);

/* setresuid(2) of this thread alone.  */
int sys_setresuid (uid_t real, uid_t effective, uid_t saved);

/* setresgid(2) of this thread alone.  */
int sys_setresgid (gid_t real, gid_t effective, gid_t saved);

#endif
