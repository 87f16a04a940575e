/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel module for the guest: a device of the controller rdma, which asks no more of one than a name.  Debian's cloud kernels have neither of the
 * kernel's adapters in software.  Its parameter `handles` is how many handles are held: what more is written there is charged to the
 * cgroup of who writes it, and fails at that cgroup's limit, as in a driver.  */
#include <linux/cgroup_rdma.h>
#include <linux/module.h>

static struct rdmacg_device adapter = { .name = "orlop0" };
static struct rdma_cgroup *holders[16];
static unsigned int held;

/* Takes or gives back handles until there are those of VALUE.  */
static int
set_handles (const char *value, const struct kernel_param *param)
{
  unsigned int wanted;
  int r = kstrtouint (value, 10, &wanted);

  if (r == 0 && wanted > ARRAY_SIZE (holders))
    r = -EINVAL;
  while (r == 0 && held < wanted)
    {
      r = rdmacg_try_charge (&holders[held], &adapter, RDMACG_RESOURCE_HCA_HANDLE);
      if (r == 0)
        held++;
    }
  while (r == 0 && held > wanted)
    {
      held--;
      rdmacg_uncharge (holders[held], &adapter, RDMACG_RESOURCE_HCA_HANDLE);
    }
  return r;
}

static const struct kernel_param_ops handles_ops = { .set = set_handles };

static int __init
adapter_init (void)
{
  rdmacg_register_device (&adapter);
  return 0;
}

static void __exit
adapter_exit (void)
{
  for (; held > 0; held--)
    rdmacg_uncharge (holders[held - 1], &adapter, RDMACG_RESOURCE_HCA_HANDLE);
  rdmacg_unregister_device (&adapter);
}

module_param_cb (handles, &handles_ops, NULL, 0200);
module_init (adapter_init);
module_exit (adapter_exit);
MODULE_LICENSE ("Apache-2.0");
MODULE_DESCRIPTION ("a device of the rdma controller, for tests");
