/* SPDX-License-Identifier: Apache-2.0 */
/* Ids and one-way ratchets of this thread.  Never looks up a name.  child-safe */
#include "kernel/creds.h"

#include <errno.h>
#include <sys/auxv.h>
#include <sys/prctl.h>

#include "base/err.h"
#include "kernel/sys.h"

bool
creds_executed_as (uid_t uid, gid_t gid)
{
  return getauxval (AT_UID) == uid && getauxval (AT_EUID) == uid && getauxval (AT_GID) == gid && getauxval (AT_EGID) == gid;
}

int
creds_set_groups (const gid_t *groups, size_t n, bool keep_groups, struct err *err)
{
  int ret;

  if (keep_groups && n > 0)
    return err_doing (err, err_sys (err, EINVAL, "setgroups", "%zu groups", n),
                      "additional groups are wanted where setgroups is not allowed");
  ret = keep_groups ? 0 : sys_setgroups (n, groups);
  return ret < 0 ? err_sys (err, -ret, "setgroups", "%zu groups", n) : 0;
}

int
creds_set (uid_t uid, gid_t gid, const gid_t *groups, size_t n, bool keep_groups, struct err *err)
{
  int ret;

  /* The kernel takes -1 for "leave as it is": an unchecked one would leave us root.  */
  if (uid == (uid_t) -1 || gid == (gid_t) -1)
    return err_sys (err, EINVAL, uid == (uid_t) -1 ? "setresuid" : "setresgid", "%u", (unsigned) -1);
  if (uid != 0 && prctl (PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
    return err_sys (err, errno, "prctl", "PR_SET_KEEPCAPS");
  if ((ret = creds_set_groups (groups, n, keep_groups, err)) < 0)
    return ret;
  if ((ret = sys_setresgid (gid, gid, gid)) < 0)
    return err_sys (err, -ret, "setresgid", "%u", gid);
  if ((ret = sys_setresuid (uid, uid, uid)) < 0)
    return err_sys (err, -ret, "setresuid", "%u", uid);
  return 0;
}

int
creds_no_new_privs (struct err *err)
{
  return prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? err_sys (err, errno, "prctl", "PR_SET_NO_NEW_PRIVS") : 0;
}

int
creds_not_dumpable (struct err *err)
{
  return prctl (PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? err_sys (err, errno, "prctl", "PR_SET_DUMPABLE") : 0;
}
