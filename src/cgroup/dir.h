/* SPDX-License-Identifier: Apache-2.0 */
/* Inside this room: one directory of a cgroup, its path and its files.  */
#ifndef ORLOP_CGROUP_DIR_H
#define ORLOP_CGROUP_DIR_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct cgroup;
struct cgroup_dir;
struct err;

enum
{
  CGROUP_FILE_MAX = 255 /* bytes of the name of a file in a cgroup, which a path must have room for */
};

/* The full path of something in a cgroup.  */
struct cgroup_path
{
  char text[PATH_MAX];
};

/* Fills P with the path of FILE in D, or of D itself if FILE is NULL.  Returns 0 or -ENAMETOOLONG with ERR filled.  */
int cgroup_dir_path (const struct cgroup_dir *d, const char *file, struct cgroup_path *p, struct err *err);

/* True for the v2 hierarchy, pure or hybrid.  */
bool cgroup_dir_is_v2 (const struct cgroup_dir *d);

/* Finds the container's cgroup that has CONTROLLER of v1, "" for the v2 hierarchy.  Skipped ones are found too.  Returns NULL if
 * there is none.  */
struct cgroup_dir *cgroup_dir_find (const struct cgroup *cg, const char *controller);

/* Finds the cgroup in whose hierarchy CONTROLLER is: the v1 hierarchy that has it, else the v2 one.  */
struct cgroup_dir *cgroup_dir_of (const struct cgroup *cg, const char *controller);

/* The cgroup from which to read the container's processes: v2, or one that nobody else moves processes about in.
 * Returns NULL if it has none of its own.  */
struct cgroup_dir *cgroup_dir_with_pids (const struct cgroup *cg);

/* Counts in `made` how many of D's last components do not exist, given that the last one does not.  Returns 0 or negative errno.  */
int cgroup_dir_count (struct cgroup_dir *d, struct err *err);

/* Fails if the existing cgroup D has processes or is frozen (-EBUSY).  Returns 0 or negative errno.  */
int cgroup_dir_check_idle (const struct cgroup_dir *d, struct err *err);

/* Makes those of D's components that are missing, by the count in `made`, which is at least as great afterwards.  Returns 0 or negative errno.  */
int cgroup_dir_make (struct cgroup_dir *d, struct err *err);

/* Writes TEXT to FILE of D in one call.  Returns 0 or negative errno.  */
int cgroup_dir_write (const struct cgroup_dir *d, const char *file, const char *text, struct err *err);

/* Reads the beginning of FILE of D into BUF.  Returns the length or negative errno.  */
ssize_t cgroup_dir_read (const struct cgroup_dir *d, const char *file, char *buf, size_t size);

/* Enables CONTROLLERS ("+cpu +pids") for the cgroup D of the v2 hierarchy: writes to cgroup.subtree_control from the root of
 * the hierarchy down to its parent.  A level that refuses does not stop the others (the levels above a delegated one are not
 * ours); ERR keeps the last refusal, or that of the level where processes or threads are the reason, and says so.  Returns 0 or negative errno.  */
int cgroup_dir_enable (const struct cgroup_dir *d, const char *controllers, struct err *err);

#endif
