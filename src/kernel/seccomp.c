/* SPDX-License-Identifier: Apache-2.0 */
/* Loading filters; see seccomp.h.  Never looks into a program.  child-safe */
#include "kernel/seccomp.h"

#include <errno.h>
#include <linux/seccomp.h>

#include "base/err.h"
#include "kernel/sys.h"

int
seccomp_load (const struct sock_filter *code, size_t n, unsigned flags, struct err *err)
{
  const struct sock_fprog program = { .len = (unsigned short) n, .filter = (struct sock_filter *) code };
  int ret = sys_seccomp (SECCOMP_SET_MODE_FILTER, flags, &program);

  return ret < 0 ? err_sys (err, -ret, "seccomp", "%zu instructions, flags %#x", n, flags) : ret;
}

int
seccomp_check (unsigned flags, struct err *err)
{
  int ret = sys_seccomp (SECCOMP_SET_MODE_FILTER, flags, NULL);

  /* without a program it fails in any case: with EFAULT only after the flags were found good (seccomp(2)) */
  return ret == -EFAULT ? 0 : err_sys (err, ret < 0 ? -ret : EINVAL, "seccomp", "flags %#x", flags);
}
