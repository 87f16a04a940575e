/* SPDX-License-Identifier: Apache-2.0 */
/* Labels of security modules; see lsm.h.  A file of procfs is opened beneath the handle (proc.h), and never for a second
 * try after it was refused: a label that is not set is an error. */
#include "kernel/lsm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/own.h"
#include "kernel/proc.h"

/* How to say it to each module; the first file that exists is written.  */
static const struct
{
  const char *files[3]; /* below /proc, NULL-terminated */
  const char *prefix;
} exec_attributes[] = {
  [LSM_APPARMOR] = { { "self/attr/apparmor/exec", "self/attr/exec", NULL }, "exec " },
  [LSM_SELINUX] = { { "self/attr/exec", NULL }, "" },
};

bool
lsm_present (enum lsm which, const char *sys)
{
  char path[256], text[8];

  if (which == LSM_SELINUX)
    return snprintf (path, sizeof path, "%s/fs/selinux/enforce", sys) < (int) sizeof path && access (path, F_OK) == 0;
  return snprintf (path, sizeof path, "%s/module/apparmor/parameters/enabled", sys) < (int) sizeof path
         && file_read_small (AT_FDCWD, path, text, sizeof text) > 0 && text[0] == 'Y';
}

int
lsm_label_of (pid_t pid, enum lsm which, char *buf, size_t size)
{
  static const char *const files[] = { [LSM_APPARMOR] = "apparmor/current", [LSM_SELINUX] = "current" };
  char who[16] = "self", path[64];
  ssize_t len;

  if (pid)
    (void) snprintf (who, sizeof who, "%d", pid);
  (void) snprintf (path, sizeof path, "/proc/%s/attr/%s", who, files[which]);
  len = file_read_small (AT_FDCWD, path, buf, size);
  if (len == -ENOENT && which == LSM_APPARMOR) /* before Linux 5.8 */
    {
      (void) snprintf (path, sizeof path, "/proc/%s/attr/current", who);
      len = file_read_small (AT_FDCWD, path, buf, size);
    }
  if (len < 0)
    return (int) len;
  buf[strcspn (buf, which == LSM_APPARMOR ? " \n" : "\n")] = '\0';
  return 0;
}

/* Writes TEXT into the first of FILES that exists, saying WHAT was to be done when it cannot.  */
static int
write_attribute (int proc, const char *const *files, const char *text, const char *what, struct err *err)
{
  int ret = -ENOENT;

  for (const char *const *file = files; *file; file++)
    {
      own_fd int fd = proc_open_file (proc, *file, O_WRONLY);

      ret = fd < 0 ? fd : write (fd, text, strlen (text)) < 0 ? -errno : 0;
      if (fd == -ENOENT && file[1])
        continue;
      /* in backquotes: by this engines tell such an error from others */
      if (ret < 0)
        return err_doing (err, err_sys (err, -ret, fd < 0 ? "openat2" : "write", "%s", text), "%s through `/proc/%s`", what, *file);
      break;
    }
  return ret;
}

int
lsm_label_exec (int proc, enum lsm which, const char *label, struct err *err)
{
  char text[LSM_LABEL_MAX];

  if (snprintf (text, sizeof text, "%s%s", exec_attributes[which].prefix, label) >= (int) sizeof text)
    return err_sys (err, ENAMETOOLONG, "write", "%.100s", label);
  return write_attribute (proc, exec_attributes[which].files, text,
                          which == LSM_APPARMOR ? "cannot set the AppArmor profile" : "cannot set the SELinux label", err);
}

int
lsm_label_keys (int proc, const char *label, struct err *err)
{
  static const char *const files[] = { "self/attr/keycreate", NULL };

  /* a line feed alone takes it back; nothing at all is no write */
  return write_attribute (proc, files, label ? label : "\n", "cannot set the SELinux label of new keys", err);
}

int
lsm_label_root (int mnt, const char *label, struct err *err)
{
  own_fd int root = openat (mnt, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* a mount's own handle takes no attribute */

  if (root < 0)
    return err_sys (err, errno, "openat", ".");
  return fsetxattr (root, "security.selinux", label, strlen (label) + 1, 0) < 0 ? err_sys (err, errno, "fsetxattr", "%s", label) : 0;
}
