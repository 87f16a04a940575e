/* SPDX-License-Identifier: Apache-2.0 */
/* Overlays; see overlay.h.  The kernel is told every directory by its descriptor, so that no path of ours can be too long for the one page of
 * options, has a comma or colon that would be taken for one of the kernel's, or means something else by then.  */
#include "image/overlay.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/own.h"
#include "image/at.h"
#include "image/attributes.h"

enum
{
  OPTIONS_MAX = 4096,  /* one page, with the NUL */
  UNMOUNT_NOFOLLOW = 8 /* umount2(2): the C library has it in the header that contradicts the kernel's */
};

/* An image's layers, opened, the uppermost first.  */
struct stack
{
  int fd[LAYERS_MAX];
  size_t n;
  struct stat root; /* attributes of the root directory */
};

static void
close_stack (const struct stack *k)
{
  for (size_t i = 0; i < k->n; i++)
    own_close (&k->fd[i]);
}

static int
open_layer (const struct store *s, const char *name, struct stack *k, bool *in_out_has_root, struct err *err)
{
  char path[DIGEST_TEXT + 8];
  struct oci_arena *arena = NULL;
  void *record = NULL;
  own_fd int dir = openat (s->layers, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  int ret = dir < 0 ? err_sys (err, errno, "openat", "%s/layers/%s", s->path, name)
                    : document_read (&layer_record_type, dir, "layer.json", &arena, &record, err);

  (void) snprintf (path, sizeof path, "%s/fs", name);
  if (ret == 0 && (k->fd[k->n] = openat (s->layers, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0)
    ret = err_sys (err, errno, "openat", "%s/layers/%s", s->path, path);
  if (ret == 0)
    {
      const struct layer_record *r = record;

      if (! *in_out_has_root && (k->n == 0 || r->root) && fstat (k->fd[k->n], &k->root) == 0)
        *in_out_has_root = r->root;
      k->n++;
    }
  oci_arena_free (arena);
  return ret;
}

/* Opens IMAGE's layers from the top down to one whose root hides all below: overlayfs reads that mark of directories in layers, not of layers.  */
static int
open_stack (const struct store *s, const struct image_record *image, struct stack *k, struct err *err)
{
  bool has_root = false;
  int ret = 0;

  k->n = 0;
  if (image->n_layers == 0 || image->n_layers > LAYERS_MAX)
    return err_bug (err, EINVAL, "the record of image %s has %zu layers", image->id, image->n_layers);
  for (size_t i = image->n_layers; i-- > 0 && ret == 0;)
    {
      ret = open_layer (s, image->layers[i], k, &has_root, err);
      if (ret == 0 && attributes_hides_lower (k->fd[k->n - 1], s->is_trusted))
        break;
    }
  if (ret < 0)
    close_stack (k);
  return ret;
}

int
overlay_prepare (const struct store *s, const struct image_record *image, int bundle, struct err *err)
{
  struct stack k;
  own_fd int upper = -1, work = -1, rootfs = -1;
  int ret = open_stack (s, image, &k, err);

  if (ret < 0)
    return ret;
  close_stack (&k);
  upper = at_make_dir (bundle, "upper", 0700, err);
  work = upper < 0 ? -1 : at_make_dir (bundle, "work", 0700, err);
  rootfs = work < 0 ? -1 : at_make_dir (bundle, "rootfs", 0755, err);
  if (rootfs < 0)
    return -EIO;
  if (s->keeps_owners && fchown (upper, k.root.st_uid, k.root.st_gid) < 0)
    return err_sys (err, errno, "fchown", "upper");
  return fchmod (upper, k.root.st_mode & 07777) < 0 ? err_sys (err, errno, "fchmod", "upper") : 0;
}

/* True if FD is the root of a mount: its parent is another one's.  */
static bool
is_mounted (int bundle, int rootfs)
{
  struct statx here, above;

  return statx (rootfs, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &here) == 0 && statx (bundle, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &above) == 0
         && (here.stx_dev_major != above.stx_dev_major || here.stx_dev_minor != above.stx_dev_minor);
}

/* Options for the layers of K over UPPER and WORK.  */
static int
make_options (const struct stack *k, bool is_trusted, int upper, int work, char *buf, struct err *err)
{
  size_t used = (size_t) snprintf (buf, OPTIONS_MAX, "%supperdir=/proc/self/fd/%d,workdir=/proc/self/fd/%d,lowerdir=",
                                   is_trusted ? "" : "userxattr,", upper, work);

  for (size_t i = 0; i < k->n && used < OPTIONS_MAX; i++)
    used += (size_t) snprintf (buf + used, OPTIONS_MAX - used, "%s/proc/self/fd/%d", i ? ":" : "", k->fd[i]);
  return used < OPTIONS_MAX ? 0 : err_host (err, E2BIG, "%zu layers are more than the options of one mount can name", k->n);
}

static int
mount_error (int num, struct err *err)
{
  const char *why = num == EPERM    ? "mounting the overlay needs root, or a user and mount namespace (unshare -rm)"
                    : num == ENODEV ? "this kernel has no overlayfs (CONFIG_OVERLAY_FS)"
                    : num == EINVAL ? "the overlay cannot be mounted: the bundle's file system may not do for the upper directory of an overlay "
                                      "(the kernel's log says more), or the kernel is older than 5.11 and a user mounts"
                                    : "mounting the overlay";

  return err_doing (err, err_sys (err, num, "mount", "rootfs"), "%s", why);
}

int
overlay_mount (const struct store *s, const struct image_record *image, int bundle, struct err *err)
{
  char options[OPTIONS_MAX], target[64];
  struct stack k;
  own_fd int upper = -1, work = -1, rootfs = at_open (bundle, "rootfs", O_RDONLY | O_DIRECTORY, AT_BENEATH, err);
  int ret;

  if (rootfs < 0 || is_mounted (bundle, rootfs))
    return rootfs < 0 ? rootfs : 0;
  upper = at_open (bundle, "upper", O_RDONLY | O_DIRECTORY, AT_NO_LINKS, err);
  work = upper < 0 ? -1 : at_open (bundle, "work", O_RDONLY | O_DIRECTORY, AT_NO_LINKS, err);
  if (work < 0)
    return -EIO;
  ret = open_stack (s, image, &k, err);
  if (ret < 0)
    return ret;
  ret = make_options (&k, s->is_trusted, upper, work, options, err);
  (void) snprintf (target, sizeof target, "/proc/self/fd/%d", rootfs);
  /* devices of an image are not for the host */
  if (ret == 0 && syscall (SYS_mount, "overlay", target, "overlay", (unsigned long) MS_NODEV, options) < 0)
    ret = mount_error (errno, err);
  close_stack (&k);
  return ret;
}

/* The process whose root directory is in the file system of ROOTFS, or 0: a container has a mount of its own, which ours says nothing of.  */
static int
find_user (int rootfs)
{
  DIR *proc = opendir ("/proc");
  struct dirent *e;
  struct stat here, st;
  char name[sizeof e->d_name + 8];
  int pid = 0;

  if (proc == NULL || fstat (rootfs, &here) < 0)
    here.st_dev = 0;
  while (proc && here.st_dev && pid == 0 && (e = readdir (proc)))
    {
      (void) snprintf (name, sizeof name, "%s/root", e->d_name);
      if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && fstatat (dirfd (proc), name, &st, 0) == 0 && st.st_dev == here.st_dev)
        pid = atoi (e->d_name);
    }
  if (proc)
    (void) closedir (proc);
  return pid;
}

int
overlay_unmount (int bundle, struct err *err)
{
  own_fd int rootfs = at_open (bundle, "rootfs", O_PATH | O_DIRECTORY, AT_BENEATH, NULL);
  char here[4096], target[64];
  ssize_t n;
  int num;

  if (rootfs == -ENOENT)
    return 0;
  if (rootfs < 0)
    return err_sys (err, -rootfs, "openat2", "rootfs");
  if (! is_mounted (bundle, rootfs))
    return 0;
  num = find_user (rootfs);
  if (num > 0)
    return err_state (err, EBUSY, "the root file system is in use by process %d: delete the container first", num);
  /* a descriptor of it keeps it busy, so it is called by name: that of the bundle, which is ours */
  (void) snprintf (target, sizeof target, "/proc/self/fd/%d", bundle);
  n = readlink (target, here, sizeof here - sizeof "/rootfs");
  if (n < 0)
    return err_sys (err, errno, "readlink", "%s", target);
  memcpy (here + n, "/rootfs", sizeof "/rootfs");
  (void) close (take_fd (&rootfs));
  if (syscall (SYS_umount2, here, UNMOUNT_NOFOLLOW) == 0)
    return 0;
  num = errno;
  return err_doing (err, err_sys (err, num, "umount2", "%s", here), "%s",
                    num == EBUSY ? "the root file system is in use" : "unmounting the root file system");
}
