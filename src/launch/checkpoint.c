/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint: what of a container CRIU must be told, and what follows a dump. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/own.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "kernel/pid.h"
#include "launch/criu.h"
#include "launch/external.h"
#include "launch/host_cgroups.h"
#include "launch/images.h"
#include "launch/known.h"
#include "launch/launch.h"
#include "launch/lifecycle.h"
#include "ocispec/config.h"
#include "plan/annotations.h"

enum
{
  MOUNTINFO_MAX = 16 << 20
};

/* All that a dump holds on its way.  */
struct dump
{
  const struct criu_args *args;
  const struct log *log;
  struct known known;
  const struct oci_config *config;
  int lock, first; /* first: a pidfd */
  struct images images;
  struct wire opts;
  int status_fd;
};

/* What of the document CRIU cannot bring back, found before anything is dumped.  */
static int
check_document (const struct dump *d, struct err *err)
{
  const struct oci_linux *l = d->config->linux_;

  for (size_t i = 0; l && i < l->n_namespaces; i++)
    if (strcmp (l->namespaces[i].type, "mount") == 0 && l->namespaces[i].path && l->namespaces[i].path[0])
      return err_host (err, ENOTSUP, "a container that joins another's mount namespace (linux.namespaces[%zu].path) cannot be dumped", i);
  for (size_t i = 0; i < d->config->n_mounts; i++)
    if (d->config->mounts[i].n_uid_mappings > 0)
      return err_host (err, ENOTSUP, "a container with id-mapped mounts (mounts[%zu]) cannot be dumped: CRIU would bring them back unmapped", i);
  if (d->known.rec->n_net_devices > 0)
    return err_host (err, ENOTSUP, "a container with linux.netDevices cannot be dumped: CRIU cannot bring back what belongs to the host");
  if (d->known.rec->rdt)
    return err_host (err, ENOTSUP, "a container with linux.intelRdt cannot be dumped");
  return 0;
}

/* What exec left in the container has its parent outside, and so is no part of what CRIU dumps: it ends with the container.  */
static void
warn_of_strangers (const struct dump *d)
{
  own_mem pid_t *pids = NULL;
  size_t n = 0;

  if (d->known.rec->cgroup == NULL || cgroup_pids (d->known.rec->cgroup, &pids, &n, NULL) < 0)
    return;
  for (size_t i = 0; i < n; i++)
    if (! pid_descends (pids[i], d->known.rec->pid))
      log_warn (d->log, "process %d, which exec has put into the container, is not dumped: its parent is outside", pids[i]);
}

static int
check_state (const struct dump *d, struct err *err)
{
  const char *status = record_status (&d->known.dir, d->known.rec);

  if (strcmp (status, "running") != 0 && strcmp (status, "paused") != 0)
    return err_state (err, EINVAL, "cannot checkpoint a container that is not running: it is %s", status);
  return 0;
}

static const struct oci_namespace *
find_namespace (const struct oci_config *config, const char *type)
{
  const struct oci_linux *l = config->linux_;

  for (size_t i = 0; l && i < l->n_namespaces; i++)
    if (strcmp (l->namespaces[i].type, type) == 0)
      return &l->namespaces[i];
  return NULL;
}

static bool
is_masked (const struct dump *d, const char *point)
{
  const struct oci_linux *l = d->config->linux_;

  for (size_t i = 0; l && i < l->n_masked_paths; i++)
    if (strcmp (l->masked_paths[i], point) == 0)
      return true;
  return false;
}

/* A mount from outside is known by its mount point on both sides, and the host's null device over masked files by its name, as runc has it.  */
static void
put_mount (void *data, const char *point, const char *root)
{
  struct dump *d = data;

  log_debug (d->log, "mount from outside: %s", point);
  images_put_mount (&d->opts, point, strcmp (root, "/null") == 0 && is_masked (d, point) ? "/dev/null" : point);
}

static int
put_mounts (struct dump *d, struct err *err)
{
  const enum external_cgroups cgroups = find_namespace (d->config, "user")     ? EXTERNAL_CGROUPS_ALL
                                        : find_namespace (d->config, "cgroup") ? EXTERNAL_CGROUPS_NONE
                                                                               : EXTERNAL_CGROUPS_PARTS;
  own_mem char *inside = NULL, *host = NULL;
  char path[64];
  ssize_t len;

  (void) snprintf (path, sizeof path, "/proc/%d/mountinfo", d->known.rec->pid);
  len = file_read_at (AT_FDCWD, path, MOUNTINFO_MAX, &inside, err);
  if (len >= 0)
    len = file_read_at (AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &host, err);
  return len < 0 ? (int) len : external_mounts (inside, host, cgroups, put_mount, d, err);
}

/* Namespaces that are joined by path and that CRIU leaves to whoever restores: the network and the processes.  */
static int
put_namespaces (struct dump *d, struct err *err)
{
  for (const struct images_namespace *n = images_namespaces; n->type; n++)
    {
      const struct oci_namespace *ns = find_namespace (d->config, n->type);
      char text[128], path[64];
      struct stat st;

      if (ns == NULL || ns->path == NULL || ns->path[0] == '\0')
        continue;
      (void) snprintf (path, sizeof path, "/proc/%d/ns/%s", d->known.rec->pid, n->proc);
      if (stat (path, &st) < 0)
        return err_sys (err, errno, "stat", "%s", path);
      (void) snprintf (text, sizeof text, "%s[%ju]:%s", n->proc, (uintmax_t) st.st_ino, n->key);
      wire_text (&d->opts, 37, text);
    }
  return 0;
}

/* Whether the freezer holds still what is dumped, and how CRIU deals with cgroups: by itself only where none but the container's own are
 * within its reach.  */
static int
put_cgroup (struct dump *d, struct err *err)
{
  const struct cgroup *cg = d->known.rec->cgroup;
  char freezer[4096];
  int ret = 0, mode = d->args->cgroup_mode;

  if (cg && cgroup_freezer_path (cg, freezer, sizeof freezer) == 0)
    wire_text (&d->opts, 44, freezer);
  if (mode < 0)
    {
      ret = cg ? cgroup_holds (cg, d->known.rec->pid, err) : 0;
      mode = ret == 1 ? CRIU_CGROUPS_SOFT : CRIU_CGROUPS_IGNORE;
    }
  images_put_cgroup_mode (&d->opts, mode);
  return ret < 0 ? ret : 0;
}

/* The moment at which lazy pages are served.  */
static int
told (void *data, const char *name, pid_t pid, int fd, struct err *err)
{
  struct dump *d = data;

  (void) pid;
  (void) fd;
  log_debug (d->log, "criu: %s", name);
  if (strcmp (name, "status-ready") != 0 || d->status_fd < 0)
    return 0;
  if (write (d->status_fd, "", 1) != 1)
    return err_sys (err, errno, "write", "--status-fd %d", d->status_fd);
  (void) close (d->status_fd); /* the end of file is a message as well */
  d->status_fd = -1;
  return 0;
}

/* Features that kernels may lack, asked before the container is touched.  */
static int
check_features (const struct dump *d, struct err *err)
{
  static const struct criu_place place = { .n_fds = 0 };
  struct criu c = CRIU_NONE;
  bool track = true, lazy = true;
  int ret;

  if (! d->args->pre_dump && ! d->args->lazy_pages)
    return 0;
  ret = criu_start (&c, d->args->program, &place, err);
  if (ret == 0)
    ret = criu_features (&c, &track, &lazy, err);
  criu_end (&c, true);
  if (ret < 0)
    return ret;
  if (d->args->pre_dump && ! track)
    return err_host (err, ENOTSUP, "CRIU cannot track changes of memory on this kernel, so there is no --pre-dump: it needs CONFIG_MEM_SOFT_DIRTY");
  if (d->args->lazy_pages && ! lazy)
    return err_host (err, ENOTSUP, "CRIU cannot serve memory lazily on this kernel, so there is no --lazy-pages: it needs userfaultfd");
  return 0;
}

/* If we are killed CRIU goes on, or gives up and lets the container go on; killing it would leave the container stopped.  */
static int
dump (struct dump *d, struct err *err)
{
  const struct criu_place place = { .dirs = { { d->images.dir, d->args->image_path }, { d->images.work, d->images.work_path } } };
  struct criu c = CRIU_NONE;
  struct host_cgroups before;
  int ret;

  host_cgroups_look (&before);
  ret = criu_start (&c, d->args->program, &place, err);
  if (ret == 0)
    {
      ret = criu_ask (&c, d->args->pre_dump ? CRIU_PRE_DUMP : CRIU_DUMP, &d->opts, told, d, NULL, err);
      if (ret < 0)
        ret = criu_explain (ret, "dump the container", d->images.work, d->images.work_path, IMAGES_DUMP_LOG, err);
    }
  criu_end (&c, d->args->pre_dump && ret == 0); /* after a pre-dump it waits for the next one */
  host_cgroups_put_back (&before, d->log);
  return ret;
}

static int
prepare (struct dump *d, const char *root, const char *id, struct err *err)
{
  struct oci_config *config = NULL;
  int ret = known_open (&d->known, root, id, false, err);

  /* no other command is to change it meanwhile; a `run` in the foreground has the lock for as long as it lives, and does nothing but wait */
  if (ret == 0 && (ret = record_lock (&d->known.dir, false, NULL)) == -EBUSY)
    ret = 0;
  /* and two at once would trace the same processes, which stay frozen */
  if (ret == 0 && (d->lock = record_lock_update (&d->known.dir, err)) < 0)
    ret = d->lock;
  if (ret == 0)
    ret = check_state (d, err);
  if (ret == 0)
    ret = lifecycle_open_first (d->known.rec, &d->first, err);
  if (ret == 0)
    ret = record_config (&d->known.dir, &d->known.arena, &config, err);
  d->config = config;
  if (ret == 0)
    ret = check_document (d, err);
  if (ret == 0) /* when it was made the host may have allowed more */
    ret = annotations_check (d->known.rec->annotations, d->known.rec->n_annotations, ANNOTATIONS_FILE, err);
  if (ret == 0)
    ret = check_features (d, err);
  if (ret == 0)
    warn_of_strangers (d);
  return ret == 0 ? images_open (&d->images, d->args, true, err) : ret;
}

static int
checkpoint (struct dump *d, const char *root, const char *id, struct err *err)
{
  int ret = prepare (d, root, id, err);

  if (ret < 0)
    return ret;
  criu_options (&d->opts, d->args, d->images.dir, d->images.work, IMAGES_DUMP_LOG);
  wire_number (&d->opts, 2, (uint64_t) d->known.rec->pid);
  images_put_config (&d->opts, d->known.rec->annotations, d->known.rec->n_annotations);
  ret = put_namespaces (d, err);
  if (ret == 0)
    ret = put_cgroup (d, err);
  if (ret == 0 && ! d->args->pre_dump)
    ret = put_mounts (d, err);
  if (ret == 0 && ! d->args->pre_dump)
    ret = images_save_stdio (&d->images, d->known.rec->pid, d->args->shell_job, &d->opts, err);
  return ret < 0 ? ret : dump (d, err);
}

int
launch_checkpoint (const char *root, const char *id, const struct criu_args *args, const struct log *log, struct err *err)
{
  struct dump d = { .args = args, .log = log, .known = KNOWN_NONE, .lock = -1, .first = -1, .images = IMAGES_NONE, .status_fd = args->status_fd };
  int ret;

  ret = checkpoint (&d, root, id, err);
  wire_free (&d.opts);
  images_close (&d.images);
  own_close (&d.first);
  own_close (&d.lock);
  if (d.known.dir.locked)
    record_unlock (&d.known.dir);
  known_close (&d.known);
  if (ret < 0 || args->leave_running || args->pre_dump)
    return ret;
  return launch_delete (root, id, true, log, err); /* its processes have ended; a `run` that waits for it may be faster */
}
