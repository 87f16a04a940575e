/* SPDX-License-Identifier: Apache-2.0 */
/* Making a plan: from a checked document and the facts of this machine.  Pure: reads
 * nothing but its arguments, changes nothing. */
#ifndef ORLOP_PLAN_MAKE_H
#define ORLOP_PLAN_MAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct filter;
struct host;
struct log;
struct oci_config;
struct oci_process;
struct plan;
struct plan_arena;
struct plan_hooks;

/* What the command line adds to the document.  */
struct plan_args
{
  const char *id;
  const char *bundle;       /* absolute */
  unsigned preserve_fds;    /* --preserve-fds plus LISTEN_FDS */
  const char *const *extra_env; /* NULL-terminated additions such as LISTEN_FDS=1, or NULL */
  const struct filter *filter;  /* linux.seccomp, compiled, or NULL */
  bool no_pivot, no_new_keyring, run;
};

/* True if a plan of PROCESS (NULL: none) in the container of CONFIG needs host_probe_labels.  */
bool plan_asks_labels (const struct oci_config *config, const struct oci_process *process);

/* Makes the plan of `create` and `run` in ARENA.  CONFIG has passed rules_check and must outlive nothing: strings are copied.
 * The cgroup part is separate (cgroup/cgroup.h): CGROUP_MOUNTS tells how to show it inside, see struct host.
 * Refuses what is not implemented by its JSON path (ERR_SPEC).  Returns 0 or negative errno.  */
int plan_make (struct plan_arena *arena, const struct oci_config *config, const struct host *host,
               const struct plan_args *args, const struct log *log, struct plan **ret_plan, struct err *err);

/* Makes the plan of `exec`: PROCESS in the container that CONFIG describes.  */
int plan_make_exec (struct plan_arena *arena, const struct oci_config *config, const struct oci_process *process,
                    const struct host *host, const struct plan_args *args, const struct log *log,
                    struct plan **ret_plan, struct err *err);

/* Makes only the hooks of CONFIG in ARENA: for start and delete.  Returns 0 or negative errno.  */
int plan_make_hooks (struct plan_arena *arena, const struct oci_config *config, struct plan_hooks *ret_hooks,
                     struct err *err);

#endif
