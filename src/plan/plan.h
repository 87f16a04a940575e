/* SPDX-License-Identifier: Apache-2.0 */
/* The plan: everything that will be done, fully decided, before anything is.  It is
 * made by the parent in one arena that the child program maps at the same address,
 * read-only, so pointers hold in both.  Nobody changes a plan after plan_make.
 *
 * This header is all that the child knows of the floors above src/kernel: it holds
 * plain values of the kernel's own words and no function that thinks. */
#ifndef ORLOP_PLAN_PLAN_H
#define ORLOP_PLAN_PLAN_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "kernel/capset.h" /* struct caps */
#include "kernel/device.h" /* struct device */
#include "kernel/idmap.h"  /* struct idmap */
#include "kernel/mount.h"  /* struct mount_opt */
#include "kernel/sched.h"  /* struct sched */

struct bits;

enum
{
  PLAN_MOUNTS_MAX = 1024, /* mounts of one container, those of cgroup v1 included */
  PLAN_LINKS_MAX = 64,
  PLAN_LIVE_MAX = 64 /* mounts that are added to a running container, or removed from it, at once */
};

/* What the child is started for.  */
enum plan_action
{
  PLAN_CREATE, /* make a container and become its first process */
  PLAN_EXEC,   /* join a container and become one more process of it */
  PLAN_MOUNTS  /* enter its mount namespace, add or remove mounts, and end */
};

/* A namespace that exists already and is joined by path.  */
struct plan_join
{
  int flag;          /* CLONE_NEW* */
  const char *name;  /* the spec's word: "network" */
  const char *path;  /* absolute, in the runtime's mount namespace */
  const char *where; /* JSON path */
  const char *foreign; /* it must not be the runtime's own, nor process 1's: JSON path of what would change the host then; or NULL */
};

/* How the child comes into its namespaces.  Two shapes:
 * direct (staged == false): clone3 makes clone_flags at once; the child then joins `joins` (none of them user or pid).
 * staged (staged == true): the child is cloned without namespace flags, joins `joins` in order, unshares CLONE_NEWUSER if
 * new_user (asking the parent for the maps), unshares unshare_flags, sets time_offsets, and forks again if `fork` (pid and
 * time namespaces act on children only).  In both the cgroup namespace is unshared last (new_cgroup), once the child is in its cgroup.  */
struct plan_ns
{
  bool staged;
  bool new_user;         /* a new user namespace is made (by clone3 or by unshare) */
  bool joined_user;      /* one is joined by path or by pidfd */
  bool new_pid, new_net, new_mnt, new_ipc, new_uts, new_cgroup;
  bool join_mnt;         /* a mount namespace is joined by path */
  bool fork;
  bool setgroups;        /* leave setgroups allowed when writing the maps */
  uint64_t clone_flags;  /* direct: for clone3; never CLONE_NEWCGROUP */
  int unshare_flags;     /* staged: without CLONE_NEWUSER and CLONE_NEWCGROUP */
  int pidfd_flags;       /* exec: CLONE_NEW* to join through the pidfd of the container's first process */
  struct plan_join *joins; /* in the order in which to join */
  size_t n_joins;
  const char *time_offsets; /* of the new time namespace, as timens_offsets reads them; NULL: none.  Staged: they can be set before anybody enters */
  struct idmap *uid_maps, *gid_maps; /* of the new user namespace, or of the joined one where they are known */
  size_t n_uid_maps, n_gid_maps;
};

/* Where something is, the cheap way: as NAME below the root of an earlier mount, a fresh empty tmpfs that holds it directly, or proc or sysfs, in which
 * nobody but the kernel makes links.  parent is -1 where the path must be resolved inside the root.  */
struct plan_place
{
  int parent;       /* index of the mount, or -1 */
  const char *name; /* below its root */
};

enum plan_mount_kind
{
  PLAN_MOUNT_NEW,     /* fsopen: a new instance of fstype */
  PLAN_MOUNT_BIND,    /* open_tree: a clone of source */
  PLAN_MOUNT_REMOUNT, /* change attributes (and propagation) of what is mounted at target */
  PLAN_MOUNT_LEGACY   /* mount(2): options that only it can give, or a kernel without fsopen */
};

/* What a tmpfs takes over from the directory that it covers.  */
enum plan_copy_up
{
  PLAN_COPY_CONTENTS = 1,
  PLAN_COPY_MODE = 2, /* the directory's own mode */
  PLAN_COPY_OWNER = 4 /* and owner */
};

/* How a mount maps the owners of files: by a user namespace that exists, or one made for it.  */
struct plan_idmap
{
  const char *userns;      /* path of the existing one, or NULL */
  struct idmap *uid, *gid; /* inside: as the file system has them, outside: as the host sees them */
  size_t n_uid, n_gid;
  bool recursive;
};

struct plan_mount
{
  enum plan_mount_kind kind;
  const char *where;   /* JSON path: "mounts[3]"; for mounts of our own making what they are for */
  const char *target;  /* inside the root: no leading slash, no "." or "..", no double slash; "" is the root itself */
  struct plan_place place; /* of target */
  int of;              /* REMOUNT: index of the earlier NEW or LEGACY mount that it changes (its handle is known), or -1 */
  bool late;           /* REMOUNT: only after devices, links and process.cwd are made: a read-only tmpfs that they lie in.  Always at the
                          end of `mounts` */
  const char *label;   /* NEW, LEGACY: context of SELinux for its root, which the file system does not take as an option, or NULL */
  bool no_symlinks;    /* target must be an ordinary directory (proc, sysfs: CVE-2019-19921) */
  const char *fstype;  /* NEW, LEGACY */
  const char *source;  /* NEW, LEGACY: what to show as source, or NULL; BIND: absolute host path */
  bool recursive;      /* BIND: rbind */
  bool from_parent;    /* BIND, or NEW with idmap: the parent makes it, sets its attributes and propagation, and the child receives the handle */
  bool source_link;    /* BIND: a source that is a link is not followed */
  bool copy_link;      /* BIND: and is made anew at the target instead of a mount */
  bool target_link;    /* a target that is a link is covered itself */
  unsigned copy_up;    /* NEW, LEGACY: enum plan_copy_up */
  const struct plan_idmap *idmap; /* from_parent: or NULL */
  const char *fallback; /* NEW: directory of the host that is bound, with all below it, where a user namespace may not make this mount (EPERM);
                           or NULL */
  bool nested;         /* MOUNTS: the target lies in an earlier mount of the plan, and is there only when that is attached */
  bool optional;       /* a failure to make it is passed over (ENOENT of a source, for example cgroup v1 leftovers) */
  uint64_t attr_set, attr_clear; /* MOUNT_ATTR_* */
  uint64_t rattr_set, rattr_clear; /* BIND, REMOUNT: likewise for the mount and all below it, after the others */
  bool close_cgroups;  /* BIND: if it brings the host's cgroups with it, they are read-only, too */
  uint64_t propagation;          /* MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE or 0 */
  bool propagation_recursive;
  const struct mount_opt *opts;  /* NEW: for fsconfig, in order (superblock flags such as "sync" or "ro" included) */
  size_t n_opts;
  unsigned long legacy_flags;    /* LEGACY, and NEW on a kernel without fsopen: MS_* */
  const char *legacy_data;       /* the same: data, or NULL */
};

/* A mount that is taken out of a running container.  */
struct plan_unmount
{
  const char *where;
  const char *path; /* of its mount point, inside the root, no leading slash */
  uint32_t id;      /* its number: whatever else is found at that path stays */
};

/* A symbolic link made inside the root, beneath its (made if missing) parent directory.  An existing name is left alone.  */
struct plan_link
{
  struct plan_place place;
  const char *path;       /* inside the root, no leading slash */
  const char *to;         /* its text */
  bool replace;           /* dev/ptmx: an existing name is removed first */
};

/* What the document says of a device itself.  */
enum plan_device_given
{
  PLAN_DEVICE_MODE = 1,
  PLAN_DEVICE_UID = 2,
  PLAN_DEVICE_GID = 4
};

/* A device node; device.path is inside the root, no leading slash.  */
struct plan_device
{
  struct plan_place place;
  const char *where;
  struct device device;
  unsigned given; /* enum plan_device_given */
};

/* What a path is, where that can be known.  */
enum plan_path_known
{
  PLAN_PATH_UNKNOWN,
  PLAN_PATH_FILE,
  PLAN_PATH_DIR
};

/* A path to mask or to make read-only.  Missing ones are passed over (ENOENT only).  */
struct plan_path
{
  struct plan_place place;
  const char *where;
  const char *path; /* inside the root, no leading slash */
  enum plan_path_known known; /* a guess that the kernel checks: spares asking */
};

struct plan_sysctl
{
  const char *where;
  const char *path;  /* below /proc/sys: "net/ipv4/ip_forward" */
  const char *value;
};

/* The resctrl group of the container.  */
struct plan_rdt
{
  const char *root;     /* where resctrl is mounted */
  const char *group;    /* "" is the default one */
  bool named;           /* by the document: it stays when the container goes */
  const char *caches;   /* lines for the schemata: l3CacheSchema and memBwSchema; or NULL */
  const char *schemata; /* likewise, to be written after those */
  const char *monitor;  /* its group in mon_groups, or NULL */
};

/* A network interface that is moved into the container's network namespace.  */
struct plan_net_device
{
  const char *where;
  const char *host; /* its name outside */
  const char *name; /* and inside; with "%d" the kernel completes it */
};

struct plan_rlimit
{
  const char *where;
  unsigned which; /* RLIMIT_* */
  bool late;      /* so small that the steps until execve could run into it: set by the child, last.  Lowering needs no privilege */
  uint64_t before; /* late: the soft limit until then, the hard one being set with privilege; 0: both are left alone until then */
  uint64_t soft, hard;
};

struct plan_hook
{
  const char *where;
  const char *path;
  const char **argv; /* NULL-terminated, never empty: argv[0] is path when args is absent */
  const char **envp; /* NULL-terminated; empty when env is absent, plus a default PATH then (CVE-2025-23266) */
  unsigned timeout;  /* seconds; 0: none */
};

struct plan_hooks
{
  struct plan_hook *prestart, *create_runtime, *create_container, *start_container, *poststart, *poststop;
  size_t n_prestart, n_create_runtime, n_create_container, n_start_container, n_poststart, n_poststop;
};

/* Priority of the I/O.  */
struct plan_io_priority
{
  unsigned class_, level; /* IOPRIO_CLASS_*, 0 to 7 */
};

/* Where memory comes from.  */
struct plan_memory_policy
{
  unsigned mode, flags; /* MPOL_* */
  const struct bits *nodes;
};

struct plan_process
{
  bool given;              /* false: create only, start fails (spec: process may be unset) */
  const char **argv, **envp; /* NULL-terminated */
  size_t n_envp;           /* entries of envp without the NULL */
  bool add_home;           /* envp has no HOME: the child adds the home directory that the container's /etc/passwd (after the mounts) gives
                              for uid, or "/": Podman relies on it */
  const char *path_env;    /* value of PATH in envp for the lookup of argv[0], or the default one */
  const char *cwd;         /* absolute */
  bool terminal;
  unsigned short rows, columns; /* 0: leave */
  uid_t uid;
  gid_t gid;
  gid_t *groups;
  size_t n_groups;
  bool keep_groups;        /* setgroups is not allowed (rootless without gid maps): leave the groups alone */
  bool set_umask;
  mode_t umask;
  bool set_caps;           /* false: capabilities absent in the document: all sets empty (runc's way) is expressed by set_caps with zeroes */
  struct caps caps;
  unsigned last_cap;       /* highest capability of this kernel */
  bool no_new_privs;
  struct plan_rlimit *rlimits;
  size_t n_rlimits;
  bool rlimits_by_parent;  /* a user namespace must not raise hard limits, and the runtime may: it sets them from outside */
  const char *oom_score_adj; /* decimal text or NULL */
  const struct sched *scheduler; /* or NULL */
  const struct plan_io_priority *io_priority; /* or NULL */
  bool scheduled_by_parent; /* these two are the runtime's to set: it has the privilege, which a user namespace takes from the child */
  const struct bits *initial_cpus; /* exec: where it may run until it is in the cgroup, or NULL */
  const struct bits *cpus; /* exec: where from then on, or NULL */
  bool any_cpu;            /* wherever the cgroup allows: the affinity of the caller is not the container's */
  const char *apparmor;    /* profile of the program, or NULL */
  const char *selinux;     /* label of the program and its session keyring, or NULL */
  bool own_stdio;          /* pipes on descriptors 0 to 2 are given to uid, who could not open them again otherwise */
  bool own_null;           /* the host's null device on them is replaced by the container's, whose root could change the mode of it */
};

struct plan_root
{
  const char *path;       /* absolute host path of the root file system */
  bool readonly;
  bool from_parent;       /* the parent opens the tree (user namespaces, joined mount namespaces) */
  bool no_pivot;
  bool enter;             /* false only when no mount namespace is private and nothing is mounted: chroot alone */
  uint64_t propagation;   /* MS_* to set on "/" of the new mount namespace first (MS_SLAVE by default) */
  bool propagation_recursive;
  uint64_t tree_propagation;  /* MS_* to set on the cloned tree of the root before anything is mounted in it, or 0: a tree that comes from the
                                 parent, or is cloned while "/" is still shared, would send every mount to the host */
  bool tree_propagation_recursive;
  uint64_t final_propagation; /* MS_* to set on the container's root at the end, or 0 */
  bool final_propagation_recursive; /* rshared and the like: on all that is mounted in it, too */
};

/* The filter of system calls.  */
struct plan_seccomp
{
  bool given;
  const struct sock_filter *code; /* the program, compiled; NULL in a plan that is only shown */
  size_t n;
  unsigned flags;  /* SECCOMP_FILTER_FLAG_* */
  bool strict;     /* some call ends the process, or waits for somebody: once it is loaded only execve is called */
  bool keep_admin; /* without no_new_privs loading needs CAP_SYS_ADMIN, which the process keeps until execve takes it */
  const char *listener_path;     /* socket of the agent that is sent the listener, or NULL: no rule asks one */
  const char *listener_metadata; /* what the agent is told, or NULL */
};

struct plan
{
  enum plan_action action;
  const char *id;
  struct plan_ns ns;
  struct plan_root root;
  struct plan_mount *mounts;
  size_t n_mounts;
  struct plan_unmount *unmounts;
  size_t n_unmounts;
  bool own_sources;            /* MOUNTS: the child opens the sources of binds, in a copy of the runtime's mount namespace that its user namespace owns */
  size_t n_from_parent;        /* how many handles the parent sends (root first, then mounts in order) */
  struct plan_device *devices; /* default ones first */
  size_t n_devices;
  bool devices_by_bind;        /* mknod is not allowed (user namespace) */
  struct plan_link *links;     /* after the mounts: /dev/fd and its like, /dev/ptmx, cgroup v1 links */
  size_t n_links;
  struct plan_path *masked, *readonly;
  size_t n_masked, n_readonly;
  struct plan_sysctl *sysctls;
  size_t n_sysctls;
  const struct plan_rdt *rdt;  /* create: or NULL */
  bool in_rdt;                 /* the container's processes are put into a resctrl group */
  struct plan_net_device *net_devices;
  size_t n_net_devices;
  const char *hostname, *domainname; /* NULL: leave */
  const struct plan_memory_policy *memory_policy; /* or NULL */
  const unsigned long *personality; /* PER_*, or NULL: leave */
  const char *mount_label;     /* context of SELinux for files that we make, or NULL */
  bool cgroup_given;           /* the container's cgroup (v2) is given to cgroup_uid, an id of the host */
  uid_t cgroup_uid;
  const char *keyring;         /* name of the session keyring to join, or NULL */
  struct plan_process process;
  struct plan_seccomp seccomp;
  struct plan_hooks hooks;
  unsigned preserve_fds;       /* descriptors 3 .. 3+n-1 stay open for the program */
  bool run;                    /* start follows at once over the same socket (`run`); no start.sock */
};

#endif
