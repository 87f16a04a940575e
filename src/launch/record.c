/* SPDX-License-Identifier: Apache-2.0 */
/* What the runtime remembers of a container; see record.h.  */
#include "launch/record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "base/file.h"
#include "base/own.h"
#include "base/str.h"
#include "kernel/pid.h"
#include "launch/notify.h"
#include "ocispec/config.h"
#include "ocispec/state.h"

static OCI_TYPE (record_net_device,
  OCI_STR    (record_net_device, host, "host", OCI_REQUIRED),
  OCI_STR    (record_net_device, name, "name", OCI_REQUIRED));

static OCI_TYPE (record_rdt,
  OCI_STR    (record_rdt, root,    "root",    OCI_REQUIRED),
  OCI_STR    (record_rdt, group,   "group",   OCI_REQUIRED),
  OCI_BOOL   (record_rdt, made,    "made",    0),
  OCI_BOOL   (record_rdt, named,   "named",   0),
  OCI_STR    (record_rdt, monitor, "monitor", 0));

OCI_TYPE (record,
  OCI_STR    (record, oci_version, "ociVersion",  OCI_REQUIRED),
  OCI_STR    (record, id,          "id",          OCI_REQUIRED),
  OCI_STR    (record, status,      "status",      OCI_REQUIRED),
  OCI_NUM    (record, pid,         "pid",         0),
  OCI_STR    (record, bundle,      "bundle",      OCI_REQUIRED),
  OCI_STR    (record, rootfs,      "rootfs",      0),
  OCI_STR    (record, created,     "created",     0),
  OCI_STR    (record, owner,       "owner",       0),
  OCI_STRMAP (record, annotations, "annotations", 0),
  OCI_NUM    (record, start_time,  "startTime",   0),
  OCI_STR    (record, pid_file,    "pidFile",     0),
  OCI_OBJ    (record, cgroup,      "cgroup",      0, cgroup),
  OCI_OBJ    (record, rdt,         "resctrl",     0, record_rdt),
  OCI_OBJS   (record, net_devices, "netDevices",  0, record_net_device),
  OCI_STR    (record, net_path,    "netPath",     0),
  OCI_BOOL   (record, own_pid_ns,  "ownPidNamespace", 0),
  OCI_BOOL   (record, time_ns,     "timeNamespace", 0),
  OCI_BOOL   (record, no_process,  "noProcess",   0),
  OCI_BOOL   (record, no_keyring,  "noNewKeyring", 0),
  OCI_BOOL   (record, poststart,   "poststart",   0),
  OCI_BOOL   (record, poststop,    "poststop",    0));

/* Makes PATH, and what is missing above it; the last first, since mostly only that is missing.  */
static int
make_root (const char *path, struct err *err)
{
  char buf[4096];

  if (mkdir (path, 0700) == 0 || errno == EEXIST)
    return 0;
  if (errno != ENOENT)
    return err_sys (err, errno, "mkdir", "%s", path);
  if (str_copy (buf, sizeof buf, path) < 0)
    return err_sys (err, ENAMETOOLONG, "mkdir", "%s", path);
  for (char *p = buf + 1; *p; p++)
    if (*p == '/')
      {
        *p = '\0';
        if (mkdir (buf, 0755) < 0 && errno != EEXIST)
          return err_sys (err, errno, "mkdir", "%s", buf);
        *p = '/';
      }
  return mkdir (buf, 0700) < 0 && errno != EEXIST ? err_sys (err, errno, "mkdir", "%s", buf) : 0;
}

/* Whoever could write to the directory could make us signal or unmount anything.  */
static int
check_owner (int fd, const char *kind, const char *path, struct err *err)
{
  struct stat st;

  if (fstat (fd, &st) < 0)
    return err_sys (err, errno, "fstat", "%s", path);
  if (st.st_uid != 0 && st.st_uid != geteuid ())
    return err_host (err, EPERM, "the %s %s belongs to another user (uid %u)", kind, path, st.st_uid);
  if ((st.st_mode & 022) && ! (st.st_mode & S_ISVTX))
    return err_host (err, EPERM, "the %s %s may be written by others", kind, path);
  return 0;
}

int
record_root (const char *path, bool make, struct err *err)
{
  int ret;
  own_fd int fd = fds_beyond_standard (open (path, O_PATH | O_DIRECTORY | O_CLOEXEC));

  if (fd < 0 && errno == ENOENT && make)
    {
      ret = make_root (path, err);
      if (ret < 0)
        return ret;
      fd = fds_beyond_standard (open (path, O_PATH | O_DIRECTORY | O_CLOEXEC));
    }
  if (fd < 0)
    return err_sys (err, errno, "open", "%s", path);
  ret = make ? check_owner (fd, "root directory", path, err) : 0; /* record_open looks at the container's own */
  return ret < 0 ? ret : take_fd (&fd);
}

static int
check_id (const char *id, struct err *err)
{
  if (id == NULL || ! str_is_id (id))
    return err_usage (err, "invalid container id \"%.100s\": letters, digits and _+.- only, not beginning with a dot", id ? id : "");
  return 0;
}

/* Opens and locks the directory just made.  */
static int
take_dir (const char *root, const char *id, struct record_dir *dir, struct err *err)
{
  dir->fd = openat (dir->root, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (dir->fd < 0)
    return err_sys (err, errno, "openat", "%s/%s", root, id);
  if (flock (dir->fd, LOCK_EX | LOCK_NB) < 0)
    return err_sys (err, errno, "flock", "%s/%s", root, id);
  dir->locked = true;
  return 0;
}

int
record_reserve (const char *root, const char *id, struct record_dir *dir, struct err *err)
{
  int ret = check_id (id, err);

  if (ret < 0)
    return ret;
  dir->id = id;
  dir->root = record_root (root, true, err);
  if (dir->root < 0)
    return dir->root;
  if (mkdirat (dir->root, id, 0700) < 0)
    return errno == EEXIST ? err_state (err, EEXIST, "container with given ID already exists: %s", id)
                           : err_sys (err, errno, "mkdirat", "%s/%s", root, id);
  ret = take_dir (root, id, dir, err);
  if (ret < 0)
    (void) unlinkat (dir->root, id, AT_REMOVEDIR);
  return ret;
}

/* flock has no time limit of its own; a creator that hangs in a hook must not hang `delete` for ever.  So it is asked again and again: a wait that
 * ends by itself would need a signal, whose handler is the program's and not a library's, or a process that waits on our description in our place.
 * Both are much for a lock that another mostly has for milliseconds; locks of fcntl are none, a directory cannot be locked by them.  */
static int
lock (int fd, bool wait, const char *id, struct err *err)
{
  static const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };

  for (int i = 0; i < (wait ? 500 : 1); i++)
    {
      if (i > 0)
        (void) nanosleep (&pause, NULL);
      if (flock (fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
      if (errno != EWOULDBLOCK && errno != EINTR)
        return err_sys (err, errno, "flock", "%s", id);
    }
  return err_state (err, EBUSY, "container \"%s\" is in use by another command", id);
}

int
record_lock (struct record_dir *dir, bool wait, struct err *err)
{
  int ret = lock (dir->fd, wait, dir->id, err);

  dir->locked = ret == 0;
  return ret;
}

int
record_lock_update (const struct record_dir *dir, struct err *err)
{
  own_fd int fd = openat (dir->fd, RECORD_CONFIG, O_RDONLY | O_NOFOLLOW | O_CLOEXEC); /* which is never replaced */
  int ret = fd < 0 ? err_sys (err, errno, "openat", "%s/" RECORD_CONFIG, dir->id) : lock (fd, true, dir->id, err);

  return ret < 0 ? ret : take_fd (&fd);
}

int
record_open (const char *root, const char *id, bool lock, struct record_dir *dir, struct err *err)
{
  int ret = check_id (id, err);

  if (ret < 0)
    return ret;
  dir->id = id;
  dir->root = record_root (root, false, err);
  if (dir->root == -ENOENT)
    return err_state (err, ENOENT, "container \"%s\" does not exist", id);
  if (dir->root < 0)
    return dir->root;
  dir->fd = openat (dir->root, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (dir->fd < 0)
    return errno == ENOENT ? err_state (err, ENOENT, "container \"%s\" does not exist", id)
                           : err_sys (err, errno, "openat", "%s/%s", root, id);
  ret = check_owner (dir->fd, "directory of container", id, err);
  return ret == 0 && lock ? record_lock (dir, true, err) : ret;
}

void
record_unlock (struct record_dir *dir)
{
  (void) flock (dir->fd, LOCK_UN); /* cannot fail for a lock that we have */
  dir->locked = false;
}

void
record_close (struct record_dir *dir)
{
  own_close (&dir->fd);
  own_close (&dir->root);
  dir->fd = dir->root = -1;
  dir->locked = false;
}

int
record_save (const struct record_dir *dir, const struct record *rec, bool first, struct err *err)
{
  own_mem char *text = NULL;
  size_t len;
  int ret = oci_encode (&record_type, rec, false, &text, &len);

  if (ret < 0)
    return err_bug (err, -ret, "the record cannot be written as JSON");
  /* whoever writes holds the lock of the directory, so the temporary name is nobody else's */
  return first ? file_create_at (dir->fd, RECORD_STATE, text, len, 0600, err)
               : file_replace_at (dir->fd, RECORD_STATE, text, len, 0600, err);
}

static int
load (const struct record_dir *dir, const char *name, const struct oci_type *type, struct oci_arena **arena,
      void **ret_object, struct err *err)
{
  own_mem char *text = NULL;
  own_mem struct oci_faults *faults = NULL;
  ssize_t len = file_read_at (dir->fd, name, OCI_DOCUMENT_MAX, &text, err);
  int ret;

  if (len < 0)
    return (int) len;
  faults = calloc (1, sizeof *faults);
  if (faults == NULL)
    return err_sys (err, ENOMEM, "calloc", "%s", name);
  ret = oci_decode (type, text, (size_t) len, ret_object, arena, faults);
  if (ret < 0)
    return err_bug (err, -ret, "%s of container \"%s\" is damaged: line %u: %s: %s", name, dir->id, faults->fault[0].line,
                    faults->fault[0].path, faults->fault[0].what);
  return 0;
}

int
record_load (const struct record_dir *dir, struct oci_arena **arena, struct record **ret_record, struct err *err)
{
  void *object = NULL;
  int ret = load (dir, RECORD_STATE, &record_type, arena, &object, err);

  if (ret == 0)
    *ret_record = object;
  return ret;
}

int
record_config (const struct record_dir *dir, struct oci_arena **arena, struct oci_config **ret_config, struct err *err)
{
  void *object = NULL;
  int ret = load (dir, RECORD_CONFIG, &oci_config_type, arena, &object, err);

  if (ret == 0)
    *ret_config = object;
  return ret;
}

int
record_devices (const struct record_dir *dir, struct oci_arena **arena, struct oci_device_rule **ret_rules, size_t *ret_n, struct err *err)
{
  struct oci_config *config = NULL;
  const struct oci_resources *r;
  void *object = NULL;
  int ret = load (dir, RECORD_DEVICES, &oci_resources_type, arena, &object, err);

  if (ret == -ENOENT)
    {
      err_clear (err);
      ret = record_config (dir, arena, &config, err);
    }
  if (ret < 0)
    return ret;
  r = object ? object : config->linux_ ? config->linux_->resources : NULL;
  *ret_rules = r ? r->devices : NULL;
  *ret_n = r ? r->n_devices : 0;
  return 0;
}

int
record_save_devices (const struct record_dir *dir, struct oci_device_rule *rules, size_t n, struct err *err)
{
  const struct oci_resources r = { .devices = rules, .n_devices = n };
  own_mem char *text = NULL;
  size_t len;
  int ret = oci_encode (&oci_resources_type, &r, false, &text, &len);

  if (ret < 0)
    return err_bug (err, -ret, "device rules cannot be written as JSON");
  return file_replace_at (dir->fd, RECORD_DEVICES, text, len, 0600, err);
}

/* Removes the files in the directory NAME below DIRFD, and, with DEEP, the one directory that it may have.  It is ours alone: whatever is there was
 * made by us, a temporary file of a killed command included.  No link is followed.  */
static int
remove_contents (const struct record_dir *dir, int dirfd, const char *name, bool deep, struct err *err)
{
  int copy = openat (dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR *d = copy < 0 ? NULL : fdopendir (copy);
  struct dirent *e;
  int ret = 0;

  if (d == NULL)
    {
      own_close (&copy);
      return err_sys (err, errno, "opendir", "%s", dir->id);
    }
  while (ret == 0 && (e = readdir (d)) != NULL)
    {
      if (strcmp (e->d_name, ".") == 0 || strcmp (e->d_name, "..") == 0 || unlinkat (copy, e->d_name, 0) == 0 || errno == ENOENT)
        continue;
      if (errno != EISDIR || ! deep || strcmp (e->d_name, NOTIFY_DIR) != 0)
        ret = err_sys (err, errno, "unlinkat", "%s/%s", dir->id, e->d_name);
      else if ((ret = remove_contents (dir, copy, e->d_name, false, err)) < 0)
        break;
      else if (unlinkat (copy, e->d_name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        ret = err_sys (err, errno, "rmdir", "%s/%s", dir->id, e->d_name);
    }
  closedir (d);
  return ret;
}

int
record_remove (const struct record_dir *dir, struct err *err)
{
  static const char *const names[] = { RECORD_CONFIG, RECORD_STATE }; /* the record itself last */
  int ret;

  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (unlinkat (dir->fd, names[i], 0) < 0 && errno != ENOENT)
      return err_sys (err, errno, "unlinkat", "%s/%s", dir->id, names[i]);
  if (unlinkat (dir->root, dir->id, AT_REMOVEDIR) == 0 || errno == ENOENT)
    return 0;
  if (errno != ENOTEMPTY && errno != EEXIST)
    return err_sys (err, errno, "rmdir", "%s", dir->id);
  ret = remove_contents (dir, dir->fd, ".", true, err);
  if (ret == 0 && unlinkat (dir->root, dir->id, AT_REMOVEDIR) < 0 && errno != ENOENT)
    ret = err_sys (err, errno, "rmdir", "%s", dir->id);
  return ret;
}

/* True if the first process waits for start.  A `start` that was killed leaves the socket's name behind, though nobody listens any more.  A
 * connection of another type tells the two apart and comes to nothing (unix(7), EPROTOTYPE).  */
static bool
is_waiting (const struct record_dir *dir)
{
  if (faccessat (dir->fd, RECORD_SOCKET, F_OK, 0) < 0)
    return false;
  own_fd int sock = fds_connect (dir->fd, RECORD_SOCKET, SOCK_STREAM, NULL);
  return sock != -ECONNREFUSED && sock != -ENOENT;
}

const char *
record_status (const struct record_dir *dir, const struct record *rec)
{
  if (strcmp (rec->status, "creating") == 0)
    {
      /* whoever creates holds the lock; if nobody does, it was killed on the way */
      if (dir->locked)
        return "stopped";
      if (flock (dir->fd, LOCK_SH | LOCK_NB) < 0)
        return "creating";
      (void) flock (dir->fd, LOCK_UN);
      return "stopped";
    }
  if (rec->pid <= 0 || ! pid_alive (rec->pid, rec->start_time))
    return "stopped";
  if (rec->cgroup && cgroup_frozen (rec->cgroup) == 1)
    return "paused";
  return is_waiting (dir) ? "created" : "running";
}

int
record_state (const struct record *rec, const char *status, pid_t pid, char **ret_text, size_t *ret_len, struct err *err)
{
  int32_t number = pid;
  struct oci_state state = { .oci_version = rec->oci_version, .id = rec->id, .pid = &number, .status = status,
                             .bundle = rec->bundle, .rootfs = rec->rootfs, .created = rec->created, .owner = rec->owner,
                             .annotations = rec->annotations, .n_annotations = rec->n_annotations };
  int ret = oci_encode (&oci_state_type, &state, true, ret_text, ret_len);

  return ret < 0 ? err_bug (err, -ret, "the state cannot be written as JSON") : 0;
}

static int
by_name (const void *a, const void *b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

/* Turns N names that lie one after the other in TEXT into one allocation: the pointers, then the text.  */
static int
pack_names (const char *text, size_t size, size_t n, char ***ret_names, struct err *err)
{
  char **names = malloc ((n + 1) * sizeof *names + size);
  char *p;

  if (names == NULL)
    return err_sys (err, ENOMEM, "malloc", "list of containers");
  p = (char *) (names + n + 1);
  if (size)
    memcpy (p, text, size);
  for (size_t i = 0; i < n; i++, p += strlen (p) + 1)
    names[i] = p;
  names[n] = NULL;
  qsort (names, n, sizeof *names, by_name);
  *ret_names = names;
  return 0;
}

int
record_names (int root, char ***ret_names, size_t *ret_n, struct err *err)
{
  int copy = openat (root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *d = copy < 0 ? NULL : fdopendir (copy);
  own_mem char *text = NULL;
  size_t size = 0, n = 0;
  FILE *out = d ? open_memstream (&text, &size) : NULL;
  struct dirent *e;

  if (out == NULL)
    {
      int num = errno;
      d ? (void) closedir (d) : own_close (&copy);
      return err_sys (err, num, "opendir", "root directory");
    }
  while ((e = readdir (d)) != NULL)
    if (str_is_id (e->d_name))
      {
        (void) fwrite (e->d_name, strlen (e->d_name) + 1, 1, out);
        n++;
      }
  closedir (d);
  if (fclose (out) != 0)
    return err_sys (err, ENOMEM, "open_memstream", "list of containers");
  *ret_n = n;
  return pack_names (text, size, n, ret_names, err);
}
