/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of bundles: bundle, mount, unmount, rm-bundle.  */
#include <limits.h>
#include <string.h>

#include "image/bundle.h"
#include "image/command.h"

static const struct opt no_options[] = { { .name = NULL } };

#define AT(m) offsetof (struct convert_args, m)

static const struct opt bundle_options[] = {
  { "tty", 't', OPT_FLAG, AT (tty), NULL, "with a terminal" },
  { "env", 'e', OPT_LIST, AT (env), "NAME[=VALUE]", "set a variable; may be given again" },
  { "user", 'u', OPT_STRING, AT (user), "USER[:GROUP]", "the user, by name or number" },
  { "workdir", 'w', OPT_STRING, AT (workdir), "DIR", "the working directory" },
  { "entrypoint", 0, OPT_STRING, AT (entrypoint), "PROGRAM", "run PROGRAM with the ARGs alone" },
  { "hostname", 0, OPT_STRING, AT (hostname), "NAME", "the host name" },
  { "read-only", 0, OPT_FLAG, AT (read_only), NULL, "the root file system is read-only" },
  { .name = NULL },
};

static int
bundle_run (struct call *c, struct err *err)
{
  const struct convert_args *given = c->args;
  struct convert_args args = *given;
  struct store s = STORE_CLOSED;
  int ret = store_open (&s, c->store, STORE_READ, false, err);

  args.command = c->argv + 2 + (c->argc > 2 && strcmp (c->argv[2], "--") == 0);
  args.rootless = ! s.is_trusted;
  args.call = c;
  if (ret == 0)
    ret = bundle_make (&s, c->argv[0], c->argv[1], &args, err);
  store_close (&s);
  return ret;
}

const struct command command_bundle = { .name = "bundle",
                                        .operands = "IMAGE BUNDLE [ARG...]",
                                        .help = "make the directory BUNDLE, ready to run; ARGs take the place of the image's Cmd",
                                        .options = bundle_options,
                                        .args_size = sizeof (struct convert_args),
                                        .min = 2,
                                        .max = INT_MAX,
                                        .stop = true,
                                        .run = bundle_run };

static int
mount_run (struct call *c, struct err *err)
{
  return bundle_mount (c->argv[0], err);
}

static int
unmount_run (struct call *c, struct err *err)
{
  return bundle_unmount (c->argv[0], err);
}

static int
rm_bundle_run (struct call *c, struct err *err)
{
  int ret = 0;

  for (int i = 0; i < c->argc && ret == 0; i++)
    ret = bundle_remove (c->argv[i], err);
  return ret;
}

const struct command command_mount = { .name = "mount",
                                       .operands = "BUNDLE",
                                       .help = "mount a bundle's root file system again, as after a restart of the machine",
                                       .options = no_options,
                                       .min = 1,
                                       .max = 1,
                                       .run = mount_run };

const struct command command_unmount = { .name = "unmount",
                                         .operands = "BUNDLE",
                                         .help = "unmount a bundle's root file system; what the container wrote stays",
                                         .options = no_options,
                                         .min = 1,
                                         .max = 1,
                                         .run = unmount_run };

const struct command command_rm_bundle = { .name = "rm-bundle",
                                           .operands = "BUNDLE...",
                                           .help = "unmount and remove bundles with all that their containers wrote",
                                           .options = no_options,
                                           .min = 1,
                                           .max = INT_MAX,
                                           .run = rm_bundle_run };
