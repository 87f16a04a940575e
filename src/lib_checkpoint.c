/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint, and the options of it and of restore: words become numbers here. */
#include "lib_checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "base/str.h"
#include "handle.h"
#include "kernel/ns.h"
#include "launch/criu.h"
#include "launch/launch.h"

#define PUBLIC __attribute__ ((visibility ("default")))

static const struct name cgroup_modes[] = {
  { "soft", CRIU_CGROUPS_SOFT },     { "full", CRIU_CGROUPS_FULL },     { "strict", CRIU_CGROUPS_STRICT },
  { "ignore", CRIU_CGROUPS_IGNORE }, { NULL, 0 },
};

/* criu_network_lock_method of rpc.proto.  */
static const struct name network_locks[] = { { "iptables", 1 }, { "nftables", 2 }, { "skip", 3 }, { NULL, 0 } };

PUBLIC int
orlop_set_criu (struct orlop *o, const char *program)
{
  char *copy = strdup (program);

  if (copy == NULL)
    return -ENOMEM;
  free (o->criu);
  o->criu = copy;
  return 0;
}

static int
empty_namespaces (const char *const *names, unsigned *ret_flags, struct err *err)
{
  for (; names && *names; names++)
    {
      const struct ns_type *t = ns_by_name (*names);

      if (t == NULL)
        return err_usage (err, "invalid --empty-ns \"%.100s\": no kind of namespace has this name", *names);
      *ret_flags |= (unsigned) t->flag;
    }
  return 0;
}

/* "ADDRESS:PORT".  */
static int
page_server (const char *text, struct criu_args *args, struct err *err)
{
  const char *colon = text ? strrchr (text, ':') : NULL;
  uint64_t port;

  if (text == NULL)
    return 0;
  if (colon == NULL || colon == text || str_u64 (colon + 1, 65535, &port) < 0 || port == 0)
    return err_usage (err, "invalid --page-server \"%.100s\": use ADDRESS:PORT", text);
  args->page_address = text;
  args->page_address_len = (size_t) (colon - text);
  args->page_port = (unsigned) port;
  return 0;
}

static int
find_words (const struct orlop_criu_options *opt, struct criu_args *args, struct err *err)
{
  uint64_t number = 0;

  if (opt->manage_cgroups && opt->manage_cgroups[0] && ! name_value (cgroup_modes, opt->manage_cgroups, &number))
    return err_usage (err, "invalid --manage-cgroups-mode \"%.100s\": soft, full, strict or ignore", opt->manage_cgroups);
  if (opt->manage_cgroups && opt->manage_cgroups[0])
    args->cgroup_mode = (int) number;
  if (opt->network_lock && ! name_value (network_locks, opt->network_lock, &number))
    return err_usage (err, "invalid --network-lock \"%.100s\": iptables, nftables or skip", opt->network_lock);
  if (opt->network_lock)
    args->network_lock = (unsigned) number;
  return page_server (opt->page_server, args, err);
}

int
checkpoint_args (struct orlop *o, const struct orlop_criu_options *options, struct criu_args *ret_args, struct err *err)
{
  static const struct orlop_criu_options defaults;
  const struct orlop_criu_options *opt = options ? options : &defaults;
  struct criu_args args = {
    .program = o->criu ? o->criu : "criu", .image_path = opt->image_path ? opt->image_path : "checkpoint", .work_path = opt->work_path,
    .parent_path = opt->parent_path, .leave_running = opt->leave_running, .tcp_established = opt->tcp_established,
    .tcp_skip_in_flight = opt->tcp_skip_in_flight, .tcp_close = opt->tcp_close, .link_remap = opt->link_remap,
    .ext_unix_sk = opt->ext_unix_sk, .shell_job = opt->shell_job, .file_locks = opt->file_locks, .pre_dump = opt->pre_dump,
    .auto_dedup = opt->auto_dedup, .lazy_pages = opt->lazy_pages, .status_fd = opt->status_fd ? (int) opt->status_fd : -1,
    .cgroup_mode = -1, .lsm_profile = opt->lsm_profile, .lsm_mount_context = opt->lsm_mount_context };
  int ret = empty_namespaces (opt->empty_ns, &args.empty_ns, err);

  if (o->uid != 0)
    return err_host (err, EPERM, "checkpoint and restore need root, since CRIU does");
  if (ret == 0)
    ret = find_words (opt, &args, err);
  if (ret == 0 && args.status_fd >= 0 && fcntl (args.status_fd, F_GETFD) < 0)
    ret = err_usage (err, "descriptor %d of --status-fd is not open", args.status_fd);
  *ret_args = args;
  return ret;
}

PUBLIC int
orlop_checkpoint (struct orlop *o, const char *id, const struct orlop_criu_options *options)
{
  struct err *err = handle_begin (o);
  struct criu_args args;
  int ret = checkpoint_args (o, options, &args, err);

  return handle_end (o, ret < 0 ? ret : launch_checkpoint (o->root, id, &args, handle_log (o), err));
}
