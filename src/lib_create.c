/* SPDX-License-Identifier: Apache-2.0 */
/* create, run and --dry-run: from a bundle to a plan, and on to the launch floor. */
#include <errno.h>
#include <limits.h>
#include <linux/sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "activation.h"
#include "base/own.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "cgroup/layout.h"
#include "cgroup/limits.h"
#include "handle.h"
#include "lib_checkpoint.h"
#include "kernel/idmap.h"
#include "kernel/ns.h"
#include "kernel/filter.h"
#include "launch/criu.h"
#include "launch/filters.h"
#include "launch/launch.h"
#include "ocispec/config.h"
#include "plan/annotations.h"
#include "plan/arena.h"
#include "plan/bundle.h"
#include "plan/host.h"
#include "plan/make.h"
#include "plan/plan.h"
#include "plan/rules.h"
#include "plan/show.h"

#define PUBLIC __attribute__ ((visibility ("default")))

/* What a caller without options wants.  */
static const struct orlop_create_options defaults;

/* Everything that is decided before anything is done.  */
struct prepared
{
  struct idmap_maps joined; /* of the user namespace that is joined */
  struct bundle bundle;
  struct cgroup_layout layout;
  struct cgroup *cgroup;
  struct plan_arena arena;
  struct plan *plan;
  struct filter filter;
  const struct criu_args *criu; /* restore; else NULL */
  bool dry; /* only shown: nothing may be changed, so the cache of filters is left alone */
  char pid_file[PATH_MAX];
};

static void
release (struct prepared *p)
{
  plan_arena_close (&p->arena);
  free (p->filter.code);
  bundle_close (&p->bundle);
}

static const char *
driver_name (enum orlop_cgroup_manager manager)
{
  static const char *const names[] = { [ORLOP_CGROUP_CGROUPFS] = "cgroupfs", [ORLOP_CGROUP_SYSTEMD] = "systemd",
                                       [ORLOP_CGROUP_DISABLED] = "disabled" };
  return names[manager];
}

static int
prepare_cgroup (const struct orlop *o, const char *id, const struct host *host, struct prepared *p, struct err *err)
{
  const struct oci_linux *x = p->bundle.config->linux_;
  const struct oci_resources *r = x ? x->resources : NULL;
  const struct cgroup_args args = { .driver = driver_name (o->manager), .path = x ? x->cgroups_path : NULL, .id = id,
                                    .rootless = host->in_user_ns, .root = o->root,
                                    .annotations = p->bundle.config->annotations, .n_annotations = p->bundle.config->n_annotations };
  int ret = cgroup_layout_read (&p->layout, cgroup_want (&args, r), err);

  if (ret == 0)
    ret = cgroup_limits_check (r, &p->layout, &args, err);
  return ret < 0 ? ret : cgroup_plan (&p->layout, &args, &p->bundle.arena, &p->cgroup, err);
}

static bool
has_idmap (const struct oci_mount *m)
{
  for (size_t i = 0; i < m->n_options; i++)
    if (str_after (m->options[i], "idmap") || str_after (m->options[i], "ridmap"))
      return true;
  return m->n_uid_mappings > 0;
}

static bool
needs_mount_api (const struct oci_config *c)
{
  const struct oci_linux *l = c->linux_;

  for (size_t i = 0; i < c->n_mounts; i++)
    if (has_idmap (&c->mounts[i]))
      return true;
  for (size_t i = 0; l && i < l->n_namespaces; i++)
    if (strcmp (l->namespaces[i].type, "user") == 0 || (strcmp (l->namespaces[i].type, "mount") == 0 && l->namespaces[i].path))
      return true;
  return false;
}

/* The maps of a user namespace that is joined by path: they decide who owns what the container has.  */
static int
read_joined (struct prepared *p, struct host *host, struct err *err)
{
  const struct oci_linux *l = p->bundle.config->linux_;

  for (size_t i = 0; l && i < l->n_namespaces; i++)
    if (strcmp (l->namespaces[i].type, "user") == 0 && l->namespaces[i].path && l->namespaces[i].path[0])
      {
        own_fd int fd = ns_open (l->namespaces[i].path, CLONE_NEWUSER, err);
        int ret = fd < 0 ? fd : idmap_read (fd, l->namespaces[i].path, &p->joined, err);

        host->joined = &p->joined;
        return err_in (err, ret, "linux.namespaces[%zu].path", i);
      }
  return 0;
}

/* The compiled filter, if one is asked for.  */
static int
prepare_filter (const struct orlop *o, struct prepared *p, struct err *err)
{
  const struct oci_config *c = p->bundle.config;

  if (c->process == NULL || c->linux_ == NULL || c->linux_->seccomp == NULL)
    return 0;
  return filters_get (p->dry ? NULL : o->root, c->linux_->seccomp, &p->bundle.arena, handle_log (o), &p->filter, err);
}

static int
prepare_plan (struct orlop *o, const char *id, const struct orlop_create_options *opt, bool run, struct prepared *p,
              struct err *err)
{
  const struct bundle *b = &p->bundle;
  struct plan_args args = { .id = id, .bundle = b->path, .preserve_fds = opt->listen_fds + opt->preserve_fds,
                            .no_pivot = opt->no_pivot, .no_new_keyring = opt->no_new_keyring, .run = run,
                            .filter = &p->filter };
  struct host host = { .euid = 0 };
  const char **env = NULL;
  int ret = prepare_filter (o, p, err);

  if (ret == 0)
    ret = host_read (&host, err);
  if (ret == 0)
    ret = activation_env (o, opt, &p->bundle.arena, &env, err);
  if (ret == 0)
    ret = activation_mount (o, id, b->config, &p->bundle.arena, err);
  args.extra_env = env;
  if (ret == 0)
    ret = prepare_cgroup (o, id, &host, p, err);
  if (ret < 0)
    return ret;
  if (needs_mount_api (b->config))
    host_probe_mounts (&host);
  if (plan_asks_labels (b->config, b->config->process))
    host_probe_labels (&host);
  if ((ret = read_joined (p, &host, err)) < 0)
    return ret;
  if (b->config->linux_ && b->config->linux_->intel_rdt && (ret = host_read_resctrl (&host, err)) < 0)
    return ret;
  host.layout = &p->layout;
  host.cgroup = p->cgroup;
  ret = plan_arena_open (&p->arena, err);
  return ret < 0 ? ret : plan_make (&p->arena, b->config, &host, &args, handle_log (o), &p->plan, err);
}

static int
prepare (struct orlop *o, const char *id, const struct orlop_create_options *opt, bool run, struct prepared *p,
         struct err *err)
{
  const char *document = opt->config ? opt->config : "config.json";
  int ret;

  if (id == NULL || ! str_is_id (id))
    return err_usage (err, "invalid container id \"%.100s\": letters, digits and _+.- only, not beginning with a dot", id ? id : "");
  if (opt->listen_fds > UINT_MAX - opt->preserve_fds)
    return err_usage (err, "%u descriptors of a service manager and %u others are too many", opt->listen_fds, opt->preserve_fds);
  ret = handle_check_fds (opt->listen_fds + opt->preserve_fds, err);
  if (ret == 0)
    ret = handle_check_pid_file (opt->pid_file, err);
  if (ret < 0)
    return ret;
  handle_document (o, opt->bundle, document);
  ret = bundle_load (opt->bundle, opt->config, &p->bundle, err);
  if (ret < 0)
    return ret;
  handle_document (o, p->bundle.path, document);
  ret = rules_check (p->bundle.config, p->bundle.text, p->bundle.len, err);
  if (ret == 0)
    ret = annotations_check (p->bundle.config->annotations, p->bundle.config->n_annotations, ANNOTATIONS_FILE, err);
  if (ret == 0 && run && p->bundle.config->process == NULL)
    ret = err_spec (err, "process", "required to start the container, but missing");
  if (ret == 0)
    ret = prepare_plan (o, id, opt, run, p, err);
  if (ret < 0)
    bundle_locate (&p->bundle, err);
  return ret;
}

/* A terminal needs somebody who takes its master: the console socket, or ourselves in the foreground.  */
static int
check_console (const struct plan *plan, const struct orlop_create_options *opt, bool run, struct err *err)
{
  bool foreground = run && ! opt->detach;

  if (plan->process.terminal && ! foreground && opt->console_socket == NULL)
    return err_usage (err, "cannot allocate tty if orlop will detach without setting console socket");
  if (opt->console_socket && (! plan->process.terminal || foreground))
    return err_usage (err, "cannot use console socket if orlop will not detach or allocate tty");
  return 0;
}

/* The record may be read from another working directory.  */
static int
absolute_pid_file (struct prepared *p, const char *name, const char **ret_path, struct err *err)
{
  char cwd[PATH_MAX];

  *ret_path = name;
  if (name == NULL || name[0] == '/')
    return 0;
  if (getcwd (cwd, sizeof cwd) == NULL)
    return err_sys (err, errno, "getcwd", "%s", name);
  if (snprintf (p->pid_file, sizeof p->pid_file, "%s/%s", cwd, name) >= (int) sizeof p->pid_file)
    return err_sys (err, ENAMETOOLONG, "open", "%s", name);
  *ret_path = p->pid_file;
  return 0;
}

static int
launch (struct orlop *o, const char *id, const struct orlop_create_options *opt, bool run, struct prepared *p,
        int *ret_status, struct err *err)
{
  struct launch_args args = { .root = o->root, .id = id, .console_socket = opt->console_socket, .pidfd_socket = opt->pidfd_socket,
                              .notify = p->plan->process.given && p->criu == NULL ? o->notify : NULL, .run = run, .criu = p->criu,
                              .detach = opt->detach, .keep = opt->keep, .exiting = o->exiting, .uid = o->uid, .log = handle_log (o) };
  int ret = check_console (p->plan, opt, run, err);

  if (ret == 0)
    ret = absolute_pid_file (p, opt->pid_file, &args.pid_file, err);
  if (ret == 0)
    ret = launch_create (&args, &p->bundle, &p->arena, p->plan, p->cgroup, ret_status, err);
  if (ret < 0)
    bundle_locate (&p->bundle, err);
  return ret;
}

static int
create_or_run (struct orlop *o, const char *id, const struct orlop_create_options *options, bool run, const struct criu_args *criu,
               int *ret_status, struct err *err)
{
  struct prepared *p = calloc (1, sizeof *p);
  int ret;

  if (p == NULL)
    return handle_end (o, err_sys (err, ENOMEM, "calloc", "plan"));
  p->bundle.dirfd = p->arena.fd = -1;
  p->criu = criu;
  options = options ? options : &defaults;
  ret = prepare (o, id, options, run, p, err);
  if (ret == 0)
    ret = launch (o, id, options, run, p, ret_status, err);
  if (! o->exiting)
    {
      release (p);
      free (p);
    }
  return handle_end (o, ret);
}

PUBLIC int
orlop_create (struct orlop *o, const char *id, const struct orlop_create_options *options)
{
  struct err *err = handle_begin (o);
  int status;

  return create_or_run (o, id, options, false, NULL, &status, err);
}

PUBLIC int
orlop_run (struct orlop *o, const char *id, const struct orlop_create_options *options, int *ret_status)
{
  struct err *err = handle_begin (o);
  int own;

  ret_status = ret_status ? ret_status : &own;
  *ret_status = 0;
  return create_or_run (o, id, options, true, NULL, ret_status, err);
}

PUBLIC int
orlop_restore (struct orlop *o, const char *id, const struct orlop_create_options *options, const struct orlop_criu_options *criu,
               int *ret_status)
{
  struct err *err = handle_begin (o);
  struct criu_args args;
  int own, ret = checkpoint_args (o, criu, &args, err);

  ret_status = ret_status ? ret_status : &own;
  *ret_status = 0;
  return ret < 0 ? handle_end (o, ret) : create_or_run (o, id, options, true, &args, ret_status, err);
}

PUBLIC int
orlop_plan (struct orlop *o, const char *id, const struct orlop_create_options *options, char **ret_text)
{
  struct err *err = handle_begin (o);
  struct prepared *p = calloc (1, sizeof *p);
  int ret;

  if (p == NULL)
    return handle_end (o, err_sys (err, ENOMEM, "calloc", "plan"));
  p->bundle.dirfd = p->arena.fd = -1;
  p->dry = true;
  ret = prepare (o, id, options ? options : &defaults, false, p, err);
  if (ret == 0)
    ret = plan_show (p->plan, ret_text, err);
  release (p);
  free (p);
  return handle_end (o, ret);
}
