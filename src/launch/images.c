/* SPDX-License-Identifier: Apache-2.0 */
/* A directory of images; see images.h. */
#include "launch/images.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/own.h"
#include "base/str.h"
#include "base/wire.h"
#include "launch/criu.h"
#include "ocispec/table.h"
#include "plan/annotations.h"

#define DESCRIPTORS "descriptors.json"
#define TERMINAL "tty[" /* how CRIU's name of one from outside begins */

enum
{
  STDIO = 3,
  NAME_SIZE = PATH_MAX,
  KEY_SIZE = 64,
  LIST_SIZE = STDIO * (6 * NAME_SIZE + KEY_SIZE + 8), /* each byte may become six */
  MOUNTINFO_MAX = 16 << 20
};

const struct images_namespace images_namespaces[] = {
  { "network", "net", "extRootNetNS" },
  { "pid", "pid", "extRootPidNS" },
  { 0 },
};

static int
open_dir (const char *path, bool make, int *ret_fd, struct err *err)
{
  if (make && mkdir (path, 0700) < 0 && errno != EEXIST)
    return err_sys (err, errno, "mkdir", "%s", path);
  *ret_fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return *ret_fd < 0 ? err_sys (err, errno, "open", "%s", path) : 0;
}

/* What CRIU will write into its working directory, which by default is that of the images, must not be written through a link that came with them, as out of
 * an archive (CVE-2026-53489 of containerd).  CRIU writes each anew anyway.  */
static int
clear_names (const struct images *i, bool dump, struct err *err)
{
  static const char *const written[][2] = { { IMAGES_RESTORE_LOG, "stats-restore" }, { IMAGES_DUMP_LOG, "stats-dump" } };

  for (size_t n = 0; n < 2; n++)
    if (unlinkat (i->work, written[dump][n], 0) < 0 && errno != ENOENT)
      return err_sys (err, errno, "unlinkat", "%s/%s", i->work_path, written[dump][n]);
  return 0;
}

int
images_open (struct images *i, const struct criu_args *args, bool make, struct err *err)
{
  int ret = open_dir (args->image_path, make, &i->dir, err);

  i->work_path = args->work_path ? args->work_path : args->image_path;
  if (ret == 0)
    ret = open_dir (i->work_path, args->work_path != NULL, &i->work, err);
  if (ret == 0)
    ret = clear_names (i, make, err);
  if (ret < 0 || args->parent_path == NULL)
    return ret;
  if (args->parent_path[0] == '/')
    return err_usage (err, "--parent-path must be relative to --image-path, since the images refer to each other by it");
  if (faccessat (i->dir, args->parent_path, F_OK, 0) < 0)
    return err_sys (err, errno, "access", "%s/%s", args->image_path, args->parent_path);
  return 0;
}

int
images_lend (struct images *i, gid_t gid, struct err *err)
{
  struct stat st;

  if (fstat (i->dir, &st) < 0)
    return err_sys (err, errno, "fstat", "directory of the images");
  if (st.st_mode & S_IXOTH)
    return 0;
  i->group = st.st_gid;
  i->mode = st.st_mode & 07777;
  if (fchown (i->dir, (uid_t) -1, gid) < 0 || fchmod (i->dir, (i->mode & ~(mode_t) S_IRWXG) | S_IXGRP) < 0)
    return err_sys (err, errno, "fchown", "directory of the images, for the root of the user namespace");
  i->lent = true;
  return 0;
}

void
images_close (struct images *i)
{
  if (i->lent && fchown (i->dir, (uid_t) -1, i->group) == 0)
    (void) fchmod (i->dir, i->mode); /* it was ours to change */
  own_close (&i->dir);
  own_close (&i->work);
  *i = (struct images) IMAGES_NONE;
}

void
images_put_mount (struct wire *opts, const char *key, const char *val)
{
  struct wire w = { 0 };

  wire_text (&w, 1, key);
  wire_text (&w, 2, val);
  wire_message (opts, 23, &w); /* ext_mnt: as `external`, but every byte may be in a name */
  wire_free (&w);
}

void
images_put_cgroup_mode (struct wire *opts, int mode)
{
  wire_number (opts, 24, mode != CRIU_CGROUPS_IGNORE);
  wire_number (opts, 34, (uint64_t) mode);
}

void
images_put_config (struct wire *opts, const struct oci_pair *annotations, size_t n)
{
  static const char *const usual[] = { "/etc/criu/orlop.conf", "/etc/criu/runc.conf" };

  for (size_t i = 0; i < n; i++)
    if (strcmp (annotations[i].key, ANNOTATION_CRIU_CONFIG) == 0)
      {
        if (annotations[i].value[0])
          wire_text (opts, 51, annotations[i].value);
        return;
      }
  for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
    if (access (usual[i], F_OK) == 0)
      {
        wire_text (opts, 51, usual[i]);
        return;
      }
}

/* True if TEXT, a mountinfo, has the mount ID.  */
static bool
has_mount (const char *text, uint64_t id)
{
  char prefix[32];
  size_t len = (size_t) snprintf (prefix, sizeof prefix, "%ju ", (uintmax_t) id);

  for (const char *line = text; *line; line += strcspn (line, "\n"), line += *line != '\0')
    if (strncmp (line, prefix, len) == 0)
      return true;
  return false;
}

/* The mount on which descriptor FD of PROC, a process's directory, is open.  */
static int
mount_of (int proc, int fd, uint64_t *ret_id)
{
  char name[32], text[1024], *p;

  (void) snprintf (name, sizeof name, "fdinfo/%d", fd);
  if (file_read_small (proc, name, text, sizeof text) < 0 || (p = strstr (text, "mnt_id:")) == NULL)
    return -ENOENT;
  p += strlen ("mnt_id:");
  p += strspn (p, "\t ");
  p[strcspn (p, "\n")] = '\0';
  return str_u64 (p, UINT32_MAX, ret_id);
}

/* True if ST is of a terminal, which CRIU calls by another name.  The majors are those of Documentation/admin-guide/devices.txt.  */
static bool
is_terminal (const struct stat *st)
{
  static const struct
  {
    unsigned first, last;
  } majors[] = { { 4, 5 }, { 136, 143 }, { 188, 188 }, { 204, 204 }, { 229, 229 } };
  unsigned is = major (st->st_rdev);

  for (size_t i = 0; i < sizeof majors / sizeof *majors; i++)
    if (S_ISCHR (st->st_mode) && is >= majors[i].first && is <= majors[i].last)
      return true;
  return false;
}

/* What descriptor FD is: NAME as its link says, and KEY, as CRIU calls a file that is reached by no path of the container, or "".  A terminal
 * from outside is an error unless it is SHELL_JOB: CRIU would dump what it could not restore.  */
static int
name_of (int proc, int fd, const char *mounts, bool shell_job, char *name, char *key, struct err *err)
{
  char link[16];
  struct stat st;
  uint64_t mount;
  ssize_t n;

  key[0] = '\0';
  (void) snprintf (link, sizeof link, "fd/%d", fd);
  n = readlinkat (proc, link, name, NAME_SIZE - 1);
  if (n < 0 && errno != ENOENT)
    return err_sys (err, errno, "readlink", "descriptor %d of the container", fd);
  name[n < 0 ? 0 : n] = '\0';
  if (name[0] != '/' || fstatat (proc, link, &st, 0) < 0 || ! (S_ISREG (st.st_mode) || S_ISCHR (st.st_mode))
      || mount_of (proc, fd, &mount) < 0 || has_mount (mounts, mount))
    return 0;
  if (is_terminal (&st) && ! shell_job)
    return err_host (err, ENOTSUP, "descriptor %d of the container is %s, a terminal outside of it: that takes --shell-job", fd, name);
  if (is_terminal (&st))
    (void) snprintf (key, KEY_SIZE, TERMINAL "%jx:%jx]", (uintmax_t) st.st_rdev, (uintmax_t) st.st_dev);
  else
    (void) snprintf (key, KEY_SIZE, "file[%jx:%jx]", (uintmax_t) mount, (uintmax_t) st.st_ino);
  return 0;
}

/* TEXT as a string of JSON.  */
static size_t
quote (char *to, const char *text)
{
  char *p = to;

  *p++ = '"';
  for (; *text; text++)
    if (*text == '"' || *text == '\\' || (unsigned char) *text < ' ')
      p += sprintf (p, "\\u%04x", (unsigned char) *text);
    else
      *p++ = *text;
  *p++ = '"';
  return (size_t) (p - to);
}

int
images_save_stdio (const struct images *i, pid_t pid, bool shell_job, struct wire *opts, struct err *err)
{
  own_mem char *list = malloc (LIST_SIZE + 16), *name = malloc (NAME_SIZE), *mounts = NULL;
  char path[32], keys[STDIO][KEY_SIZE];
  size_t len = 0;

  (void) snprintf (path, sizeof path, "/proc/%d", pid);
  own_fd int proc = open (path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (list == NULL || name == NULL)
    return err_sys (err, ENOMEM, "malloc", DESCRIPTORS);
  if (proc < 0)
    return err_sys (err, errno, "open", "%s", path);
  if (file_read_at (proc, "mountinfo", MOUNTINFO_MAX, &mounts, err) < 0)
    return -EIO;
  for (int fd = 0; fd < STDIO; fd++)
    {
      int ret = name_of (proc, fd, mounts, shell_job, name, keys[fd], err);

      if (ret < 0)
        return ret;
      if (keys[fd][0])
        wire_text (opts, 37, keys[fd]);
      list[len++] = fd == 0 ? '[' : ',';
      len += quote (list + len, name);
    }
  for (int fd = 0; fd < STDIO; fd++) /* after what other runtimes look at */
    {
      list[len++] = ',';
      len += quote (list + len, keys[fd]);
    }
  list[len++] = ']';
  return file_replace_at (i->dir, DESCRIPTORS, list, len, 0600, err);
}

/* Takes the next string of a list off *IN_OUT_TEXT into BUF; what is escaped in it is none of the names we look for, and so is left as it is.  */
static bool
next_string (const char **in_out_text, char *buf, size_t size)
{
  const char *begin = strchr (*in_out_text, '"'), *p;

  if (begin == NULL)
    return false;
  for (p = ++begin; *p && *p != '"'; p++)
    if (*p == '\\' && p[1])
      p++;
  if (*p == '\0')
    return false;
  (void) snprintf (buf, size, "%.*s", (int) (p - begin), begin);
  *in_out_text = p + 1;
  return true;
}

void
images_put_inherited (struct wire *opts, const char *key, int fd)
{
  struct wire w = { 0 };

  wire_text (&w, 1, key);
  wire_number (&w, 2, (uint64_t) fd);
  wire_message (opts, 27, &w);
  wire_free (&w);
}

/* FRESH, which is negative if it could not be opened, takes the place of what is called KEY.  One for each: CRIU closes what it has taken.  */
static int
put_fresh (struct wire *opts, const char *key, int fresh, const char *name, int *fds, size_t *ret_n, struct err *err)
{
  if (fresh < 0)
    return err_sys (err, errno, "open", "%s", name);
  fds[(*ret_n)++] = fresh;
  images_put_inherited (opts, key, fresh);
  return 0;
}

/* NAME and KEY are what descriptor FD was.  Of a terminal CRIU wants to look at our standard input, too.  */
static int
put_stdio (struct wire *opts, int fd, const char *name, const char *key, int *fds, size_t *ret_n, struct err *err)
{
  if (str_after (name, "pipe:[") || str_after (name, "socket:["))
    images_put_inherited (opts, name, fd);
  else if (key[0] && strcmp (name, "/dev/null") == 0)
    return put_fresh (opts, key, open ("/dev/null", O_RDWR | O_CLOEXEC), name, fds, ret_n, err);
  else if (str_after (key, TERMINAL))
    return put_fresh (opts, key, fcntl (fd, F_DUPFD_CLOEXEC, STDIO), name, fds, ret_n, err);
  else if (key[0])
    images_put_inherited (opts, key, fd);
  return 0;
}

int
images_put_stdio (const struct images *i, struct wire *opts, int *fds, size_t *ret_n, struct err *err)
{
  own_mem char *text = NULL, *names = calloc (STDIO, NAME_SIZE);
  char key[KEY_SIZE];
  const char *p;
  ssize_t len;
  int ret = 0;

  if (names == NULL)
    return err_sys (err, ENOMEM, "malloc", DESCRIPTORS);
  len = file_read_at (i->dir, DESCRIPTORS, LIST_SIZE + 16, &text, err);
  if (len == -ENOENT)
    {
      err_clear (err);
      return 0;
    }
  if (len < 0)
    return (int) len;
  p = text;
  for (int fd = 0; fd < STDIO; fd++)
    if (! next_string (&p, names + fd * NAME_SIZE, NAME_SIZE))
      return err_host (err, EINVAL, "%s among the images has fewer than %d names", DESCRIPTORS, STDIO);
  for (int fd = 0; ret == 0 && fd < STDIO; fd++)
    {
      if (! next_string (&p, key, sizeof key))
        key[0] = '\0'; /* another runtime's list */
      ret = put_stdio (opts, fd, names + fd * NAME_SIZE, key, fds, ret_n, err);
    }
  return ret;
}
