/* SPDX-License-Identifier: Apache-2.0 */
/* orlop spec, orlop features: documents that need no container. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"

static const struct opt no_options[] = { { .name = NULL } };

struct spec_args
{
  const char *bundle, *file;
  bool rootless;
};

static const struct opt spec_options[] = {
  { "bundle", 'b', OPT_STRING, offsetof (struct spec_args, bundle), "DIR", "where to write it (default: the current directory)" },
  { "file", 'f', OPT_STRING, offsetof (struct spec_args, file), "NAME", "name instead of config.json" },
  { "rootless", 0, OPT_FLAG, offsetof (struct spec_args, rootless), NULL, "for an unprivileged user" },
  { .name = NULL },
};

static int
write_new (struct cmd_call *c, const char *path, const char *text)
{
  size_t len = strlen (text);
  int fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666), num;

  if (fd < 0)
    return errno == EEXIST ? cmd_fail (c, "file %s exists, remove it first", path)
                           : cmd_fail (c, "open(\"%s\"): %s", path, strerror (errno));
  num = write (fd, text, len) == (ssize_t) len ? 0 : errno;
  (void) close (fd);
  if (num == 0)
    return 0;
  (void) unlink (path);
  return cmd_fail (c, "write(\"%s\"): %s", path, strerror (num));
}

static int
spec_run (struct cmd_call *c)
{
  const struct spec_args *a = c->args;
  const char *name = a->file ? a->file : "config.json";
  const char *dir = a->bundle && name[0] != '/' ? a->bundle : NULL;
  char *json = NULL, path[4096];
  int ret;

  if (snprintf (path, sizeof path, "%s%s%s", dir ? dir : "", dir ? "/" : "", name) >= (int) sizeof path)
    return cmd_fail (c, "the path is too long");
  ret = orlop_spec (c->o, a->rootless, &json);
  if (ret == 0)
    ret = write_new (c, path, json);
  free (json);
  return ret;
}

static int
features_run (struct cmd_call *c)
{
  char *json = NULL;
  int ret = orlop_features (c->o, &json);

  if (ret == 0)
    ret = cmd_print (c, json);
  free (json);
  return ret;
}

const struct cmd cmd_spec = { .name = "spec", .operands = "", .help = "write a config.json to start from", .options = spec_options,
                              .args_size = sizeof (struct spec_args), .min = 0, .max = 0, .failed = CMD_FAILED, .run = spec_run };

const struct cmd cmd_features = { .name = "features", .operands = "", .help = "print what this runtime supports as JSON", .options = no_options,
                                  .min = 0, .max = 0, .failed = CMD_FAILED, .run = features_run };
