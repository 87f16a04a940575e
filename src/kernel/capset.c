/* SPDX-License-Identifier: Apache-2.0 */
/* Capability sets as masks.  Never sees a name and never cuts a mask to what is possible: who asks for too much gets the
 * kernel's answer.  child-safe */
#include "kernel/capset.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/prctl.h>

#include <linux/capability.h>

#include "base/err.h"
#include "kernel/pid.h"
#include "kernel/sys.h"

enum
{
  CAP_BITS = 64
};

static bool
has (uint64_t mask, unsigned cap)
{
  return (mask >> cap) & 1;
}

int
capset_bound (uint64_t bounding, unsigned last_cap, struct err *err)
{
  for (unsigned cap = 0; cap <= last_cap && cap < CAP_BITS; cap++)
    {
      if (has (bounding, cap) || prctl (PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
        continue;
      int num = errno;
      if (num == EINVAL)
        return 0; /* the kernel knows no more */
      if (num == EPERM && prctl (PR_CAPBSET_READ, cap, 0, 0, 0) == 0)
        continue; /* gone already */
      return err_sys (err, num, "prctl", "PR_CAPBSET_DROP %u", cap);
    }
  return 0;
}

/* Makes the ambient set AMBIENT, POSSIBLE being what the kernel lets be in it: it may hold any of that now.  */
static int
set_ambient (uint64_t ambient, uint64_t possible, struct err *err)
{
  if ((possible & ~ambient) && prctl (PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
    return err_sys (err, errno, "prctl", "PR_CAP_AMBIENT_CLEAR_ALL");
  for (unsigned cap = 0; cap < CAP_BITS; cap++)
    if (has (ambient, cap) && prctl (PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
      return err_sys (err, errno, "prctl", "PR_CAP_AMBIENT_RAISE %u", cap);
  return 0;
}

int
capset_apply (const struct caps *c, struct err *err)
{
  struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3, .pid = 0 };
  struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

  for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
    data[i] = (struct __user_cap_data_struct){
      .effective = (uint32_t) (c->effective >> (32 * i)),
      .permitted = (uint32_t) (c->permitted >> (32 * i)),
      .inheritable = (uint32_t) (c->inheritable >> (32 * i)),
    };
  int ret = sys_capset (&head, data);
  if (ret < 0)
    return err_sys (err, -ret, "capset", "effective %#llx permitted %#llx inheritable %#llx",
                    (unsigned long long) c->effective, (unsigned long long) c->permitted,
                    (unsigned long long) c->inheritable);
  return set_ambient (c->ambient, c->permitted & c->inheritable, err);
}

/* The permitted set by capget(2).  */
static int
permitted (uint64_t *ret_permitted)
{
  struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3, .pid = 0 };
  struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

  int ret = sys_capget (&head, data);
  if (ret == 0)
    *ret_permitted = (uint64_t) data[1].permitted << 32 | data[0].permitted;
  return ret;
}

/* The bounding set by asking for each.  */
static uint64_t
bounding_by_asking (void)
{
  uint64_t mask = 0;
  for (unsigned cap = 0; cap < CAP_BITS; cap++)
    {
      int is_in = prctl (PR_CAPBSET_READ, cap, 0, 0, 0);
      if (is_in < 0)
        break;
      mask |= (uint64_t) is_in << cap;
    }
  return mask;
}

int
capset_have (uint64_t *ret_permitted, uint64_t *ret_bounding)
{
  struct pid_self self;
  int ret = 0;

  if (ret_bounding && pid_self (&self) == 0)
    {
      *ret_bounding = self.bounding;
      if (ret_permitted)
        *ret_permitted = self.permitted;
      return 0;
    }
  if (ret_permitted)
    ret = permitted (ret_permitted);
  if (ret == 0 && ret_bounding)
    *ret_bounding = bounding_by_asking ();
  return ret;
}

int
capset_last (uint64_t held)
{
  int cap = CAP_LAST_CAP;

  while (! (held >> cap & 1) && cap > 0 && prctl (PR_CAPBSET_READ, cap, 0, 0, 0) < 0)
    cap--; /* an older kernel */
  while (cap + 1 < CAP_BITS && prctl (PR_CAPBSET_READ, cap + 1, 0, 0, 0) >= 0)
    cap++; /* a newer one */
  return cap;
}
