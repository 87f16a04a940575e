/* SPDX-License-Identifier: Apache-2.0 */
/* Device rules with those of single devices changed; see device_rules.h.  Writes nothing. */
#include "launch/device_rules.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "cgroup/limits.h"
#include "launch/nodes.h"
#include "launch/record.h"
#include "ocispec/linux.h"
#include "ocispec/table.h"

static char
letter (const struct device *d)
{
  return S_ISBLK (d->mode) ? 'b' : 'c';
}

/* True if RULE is for D alone.  */
static bool
is_for (const struct oci_device_rule *rule, const struct device *d)
{
  return rule->type && rule->type[0] == letter (d) && rule->major && *rule->major == (int64_t) d->major && rule->minor
         && *rule->minor == (int64_t) d->minor;
}

static bool
is_for_any (const struct oci_device_rule *rule, const struct node *nodes, size_t n)
{
  for (size_t i = 0; i < n; i++)
    if (is_for (rule, &nodes[i].device))
      return true;
  return false;
}

static int
make_rule (struct oci_arena **arena, const struct node *node, struct oci_device_rule *ret_rule, struct err *err)
{
  const char type[] = { letter (&node->device) };
  int64_t *numbers = oci_alloc (arena, 2 * sizeof *numbers);

  *ret_rule = (struct oci_device_rule){ .allow = ! node->remove, .type = oci_strndup (arena, type, 1), .access = node->remove ? "rwm" : node->access };
  if (numbers == NULL || ret_rule->type == NULL)
    return err_sys (err, ENOMEM, "malloc", "device rules");
  numbers[0] = node->device.major;
  numbers[1] = node->device.minor;
  ret_rule->major = &numbers[0];
  ret_rule->minor = &numbers[1];
  return 0;
}

int
device_rules_change (const struct record_dir *dir, struct oci_arena **arena, const struct node *nodes, size_t n, struct oci_resources *r,
                     struct err *err)
{
  struct oci_device_rule *old = r->devices, *made;
  size_t n_old = r->n_devices, n_made = 0;
  int ret = n > 0 && n_old == 0 ? record_devices (dir, arena, &old, &n_old, err) : 0;

  if (ret < 0 || n == 0)
    return ret;
  made = oci_alloc (arena, (n_old + n) * sizeof *made);
  if (made == NULL)
    return err_sys (err, ENOMEM, "malloc", "device rules");
  for (size_t i = 0; i < n_old; i++)
    if (! is_for_any (&old[i], nodes, n))
      made[n_made++] = old[i];
  for (size_t i = 0; ret == 0 && i < n; i++)
    {
      const struct device *d = &nodes[i].device;

      if (nodes[i].remove && cgroup_device_is_default (letter (d), d->major, d->minor))
        return err_host (err, EINVAL, "%s is one of the devices that every container may use", nodes[i].host);
      ret = make_rule (arena, &nodes[i], &made[n_made++], err);
    }
  r->devices = made;
  r->n_devices = n_made;
  return ret;
}
