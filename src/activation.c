/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors and a socket from a service manager; see activation.h.  Names and places inside the container are runc's. */
#include "activation.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "handle.h"
#include "launch/notify.h"
#include "ocispec/config.h"

/* Where the directory is inside the container, and the socket in it.  */
#define INSIDE_DIR "/run/notify"
#define INSIDE_SOCKET INSIDE_DIR "/notify.sock"

static int
no_memory (struct err *err)
{
  return err_sys (err, ENOMEM, "malloc", "what a service manager handed on");
}

static char *__attribute__ ((format (printf, 2, 3)))
print (struct oci_arena **arena, const char *fmt, ...)
{
  char text[2 * PATH_MAX], *copy;
  va_list ap;
  int n;

  va_start (ap, fmt);
  n = vsnprintf (text, sizeof text, fmt, ap);
  va_end (ap);
  if (n < 0 || (size_t) n >= sizeof text)
    return NULL;
  copy = oci_alloc (arena, (size_t) n + 1);
  return copy ? memcpy (copy, text, (size_t) n + 1) : NULL;
}

int
activation_env (const struct orlop *o, const struct orlop_create_options *opt, struct oci_arena **arena, const char ***ret_env,
                struct err *err)
{
  const char **env = oci_alloc (arena, 5 * sizeof *env);
  size_t n = 0;
  bool whole = true;

  if (env == NULL)
    return no_memory (err);
  if (opt->listen_fds > 0)
    {
      whole &= (env[n++] = print (arena, "LISTEN_FDS=%u", opt->listen_fds)) != NULL;
      env[n++] = "LISTEN_PID=1"; /* as the first process sees itself */
      if (opt->listen_fdnames)
        whole &= (env[n++] = print (arena, "LISTEN_FDNAMES=%s", opt->listen_fdnames)) != NULL;
    }
  if (o->notify)
    env[n++] = "NOTIFY_SOCKET=" INSIDE_SOCKET;
  env[n] = NULL;
  *ret_env = env;
  return whole ? 0 : no_memory (err);
}

/* The container's directory, which is yet to be made, as an absolute path: the mount's source is looked up elsewhere.  */
static int
host_dir (const struct orlop *o, const char *id, struct oci_arena **arena, const char **ret_path, struct err *err)
{
  char cwd[PATH_MAX] = "";

  if (o->root[0] != '/' && getcwd (cwd, sizeof cwd) == NULL)
    return err_sys (err, errno, "getcwd", "%s", o->root);
  *ret_path = print (arena, "%s%s%s/%s/" NOTIFY_DIR, cwd, cwd[0] ? "/" : "", o->root, id);
  return *ret_path ? 0 : no_memory (err);
}

int
activation_mount (const struct orlop *o, const char *id, struct oci_config *config, struct oci_arena **arena, struct err *err)
{
  static const char *const options[] = { "bind", "nosuid", "noexec", "nodev", "ro" };
  struct oci_mount *mounts;
  const char **list, *source;
  int ret;

  if (o->notify == NULL || config->process == NULL)
    return 0;
  ret = host_dir (o, id, arena, &source, err);
  if (ret < 0)
    return ret;
  mounts = oci_alloc (arena, (config->n_mounts + 1) * sizeof *mounts);
  list = oci_alloc (arena, sizeof options);
  if (mounts == NULL || list == NULL)
    return no_memory (err);
  memcpy (list, options, sizeof options);
  if (config->n_mounts)
    memcpy (mounts, config->mounts, config->n_mounts * sizeof *mounts);
  mounts[config->n_mounts] = (struct oci_mount){ .destination = INSIDE_DIR, .type = "bind", .source = source, .options = list,
                                                 .n_options = sizeof options / sizeof *options };
  config->mounts = mounts;
  config->n_mounts++;
  return 0;
}
