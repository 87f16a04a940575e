/* SPDX-License-Identifier: Apache-2.0 */
/* orlop checkpoint, orlop restore: CRIU's options are one table, of which each has its part. */
#include <stdlib.h>

#include "cmd/cmd.h"

struct checkpoint_args
{
  struct orlop_criu_options criu;
  struct orlop_create_options create;
  struct opt_list empty_ns;
};

#define AT(m) offsetof (struct checkpoint_args, m)

/* Rows that both have.  */
#define COMMON                                                                                                                       \
  { "image-path", 0, OPT_STRING, AT (criu.image_path), "DIR", "directory of the images (default: checkpoint)" },                    \
  { "work-path", 0, OPT_STRING, AT (criu.work_path), "DIR", "directory of CRIU's log (default: that of the images)" },              \
  { "tcp-established", 0, OPT_FLAG, AT (criu.tcp_established), NULL, "allow open TCP connections" },                                \
  { "ext-unix-sk", 0, OPT_FLAG, AT (criu.ext_unix_sk), NULL, "allow unix sockets whose other end is outside" },                     \
  { "shell-job", 0, OPT_FLAG, AT (criu.shell_job), NULL, "allow a session leader or a terminal outside" },                          \
  { "lazy-pages", 0, OPT_FLAG, AT (criu.lazy_pages), NULL, "serve memory when it is used (userfaultfd)" },                          \
  { "file-locks", 0, OPT_FLAG, AT (criu.file_locks), NULL, "allow file locks" },                                                    \
  { "manage-cgroups-mode", 0, OPT_STRING, AT (criu.manage_cgroups), "soft|full|strict|ignore", "how cgroups below the container's are treated" }, \
  { "empty-ns", 0, OPT_LIST, AT (empty_ns), "TYPE", "restore a namespace (network) without what was in it" },                       \
  { "auto-dedup", 0, OPT_FLAG, AT (criu.auto_dedup), NULL, "take memory that is in a later image out of the earlier one" },          \
  { "network-lock", 0, OPT_STRING, AT (criu.network_lock), "iptables|nftables|skip", "how the network is stopped meanwhile" }

static const struct opt checkpoint_options[] = {
  COMMON,
  { "parent-path", 0, OPT_STRING, AT (criu.parent_path), "DIR", "images of an earlier --pre-dump, relative to --image-path" },
  { "leave-running", 0, OPT_FLAG, AT (criu.leave_running), NULL, "let the container go on afterwards" },
  { "pre-dump", 0, OPT_FLAG, AT (criu.pre_dump), NULL, "dump memory alone, and let the container go on" },
  { "tcp-skip-in-flight", 0, OPT_FLAG, AT (criu.tcp_skip_in_flight), NULL, "leave out TCP connections that are being made" },
  { "link-remap", 0, OPT_FLAG, AT (criu.link_remap), NULL, "allow open files whose name is gone" },
  { "status-fd", 0, OPT_UNSIGNED, AT (criu.status_fd), "FD", "descriptor that gets a zero byte when --lazy-pages is ready" },
  { "page-server", 0, OPT_STRING, AT (criu.page_server), "ADDRESS:PORT", "page server that stores the memory" },
  { .name = NULL },
};

static const struct opt restore_options[] = {
  COMMON,
  { "bundle", 'b', OPT_STRING, AT (create.bundle), "DIR", "bundle directory (default: the current one)" },
  { "config", 'f', OPT_STRING, AT (create.config), "FILE", "document instead of config.json" },
  { "console-socket", 0, OPT_STRING, AT (create.console_socket), "PATH", "unix socket that receives the terminal" },
  { "pidfd-socket", 0, OPT_STRING, AT (create.pidfd_socket), "PATH", "unix socket that receives a pidfd of the first process" },
  { "pid-file", 0, OPT_STRING, AT (create.pid_file), "FILE", "file to write the first process's pid into" },
  { "detach", 'd', OPT_FLAG, AT (create.detach), NULL, "return once the container runs" },
  { "keep", 0, OPT_FLAG, AT (create.keep), NULL, "do not delete the container after it ended" },
  { "no-pivot", 0, OPT_FLAG, AT (create.no_pivot), NULL, "accepted for compatibility, without effect" },
  { "no-subreaper", 0, OPT_FLAG, AT (create.no_subreaper), NULL, "accepted for compatibility, without effect" },
  { "tcp-close", 0, OPT_FLAG, AT (criu.tcp_close), NULL, "restore TCP connections closed" },
  { "lsm-profile", 0, OPT_STRING, AT (criu.lsm_profile), "TYPE:NAME", "profile of AppArmor or label of SELinux instead of the dumped one" },
  { "lsm-mount-context", 0, OPT_STRING, AT (criu.lsm_mount_context), "CONTEXT", "context of SELinux for mounts" },
  { .name = NULL },
};

static int
checkpoint_run (struct cmd_call *c)
{
  const struct checkpoint_args *a = c->args;
  struct orlop_criu_options criu = a->criu;

  criu.empty_ns = a->empty_ns.n ? a->empty_ns.item : NULL;
  return orlop_checkpoint (c->o, c->argv[0], &criu);
}

static int
restore_run (struct cmd_call *c)
{
  const struct checkpoint_args *a = c->args;
  struct orlop_criu_options criu = a->criu;

  criu.empty_ns = a->empty_ns.n ? a->empty_ns.item : NULL;
  return orlop_restore (c->o, c->argv[0], &a->create, &criu, &c->status);
}

const struct cmd cmd_checkpoint = { .name = "checkpoint", .operands = "CONTAINER", .help = "write a running container into images and end it",
                                    .options = checkpoint_options, .args_size = sizeof (struct checkpoint_args), .min = 1, .max = 1,
                                    .failed = CMD_FAILED, .run = checkpoint_run };

const struct cmd cmd_restore = { .name = "restore", .operands = "CONTAINER", .help = "make a container from the images of a checkpoint",
                                 .options = restore_options, .args_size = sizeof (struct checkpoint_args), .min = 1, .max = 1,
                                 .failed = CMD_FAILED, .run = restore_run };
