/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of the resctrl file system, which shares out caches and memory bandwidth and
 * counts their use.  Works on the directory it is given; knows no document.  See the kernel's
 * Documentation/filesystems/resctrl.rst. */
#ifndef ORLOP_KERNEL_RDT_H
#define ORLOP_KERNEL_RDT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct err;

/* Where resctrl is mounted, by the text of a mountinfo, into BUF.  Returns 0, -ENODEV (nowhere) or -ENAMETOOLONG.  */
int rdt_parse_mounts (const char *mountinfo, char *buf, size_t size);

/* The same for our own mount namespace.  Returns 0 or negative errno.  */
int rdt_find (char *buf, size_t size, struct err *err);

/* True if NAME can be that of a group: one component, and none of the kernel's own directories.  */
bool rdt_is_name (const char *name);

/* Opens the group NAME ("" is the default one, the root) of the file system at ROOT; with MONITOR the group of that name in its mon_groups.
 * Returns a directory descriptor or negative errno.  */
int rdt_open (const char *root, const char *name, const char *monitor, struct err *err);

/* Makes the group, as rdt_open names it.  Returns 0 or negative errno (-EEXIST, -ENOSPC: the hardware has no more).  */
int rdt_make (const char *root, const char *name, const char *monitor, struct err *err);

/* Removes it; its processes fall back to the group above.  One that is gone is fine.  Returns 0 or negative errno.  */
int rdt_remove (const char *root, const char *name, const char *monitor, struct err *err);

/* Joins CACHES, lines, and BANDWIDTH, one line (either may be NULL or empty), to one text for rdt_write.  Lines of the former that are the latter's are left
 * out where both are given: documents from the time before memBwSchema have them there.  *RET_TEXT, freed with free (3), is NULL for nothing.
 * Returns 0 or -ENOMEM.  */
int rdt_join (const char *caches, const char *bandwidth, char **ret_text);

/* Reads the schemata of GROUP as a text for rdt_write.  *RET_TEXT is freed with free (3).  Returns 0 or negative errno.  */
int rdt_read (int group, char **ret_text, struct err *err);

/* Writes TEXT, lines without a last line feed, to the schemata of GROUP, in one write; what the kernel finds wrong with it goes into ERR.
 * ROOT is where that is told.  Returns 0 or negative errno.  */
int rdt_write (const char *root, int group, const char *text, struct err *err);

/* Checks that the schemata of GROUP say what the lines of TEXT do, as far as these go.  Returns 0 or negative errno (-EEXIST: they differ).  */
int rdt_compare (int group, const char *text, struct err *err);

/* Puts the process PID, with what it starts from now on, into GROUP.  Returns 0 or negative errno.  */
int rdt_add (int group, pid_t pid, struct err *err);

#endif
