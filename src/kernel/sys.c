/* SPDX-License-Identifier: Apache-2.0 */
/* System calls, one line each; see sys.h.  child-safe */
#include "kernel/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Numbers of calls that are the same on every architecture of Linux (from 424 on), for older headers.  */
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_open_tree
#define SYS_open_tree 428
#define SYS_move_mount 429
#define SYS_fsopen 430
#define SYS_fsconfig 431
#define SYS_fsmount 432
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#ifndef SYS_open_tree_attr
#define SYS_open_tree_attr 467
#endif

enum
{
  ID_PIDFD = 3 /* P_PIDFD: an enumerator in some C libraries, missing in others */
};

/* What the kernel said, from what libc made of it.  */
static inline long
result (long ret)
{
  return ret < 0 ? -errno : ret;
}

#define CALL(...) ((int) result (syscall (__VA_ARGS__)))

int
sys_clone3 (struct clone_args *args)
{
  return CALL (SYS_clone3, args, sizeof *args);
}

int
sys_openat2 (int dirfd, const char *path, const struct open_how *how)
{
  return CALL (SYS_openat2, dirfd, path, how, sizeof *how);
}

int
sys_fchmodat2 (int dirfd, const char *path, mode_t mode, int flags)
{
  return CALL (SYS_fchmodat2, dirfd, path, mode, flags);
}

int
sys_open_tree (int dirfd, const char *path, unsigned flags)
{
  return CALL (SYS_open_tree, dirfd, path, flags);
}

int
sys_open_tree_attr (int dirfd, const char *path, unsigned flags, struct mount_attr *attr, size_t size)
{
  return CALL (SYS_open_tree_attr, dirfd, path, flags, attr, size);
}

int
sys_move_mount (int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
  return CALL (SYS_move_mount, from_dir, from, to_dir, to, flags);
}

int
sys_fsopen (const char *fstype, unsigned flags)
{
  return CALL (SYS_fsopen, fstype, flags);
}

int
sys_fsconfig (int fs, unsigned cmd, const char *key, const void *value, int aux)
{
  return CALL (SYS_fsconfig, fs, cmd, key, value, aux);
}

int
sys_fsmount (int fs, unsigned flags, unsigned attr)
{
  return CALL (SYS_fsmount, fs, flags, attr);
}

int
sys_mount_setattr (int dirfd, const char *path, unsigned flags, struct mount_attr *attr, size_t size)
{
  return CALL (SYS_mount_setattr, dirfd, path, flags, attr, size);
}

int
sys_getdents64 (int dir, void *buffer, size_t size)
{
  return CALL (SYS_getdents64, dir, buffer, size);
}

int
sys_mount (const char *source, const char *target, const char *fstype, unsigned long flags, const void *data)
{
  return CALL (SYS_mount, source, target, fstype, flags, data);
}

int
sys_umount2 (const char *target, int flags)
{
  return CALL (SYS_umount2, target, flags);
}

int
sys_mount_id (int fd, uint64_t *ret_id)
{
  enum { WANT = 0x1000 /* STATX_MNT_ID */, AT = 18 /* eighth bytes before stx_mnt_id, which headers before Linux 5.8 lack */ };
  union
  {
    uint32_t mask; /* what is there of it */
    uint64_t words[32];
  } statx = { .words = { 0 } };
  int ret = CALL (SYS_statx, fd, "", AT_EMPTY_PATH, WANT, &statx);

  if (ret < 0)
    return ret;
  *ret_id = statx.words[AT];
  return statx.mask & WANT ? 0 : -ENOSYS;
}

int
sys_pivot_root (const char *new_root, const char *put_old)
{
  return CALL (SYS_pivot_root, new_root, put_old);
}

int
sys_setns (int fd, int flags)
{
  return CALL (SYS_setns, fd, flags);
}

int
sys_unshare (int flags)
{
  return CALL (SYS_unshare, flags);
}

int
sys_pidfd_open (pid_t pid, unsigned flags)
{
  return CALL (SYS_pidfd_open, pid, flags);
}

int
sys_pidfd_send_signal (int pidfd, int signal, siginfo_t *info, unsigned flags)
{
  return CALL (SYS_pidfd_send_signal, pidfd, signal, info, flags);
}

int
sys_waitid_pidfd (int pidfd, siginfo_t *info, int options)
{
  int ret;

  do
    ret = CALL (SYS_waitid, ID_PIDFD, pidfd, info, options, NULL);
  while (ret == -EINTR);
  return ret;
}

int
sys_memfd_create (const char *name, unsigned flags)
{
  return CALL (SYS_memfd_create, name, flags);
}

int
sys_execveat (int dirfd, const char *path, char *const *argv, char *const *envp, int flags)
{
  return CALL (SYS_execveat, dirfd, path, argv, envp, flags);
}

int
sys_capget (void *header, void *data)
{
  return CALL (SYS_capget, header, data);
}

int
sys_capset (void *header, const void *data)
{
  return CALL (SYS_capset, header, data);
}

long
sys_keyctl (int op, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
  return result (syscall (SYS_keyctl, op, a, b, c, d));
}

int
sys_bpf (int cmd, void *attr, unsigned size)
{
  return CALL (SYS_bpf, cmd, attr, size);
}

int
sys_seccomp (unsigned op, unsigned flags, const void *args)
{
  return CALL (SYS_seccomp, op, flags, args);
}

int
sys_prlimit (pid_t pid, unsigned resource, const struct sys_rlimit *new_limit, struct sys_rlimit *old_limit)
{
  return CALL (SYS_prlimit64, pid, resource, new_limit, old_limit);
}

int
sys_sched_setattr (pid_t pid, const struct sys_sched_attr *attr)
{
  return CALL (SYS_sched_setattr, pid, attr, 0);
}

int
sys_ioprio_set (pid_t pid, unsigned prio)
{
  enum { WHO_PROCESS = 1 }; /* IOPRIO_WHO_PROCESS */

  return CALL (SYS_ioprio_set, WHO_PROCESS, pid, prio);
}

int
sys_sched_setaffinity (pid_t pid, size_t size, const unsigned long *mask)
{
  return CALL (SYS_sched_setaffinity, pid, size, mask);
}

int
sys_sched_getaffinity (pid_t pid, size_t size, unsigned long *mask)
{
  return CALL (SYS_sched_getaffinity, pid, size, mask);
}

int
sys_set_mempolicy (int mode, const unsigned long *mask, unsigned long n_bits)
{
  return CALL (SYS_set_mempolicy, mode, mask, n_bits);
}

int
sys_personality (unsigned long persona)
{
  return CALL (SYS_personality, persona);
}

int
sys_sethostname (const char *name, size_t len)
{
  return CALL (SYS_sethostname, name, len);
}

int
sys_setdomainname (const char *name, size_t len)
{
  return CALL (SYS_setdomainname, name, len);
}

int
sys_setgroups (size_t n, const gid_t *groups)
{
#ifdef SYS_setgroups32
  return CALL (SYS_setgroups32, n, groups);
#else
  return CALL (SYS_setgroups, n, groups);
#endif
}

int
sys_setresuid (uid_t real, uid_t effective, uid_t saved)
{
#ifdef SYS_setresuid32
  return CALL (SYS_setresuid32, real, effective, saved);
#else
  return CALL (SYS_setresuid, real, effective, saved);
#endif
}

int
sys_setresgid (gid_t real, gid_t effective, gid_t saved)
{
#ifdef SYS_setresgid32
  return CALL (SYS_setresgid32, real, effective, saved);
#else
  return CALL (SYS_setresgid, real, effective, saved);
#endif
}
