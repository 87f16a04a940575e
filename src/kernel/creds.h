/* SPDX-License-Identifier: Apache-2.0 */
/* Who we are: ids and groups of this very thread, and the ratchets that go one way.  child-safe: raw calls, because those of
 * libc change all threads by signals.  See credentials(7), setresuid(2), PR_SET_KEEPCAPS. */
#ifndef ORLOP_KERNEL_CREDS_H
#define ORLOP_KERNEL_CREDS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct err;

/* Becomes UID and GID (real, effective, saved) with the N supplementary GROUPS, or with those it has when KEEP_GROUPS (then GROUPS
 * must be empty: -EINVAL).  Order: groups, gid, uid, since the uid takes the right to change the others.  When UID is not 0 the permitted
 * capabilities are kept (PR_SET_KEEPCAPS, reset by execve) so that capset_apply can follow; effective ones are lost.
 * The ids (uid_t) -1 and (gid_t) -1 mean "leave" to the kernel and are refused with -EINVAL.  An id that is not mapped in our user
 * namespace is the kernel's EINVAL.  Returns 0 or negative errno.  child-safe */
int creds_set (uid_t uid, gid_t gid, const gid_t *groups, size_t n, bool keep_groups, struct err *err);

/* The part of creds_set that is left for somebody who has the ids already: the supplementary groups.  Returns 0 or negative errno.  child-safe */
int creds_set_groups (const gid_t *groups, size_t n, bool keep_groups, struct err *err);

/* True if this program was executed with UID and GID as its real and effective ids (and so the saved ones, execve(2)), which it has as long
 * as nobody changed them.  No call: the kernel says so in the auxiliary vector.  child-safe */
bool creds_executed_as (uid_t uid, gid_t gid);

/* execve never grants privilege from here on (PR_SET_NO_NEW_PRIVS).  Returns 0 or negative errno.  child-safe */
int creds_no_new_privs (struct err *err);

/* No ptrace, no /proc/PID access by others of our id from here to execve (PR_SET_DUMPABLE 0; CVE-2016-9962).
 * Returns 0 or negative errno.  child-safe */
int creds_not_dumpable (struct err *err);

#endif
