/* SPDX-License-Identifier: Apache-2.0 */
/* Undoing a container, from its record alone: what a failed create, delete and the end of
 * run all do (runtime.md, lifecycle step 12: "undoing the steps performed during create"). */
#ifndef ORLOP_LAUNCH_TEARDOWN_H
#define ORLOP_LAUNCH_TEARDOWN_H

#include <sys/types.h>

struct err;
struct log;
struct record;
struct record_dir;

/* Ends every process of the container (the first one, or all of its cgroup where it has no pid namespace of its own), waits for
 * their end, removes the cgroup and the record.  What is gone already is no error.  The record stays if something could not
 * be undone, so that it can be tried again.  Returns 0 or negative errno.  */
int teardown (struct record_dir *dir, const struct record *rec, struct err *err);

/* The same when the first process has ended and was waited for.  */
int teardown_ended (struct record_dir *dir, const struct record *rec, struct err *err);

/* The same after a create that failed: also removes the pid file, and goes on after errors, which are logged.  */
void teardown_failed (struct record_dir *dir, const struct record *rec, const struct log *log);

/* Removes the file PATH if what it holds is PID: until we wrote it, it was another's.  PATH may be NULL.  */
void teardown_pid_file (const char *path, pid_t pid);

/* Kills and waits, removing nothing.  */
int teardown_kill (const struct record *rec, struct err *err);

#endif
