/* SPDX-License-Identifier: Apache-2.0 */
/* Which cgroup hierarchies this machine shows at /sys/fs/cgroup, and where we are in
 * them.  Reads the few facts that a plan needs; never the machine's mount table, and
 * changes nothing. */
#ifndef ORLOP_CGROUP_LAYOUT_H
#define ORLOP_CGROUP_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

struct err;

/* Where cgroups are.  systemd, OpenRC and every engine agree on it.  */
#define CGROUP_ROOT "/sys/fs/cgroup"

/* Where systemd keeps its units on v1, by the name of the hierarchy's controllers.  */
#define CGROUP_SYSTEMD "name=systemd"

enum
{
  CGROUP_HIERARCHIES_MAX = 20 /* the kernel has 14 controllers, plus named hierarchies, plus the unified one */
};

enum cgroup_mode
{
  CGROUP_NONE,   /* nothing is mounted there */
  CGROUP_V1,     /* a directory with a cgroup v1 mount per hierarchy */
  CGROUP_HYBRID, /* the same, and cgroup v2 at "unified" */
  CGROUP_V2      /* cgroup v2 itself */
};

/* One mounted hierarchy.  */
struct cgroup_hierarchy
{
  const char *dir;         /* below CGROUP_ROOT: "cpu,cpuacct", "systemd", "unified"; "" in CGROUP_V2 */
  const char *controllers; /* v1: as the kernel lists them, "cpu,cpuacct" or "name=systemd"; "" is the v2 hierarchy */
  const char *own;         /* our own cgroup, beginning with '/' */
};

/* The hierarchies in the kernel's order, the v2 one last.  Points into itself: not to be copied.  */
struct cgroup_layout
{
  enum cgroup_mode mode;
  struct cgroup_hierarchy hierarchies[CGROUP_HIERARCHIES_MAX];
  size_t n_hierarchies;
  const char *controllers; /* of the v2 hierarchy, separated by spaces; NULL: not read, or there is none */
  size_t used;
  char text[16384];
};

/* What of a layout is wanted.  */
enum
{
  CGROUP_WANT_OWN = 1 << 0,         /* our own place (pure v2; on v1 it comes for free) */
  CGROUP_WANT_CONTROLLERS = 1 << 1, /* the controllers of pure v2, and of v2 beside a v1 that lacks some */
  CGROUP_WANT_UNIFIED = 1 << 2      /* the controllers of the v2 hierarchy, on hybrid too */
};

/* Reads the layout of this machine.  WANT is a set of CGROUP_WANT_*, see cgroup_want.  A machine without cgroups
 * is CGROUP_NONE, not an error.  Takes 1 system call on cgroup v2 plus 3 for each of WANT, 8 on v1.
 * Returns 0 or negative errno.  */
int cgroup_layout_read (struct cgroup_layout *l, unsigned want, struct err *err);

/* Reads the layout from lines of text (tests):
 *     mode none|v1|hybrid|v2
 *     mount NAME                a directory or link below CGROUP_ROOT (v1, hybrid)
 *     self N:CONTROLLERS:PATH   a line of /proc/self/cgroup
 *     controllers A B C         of the v2 hierarchy
 * Mounts come before the `self` lines.  Empty lines and those that begin with # are skipped.  Returns 0 or negative errno.  */
int cgroup_layout_parse (const char *text, struct cgroup_layout *l, struct err *err);

/* Finds the hierarchy that has CONTROLLER, a v1 name; "" finds the v2 one.  Returns NULL if there is none.  */
const struct cgroup_hierarchy *cgroup_layout_find (const struct cgroup_layout *l, const char *controller);

/* True if the list LIST, whose words are separated by spaces or commas, has WORD.  */
bool cgroup_list_has (const char *list, const char *word);

#endif
