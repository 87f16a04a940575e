/* SPDX-License-Identifier: Apache-2.0 */
/* The cgroup of a container: where it is, making it, putting processes into it, ending
 * them, and removing it.  A struct cgroup is plain data and goes into the container's
 * record as it is; everything after cgroup_plan works from it alone.
 *
 * The order is: cgroup_layout_read, cgroup_limits_check, cgroup_plan (decide: nothing is changed),
 * cgroup_survey (look: what exists already), the record is written, then
 * cgroup_make, cgroup_limit, the process joins.  Undoing is cgroup_kill, cgroup_remove. */
#ifndef ORLOP_CGROUP_CGROUP_H
#define ORLOP_CGROUP_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct cgroup_layout;
struct err;
struct oci_arena;
struct oci_pair;
struct oci_resources;
struct oci_type;
struct scope;
struct unit_properties;

/* A container's cgroup in one hierarchy.  */
struct cgroup_dir
{
  const char *mount;       /* of the hierarchy, below /sys/fs/cgroup: "cpu,cpuacct", "unified"; "" on cgroup v2 */
  const char *controllers; /* v1: "cpu,cpuacct", "name=systemd"; "" for the v2 hierarchy */
  const char *path;        /* the cgroup, relative to the mount: "/libpod_parent/x" */
  uint32_t made;           /* last components of path that are ours to remove: 1 the cgroup, 2 its parent too ... */
  bool skipped;            /* rootless: we may not make it or write to it, so the container stays where its creator is */
  uint32_t known;          /* bytes of path that are our own place, which exists; 0 in the record */
};

/* A container's cgroup; cgroup_type is its form in the record.  */
struct cgroup
{
  const char *driver; /* "cgroupfs", "systemd" or "disabled" */
  struct cgroup_dir *dirs;
  size_t n_dirs;      /* 0: no cgroup of its own */
  bool rootless;      /* made without privilege over the host: device rules are left out */
  bool explicit_path; /* linux.cgroupsPath was given: not being allowed to make it is an error */
  const char *unit;        /* of systemd, or NULL */
  const char *description; /* of the unit: tells it from another's of the same name */
  const char *delegate; /* while it is made: the cgroup below it that cgroup_delegate makes, or NULL; not in the record */
  /* of a unit, while it is made; not in the record */
  const char *slice;
  const char *subgroup;              /* the cgroup below the unit's that is the container's, or NULL: the unit's own */
  const struct unit_properties *asked; /* by annotations */
  struct scope *scope;                 /* the connection and what came over it; cgroup_close closes it */
};

/* Rows of struct cgroup for the document engine (ocispec/table.h).  */
extern const struct oci_type cgroup_type;

/* Annotations that name a cgroup below the unit's for the container, and one below the container's for its first process (as crun has them).  */
#define CGROUP_ANNOTATION_SUBGROUP "run.oci.systemd.subgroup"
#define CGROUP_ANNOTATION_DELEGATE "run.oci.delegate-cgroup"

struct cgroup_args
{
  const char *driver; /* "cgroupfs" (NULL means it), "systemd" or "disabled" */
  const char *path;   /* linux.cgroupsPath, or NULL */
  const char *id;     /* of the container */
  bool rootless;      /* not root, or root of a user namespace only */
  const char *root;   /* the state directory, which tells containers of one id apart; NULL: "" */
  const struct oci_pair *annotations; /* of the document */
  size_t n_annotations;
};

/* What cgroup_layout_read has to look up for these arguments: a set of CGROUP_WANT_*.  R may be NULL.  */
unsigned cgroup_want (const struct cgroup_args *args, const struct oci_resources *r);

/* Decides where the cgroup will be.  Pure.  *ret_cgroup and what it points to live in *ARENA.
 *
 * An absolute linux.cgroupsPath is taken below the mount point of every hierarchy (config-linux.md, "Cgroups Path").
 * A relative one is below a place that the runtime determines; as runc has it for its cgroupfs driver, that is the
 * runtime's own cgroup on v1 and hybrid, and the parent of it on v2, where a cgroup with processes cannot have
 * children with controllers (cgroups(7), "no internal processes").  Without a path it is as if the id had been given,
 * a relative path.  (crun puts relative paths at the root of the hierarchy.)
 * "." and empty components mean nothing; ".." and control characters are refused, so that one value leads to one
 * place, and so is a path that names the root cgroup.
 *
 * With driver "systemd" the path is "slice:prefix:name" (unit.h), and the cgroup what systemd makes of it.  Annotations are properties of the unit
 * (unit_props.h); CGROUP_ANNOTATION_SUBGROUP names a cgroup below the unit's for the container, which otherwise has none (as with runc; crun's
 * default is "container").  On v1 and hybrid systemd makes it where it has its units and where it has controllers; the others are ours to make.
 * -ENOTSUP: there is no hierarchy with units.  Returns 0 or negative errno.  */
int cgroup_plan (const struct cgroup_layout *l, const struct cgroup_args *args, struct oci_arena **arena,
                 struct cgroup **ret_cgroup, struct err *err);

/* Looks which parts of the cgroup's paths exist and sets `made` to what will have to be made, so that a record written
 * now lets a later process undo what this one may do.  A cgroup that exists and holds processes, or is
 * frozen, is refused (-EBUSY): it is another's, and CG has no cgroup any more (n_dirs is 0), so that undoing leaves it alone.
 * One that an unprivileged runtime may not write to, and was not told to use, is skipped whatever is in it.
 * One system call for a cgroup directly in the root or in our own cgroup, else one more per hierarchy.
 * Returns 0 or negative errno.  */
int cgroup_survey (struct cgroup *cg, struct err *err);

/* Makes the cgroup, with missing parents; v1 cpusets get their parents' cpus and mems.  `made` and `skipped` say afterwards what
 * was done.  On failure CG keeps only those hierarchies in which something was made, so that cgroup_kill and cgroup_remove
 * are right in both cases.  *ret_fd is an O_PATH descriptor of the directory for
 * clone3(CLONE_INTO_CGROUP) and the caller's to close, or -1 where that does not apply (v1, hybrid, no cgroup of its own).
 * -EBUSY: the cgroup exists and has processes or is frozen.  Returns 0 or negative errno.  */
int cgroup_make (struct cgroup *cg, int *ret_fd, struct err *err);

/* True if CG is systemd's to make, which does so for a process that is there: then cgroup_make does nothing, and cgroup_start all.  */
bool cgroup_needs_process (const struct cgroup *cg);

/* True if the container has a cgroup of its own in any hierarchy; CG may be NULL.  */
bool cgroup_is_own (const struct cgroup *cg);

/* Lets systemd make the cgroup with the limits of R (may be NULL) and move PID there, and waits until it has.  PID is found where it is then: systemd
 * decides where a unit's cgroup is.  Returns 0; -EBUSY: there is a unit of that name, which is another's: then CG has no cgroup any more; or
 * negative errno.  */
int cgroup_start (struct cgroup *cg, const struct oci_resources *r, pid_t pid, struct err *err);

/* 0 if CG is a unit of systemd that is not there, or is another's of the same name; else 1, or negative errno.  */
int cgroup_is_ours (const struct cgroup *cg, struct err *err);

/* Closes what cgroup_survey opened.  CG may be NULL.  */
void cgroup_close (struct cgroup *cg);

/* Gives the cgroup to user UID of the host (config-linux.md, "Cgroup ownership"): its directory in the v2 hierarchy, and of its files those that
 * /sys/kernel/cgroup/delegate lists and that are there.  Returns 0 or negative errno.  */
int cgroup_give (const struct cgroup *cg, uid_t uid, struct err *err);

/* Makes the cgroup below CG that CGROUP_ANNOTATION_DELEGATE names, moves PID there, and gives it to user UID of the host if GIVEN.  Limits stay those of
 * CG, which PID sees as the root if it has a cgroup namespace of its own by now.  Does nothing without that annotation.  Returns 0 or negative errno.  */
int cgroup_delegate (const struct cgroup *cg, pid_t pid, bool given, uid_t uid, struct err *err);

/* Opens the directory of an existing cgroup for clone3, *ret_fd as from cgroup_make.  Returns 0 or negative errno.  */
int cgroup_open (const struct cgroup *cg, int *ret_fd, struct err *err);

/* The cgroup below CG that WORDS (NULL-terminated) name, each "[CTRL[,CTRL...]:]PATH": with controllers in their hierarchies of
 * cgroup v1, and the others as in CG; without, one word alone, in all.  A path is always below that of CG, and must be there.  *RET_SUB points
 * to strings of CG and is freed by the caller with free(3).  Returns 0; -ENOENT: there is no such cgroup; or negative errno.  */
int cgroup_sub (const struct cgroup *cg, const char *const *words, struct cgroup **ret_sub, struct err *err);

/* Where process PID is now, in the hierarchies of CG: what manages cgroups in a container, or the host's systemd, may have moved it, and even removed
 * CG.  Whoever asks holds a pidfd, and looks afterwards whether it was PID all the time.  Where it is outside of our cgroup namespace the path stays
 * that of CG.  *RET_CGROUP as of cgroup_sub.  Returns 0 or negative errno; -ESRCH: there is no such process.  */
int cgroup_of (const struct cgroup *cg, pid_t pid, struct cgroup **ret_cgroup, struct err *err);

/* 1 if process PID is in CG, or below it, in every hierarchy that the kernel has; 0 if in some one it is elsewhere: where others are,
 * too, or where CG has been left for another place.  Returns that or negative errno; -ESRCH: there is no such process.  */
int cgroup_holds (const struct cgroup *cg, pid_t pid, struct err *err);

/* Writes the path of the cgroup by which the processes of CG are frozen into BUF.  Returns 0, or -ENOENT if there is none.  */
int cgroup_freezer_path (const struct cgroup *cg, char *buf, size_t size);

/* 1 if CG hands controllers to its children in the v2 hierarchy, so that no process can join it itself (cgroups(7), "no internal
 * processes"), else 0.  */
int cgroup_is_inner (const struct cgroup *cg);

/* Opens the files into which a fresh process writes "0" to join the cgroup in every hierarchy: `tasks` on v1,
 * which spares a single-threaded process the lock that `cgroup.procs` takes; `cgroup.procs` on v2.  The freezer is the
 * last.  The descriptors are close-on-exec and the caller's (cgroup_close_fds).  Returns how many, at most MAX, or negative errno.  */
int cgroup_join_fds (const struct cgroup *cg, int *fds, size_t max, struct err *err);

/* Writes "0" to each of FDS: moves the calling process.  Leaves them open.  Returns 0 or negative errno.  child-safe */
int cgroup_join (const int *fds, size_t n, struct err *err);

/* Closes N descriptors, runs of neighbours with one system call each.  */
void cgroup_close_fds (const int *fds, size_t n);

/* Moves process PID with all its threads into the cgroup, in every hierarchy.  Returns 0 or negative errno.  */
int cgroup_add_pid (const struct cgroup *cg, pid_t pid, struct err *err);

/* Makes a cgroup of the v2 hierarchy that can have no processes, because it is below a threaded one, threaded, too, and so those above it that we
 * made.  Returns 0, also if nothing was to be done, or negative errno.  */
int cgroup_make_threaded (const struct cgroup *cg, struct err *err);

/* Freezes or thaws all processes of the cgroup and its children, and waits, at most two seconds, until they are.
 * Returns 0; -ETIMEDOUT; -ENOTSUP without a freezer; or negative errno.  */
int cgroup_freeze (const struct cgroup *cg, bool frozen, struct err *err);

/* True (1) if somebody froze the container's cgroup, whether or not all of it holds still by now; 0 if not, or if there is no cgroup
 * that could be; or negative errno.  Three system calls.  */
int cgroup_frozen (const struct cgroup *cg);

/* Thaws the cgroup and those below it on v1, where a frozen process cannot die.  On v2, where it can, nothing is done.
 * Returns 0 or negative errno.  */
int cgroup_thaw (const struct cgroup *cg, struct err *err);

/* Sends SIG to each process that is in the cgroup or below it at one moment: they are frozen meanwhile, where that can be done within a tenth of
 * a second.  A cgroup that was frozen stays so, and its processes find the signal when they are thawed.  Each is signalled by
 * a pidfd that was opened while it was there, so no later process of its number is met.  A cgroup that is gone has none.
 * Returns 0 or negative errno.  */
int cgroup_signal (const struct cgroup *cg, int sig, struct err *err);

/* Lists the processes in the cgroup and all cgroups below it.  A cgroup that is gone has none.  *ret_pids is freed by
 * the caller with free(3).  Returns 0 or negative errno.  */
int cgroup_pids (const struct cgroup *cg, pid_t **ret_pids, size_t *ret_n, struct err *err);

/* Sends SIGKILL to every process in the cgroup and below it: by cgroup.kill (Linux 5.14), which does not wait for their end (cgroup_remove
 * does); without it they are frozen, killed by number and thawed, again and again until none is left, at most ten seconds.
 * What is frozen on v1 is thawed, since it could not die.  A cgroup that is gone, or that the container does not have, is success.
 * Returns 0; -EBUSY naming a process that does not end; or negative errno.  */
int cgroup_kill (const struct cgroup *cg, struct err *err);

/* Removes the cgroup, what is below it, and those of its parents that were made for it and are empty now.  What
 * existed before stays (`made`).  Waits for dying processes, at most ten seconds.  What is gone already is success, and one
 * hierarchy that cannot be cleared does not keep the others.  Returns 0; -EBUSY naming a process that is still there; or negative
 * errno.  */
int cgroup_remove (const struct cgroup *cg, struct err *err);

#endif
