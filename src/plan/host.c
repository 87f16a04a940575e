/* SPDX-License-Identifier: Apache-2.0 */
/* Facts about this machine, each by as few calls as it takes; see host.h. */
#include "plan/host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/own.h"
#include "base/str.h"
#include "kernel/capset.h"
#include "kernel/lsm.h"
#include "kernel/ns.h"
#include "kernel/rdt.h"
#include "kernel/sys.h"

/* Number of the first user namespace on nsfs (PROC_USER_INIT_INO of the kernel, since Linux 3.8).  */
enum { AUX_RSEQ_SIZE = 27 /* AT_RSEQ_FEATURE_SIZE */ };

enum { FIRST_USER_NS = 0xEFFFFFFD };

static bool
in_user_ns (void)
{
  struct stat st;

  /* without procfs nothing speaks against it: the privileged way fails later and says so */
  return stat ("/proc/self/ns/user", &st) == 0 && st.st_ino != (ino_t) FIRST_USER_NS;
}

/* user_namespaces(7): set where an unprivileged user mapped himself alone, and in what is below.  */
static bool
setgroups_denied (const char *path)
{
  char text[8] = "";
  own_fd int fd = open (path, O_RDONLY | O_CLOEXEC);

  return fd >= 0 && read (fd, text, sizeof text - 1) > 0 && strcmp (text, "deny\n") == 0;
}

/* mount_setattr (Linux 5.12) is the youngest call of the family: asked with an impossible size it answers EINVAL where it exists, before it
 * looks at anything else.  */
void
host_probe_mounts (struct host *h)
{
  h->mount_api = sys_mount_setattr (-1, "", 0, NULL, 0) == -EINVAL;
  if (h->in_user_ns && (h->permitted & (1ULL << CAP_SYS_ADMIN)))
    h->mounts_foreign = ns_is_foreign ("/proc/self/ns/mnt");
}

void
host_probe_groups (struct host *h, pid_t pid)
{
  char path[48];

  (void) snprintf (path, sizeof path, "/proc/%d/setgroups", pid);
  h->setgroups_denied = setgroups_denied (path);
}

void
host_probe_labels (struct host *h)
{
  h->apparmor = lsm_present (LSM_APPARMOR, "/sys");
  h->selinux = lsm_present (LSM_SELINUX, "/sys");
}

int
host_read (struct host *h, struct err *err)
{
  int ret = capset_have (&h->permitted, NULL), last;

  if (ret < 0)
    return err_sys (err, -ret, "capget", "own capabilities");
  last = capset_last (h->permitted);
  if (last < 0)
    return err_sys (err, -last, "prctl", "PR_CAPBSET_READ");
  h->last_cap = (unsigned) last;
  /* who may set any id does not depend on its own: each is a call */
  if (! (h->permitted & (1ULL << CAP_SETGID)))
    {
      h->euid = geteuid ();
      h->egid = getegid ();
    }
  /* what execve gave root is within the bounding set (capabilities(7)); a bound beyond it could only be kept, never used.  Saves reading /proc.  */
  h->bounding = h->permitted;
  h->in_user_ns = ! (h->permitted & (1ULL << CAP_SYS_ADMIN)) || in_user_ns ();
  h->setgroups_denied = h->in_user_ns && (h->permitted & (1ULL << CAP_SETGID)) && setgroups_denied ("/proc/self/setgroups");
  /* kernels that tell the size of rseq (Linux 6.3) have the whole family, and the auxiliary vector costs no call */
  h->mount_api = getauxval (AUX_RSEQ_SIZE) != 0;
  if (! h->mount_api)
    host_probe_mounts (h);
  return 0;
}

int
host_read_resctrl (struct host *h, struct err *err)
{
  int ret = rdt_find (h->resctrl, sizeof h->resctrl, err);

  if (ret != -ENODEV)
    return ret;
  err_clear (err);
  h->resctrl[0] = '\0';
  return 0;
}

/* Lines of host_parse: where the value goes.  */
enum kind
{
  NUMBER,
  MASK,
  FLAG,
  PATH
};

static const struct fact
{
  const char *name;
  enum kind kind;
  size_t offset;
} facts[] = {
  { "euid", NUMBER, offsetof (struct host, euid) },
  { "egid", NUMBER, offsetof (struct host, egid) },
  { "last_cap", NUMBER, offsetof (struct host, last_cap) },
  { "permitted", MASK, offsetof (struct host, permitted) },
  { "bounding", MASK, offsetof (struct host, bounding) },
  { "in_user_ns", FLAG, offsetof (struct host, in_user_ns) },
  { "setgroups_denied", FLAG, offsetof (struct host, setgroups_denied) },
  { "mounts_foreign", FLAG, offsetof (struct host, mounts_foreign) },
  { "mount_api", FLAG, offsetof (struct host, mount_api) },
  { "apparmor", FLAG, offsetof (struct host, apparmor) },
  { "selinux", FLAG, offsetof (struct host, selinux) },
  { "resctrl", PATH, offsetof (struct host, resctrl) },
};

_Static_assert (sizeof (uid_t) == sizeof (unsigned) && sizeof (gid_t) == sizeof (unsigned), "ids are 32 bits");

/* Reads VALUE as F wants it and puts it into H.  */
static int
set_fact (const struct fact *f, const char *value, struct host *h)
{
  void *to = (char *) h + f->offset;
  uint64_t number = 0;
  char *end = NULL;

  if (f->kind == MASK) /* as in /proc/PID/status */
    {
      errno = 0;
      number = strtoull (value, &end, 16);
      if (errno != 0 || end == value || *end != '\0')
        return -EINVAL;
      memcpy (to, &number, sizeof number);
      return 0;
    }
  if (f->kind == PATH)
    return str_copy (to, sizeof h->resctrl, value);
  if (str_u64 (value, f->kind == FLAG ? 1 : UINT32_MAX, &number) < 0)
    return -EINVAL;
  if (f->kind == FLAG)
    *(bool *) to = number != 0;
  else
    *(unsigned *) to = (unsigned) number;
  return 0;
}

/* Takes one line apart and sets its fact.  */
static int
parse_line (char *line, struct host *h, struct err *err)
{
  char *value = strchr (line, ' ');

  if (line[0] == '\0' || line[0] == '#')
    return 0;
  if (value)
    *value++ = '\0';
  for (size_t i = 0; value && i < sizeof facts / sizeof *facts; i++)
    if (strcmp (facts[i].name, line) == 0)
      return set_fact (&facts[i], value, h) < 0 ? err_usage (err, "bad value of host fact %s: %s", line, value) : 0;
  return err_usage (err, "unknown host fact %s", line);
}

int
host_parse (const char *text, struct host *h, struct err *err)
{
  own_mem char *copy = strdup (text);
  char *rest = copy;
  int ret = 0;

  if (copy == NULL)
    return err_host (err, ENOMEM, "out of memory");
  while (ret == 0 && rest)
    {
      char *line = rest;

      rest = strchr (rest, '\n');
      if (rest)
        *rest++ = '\0';
      ret = parse_line (line, h, err);
    }
  return ret;
}
