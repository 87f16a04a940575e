/* SPDX-License-Identifier: Apache-2.0 */
/* orlop exec */
#include <limits.h>
#include <stdlib.h>

#include "base/str.h"
#include "cmd/cmd.h"

enum
{
  GROUPS_MAX = 1024
};

struct exec_args
{
  struct orlop_exec_options options;
  struct opt_list env, caps, groups, cgroups;
};

#define AT(m) offsetof (struct exec_args, m)

static const struct opt exec_options[] = {
  { "process", 'p', OPT_STRING, AT (options.process), "FILE", "OCI process document to run" },
  { "detach", 'd', OPT_FLAG, AT (options.detach), NULL, "return once the program runs" },
  { "tty", 't', OPT_FLAG, AT (options.tty), NULL, "give the program a terminal" },
  { "console-socket", 0, OPT_STRING, AT (options.console_socket), "PATH", "unix socket that receives the terminal" },
  { "pidfd-socket", 0, OPT_STRING, AT (options.pidfd_socket), "PATH", "unix socket that receives a pidfd of the process" },
  { "pid-file", 0, OPT_STRING, AT (options.pid_file), "FILE", "file to write the process's pid into" },
  { "preserve-fds", 0, OPT_UNSIGNED, AT (options.preserve_fds), "N", "pass N descriptors, from 3 on" },
  { "cwd", 0, OPT_STRING, AT (options.cwd), "DIR", "working directory in the container" },
  { "env", 'e', OPT_LIST, AT (env), "NAME=VALUE", "add to the environment" },
  { "user", 'u', OPT_STRING, AT (options.user), "UID[:GID]", "user and group, as numbers" },
  { "additional-gids", 'g', OPT_LIST, AT (groups), "GID", "add a supplementary group" },
  { "cap", 'c', OPT_LIST, AT (caps), "CAP", "add a capability" },
  { "no-new-privs", 0, OPT_FLAG, AT (options.no_new_privs), NULL, "set no_new_privs" },
  { "cgroup", 0, OPT_LIST, AT (cgroups), "[CTRL[,CTRL...]:]PATH", "run in a cgroup below the container's" },
  { "process-label", 0, OPT_STRING, AT (options.process_label), "LABEL", "label of SELinux" },
  { "apparmor", 0, OPT_STRING, AT (options.apparmor), "PROFILE", "profile of AppArmor" },
  { "ignore-paused", 0, OPT_FLAG, AT (options.ignore_paused), NULL, "run it in a paused container too, once that is resumed" },
  { .name = NULL },
};

static int
read_groups (struct cmd_call *c, const struct opt_list *list, unsigned *groups)
{
  for (size_t i = 0; i < list->n; i++)
    {
      uint64_t gid;

      if (i == GROUPS_MAX || str_u64 (list->item[i], UINT_MAX - 1, &gid) < 0)
        return cmd_fail (c, "invalid group \"%s\"", list->item[i]);
      groups[i] = (unsigned) gid;
    }
  return 0;
}

static int
exec_run (struct cmd_call *c)
{
  const struct exec_args *a = c->args;
  struct orlop_exec_options options = a->options;
  unsigned groups[GROUPS_MAX];
  int ret = read_groups (c, &a->groups, groups);

  if (ret < 0)
    return ret;
  options.args = c->argc > 1 ? (const char *const *) c->argv + 1 : NULL;
  options.env = a->env.n ? a->env.item : NULL;
  options.cgroups = a->cgroups.n ? a->cgroups.item : NULL;
  options.caps = a->caps.n ? a->caps.item : NULL;
  options.additional_gids = groups;
  options.n_additional_gids = a->groups.n;
  return orlop_exec (c->o, c->argv[0], &options, &c->status);
}

const struct cmd cmd_exec = { .name = "exec", .operands = "CONTAINER [COMMAND [ARG...]]", .help = "run one more process in a running container",
                              .options = exec_options, .args_size = sizeof (struct exec_args), .min = 1, .max = INT_MAX,
                              .stop = true, .failed = CMD_EXEC_FAILED, .run = exec_run };
