/* SPDX-License-Identifier: Apache-2.0 */
/* Pseudoterminals.  Never opens a slave by name.  child-safe */
#include "kernel/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "base/err.h"
#include "base/fds.h"
#include "base/own.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO ('T', 0x41) /* Linux 4.13 */
#endif

enum
{
  PTMX_MAJOR = 5,
  PTMX_MINOR = 2,
  SLAVE_FIRST_MAJOR = 136, /* UNIX98_PTY_SLAVE_MAJOR */
  SLAVE_LAST_MAJOR = 143,
  NAME_MAX_SENT = 4095 /* engines read into 4096 bytes */
};

/* Checks that FD is a character device on devpts with a major from FIRST to LAST and (unless -1) this MINOR.  */
static int
check_device (int fd, unsigned first, unsigned last, int minor_wanted, const char *name, struct err *err)
{
  struct stat st;
  struct statfs fs;

  if (fstat (fd, &st) < 0)
    return err_sys (err, errno, "fstat", "%s", name);
  if (fstatfs (fd, &fs) < 0)
    return err_sys (err, errno, "fstatfs", "%s", name);
  if (! S_ISCHR (st.st_mode) || major (st.st_rdev) < first || major (st.st_rdev) > last
      || (minor_wanted >= 0 && minor (st.st_rdev) != (unsigned) minor_wanted) || fs.f_type != DEVPTS_SUPER_MAGIC)
    return err_doing (err, err_sys (err, ENOTTY, "open", "%s", name), "not a device of devpts");
  return 0;
}

int
tty_open (int devpts_dir, int *ret_master, int *ret_slave, struct err *err)
{
  int unlock = 0;

  own_fd int master = openat (devpts_dir, "ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
  if (master < 0)
    return err_sys (err, errno, "openat", "ptmx");
  int ret = check_device (master, PTMX_MAJOR, PTMX_MAJOR, PTMX_MINOR, "ptmx", err);
  if (ret < 0)
    return ret;
  if (ioctl (master, TIOCSPTLCK, &unlock) < 0)
    return err_sys (err, errno, "ioctl", "TIOCSPTLCK");
  own_fd int slave = ioctl (master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (slave < 0)
    return err_sys (err, errno, "ioctl", "TIOCGPTPEER");
  ret = check_device (slave, SLAVE_FIRST_MAJOR, SLAVE_LAST_MAJOR, -1, "slave of ptmx", err);
  if (ret < 0)
    return ret;
  *ret_master = take_fd (&master);
  *ret_slave = take_fd (&slave);
  return 0;
}

int
tty_name (int master, char *buf, size_t size, struct err *err)
{
  unsigned number;

  if (ioctl (master, TIOCGPTN, &number) < 0)
    return err_sys (err, errno, "ioctl", "TIOCGPTN");
  int len = snprintf (buf, size, "/dev/pts/%u", number);
  return (size_t) len < size ? 0 : err_sys (err, ENAMETOOLONG, "ioctl", "/dev/pts/%u", number);
}

int
tty_size (int fd, unsigned short rows, unsigned short columns, struct err *err)
{
  const struct winsize size = { .ws_row = rows, .ws_col = columns };
  return ioctl (fd, TIOCSWINSZ, &size) < 0 ? err_sys (err, errno, "ioctl", "TIOCSWINSZ %ux%u", columns, rows) : 0;
}

int
tty_fit (int fd, int first, int second, struct err *err)
{
  struct winsize size;

  if (ioctl (first, TIOCGWINSZ, &size) < 0 && ioctl (second, TIOCGWINSZ, &size) < 0)
    return 0; /* neither is a terminal */
  return ioctl (fd, TIOCSWINSZ, &size) < 0 ? err_sys (err, errno, "ioctl", "TIOCSWINSZ") : 0;
}

/* Makes SLAVE the descriptor TO too, open over execve.  */
static int
put_at (int slave, int to)
{
  /* dup2 onto itself changes nothing, not even close-on-exec.  */
  return slave == to ? fcntl (to, F_SETFD, 0) : dup2 (slave, to);
}

int
tty_take (int slave, struct err *err)
{
  /* EPERM: we lead a session (or a group) already; if it has a terminal or is not ours, TIOCSCTTY refuses.  */
  if (setsid () < 0 && errno != EPERM)
    return err_sys (err, errno, "setsid", "%d", slave);
  if (ioctl (slave, TIOCSCTTY, 0) < 0)
    return err_sys (err, errno, "ioctl", "TIOCSCTTY");
  for (int to = 0; to <= 2; to++)
    if (put_at (slave, to) < 0)
      return err_sys (err, errno, "dup2", "%d", to);
  return 0;
}

int
tty_send (int console_sock, int master, const char *name, struct err *err)
{
  size_t len = strlen (name);

  if (len == 0 || len > NAME_MAX_SENT)
    return err_sys (err, EINVAL, "sendmsg", "%s", name);
  int ret = fds_send (console_sock, name, len, &master, 1);
  return ret < 0 ? err_sys (err, -ret, "sendmsg", "%s", name) : 0;
}
