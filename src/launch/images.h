/* SPDX-License-Identifier: Apache-2.0 */
/* A directory of images: what checkpoint leaves in it and restore finds, beside what is CRIU's own.  The names are those of runc and crun, so that what one
 * runtime dumped another can restore. */
#ifndef ORLOP_LAUNCH_IMAGES_H
#define ORLOP_LAUNCH_IMAGES_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

struct criu_args;
struct err;
struct oci_pair;
struct wire;

#define IMAGES_DUMP_LOG "dump.log"
#define IMAGES_RESTORE_LOG "restore.log"

/* A kind of namespace that may be another's, and stays so.  */
struct images_namespace
{
  const char *type; /* the document's word */
  const char *proc; /* the kernel's, and CRIU's */
  const char *key;  /* what it is called in the images */
};

/* Ended by a NULL type.  */
extern const struct images_namespace images_namespaces[];

/* The opened directories.  */
struct images
{
  int dir, work;         /* work is dir if none was given */
  const char *work_path;
  bool lent;             /* dir is, from these: */
  gid_t group;
  mode_t mode;
};

#define IMAGES_NONE { .dir = -1, .work = -1 }

/* Opens the directories that ARGS names, with MAKE (to dump) makes them (0700), and takes away what has the names of files that CRIU will write there.  The caller closes I (IMAGES_NONE before) in any case.  Returns 0 or negative errno.  */
int images_open (struct images *i, const struct criu_args *args, bool make, struct err *err);

/* Lets the group GID search the directory of the images until they are closed: a user namespace's root, who is nobody here, opens some by himself
 * when he is restored.  Returns 0 or negative errno.  */
int images_lend (struct images *i, gid_t gid, struct err *err);

/* Closes I.  */
void images_close (struct images *i);

/* Tells OPTS of a mount from outside: KEY is its mount point at a dump and its name at a restore, VAL its name and its source.  */
void images_put_mount (struct wire *opts, const char *key, const char *val);

/* Tells OPTS how to deal with cgroups: CRIU_CGROUPS_*.  */
void images_put_cgroup_mode (struct wire *opts, int mode);

/* Tells OPTS of the file with options that win over all others: what annotation org.criu.config among the N ANNOTATIONS names ("": none), else
 * /etc/criu/orlop.conf or runc.conf, where they are.  */
void images_put_config (struct wire *opts, const struct oci_pair *annotations, size_t n);

/* Writes down what descriptors 0 to 2 of process PID are (descriptors.json), and tells OPTS of those that are files of the host.  Returns 0 or negative
 * errno; -ENOTSUP for one that is a terminal of the host's, unless SHELL_JOB says that it will be another's.  */
int images_save_stdio (const struct images *i, pid_t pid, bool shell_job, struct wire *opts, struct err *err);

/* Tells OPTS that our own descriptors 0 to 2 take the place of those written down that were pipes, sockets or files of the host, and those of the host's null device
 * descriptors that are opened now: they are put into FDS (at most 3), which the caller closes, *RET_N says how many.  Returns 0 or negative errno; no list is no error.  */
int images_put_stdio (const struct images *i, struct wire *opts, int *fds, size_t *ret_n, struct err *err);

/* Tells OPTS that descriptor FD of CRIU takes the place of what is called KEY.  */
void images_put_inherited (struct wire *opts, const char *key, int fd);

#endif
