/* SPDX-License-Identifier: Apache-2.0 */
/* orlop create, orlop run: the options are one table, since run is create and more. */
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"
#include "cmd/cmd.h"

enum
{
  FDS_MAX = 1 << 20 /* more can hardly be open */
};

struct create_args
{
  struct orlop_create_options options;
  bool dry_run;
};

#define AT(m) offsetof (struct create_args, m)

/* Rows that both have.  */
#define COMMON                                                                                                        \
  { "bundle", 'b', OPT_STRING, AT (options.bundle), "DIR", "bundle directory (default: the current one)" },           \
  { "config", 'f', OPT_STRING, AT (options.config), "FILE", "document instead of config.json" },                      \
  { "console-socket", 0, OPT_STRING, AT (options.console_socket), "PATH", "unix socket that receives the terminal" }, \
  { "pidfd-socket", 0, OPT_STRING, AT (options.pidfd_socket), "PATH", "unix socket that receives a pidfd of the first process" }, \
  { "pid-file", 0, OPT_STRING, AT (options.pid_file), "FILE", "file to write the first process's pid into" },         \
  { "preserve-fds", 0, OPT_UNSIGNED, AT (options.preserve_fds), "N", "pass N descriptors, from 3 on (after LISTEN_FDS)" },               \
  { "no-pivot", 0, OPT_FLAG, AT (options.no_pivot), NULL, "enter the root by chroot, for an initramfs" },             \
  { "no-new-keyring", 0, OPT_FLAG, AT (options.no_new_keyring), NULL, "keep the caller's session keyring" },          \
  { "no-subreaper", 0, OPT_FLAG, AT (options.no_subreaper), NULL, "accepted for compatibility, without effect" }

static const struct opt create_options[] = {
  COMMON,
  { "dry-run", 0, OPT_FLAG, AT (dry_run), NULL, "show what would be done, and do nothing" },
  { .name = NULL },
};

static const struct opt run_options[] = {
  COMMON,
  { "detach", 'd', OPT_FLAG, AT (options.detach), NULL, "return once the program runs" },
  { "keep", 0, OPT_FLAG, AT (options.keep), NULL, "do not delete the container after it ended" },
  { .name = NULL },
};

/* What our own service manager handed to us is for the program: descriptors if LISTEN_PID says that they are meant for us, and not for a parent who
 * forgot to take its variables away (sd_listen_fds(3)).  */
static int
take_activation (struct cmd_call *c, struct orlop_create_options *options)
{
  const char *pid = getenv ("LISTEN_PID"), *fds = getenv ("LISTEN_FDS");
  uint64_t number;

  if (pid && fds && str_u64 (pid, INT_MAX, &number) == 0 && number == (uint64_t) getpid ())
    {
      if (str_u64 (fds, FDS_MAX, &number) < 0)
        return cmd_fail (c, "LISTEN_FDS=%s is no number of descriptors", fds);
      options->listen_fds = (unsigned) number;
      options->listen_fdnames = getenv ("LISTEN_FDNAMES");
    }
  return cmd_notify (c);
}

static int
show_plan (struct cmd_call *c, const struct create_args *a)
{
  char *text = NULL;
  int ret = orlop_plan (c->o, c->argv[0], &a->options, &text);

  if (ret == 0)
    ret = cmd_print (c, text);
  free (text);
  return ret;
}

static int
create_run (struct cmd_call *c)
{
  struct create_args a = *(const struct create_args *) c->args;
  int ret = take_activation (c, &a.options);

  if (ret < 0)
    return ret;
  return a.dry_run ? show_plan (c, &a) : orlop_create (c->o, c->argv[0], &a.options);
}

static int
run_run (struct cmd_call *c)
{
  struct create_args a = *(const struct create_args *) c->args;
  int ret = take_activation (c, &a.options);

  return ret < 0 ? ret : orlop_run (c->o, c->argv[0], &a.options, &c->status);
}

const struct cmd cmd_create = { .name = "create", .operands = "CONTAINER", .help = "create a container without starting its program",
                                .options = create_options, .args_size = sizeof (struct create_args), .min = 1, .max = 1,
                                .failed = CMD_FAILED, .run = create_run };

const struct cmd cmd_run = { .name = "run", .operands = "CONTAINER", .help = "create a container, start it, wait for it and delete it",
                             .options = run_options, .args_size = sizeof (struct create_args), .min = 1, .max = 1,
                             .failed = CMD_FAILED, .run = run_run };
