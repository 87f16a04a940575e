/* SPDX-License-Identifier: Apache-2.0 */
/* exec: the process document, from a file or from the container's own and the caller's changes, to a plan. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "handle.h"
#include "kernel/filter.h"
#include "launch/filters.h"
#include "launch/launch.h"
#include "launch/record.h"
#include "ocispec/config.h"
#include "plan/arena.h"
#include "plan/document.h"
#include "plan/host.h"
#include "plan/make.h"
#include "plan/plan.h"
#include "plan/rules.h"

#define PUBLIC __attribute__ ((visibility ("default")))

/* All that an exec holds on its way.  */
struct running
{
  struct record_dir dir;
  struct oci_arena *arena;
  struct record *rec;
  struct oci_config *config;
  struct document document;    /* of --process */
  struct oci_process *process;
  struct plan_arena plan_arena;
  struct plan *plan;
  struct filter filter;
};

static int
no_memory (struct err *err)
{
  return err_sys (err, ENOMEM, "malloc", "process");
}

static size_t
count (const char *const *list)
{
  size_t n = 0;

  while (list && list[n])
    n++;
  return n;
}

/* OLD (N entries) and MORE in one NULL-terminated list of the arena.  */
static int
join_lists (struct oci_arena **arena, const char ***in_out_list, size_t *in_out_n, const char *const *more, struct err *err)
{
  size_t n_more = count (more);
  const char **list = oci_alloc (arena, (*in_out_n + n_more + 1) * sizeof *list);

  if (list == NULL)
    return no_memory (err);
  if (*in_out_n)
    memcpy (list, *in_out_list, *in_out_n * sizeof *list);
  if (n_more)
    memcpy (list + *in_out_n, more, n_more * sizeof *list);
  *in_out_list = list;
  *in_out_n += n_more;
  return 0;
}

/* "UID" or "UID:GID": decimal numbers and nothing else (CVE-2016-3697, CVE-2026-30892).  */
static int
set_user (struct oci_arena **arena, struct oci_process *p, const char *text, struct err *err)
{
  struct oci_user *user = oci_alloc (arena, sizeof *user);
  own_mem char *copy = strdup (text);
  uint64_t uid = 0, gid = 0;
  char *colon;

  if (user == NULL || copy == NULL)
    return no_memory (err);
  if (p->user)
    *user = *p->user;
  colon = strchr (copy, ':');
  if (colon)
    *colon = '\0';
  if (str_u64 (copy, UINT32_MAX - 1, &uid) < 0 || (colon && str_u64 (colon + 1, UINT32_MAX - 1, &gid) < 0))
    return err_usage (err, "invalid user \"%.100s\": UID or UID:GID, numbers only", text);
  user->uid = (uint32_t) uid;
  user->gid = colon ? (uint32_t) gid : user->gid;
  p->user = user;
  return 0;
}

static int
add_groups (struct oci_arena **arena, struct oci_process *p, const unsigned *groups, size_t n, struct err *err)
{
  struct oci_user *user = oci_alloc (arena, sizeof *user);
  uint32_t *list;

  if (user == NULL)
    return no_memory (err);
  if (p->user)
    *user = *p->user;
  list = oci_alloc (arena, (user->n_additional_gids + n) * sizeof *list);
  if (list == NULL)
    return no_memory (err);
  if (user->n_additional_gids)
    memcpy (list, user->additional_gids, user->n_additional_gids * sizeof *list);
  for (size_t i = 0; i < n; i++)
    list[user->n_additional_gids + i] = groups[i];
  user->additional_gids = list;
  user->n_additional_gids += n;
  p->user = user;
  return 0;
}

/* Adds to bounding, effective and permitted; to ambient only where the container has inheritable ones; never to
 * inheritable (CVE-2022-29162).  */
static int
add_caps (struct oci_arena **arena, struct oci_process *p, const char *const *caps, struct err *err)
{
  struct oci_capabilities *c = oci_alloc (arena, sizeof *c);
  int ret;

  if (c == NULL)
    return no_memory (err);
  if (p->capabilities)
    *c = *p->capabilities;
  ret = join_lists (arena, &c->bounding, &c->n_bounding, caps, err);
  if (ret == 0)
    ret = join_lists (arena, &c->effective, &c->n_effective, caps, err);
  if (ret == 0)
    ret = join_lists (arena, &c->permitted, &c->n_permitted, caps, err);
  if (ret == 0 && c->n_inheritable > 0)
    ret = join_lists (arena, &c->ambient, &c->n_ambient, caps, err);
  p->capabilities = c;
  return ret;
}

/* The container's own process with the caller's changes.  */
static int
change_process (struct running *r, const struct orlop_exec_options *opt, struct err *err)
{
  struct oci_process *p = oci_alloc (&r->arena, sizeof *p);
  int ret = 0;

  if (p == NULL)
    return no_memory (err);
  *p = r->config->process ? *r->config->process : (struct oci_process){ .cwd = "/" };
  p->args = NULL;
  p->n_args = 0;
  p->terminal = opt->tty;
  p->no_new_privileges |= opt->no_new_privs;
  if (opt->cwd)
    p->cwd = opt->cwd;
  ret = join_lists (&r->arena, &p->args, &p->n_args, opt->args, err);
  if (ret == 0 && opt->env)
    ret = join_lists (&r->arena, &p->env, &p->n_env, opt->env, err);
  if (ret == 0 && opt->user)
    ret = set_user (&r->arena, p, opt->user, err);
  if (ret == 0 && opt->n_additional_gids)
    ret = add_groups (&r->arena, p, opt->additional_gids, opt->n_additional_gids, err);
  if (ret == 0 && opt->caps)
    ret = add_caps (&r->arena, p, opt->caps, err);
  r->process = p;
  return ret;
}

/* What the caller says about the labels wins over any document.  */
static void
set_labels (struct oci_process *p, const struct orlop_exec_options *opt)
{
  if (opt->process_label)
    p->selinux_label = opt->process_label;
  if (opt->apparmor)
    p->apparmor_profile = opt->apparmor;
}

static int
read_process (struct orlop *o, struct running *r, const struct orlop_exec_options *opt, struct err *err)
{
  int ret;

  handle_document (o, NULL, opt->process);
  ret = document_load_stream (opt->process, &oci_process_type, &r->document, err);
  if (ret < 0)
    return ret;
  r->process = r->document.object;
  r->process->terminal |= opt->tty;
  set_labels (r->process, opt);
  return rules_check_process (r->process, r->document.text, r->document.len, err);
}

static int
get_process (struct orlop *o, struct running *r, const struct orlop_exec_options *opt, struct err *err)
{
  int ret;

  if (opt->process && opt->args && opt->args[0])
    return err_usage (err, "either a process document or a command is given, not both");
  if (opt->process)
    return read_process (o, r, opt, err);
  if (opt->args == NULL || opt->args[0] == NULL)
    return err_usage (err, "exec requires a command or a process document");
  ret = change_process (r, opt, err);
  if (ret == 0)
    set_labels (r->process, opt);
  return ret < 0 ? ret : rules_check_process (r->process, NULL, 0, err);
}

/* A restored container has a time namespace that its document does not speak of: its clocks went on where they had stopped.  */
static int
add_time_namespace (struct running *r, struct err *err)
{
  struct oci_linux *l = r->config->linux_;
  struct oci_namespace *list = l ? oci_alloc (&r->arena, (l->n_namespaces + 1) * sizeof *list) : NULL;

  if (l == NULL)
    return 0;
  if (list == NULL)
    return no_memory (err);
  for (size_t i = 0; i < l->n_namespaces; i++)
    {
      if (strcmp (l->namespaces[i].type, "time") == 0)
        return 0;
      list[i] = l->namespaces[i];
    }
  list[l->n_namespaces++] = (struct oci_namespace){ .type = "time" };
  l->namespaces = list;
  return 0;
}

static int
open_running (struct orlop *o, const char *id, struct running *r, bool ignore_paused, struct err *err)
{
  const char *status;
  int ret = record_open (o->root, id, false, &r->dir, err);

  if (ret == 0)
    ret = record_load (&r->dir, &r->arena, &r->rec, err);
  if (ret < 0)
    return ret;
  status = record_status (&r->dir, r->rec);
  if (strcmp (status, "paused") == 0 && ! ignore_paused)
    return err_state (err, EBUSY, "cannot exec in a paused container (use --ignore-paused to override)");
  if (strcmp (status, "paused") != 0 && strcmp (status, "running") != 0 && strcmp (status, "created") != 0)
    return err_state (err, ESRCH, "cannot exec in a %s container: container not running", status);
  ret = record_config (&r->dir, &r->arena, &r->config, err);
  return ret == 0 && r->rec->time_ns ? add_time_namespace (r, err) : ret;
}

static bool
has_user_namespace (const struct oci_linux *l)
{
  for (size_t i = 0; l && i < l->n_namespaces; i++)
    if (strcmp (l->namespaces[i].type, "user") == 0)
      return true;
  return false;
}

static int
make_plan (struct orlop *o, const char *id, struct running *r, const struct orlop_exec_options *opt, struct err *err)
{
  const struct plan_args args = { .id = id, .bundle = r->rec->bundle, .preserve_fds = opt->preserve_fds, .no_new_keyring = r->rec->no_keyring,
                                  .filter = &r->filter };
  const struct oci_linux *l = r->config->linux_;
  struct host host = { .euid = 0 };
  int ret = host_read (&host, err);

  if (ret == 0 && l && l->seccomp)
    ret = filters_get (o->root, l->seccomp, &r->arena, handle_log (o), &r->filter, err);
  if (ret == 0 && plan_asks_labels (r->config, r->process))
    host_probe_labels (&host);
  if (ret == 0 && has_user_namespace (l))
    host_probe_groups (&host, r->rec->pid);
  if (ret == 0)
    ret = plan_arena_open (&r->plan_arena, err);
  if (ret == 0)
    ret = plan_make_exec (&r->plan_arena, r->config, r->process, &host, &args, handle_log (o), &r->plan, err);
  if (ret < 0)
    return ret;
  if (r->plan->process.terminal && opt->detach && opt->console_socket == NULL)
    return err_usage (err, "cannot allocate tty if orlop will detach without setting console socket");
  if (opt->console_socket && (! r->plan->process.terminal || ! opt->detach))
    return err_usage (err, "cannot use console socket if orlop will not detach or allocate tty");
  return 0;
}

static int
execute (struct orlop *o, const char *id, struct running *r, const struct orlop_exec_options *opt, int *ret_status,
         struct err *err)
{
  const struct launch_args args = { .root = o->root, .id = id, .console_socket = opt->console_socket,
                                    .pidfd_socket = opt->pidfd_socket, .cgroups = opt->cgroups,
                                    .pid_file = opt->pid_file, .detach = opt->detach, .exiting = o->exiting, .log = handle_log (o) };
  int ret = handle_check_fds (opt->preserve_fds, err);

  if (ret == 0)
    ret = handle_check_pid_file (opt->pid_file, err);
  if (ret == 0)
    ret = open_running (o, id, r, opt->ignore_paused, err);
  if (ret == 0)
    ret = get_process (o, r, opt, err);
  if (ret == 0)
    ret = make_plan (o, id, r, opt, err);
  if (ret == 0)
    ret = launch_exec (&args, &r->plan_arena, r->plan, &r->dir, r->rec, ret_status, err);
  if (ret < 0 && r->document.text)
    document_locate (r->document.text, r->document.len, err);
  return ret;
}

/* What a caller without options wants: nothing, which is an error.  */
static const struct orlop_exec_options defaults;

PUBLIC int
orlop_exec (struct orlop *o, const char *id, const struct orlop_exec_options *options, int *ret_status)
{
  struct err *err = handle_begin (o);
  struct running r = { .dir = RECORD_DIR_NONE, .plan_arena = { .fd = -1 } };
  int ret, own;

  ret_status = ret_status ? ret_status : &own;
  *ret_status = 0;
  ret = execute (o, id, &r, options ? options : &defaults, ret_status, err);
  if (o->exiting)
    return handle_end (o, ret);
  plan_arena_close (&r.plan_arena);
  free (r.filter.code);
  document_close (&r.document);
  oci_arena_free (r.arena);
  record_close (&r.dir);
  return handle_end (o, ret);
}
