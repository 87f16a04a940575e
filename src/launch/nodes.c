/* SPDX-License-Identifier: Apache-2.0 */
/* Device nodes of a container that exists; see nodes.h.  The work is done by a clone of ours in a copy of our memory: it allocates nothing, opens nothing
 * of the host's any more, and answers in a page that both share. */
#include "launch/nodes.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/own.h"
#include "kernel/idmap.h"
#include "kernel/mount.h"
#include "kernel/ns.h"
#include "kernel/path.h"
#include "kernel/pid.h"
#include "kernel/sys.h"
#include "launch/lifecycle.h"
#include "launch/record.h"

enum
{
  PATIENCE_MS = 10000
};

enum deed
{
  ADD,
  UNDO, /* an ADD */
  REMOVE
};

/* What the clone leaves.  */
struct answer
{
  int ret;
  bool made[NODES_MAX];
  struct err err;
};

struct work
{
  enum deed deed;
  struct node *nodes;
  size_t n;
  int root;            /* of the first process */
  int mount_ns;        /* its; -1: nodes are made, not mounted */
  uid_t uid;           /* with mount_ns: the container's root, who may own files on the file systems that it has mounted */
  gid_t gid;
  int mnts[NODES_MAX]; /* clones of the host's nodes for that; -1: not needed */
  struct answer *answer; /* shared */
};

/* --- in the clone */

/* Takes NAME in DIR away if it is the device of NODE; below a mount there is the file that it was attached to, and an ADD that failed may have made
 * no more than that.  */
static int
drop (const struct work *w, const struct node *node, int dir, const char *name, struct err *err)
{
  bool there = device_there (dir, name, &node->device) == 1;
  struct stat st;

  if (! there && w->deed != UNDO)
    return 0;
  if (there && w->mount_ns >= 0 && fchdir (dir) == 0)
    (void) sys_umount2 (name, MNT_DETACH | UMOUNT_NOFOLLOW); /* EINVAL: it is none, and unlinkat tells whether that matters */
  if (fstatat (dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
    return errno == ENOENT ? 0 : err_sys (err, errno, "fstatat", "/%s", node->device.path);
  if (! (S_ISREG (st.st_mode) && st.st_size == 0) && device_there (dir, name, &node->device) != 1)
    return 0;
  return unlinkat (dir, name, 0) < 0 ? err_sys (err, errno, "unlinkat", "/%s", node->device.path) : 0;
}

static int
make (const struct work *w, size_t i, int dir, const char *name, struct err *err)
{
  const struct device *d = &w->nodes[i].device;
  int there = device_there (dir, name, d), ret = 0;

  w->answer->made[i] = there == -ENOENT;
  if (w->mount_ns < 0)
    ret = device_make (dir, name, d, err);
  else if (there != 1)
    ret = device_attach (dir, name, d, w->mnts[i], err);
  return ret;
}

static int
do_one (const struct work *w, size_t i, struct err *err)
{
  const struct node *node = &w->nodes[i];
  const char *name;
  own_fd int dir = path_parent (w->root, node->device.path, w->deed == ADD, &name, err);

  if (dir < 0)
    return dir == -ENOENT && w->deed != ADD ? 0 : dir;
  return w->deed == ADD ? make (w, i, dir, name, err) : drop (w, node, dir, name, err);
}

static bool
is_meant (const struct work *w, size_t i)
{
  return w->deed == UNDO ? w->nodes[i].made : w->nodes[i].remove == (w->deed == REMOVE);
}

/* Where the container has a user namespace: to where its mounts are, and to what its root may do with files.  */
static int
enter (const struct work *w, struct err *err)
{
  int ret;

  if (w->mount_ns < 0)
    return 0;
  ret = ns_join (w->mount_ns, CLONE_NEWNS, "mount", err);
  if (ret == 0 && (ret = sys_setgroups (0, NULL)) < 0)
    return err_sys (err, -ret, "setgroups", "none");
  (void) setfsgid (w->gid); /* these tell the old id, whatever comes of it; making a file would tell */
  (void) setfsuid (w->uid);
  return ret;
}

/* All of them; an ADD that fails undoes itself.  */
static int
do_all (struct work *w, struct err *err)
{
  int ret = enter (w, err);
  size_t i = 0;

  (void) umask (0);
  for (; ret == 0 && i < w->n; i++)
    if (is_meant (w, i))
      ret = do_one (w, i, err);
  if (ret == 0 || w->deed != ADD)
    return ret;
  w->deed = UNDO;
  while (i-- > 0)
    if (w->answer->made[i])
      {
        w->answer->made[i] = false;
        (void) do_one (w, i, NULL); /* RET tells what went wrong */
      }
  return ret;
}

/* --- outside */

/* The namespace of the first process of the kind NAME ("mnt"), if it is not ours too: -1 then.  Returns a descriptor, -1 as *RET_FD, or negative errno.  */
static int
open_other_ns (const struct record *rec, const char *name, int *ret_fd, struct err *err)
{
  char path[64], own[64];
  struct stat ours, theirs;

  (void) snprintf (path, sizeof path, "/proc/%d/ns/%s", rec->pid, name);
  (void) snprintf (own, sizeof own, "/proc/self/ns/%s", name);
  own_fd int fd = open (path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return err_sys (err, errno, "open", "%s", path);
  if (fstat (fd, &theirs) < 0 || stat (own, &ours) < 0)
    return err_sys (err, errno, "stat", "%s", own);
  *ret_fd = ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino ? -1 : take_fd (&fd);
  return 0;
}

/* The id outside that INSIDE is; the first that is mapped if it is not.  */
static unsigned
outside (const struct idmap *maps, size_t n, unsigned inside)
{
  for (size_t i = 0; i < n; i++)
    if (inside >= maps[i].inside && inside - maps[i].inside < maps[i].size)
      return maps[i].outside + (inside - maps[i].inside);
  return n > 0 ? maps[0].outside : inside;
}

/* Who the root of the user namespace FD is.  */
static int
find_root (int fd, const char *name, struct work *w, struct err *err)
{
  struct idmap_maps maps;
  int ret = idmap_read (fd, name, &maps, err);

  if (ret < 0)
    return ret;
  w->uid = outside (maps.uid, maps.n_uid, 0);
  w->gid = outside (maps.gid, maps.n_gid, 0);
  return 0;
}

/* Opens what of the first process is needed, which must be there afterwards, or it was another's.  */
static int
open_container (const struct record *rec, struct work *w, struct err *err)
{
  own_fd int pidfd = -1;
  own_fd int userns = -1;
  char path[64];
  int ret = lifecycle_open_first (rec, &pidfd, err);

  if (ret < 0)
    return ret;
  (void) snprintf (path, sizeof path, "/proc/%d/root", rec->pid);
  w->root = open (path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  ret = w->root < 0 ? err_sys (err, errno, "open", "%s", path) : open_other_ns (rec, "user", &userns, err);
  (void) snprintf (path, sizeof path, "/proc/%d/ns/user", rec->pid);
  if (ret == 0 && userns >= 0)
    ret = find_root (userns, path, w, err);
  if (ret == 0 && userns >= 0)
    ret = open_other_ns (rec, "mnt", &w->mount_ns, err);
  if (ret == 0 && userns >= 0 && w->mount_ns < 0)
    ret = err_host (err, ENOTSUP, "the container has a user namespace, but no mount namespace of its own in which a device could be bound");
  if (ret == 0 && pid_signal (pidfd, 0, NULL) < 0)
    ret = err_state (err, ESRCH, "container not running");
  return ret;
}

/* Clones the host's nodes, where mounts are what is to be made.  */
static int
clone_nodes (struct work *w, struct err *err)
{
  for (size_t i = 0; w->mount_ns >= 0 && w->deed == ADD && i < w->n; i++)
    if (is_meant (w, i))
      {
        const struct node *node = &w->nodes[i];
        int ret;

        w->mnts[i] = mount_clone_detached (AT_FDCWD, node->host, false, err);
        ret = w->mnts[i] < 0 ? w->mnts[i] : device_check (w->mnts[i], node->host, &node->device, err);
        if (ret < 0)
          return ret;
      }
  return 0;
}

/* Waits for the clone until it has ended, or long enough.  Returns 0 or negative errno.  */
static int
wait_clone (pid_t pid, int pidfd, struct err *err)
{
  struct pollfd p = { .fd = pidfd, .events = POLLIN };
  int late, status = 0;

  do
    late = poll (&p, 1, PATIENCE_MS) == 0;
  while (! late && ! (p.revents & POLLIN));
  if (late)
    (void) kill (pid, SIGKILL); /* ours, and not waited for yet */
  while (waitpid (pid, &status, __WALL) < 0 && errno == EINTR)
    ;
  if (late)
    return err_host (err, ETIMEDOUT, "the container's file systems do not answer within %d s", PATIENCE_MS / 1000);
  return status == 0 ? 0 : err_bug (err, EPROTO, "the process that makes device nodes ended with status %d", status);
}

static int
work_in_clone (struct work *w, struct err *err)
{
  int pidfd = -1, ret;
  /* no exit signal: nobody but us is told of its end */
  struct clone_args args = { .flags = CLONE_PIDFD, .pidfd = (uintptr_t) &pidfd };
  pid_t self = getpid ();
  int pid = sys_clone3 (&args);

  if (pid < 0)
    return err_sys (err, -pid, "clone3", "process that makes device nodes");
  if (pid == 0)
    {
      if (prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid () != self)
        _exit (1);
      w->answer->ret = do_all (w, &w->answer->err);
      _exit (0);
    }
  ret = wait_clone (pid, pidfd, err);
  own_close (&pidfd);
  if (ret == 0 && w->answer->ret < 0 && err)
    *err = w->answer->err;
  return ret < 0 ? ret : w->answer->ret;
}

static void
close_work (struct work *w)
{
  for (size_t i = 0; i < w->n; i++)
    own_close (&w->mnts[i]);
  own_close (&w->mount_ns);
  own_close (&w->root);
  (void) munmap (w->answer, sizeof *w->answer);
}

static int
run (const struct record *rec, enum deed deed, struct node *nodes, size_t n, struct err *err)
{
  struct work w = { .deed = deed, .nodes = nodes, .n = n, .root = -1, .mount_ns = -1 };
  bool any = false;
  int ret;

  for (size_t i = 0; i < n; i++)
    {
      w.mnts[i] = -1;
      any |= is_meant (&w, i);
    }
  if (! any)
    return 0;
  w.answer = mmap (NULL, sizeof *w.answer, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (w.answer == MAP_FAILED)
    return err_sys (err, errno, "mmap", "answer");
  ret = open_container (rec, &w, err);
  if (ret == 0)
    ret = clone_nodes (&w, err);
  if (ret == 0)
    ret = work_in_clone (&w, err);
  for (size_t i = 0; deed == ADD && i < n; i++)
    nodes[i].made = w.answer->made[i];
  close_work (&w);
  return ret;
}

int
nodes_add (const struct record *rec, struct node *nodes, size_t n, struct err *err)
{
  return run (rec, ADD, nodes, n, err);
}

void
nodes_undo (const struct record *rec, struct node *nodes, size_t n)
{
  (void) run (rec, UNDO, nodes, n, NULL); /* for who has an error already */
}

int
nodes_remove (const struct record *rec, struct node *nodes, size_t n, struct err *err)
{
  return run (rec, REMOVE, nodes, n, err);
}
