/* SPDX-License-Identifier: Apache-2.0 */
/* The step of restore: CRIU makes the container's processes from their images, in the cgroup that was made for them and as our own
 * children, and tells of the moments at which the rest is ours to do.  What it mounts where is in the images; the sources are the plan's. */
#include "launch/parent.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/own.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "kernel/idmap.h"
#include "kernel/lsm.h"
#include "kernel/ns.h"
#include "kernel/path.h"
#include "kernel/pid.h"
#include "kernel/tty.h"
#include "launch/criu.h"
#include "launch/external.h"
#include "launch/host_cgroups.h"
#include "launch/images.h"
#include "launch/lifecycle.h"
#include "plan/plan.h"

enum
{
  MOUNTINFO_MAX = 16 << 20
};

/* All that a restore holds on its way.  */
struct restore
{
  struct launch *l;
  struct images images;
  struct wire opts;
  struct criu_place place;
  int root;                      /* the root file system, O_PATH */
  char root_path[PATH_MAX];      /* without links */
  char *points[PLAN_MOUNTS_MAX]; /* where each mount of the plan is, without links; NULL: not looked at */
  const struct plan_mount *bind; /* whose inner mounts are told of */
  const char *source, *point;    /* of it */
};

/* Opens what TARGET of M is in DIR, whose own path is DIR_PATH, making it, and writes its place without links ("/a/b") into BUF.  */
static int
resolve (const struct plan_mount *m, int dir, const char *dir_path, const char *target, char *buf, size_t size, struct err *err)
{
  char link[32], path[PATH_MAX];
  const char *rest;
  struct stat st;
  bool file = m->kind == PLAN_MOUNT_BIND && stat (m->source, &st) == 0 && ! S_ISDIR (st.st_mode);
  own_fd int fd = file ? path_make_file (dir, target, 0644, err) : path_make_dir (dir, target, 0755, err);
  ssize_t n;

  if (fd < 0)
    return err_in (err, fd, "%s", m->where);
  (void) snprintf (link, sizeof link, "/proc/self/fd/%d", fd);
  n = readlink (link, path, sizeof path - 1);
  if (n < 0)
    return err_sys (err, errno, "readlink", "%s", link);
  path[n] = '\0';
  rest = str_after (path, strcmp (dir_path, "/") == 0 ? "" : dir_path);
  if (rest == NULL || snprintf (buf, size, "%s", rest) >= (int) size)
    return err_in (err, err_host (err, EXDEV, "the mount point /%s is not in the root file system", target), "%s", m->where);
  return 0;
}

/* The last of the first N mounts that TARGET lies in, or -1.  */
static int
holder (const struct plan *p, size_t n, const char *target)
{
  while (n-- > 0)
    {
      const struct plan_mount *m = &p->mounts[n];
      const char *rest = m->kind == PLAN_MOUNT_REMOUNT ? NULL : str_after (target, m->target);

      if (rest && (*rest == '/' || m->target[0] == '\0'))
        return (int) n;
    }
  return -1;
}

/* Makes the mount point of mount I, as create does, and says in r->points where it is.  In what is mounted anew CRIU makes it.  */
static int
make_point (struct restore *r, size_t i, struct err *err)
{
  const struct plan *p = r->l->plan;
  const struct plan_mount *m = &p->mounts[i];
  int in = holder (p, i, m->target), ret = 0;
  char path[PATH_MAX], dir[PATH_MAX] = "";

  if (in >= 0 && p->mounts[in].kind != PLAN_MOUNT_BIND)
    ret = snprintf (path, sizeof path, "/%s", m->target) >= (int) sizeof path ? -ENAMETOOLONG : 0;
  else if (in < 0)
    ret = resolve (m, r->root, r->root_path, m->target, path, sizeof path, err);
  else
    {
      const struct plan_mount *h = &p->mounts[in];
      own_fd int fd = open (h->source, O_PATH | O_DIRECTORY | O_CLOEXEC);

      if (fd < 0 || realpath (h->source, dir) == NULL)
        return err_in (err, err_sys (err, errno, "open", "%s", h->source), "%s", h->where);
      ret = resolve (m, fd, dir, m->target + strlen (h->target), path, sizeof path, err);
    }
  if (ret < 0)
    return ret;
  if (asprintf (&r->points[i], "%s%s", in >= 0 && p->mounts[in].kind == PLAN_MOUNT_BIND ? r->points[in] : "", path) < 0)
    {
      r->points[i] = NULL;
      return err_sys (err, ENOMEM, "malloc", "mount points");
    }
  return 0;
}

/* What a recursive bind brings along.  */
static void
put_inner (void *data, const char *host)
{
  struct restore *r = data;
  char point[PATH_MAX];

  if (snprintf (point, sizeof point, "%s%s", r->point, host + strlen (r->source)) < (int) sizeof point)
    images_put_mount (&r->opts, point, host);
}

static int
put_bind (struct restore *r, const struct plan_mount *m, const char *point, struct err *err)
{
  own_mem char *host = NULL;
  char source[PATH_MAX];
  ssize_t len;

  images_put_mount (&r->opts, point, m->source);
  if (! m->recursive || realpath (m->source, source) == NULL || strcmp (source, "/") == 0)
    return 0;
  len = file_read_at (AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &host, err);
  if (len < 0)
    return (int) len;
  r->source = source;
  r->point = point;
  return external_below (host, source, put_inner, r, err);
}

/* In a user namespace CRIU cannot mount cgroups anew, not even those of a cgroup namespace: the container's own cgroup is bound, which looks the
 * same from within.  */
static void
put_cgroup_mount (struct restore *r, const struct plan_mount *m, const char *point)
{
  const struct cgroup *cg = r->l->rec->cgroup;
  const char *last = strrchr (m->target, '/');
  char source[PATH_MAX];

  for (size_t i = 0; cg && i < cg->n_dirs; i++)
    {
      const struct cgroup_dir *d = &cg->dirs[i];
      bool shown = strcmp (m->fstype, "cgroup2") == 0 ? d->controllers[0] == '\0' : last && strcmp (last + 1, d->mount) == 0;

      if (shown && snprintf (source, sizeof source, "/sys/fs/cgroup/%s%s", d->mount, d->path) < (int) sizeof source)
        images_put_mount (&r->opts, point, source);
    }
}

static bool
shows_cgroups (const struct plan_mount *m)
{
  return m->kind != PLAN_MOUNT_BIND && m->fstype && str_after (m->fstype, "cgroup");
}

static int
put_mounts (struct restore *r, struct err *err)
{
  const struct plan *p = r->l->plan;
  int ret = 0;

  for (size_t i = 0; ret == 0 && i < p->n_mounts; i++)
    {
      const struct plan_mount *m = &p->mounts[i];

      if (m->kind == PLAN_MOUNT_REMOUNT)
        continue;
      if (m->idmap)
        return err_in (err, err_host (err, ENOTSUP, "CRIU cannot bring back an id-mapped mount"), "%s", m->where);
      ret = make_point (r, i, err);
      if (ret == 0 && m->kind == PLAN_MOUNT_BIND)
        ret = put_bind (r, m, r->points[i], err);
      else if (ret == 0 && p->ns.new_user && shows_cgroups (m))
        put_cgroup_mount (r, m, r->points[i]);
      else if (ret == -ENOENT && m->optional)
        ret = 0;
    }
  return ret;
}

/* The host's /dev/null over masked files, of which crun's images have the paths, and devices that are bound.  */
static void
put_covers (struct restore *r)
{
  const struct plan *p = r->l->plan;
  char point[PATH_MAX];

  images_put_mount (&r->opts, "/dev/null", "/dev/null");
  for (size_t i = 0; i < p->n_masked; i++)
    if (snprintf (point, sizeof point, "/%s", p->masked[i].path) < (int) sizeof point)
      images_put_mount (&r->opts, point, "/dev/null");
  for (size_t i = 0; p->devices_by_bind && i < p->n_devices; i++)
    if (snprintf (point, sizeof point, "/%s", p->devices[i].device.path) < (int) sizeof point)
      images_put_mount (&r->opts, point, point);
}

/* Namespaces that are another's: entered by descriptor, or by path.  */
static int
put_namespace (struct restore *r, const struct plan_join *j, struct err *err)
{
  struct wire w = { 0 };
  int fd;

  for (const struct images_namespace *n = images_namespaces; n->type; n++)
    if (strcmp (n->type, j->name) == 0)
      {
        fd = ns_open (j->path, j->flag, err);
        if (fd < 0)
          return err_in (err, fd, "%s", j->where);
        r->place.fds[r->place.n_fds++] = fd;
        images_put_inherited (&r->opts, n->key, fd);
        return 0;
      }
  if (j->flag == CLONE_NEWCGROUP || j->flag == CLONE_NEWNS)
    return err_in (err, err_host (err, ENOTSUP, "CRIU cannot restore into a %s namespace that exists already", j->name), "%s", j->where);
  wire_text (&w, 1, ns_by_flag (j->flag)->proc);
  wire_text (&w, 2, j->path);
  wire_message (&r->opts, 39, &w);
  wire_free (&w);
  return 0;
}

static void
put_cgroup_root (struct wire *opts, const char *controllers, const char *path)
{
  for (;; controllers++)
    {
      size_t len = strcspn (controllers, ",");
      struct wire w = { 0 };

      wire_bytes (&w, 1, controllers, len);
      wire_text (&w, 2, path);
      wire_message (opts, 25, &w);
      wire_free (&w);
      controllers += len;
      if (*controllers == '\0')
        return;
    }
}

/* Cgroups below the container's are made again below its new one, never anywhere else: where CRIU would reach other cgroups it is told to
 * leave all of them alone, and what it restores stays in the cgroup in which it was started itself.  */
static int
put_cgroup (struct restore *r, const struct criu *c, struct err *err)
{
  const struct cgroup *cg = r->l->rec->cgroup;
  int mode = r->l->args->criu->cgroup_mode, ret = cg ? cgroup_holds (cg, c->pid, err) : 0;

  if (ret < 0)
    return ret;
  if (mode < 0)
    mode = ret == 1 ? CRIU_CGROUPS_SOFT : CRIU_CGROUPS_IGNORE;
  images_put_cgroup_mode (&r->opts, mode);
  for (size_t i = 0; cg && mode != CRIU_CGROUPS_IGNORE && i < cg->n_dirs; i++)
    if (! cg->dirs[i].skipped)
      put_cgroup_root (&r->opts, cg->dirs[i].controllers, r->place.new_cgroup_ns ? "/" : cg->dirs[i].path);
  return 0;
}

/* The new namespaces stand, and nothing runs in them yet: what the runtime's hooks wait for.  */
static int
run_hooks (struct launch *l, struct err *err)
{
  const struct plan_hooks *h = &l->plan->hooks;
  int ret = pid_starttime (l->pid, &l->rec->start_time, NULL, err);

  l->rec->pid = l->pid;
  if (ret == 0)
    ret = record_save (l->dir, l->rec, false, err); /* a hook may ask for the state */
  if (ret == 0)
    ret = lifecycle_hooks (l->rec, "creating", l->pid, h->prestart, h->n_prestart, -1, err);
  return ret < 0 ? ret : lifecycle_hooks (l->rec, "creating", l->pid, h->create_runtime, h->n_create_runtime, -1, err);
}

/* The terminal goes where that of a new container would.  */
static int
take_terminal (struct launch *l, int fd, struct err *err)
{
  char name[64];

  if (fd < 0 || l->console < 0)
    return 0;
  if (l->terminal < 0)
    return tty_send (l->console, fd, tty_name (fd, name, sizeof name, NULL) < 0 ? "terminal" : name, err);
  l->master = fcntl (fd, F_DUPFD_CLOEXEC, 0);
  return l->master < 0 ? err_sys (err, errno, "fcntl", "terminal") : tty_fit (l->master, STDIN_FILENO, STDOUT_FILENO, err);
}

/* CRIU brings the label of WHICH back only if it was built for that module, and says nothing if not: what WANTED had confined would go on as freely as the
 * runtime itself.  */
static int
check_label (const struct launch *l, enum lsm which, const char *wanted, const char *where, struct err *err)
{
  char ours[LSM_LABEL_MAX], theirs[LSM_LABEL_MAX];
  int ret;

  if (wanted == NULL)
    return 0;
  ret = lsm_label_of (0, which, ours, sizeof ours);
  if (ret == 0)
    ret = lsm_label_of (l->pid, which, theirs, sizeof theirs);
  if (ret < 0)
    return err_in (err, err_sys (err, -ret, "read", "/proc/%d/attr/current", l->pid), "%s", where);
  if (strcmp (theirs, ours) != 0 || strcmp (theirs, wanted) == 0)
    return 0;
  return err_in (err, err_host (err, ENOTSUP, "this CRIU has not brought it back: what it confined would run with the runtime's own label, %.200s", ours), "%s", where);
}

static int
check_labels (const struct launch *l, struct err *err)
{
  const struct plan_process *p = &l->plan->process;
  int ret;

  if (l->args->criu->lsm_profile || l->pid <= 0) /* CRIU does that or fails; without a process there is nothing to look at, and restore fails later */
    return 0;
  ret = check_label (l, LSM_APPARMOR, p->apparmor, "process.apparmorProfile", err);
  return ret < 0 ? ret : check_label (l, LSM_SELINUX, p->selinux, "process.selinuxLabel", err);
}

/* All is restored, and nothing has run yet.  */
static int
look_before_it_goes_on (struct launch *l, struct err *err)
{
  int ret = check_labels (l, err);

  if (ret < 0) /* then there is one */
    (void) kill (l->pid, SIGKILL); /* our child that nobody has waited for; the end of CRIU would let it go on */
  return ret;
}

static int
told (void *data, const char *name, pid_t pid, int fd, struct err *err)
{
  struct restore *r = data;

  log_debug (r->l->args->log, "criu: %s", name);
  if (pid > 0 && r->l->cloned <= 0)
    r->l->cloned = r->l->pid = pid; /* our child, to be waited for whatever comes */
  if (strcmp (name, "setup-namespaces") == 0)
    return run_hooks (r->l, err);
  if (strcmp (name, "orphan-pts-master") == 0)
    return take_terminal (r->l, fd, err);
  if (strcmp (name, "pre-resume") == 0)
    return look_before_it_goes_on (r->l, err);
  return 0;
}

/* CRIU restores into a time namespace, since the clocks of what it restores must not go back; who comes later wants the same clocks.  */
static void
look_at_clocks (struct launch *l)
{
  struct stat ours, theirs;
  char path[64];

  (void) snprintf (path, sizeof path, "/proc/%d/ns/time", l->pid);
  l->rec->time_ns = stat (path, &theirs) == 0 && stat ("/proc/self/ns/time", &ours) == 0 && ours.st_ino != theirs.st_ino;
}

/* CRIU 3.17 forgets it, 4.1 does not; nobody can have taken it off.  */
static void
warn_of_privileges (const struct launch *l)
{
  char path[64], text[4096];

  (void) snprintf (path, sizeof path, "/proc/%d/status", l->pid);
  if (l->plan->process.no_new_privs && file_read_small (AT_FDCWD, path, text, sizeof text) > 0 && strstr (text, "\nNoNewPrivs:\t0"))
    log_warn (l->args->log, "process.noNewPrivileges: this CRIU has not brought it back: set-user-ID programs gain privileges again");
}

static int
ask (struct restore *r, struct err *err)
{
  struct launch *l = r->l;
  struct criu c = CRIU_NONE;
  struct host_cgroups before;
  pid_t pid = 0;
  int ret;

  host_cgroups_look (&before);
  ret = criu_start (&c, l->args->criu->program, &r->place, err);
  if (ret == 0)
    ret = put_cgroup (r, &c, err);
  if (ret == 0)
    {
      ret = criu_ask (&c, CRIU_RESTORE, &r->opts, told, r, &pid, err);
      if (ret < 0 && (err == NULL || err->where[0] == '\0')) /* a hook's failure is told as it is */
        ret = criu_explain (ret, "restore the container", r->images.work, r->images.work_path, IMAGES_RESTORE_LOG, err);
    }
  criu_end (&c, ret < 0);
  host_cgroups_put_back (&before, l->args->log);
  if (ret < 0)
    return ret;
  l->cloned = l->pid = pid;
  l->child = pid_open (pid, err);
  if (l->child < 0)
    return l->child;
  look_at_clocks (l);
  warn_of_privileges (l);
  return check_labels (l, err);
}

static int
open_root (struct restore *r, struct err *err)
{
  const char *path = r->l->plan->root.path;

  r->root = open (path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (r->root < 0 || realpath (path, r->root_path) == NULL)
    return err_in (err, err_sys (err, errno, "open", "%s", path), "root.path");
  r->place.root = r->root_path;
  return 0;
}

static int
open_cgroup (struct restore *r, struct err *err)
{
  struct launch *l = r->l;
  int ret = 0;

  if (l->n_join_fds == 0)
    ret = cgroup_join_fds (l->rec->cgroup, l->join_fds, LAUNCH_MAX_JOIN_FDS, err);
  if (ret > 0)
    l->n_join_fds = (size_t) ret;
  r->place.join_fds = l->join_fds;
  r->place.n_join_fds = l->n_join_fds;
  r->place.new_cgroup_ns = l->plan->ns.new_cgroup;
  return ret < 0 ? ret : 0;
}

/* The root of a new user namespace reads images that he could not reach.  */
static int
lend_images (struct restore *r, struct err *err)
{
  const struct plan_ns *ns = &r->l->plan->ns;
  int64_t gid = ns->new_user ? idmap_translate (ns->gid_maps, ns->n_gid_maps, 0) : -1;

  return gid < 0 ? 0 : images_lend (&r->images, (gid_t) gid, err);
}

static int
fill (struct restore *r, struct err *err)
{
  const struct launch *l = r->l;
  int ret = images_open (&r->images, l->args->criu, false, err);

  r->place.dirs[0].fd = r->images.dir;
  r->place.dirs[0].path = l->args->criu->image_path;
  r->place.dirs[1].fd = r->images.work;
  r->place.dirs[1].path = r->images.work_path;
  if (ret == 0)
    ret = lend_images (r, err);
  if (ret == 0)
    ret = open_root (r, err);
  if (ret == 0)
    ret = open_cgroup (r, err);
  if (ret < 0)
    return ret;
  criu_options (&r->opts, l->args->criu, r->images.dir, r->images.work, IMAGES_RESTORE_LOG);
  wire_number (&r->opts, 6, true);  /* evasive_devices: a terminal of another number will do */
  wire_number (&r->opts, 26, true); /* rst_sibling: they become our children */
  wire_text (&r->opts, 13, r->root_path);
  images_put_config (&r->opts, l->rec->annotations, l->rec->n_annotations);
  ret = images_put_stdio (&r->images, &r->opts, r->place.fds, &r->place.n_fds, err);
  for (size_t i = 0; ret == 0 && i < l->plan->ns.n_joins; i++)
    ret = put_namespace (r, &l->plan->ns.joins[i], err);
  if (ret == 0)
    ret = put_mounts (r, err);
  put_covers (r);
  return ret;
}

int
parent_restore (void *self, struct err *err)
{
  struct launch *l = self;
  struct restore *r = calloc (1, sizeof *r);
  int ret;

  if (r == NULL)
    return err_sys (err, ENOMEM, "calloc", "restore");
  *r = (struct restore){ .l = l, .images = IMAGES_NONE, .place = { .ends_with_us = true }, .root = -1 };
  ret = fill (r, err);
  if (ret == 0)
    ret = ask (r, err);
  for (size_t i = 0; i < PLAN_MOUNTS_MAX; i++)
    free (r->points[i]);
  for (size_t i = 0; i < r->place.n_fds; i++)
    own_close (&r->place.fds[i]);
  own_close (&r->root);
  images_close (&r->images);
  wire_free (&r->opts);
  free (r);
  return ret;
}
