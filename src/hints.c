/* SPDX-License-Identifier: Apache-2.0 */
/* Advice by failure; see hints.h.  The first row that fits wins, so the more special ones come first. */
#include "hints.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

struct hint
{
  const char *step; /* NULL: any */
  const char *call; /* NULL: any */
  int num;
  const char *object; /* part of it; NULL: any */
  const char *advice;
};

static const char no_processes[]
    = "a cgroup with controllers enabled for its children may hold no processes itself: see its cgroup.subtree_control, which linux.resources.unified may have set";

static const struct hint hints[] = {
  { "child.spawn", "clone3", EPERM, NULL, "namespaces need root or a user namespace; are unprivileged user namespaces switched off (kernel.unprivileged_userns_clone, user.max_user_namespaces, AppArmor), or is this a chroot, which may make none?" },
  { "child.spawn", "clone3", ENOSPC, NULL, "a limit on namespaces is reached: see /proc/sys/user/max_*_namespaces" },
  { "child.spawn", "clone3", EAGAIN, NULL, "a limit on processes is reached: see ulimit -u and pids.max of the cgroup" },
  { NULL, "clone3", ENOSYS, NULL, "orlop needs Linux 5.4 or later" },
  { NULL, "pidfd_open", ENOSYS, NULL, "orlop needs Linux 5.4 or later" },
  { NULL, "pidfd_send_signal", ENOSYS, NULL, "orlop needs Linux 5.4 or later" },
  { NULL, "open_tree", ENOSYS, NULL, "mounts for another namespace need Linux 5.12 or later" },
  { NULL, "mount_setattr", ENOSYS, NULL, "mounts for another namespace need Linux 5.12 or later" },
  { NULL, "mount_setattr", EPERM, "idmap", "to map the ids of a mount takes CAP_SYS_ADMIN where its file system was mounted: the host's cannot be by an ordinary user" },
  { NULL, "mount_setattr", EPERM, "set ", "in a user namespace what the host has set of its mounts (ro, nosuid, nodev, noexec, access time) stays" },
  { NULL, "mount", EPERM, "remount with ", "in a user namespace what the host has set of its mounts (ro, nosuid, nodev, noexec, access time) stays" },
  { "child.spawn", "clone3", EBUSY, NULL, no_processes },
  { NULL, "unshare", EPERM, NULL, "namespaces need root or a user namespace; are unprivileged user namespaces switched off?" },
  { NULL, "unshare", ENOSPC, NULL, "a limit on namespaces is reached: see /proc/sys/user/max_*_namespaces" },
  { NULL, "unshare", EINVAL, "time", "time namespaces need Linux 5.6 or later (CONFIG_TIME_NS)" },
  { NULL, "clone3", EINVAL, "time", "time namespaces need Linux 5.6 or later (CONFIG_TIME_NS)" },
  { "ns.open", "open", ENOENT, "/ns/time", "is that process there?  Time namespaces need Linux 5.6 or later (CONFIG_TIME_NS)" },
  { NULL, "openat2", ENOENT, "timens_offsets", "time namespaces need Linux 5.6 or later (CONFIG_TIME_NS)" },
  { NULL, "setns", EINVAL, "/ns/user", "the runtime is in that user namespace already, and nobody can join his own: leave it out of linux.namespaces" },
  { NULL, "setns", EPERM, NULL, "joining a namespace needs CAP_SYS_ADMIN in the user namespace that owns it" },
  { NULL, "newuidmap", EPERM, NULL, "ids that are not your own must be granted to you in /etc/subuid; `orlop spec --rootless` maps your own alone" },
  { NULL, "newgidmap", EPERM, NULL, "ids that are not your own must be granted to you in /etc/subgid; `orlop spec --rootless` maps your own alone" },
  { NULL, "prlimit", EPERM, NULL, "raising a hard limit needs CAP_SYS_RESOURCE; lower the value or start the runtime with higher limits" },
  { NULL, "prlimit", EINVAL, NULL, "the soft limit must not be above the hard one" },
  { NULL, "sched_setattr", EINVAL, "SCHED_ISO", "no kernel has SCHED_ISO: its number is only reserved" },
  { NULL, "sched_setattr", EPERM, NULL, "a higher priority needs CAP_SYS_NICE of the host or RLIMIT_RTPRIO and RLIMIT_NICE; in a cpu cgroup of v1 a real-time policy needs cpu.rt_runtime_us, too" },
  { NULL, "sched_setattr", EBUSY, NULL, "the processors have no time left for SCHED_DEADLINE: see kernel.sched_rt_runtime_us" },
  { NULL, "ioprio_set", EPERM, NULL, "IOPRIO_CLASS_RT needs CAP_SYS_NICE or CAP_SYS_ADMIN of the host" },
  { NULL, "sched_setaffinity", EINVAL, NULL, "none of these processors is there and in the cpuset of the cgroup" },
  { NULL, "set_mempolicy", EINVAL, NULL, "none of these nodes is there and in the cpuset of the cgroup, or the kernel is older than the mode" },
  { NULL, "set_mempolicy", ENOSYS, NULL, "the kernel is built without NUMA" },
  { "label", "write", ENOENT, "exec ", "the profile must be loaded first: see /sys/kernel/security/apparmor/profiles and apparmor_parser(8)" },
  { "label", "write", EINVAL, NULL, "the label must be valid in the policy that is loaded" },
  { "label", "write", EACCES, NULL, "what confines the runtime itself does not let it go over to this label" },
  { "exec.resolve", NULL, ENOENT, NULL, "the path is looked up inside the container; for a link, what it points to must be there too" },
  { "exec.resolve", NULL, EACCES, NULL, "the program needs its execute bit, and every directory on the way must be searchable for the user" },
  { "exec.go", "execve", ENOENT, NULL, "the file exists, so its interpreter (#! line, or the loader of a dynamic program) is missing in the container" },
  { "exec.go", "execve", ENOEXEC, NULL, "the file is no program: a script without #! line, or a program for another architecture" },
  { "exec.go", "execve", EACCES, NULL, "the program needs its execute bit, must be no directory and must not lie on a noexec mount" },
  { "exec.go", "execve", EPERM, NULL, "what confines the container (AppArmor, SELinux) does not let the program be executed; with noNewPrivileges its policy must allow the change of label" },
  { "exec.go", "execve", E2BIG, NULL, "arguments and environment together are too long" },
  { NULL, "execve", ENOENT, "newuidmap", "to map ids that are not your own newuidmap must be in $PATH (package uidmap or shadow-utils); `orlop spec --rootless` maps your own alone" },
  { NULL, "execve", ENOENT, "newgidmap", "to map ids that are not your own newgidmap must be in $PATH (package uidmap or shadow-utils); `orlop spec --rootless` maps your own alone" },
  { "root.propagation", "mount", EINVAL, NULL, "the runtime's / is no mount point, as in a chroot: enter it by pivot_root, in a mount namespace of its own, so that exec and nsenter lead to the container, too" },
  { "root.attach", "open_tree", ENOENT, NULL, "root.path must name an existing directory, absolute or relative to the bundle" },
  { "root.sources", "open_tree", ENOENT, NULL, "the source of a bind mount must exist on the host, before anything is mounted for the container" },
  { "root.sources", "openat", ENOENT, NULL, "the source of a bind mount must exist on the host, before anything is mounted for the container" },
  { "root.sources", "open_tree", EINVAL, NULL, "what has mounts below it that belong to another user namespace can only be bound with them: use rbind" },
  { "mounts.join", "open_tree", ENOENT, NULL, "the source of a bind mount must exist on the host" },
  { "child.spawn", "open_tree", ENOENT, NULL, "the source of a bind mount, and root.path, must exist on the host" },
  { "mounts.make", "mkdirat", EROFS, NULL, "where the root is read-only the destination must exist" },
  { "mounts.make", "mknodat", EROFS, NULL, "where the root is read-only the destination must exist" },
  { "mounts.attach", "mkdirat", EROFS, NULL, "what is read-only must have the destination" },
  { "mounts.attach", "mknodat", EROFS, NULL, "what is read-only must have the destination" },
  { "root.mounts", "mkdirat", EACCES, NULL, "the destination is missing where the container's root may make nothing: make it in the image, or let its files belong to that user" },
  { "root.mounts", "mknodat", EACCES, NULL, "the destination is missing where the container's root may make nothing: make it in the image, or let its files belong to that user" },
  { "mounts.make", "fsopen", ENODEV, NULL, "the kernel does not know this file system: is its module loaded (/proc/filesystems)?" },
  { "mounts.make", "fsconfig", EPERM, "create proc", "proc cannot be mounted in a user namespace while parts of the host's /proc are covered" },
  { "mounts.make", "fsconfig", EPERM, "create sysfs", "in a user namespace sysfs needs a network namespace of its own" },
  { "root.mounts", "fsopen", ENODEV, NULL, "the kernel does not know this file system: is its module loaded (/proc/filesystems)?" },
  { "root.mounts", "fsconfig", EPERM, "create proc", "proc cannot be mounted in a user namespace while parts of the host's /proc are covered" },
  { "root.mounts", "fsconfig", EPERM, "create sysfs", "sysfs needs a network namespace of the same user namespace: add one, or bind /sys" },
  { NULL, "fsconfig", EPERM, "create cgroup", "cgroups need a cgroup namespace of the same user namespace: add one, or bind /sys/fs/cgroup" },
  { NULL, "fsconfig", EPERM, "create mqueue", "mqueue needs an ipc namespace of the same user namespace: add one, or leave it out" },
  { NULL, "fsconfig", EPERM, "create ", "in a user namespace the kernel mounts only file systems that are made for it (user_namespaces(7)): bind what the host has mounted" },
  { "root.mounts", "fsconfig", EINVAL, "create devpts", "in a user namespace the group of its gid= must be mapped: map it in linux.gidMappings, or leave the option out, as `orlop spec --rootless` does" }, /* kernels that look at the options of devpts only then */
  { NULL, "fsconfig", EINVAL, "gid=", "in a user namespace the group must be mapped: map it in linux.gidMappings, or leave the option out, as `orlop spec --rootless` does" },
  { NULL, "fsconfig", EINVAL, "uid=", "in a user namespace the user must be mapped: map it in linux.uidMappings, or leave the option out" },
  { "root.mounts", "move_mount", ENOTDIR, NULL, "source and destination must both be directories or both be files" },
  { "root.mounts", "move_mount", EINVAL, NULL, "source and destination must both be directories or both be files, and links are not mounted on" },
  { "root.mounts", "mkdirat", EROFS, NULL, "the destination is missing and the file system it lies in is read-only: make it in the image" },
  { "root.mounts", "mknodat", EROFS, NULL, "the destination is missing and the file system it lies in is read-only: make it in the image" },
  { "root.devices", "mknodat", EPERM, NULL, "making device nodes needs CAP_MKNOD and no nodev on the file system" },
  { "root.devices", "open_tree", ENOENT, NULL, "in a user namespace a device is the host's, which must be there under the same path" },
  { "sysctl", "write", EINVAL, "ping_group_range", "both groups must be mapped in the container's user namespace: see linux.gidMappings" },
  { "root.cwd", NULL, EACCES, NULL, "every directory on the way must be searchable for the container's root, and what is missing is made there" },
  { "creds", "chdir", EACCES, NULL, "every directory on the way must be searchable for the user of process.user" },
  { "record.reserve", "mkdir", EACCES, NULL, "the state directory must be the user's: set XDG_RUNTIME_DIR to one of his, or give --root" },
  { "record.reserve", "mkdirat", EACCES, NULL, "the state directory must be the user's: set XDG_RUNTIME_DIR to one of his, or give --root" },
  { "root.enter", "fchdir", EACCES, NULL, "the container's root directory is not searchable for its user namespace's root" },
  { "root.enter", "pivot_root", EINVAL, NULL, "pivot_root does not work on an initramfs: try --no-pivot" },
  { "root.enter", "open", EACCES, NULL, "where the host's root stays, a procfs or sysfs out of your reach would let the container get around its masks: leave --no-pivot out" },
  { NULL, "keyctl", EDQUOT, NULL, "the user's quota of keys is used up: see /proc/sys/kernel/keys/maxkeys, or use --no-new-keyring" },
  { NULL, "write", EBUSY, "/memory.", "the container uses more memory than that, and it could not be reclaimed" },
  { NULL, "write", EBUSY, "/cgroup.subtree_control", "a cgroup that has processes hands no controllers down: choose a linux.cgroupsPath elsewhere, or move them into a cgroup below it" },
  { NULL, "write", ENOENT, "/cgroup.subtree_control", "whoever manages the cgroups above must hand it down to this one: Delegate= of a unit of systemd, or cgroup.subtree_control of each, from the root on; or choose a linux.cgroupsPath below one that has it in its cgroup.controllers" },
  { NULL, "openat", EACCES, "/cgroup.subtree_control", "whoever manages the cgroups above must hand it down and delegate a cgroup to this user: Delegate= of a unit of systemd" },
  { NULL, "write", EINVAL, "/cgroup.subtree_control", "this kernel has no such controller, or it is cpu, which needs every real-time process to be in the root cgroup: see chrt -p of the processes below" },
  { NULL, "write", EOPNOTSUPP, "/cgroup.subtree_control", "see cgroup.type of that cgroup: only cpu, cpuset, pids and perf_event work in threaded ones" },
  { NULL, "write", EBUSY, "/cgroup.procs", no_processes },
  { NULL, "write", EBUSY, "tasks of the container's cgroup", no_processes },
  { NULL, "write", EOPNOTSUPP, "/cgroup.procs", "see cgroup.type of that cgroup and its parents: a threaded subtree has other rules" },
  { NULL, "write", EOPNOTSUPP, "tasks of the container's cgroup", "beside cgroup v1 no container can be below a threaded cgroup: see cgroup.type of the parent of linux.cgroupsPath in /sys/fs/cgroup/unified" },
  { NULL, "write", EINVAL, "/memory.memsw.", "memory and swap together must not be below memory.limit" },
  { NULL, "write", EINVAL, "/memory.limit_in_bytes", "memory must not be above memory and swap together: set memory.swap too" },
  { NULL, "write", EINVAL, "/memory.oom_control", "the OOM killer cannot be switched off in the root cgroup" },
  { NULL, "write", EOPNOTSUPP, "/memory.kmem.", "this kernel limits kernel memory no more" },
  { NULL, "write", EINVAL, "/cpu.cfs_burst_us", "the burst must not be above the quota" },
  { NULL, "write", EINVAL, "/cpu.max.burst", "the burst must not be above the quota" },
  { NULL, "write", EINVAL, "/cpu.cfs_", "1 ms is the least, 1 s the longest period, and the quota's part of the period must not be above that of the parent cgroup" },
  { NULL, "write", EINVAL, "/cpu.max", "1 ms is the least and 1 s the longest period" },
  { NULL, "write", EINVAL, "/cpu.rt_", "the parent cgroup must have that much real time to give: see cpu.rt_runtime_us there" },
  { NULL, "write", EBUSY, "/cpu.rt_", "the parent cgroup must have that much real time to give: see cpu.rt_runtime_us there" },
  { NULL, "write", EINVAL, "/cpu.shares", "a cgroup with cpu.idle 1 has no shares" },
  { NULL, "write", EINVAL, "/cpu.weight", "a cgroup with cpu.idle 1 has no weight" },
  { NULL, "write", EACCES, "/cpuset.", "a cgroup can have only what its parent has" },
  { NULL, "write", ENOSPC, "tasks of the container's cgroup", "a cpuset without processors or memory nodes takes no process: write its cpuset.cpus and cpuset.mems first" },
  { NULL, "write", ENOSPC, "/cgroup.procs", "a cpuset without processors or memory nodes takes no process: write its cpuset.cpus and cpuset.mems first" },
  { NULL, "write", ENOSPC, "/cpuset.", "processes are left without a cpu or memory node" },
  { NULL, "write", EINVAL, "/cpuset.", "there is no such cpu or memory node" },
  { NULL, "write", ERANGE, "/cpuset.", "there is no such cpu or memory node" },
  { NULL, "write", ENODEV, "/net_prio.", "the interface must be one of the host" },
  { NULL, "fchownat", EPERM, "/sys/fs/cgroup", "a cgroup mount that may be written is the user's of the process, whom a cgroup can be given by root alone: mount it read-only, or run as the user who runs orlop" },
  { NULL, "write", EPERM, "devices.allow", "a cgroup may use only what its parent may" },
  { NULL, "write", ENODEV, "/blkio.", "limits are for block devices that exist, whole ones and not partitions" },
  { NULL, "write", ENODEV, "/io.", "limits are for block devices that exist, whole ones and not partitions" },
  { NULL, "write", EOPNOTSUPP, "/blkio.bfq.weight", "weights of a device need its I/O scheduler to be bfq" },
  { NULL, "write", EOPNOTSUPP, "/io.bfq.weight", "weights of a device need its I/O scheduler to be bfq" },
  { NULL, "openat", ENOENT, "/memory.memsw.", "this kernel does not account swap: boot it with swapaccount=1" },
  { NULL, "openat", ENOENT, "/cpu.rt_", "this kernel has no real-time groups (CONFIG_RT_GROUP_SCHED)" },
  { NULL, "openat", ENOENT, "/cpu.cfs_burst_us", "needs Linux 5.14 or later" },
  { NULL, "openat", ENOENT, "/cpu.max.burst", "needs Linux 5.14 or later" },
  { NULL, "openat", ENOENT, "/cpu.idle", "needs Linux 5.15 or later" },
  { NULL, "openat", ENOENT, "/blkio.leaf_weight", "Linux 5.0 and later have no leaf weights" },
  { NULL, "openat", ENOENT, "/blkio.bfq.weight", "weights need the bfq I/O scheduler in the kernel" },
  { NULL, "openat", ENOENT, "/io.weight", "weights need the bfq I/O scheduler or iocost in the kernel" },
  { NULL, "openat", ENOENT, "/hugetlb.", "see /sys/kernel/mm/hugepages for the sizes that this machine has" },
  { "cgroup.make", NULL, EBUSY, NULL, "is another container using this cgroup, or was one not deleted?" },
  { "cgroup.make", NULL, EROFS, NULL, "the cgroup file system is read-only here: is this a container itself?" },
  { "cgroup.make", NULL, EACCES, NULL, "an unprivileged user needs a delegated cgroup" },
  { "cgroup.make", NULL, ENOSPC, NULL, "a limit on cgroups is reached: see cgroup.max.descendants" },
  { "console.connect", "connect", ECONNREFUSED, NULL, "nobody listens on the console socket" },
  { "console.connect", "connect", ENOENT, NULL, "the console socket must exist before the container is made" },
  { "creds", "setgroups", EPERM, NULL, "supplementary groups need gid mappings written by newgidmap or a privileged runtime" },
  { "creds", NULL, EINVAL, NULL, "the id is not mapped in the container's user namespace: see linux.uidMappings and linux.gidMappings" },
  { NULL, "seccomp", EINVAL, NULL, "the kernel is too old for a flag of linux.seccomp.flags: WAIT_KILLABLE_RECV needs Linux 5.19" },
  { NULL, "seccomp", ENOSYS, NULL, "the kernel is built without seccomp filters (CONFIG_SECCOMP_FILTER)" },
  { NULL, "seccomp", EBUSY, NULL, "a process may have one filter with an agent: the runtime runs under such a filter itself" },
  { "child.notify", "connect", ECONNREFUSED, NULL, "nobody listens on linux.seccomp.listenerPath" },
  { "child.notify", "connect", ENOENT, NULL, "the agent must listen on linux.seccomp.listenerPath before the container is made" },
  { "net.loopback", NULL, EPERM, NULL, "the network namespace belongs to another user namespace" },
  { NULL, "read", EFBIG, NULL, "a document may have at most 16 MiB" },
  { "child.spawn", "openat", EACCES, "setgroups", "the program orlop must be readable for the user, who otherwise may not write the maps of its processes" },
  { "child.spawn", "openat", EACCES, "uid_map", "the program orlop must be readable for the user, who otherwise may not write the maps of its processes" },
  { "child.spawn", "openat", EACCES, "gid_map", "the program orlop must be readable for the user, who otherwise may not write the maps of its processes" },
  { "child.ready", "", ENOMEM, NULL, "linux.resources.memory.limit must leave room for the container's beginning: 512 KiB do" },
  { NULL, NULL, ENOMEM, NULL, "memory is short: on the host, or by a limit of the cgroup" },
  { NULL, NULL, EMFILE, NULL, "too many open files: raise ulimit -n of the runtime" },
  { NULL, NULL, ENFILE, NULL, "the system's limit on open files is reached: see /proc/sys/fs/file-max" },
  { NULL, NULL, ENOSPC, NULL, "a file system is full, or a kernel limit is reached" },
};

/* Where the object is a path of the host: the advice, if it cannot be told which directory on the way keeps us out.  */
static const struct hint ways[] = {
  { "root.attach", "open_tree", EACCES, NULL, "a directory on the way to root.path is not searchable for the runtime's user" },
  { "", "open", EACCES, NULL, "a directory on the way is not searchable for the runtime's user, or the file itself not readable" },
  { "child.spawn", "open_tree", EACCES, NULL, "a directory on the way to the source is not searchable for the runtime's user" },
  { "mounts.join", "open_tree", EACCES, NULL, "a directory on the way to the source is not searchable for the runtime's user" },
  { "root.sources", "openat", EACCES, NULL, "a directory on the way to the source is not searchable for the runtime's user" },
  { "root.sources", "open_tree", EACCES, NULL, "a directory on the way to the source is not searchable for the runtime's user" },
};

static int
fits (const struct hint *h, const char *step, const char *call, int num, const char *object)
{
  return h->num == num && (h->step == NULL || strcmp (h->step, step) == 0)
         && (h->call == NULL || strcmp (h->call, call) == 0)
         && (h->object == NULL || strstr (object, h->object) != NULL);
}

/* Looks for the first directory on the way to PATH that we may not search.  True if there is one, which BUF tells.  */
static bool
blocked (const char *path, char *buf, size_t size)
{
  char dir[PATH_MAX];
  struct stat st;

  for (const char *slash = strchr (path + 1, '/'); slash; slash = strchr (slash + 1, '/'))
    {
      (void) snprintf (dir, sizeof dir, "%.*s", (int) (slash - path), path);
      if (faccessat (AT_FDCWD, dir, X_OK, AT_EACCESS) == 0)
        continue;
      if (errno != EACCES || stat (dir, &st) < 0)
        return false;
      (void) snprintf (buf, size, "%s (mode %04o, owner %u, group %u) is not searchable for user %u", dir, st.st_mode & 07777, st.st_uid, st.st_gid, geteuid ());
      str_make_line (buf); /* directories may have any name */
      return true;
    }
  return false;
}

const char *
hint_for (const char *step, const char *call, int num, const char *object, char *buf, size_t size)
{
  if (num == 0)
    return "";
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
    if (fits (&ways[i], step, call, num, object))
      return object[0] && blocked (object, buf, size) ? buf : ways[i].advice;
  for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
    if (fits (&hints[i], step, call, num, object))
      return hints[i].advice;
  return "";
}
