/* SPDX-License-Identifier: Apache-2.0 */
/* Device rules, written: into the two files of cgroup v1, or as a program on v2.  */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/own.h"
#include "cgroup/cgroup.h"
#include "cgroup/devices.h"
#include "cgroup/dir.h"

/* Writes one rule as devices.allow and devices.deny want it: "c 1:3 rwm".  */
static int
write_rule (int fd, const char *file, const struct devbpf_rule *r, struct err *err)
{
  char major[16] = "*", minor[16] = "*", text[64];
  int n;

  if (r->major >= 0)
    (void) snprintf (major, sizeof major, "%d", r->major);
  if (r->minor >= 0)
    (void) snprintf (minor, sizeof minor, "%d", r->minor);
  n = snprintf (text, sizeof text, "%c %s:%s %s%s%s", r->type, major, minor, r->access & DEVBPF_READ ? "r" : "",
                r->access & DEVBPF_WRITE ? "w" : "", r->access & DEVBPF_MKNOD ? "m" : "");
  return write (fd, text, n) < 0 ? err_sys (err, errno, "write", "%s: %s", file, text) : 0;
}

/* cgroup v1: a new cgroup has what its parent has, so first all is denied (or allowed: a cgroup that was there
 * before may be restricted), then the exceptions are made.  The file takes one rule per write.  */
static int
write_v1 (const struct cgroup_dir *d, struct device_rules *rules, struct err *err)
{
  const char *file = rules->allow ? "devices.deny" : "devices.allow";
  struct cgroup_path p;
  int r = cgroup_device_rules_reduce (rules, err);

  if (r == 0 && ! (rules->allow && d->made))
    r = cgroup_dir_write (d, rules->allow ? "devices.allow" : "devices.deny", "a", err);
  if (r == 0)
    r = cgroup_dir_path (d, file, &p, err);
  if (r < 0 || rules->n == 0)
    return r;
  own_fd int fd = open (p.text, O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return err_sys (err, errno, "open", "%s", p.text);
  for (size_t i = 0; r == 0 && i < rules->n; i++)
    r = write_rule (fd, file, &rules->rules[i], err);
  return r;
}

static int
attach (const struct device_rules *rules, int fd, struct err *err)
{
  size_t max = DEVBPF_INSNS_FRAME + rules->n * DEVBPF_INSNS_PER_RULE;
  own_mem struct bpf_insn *insns = calloc (max, sizeof *insns);
  int n;

  if (insns == NULL)
    return err_sys (err, ENOMEM, "calloc", "device program");
  n = devbpf_build (rules->rules, rules->n, rules->allow, insns, max);
  if (n < 0)
    return err_bug (err, -n, "the device program does not fit");
  own_fd int prog = devbpf_load (insns, (size_t) n, err);
  return prog < 0 ? prog : devbpf_attach (fd, prog, -1, err);
}

static int
write_v2 (const struct cgroup_dir *d, const struct device_rules *rules, int fd, struct err *err)
{
  struct cgroup_path p;
  int r;

  if (cgroup_device_rules_open (rules)) /* no program, nothing is denied */
    return 0;
  if (fd >= 0)
    return attach (rules, fd, err);
  r = cgroup_dir_path (d, NULL, &p, err);
  if (r < 0)
    return r;
  own_fd int own = open (p.text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return own < 0 ? err_sys (err, errno, "open", "%s", p.text) : attach (rules, own, err);
}

int
cgroup_devices_write (const struct cgroup *cg, const struct oci_resources *r, int fd, struct err *err)
{
  const struct cgroup_dir *d = cgroup_dir_of (cg, "devices");
  struct device_rules rules;
  int ret;

  if (cg->rootless || cg->n_dirs == 0)
    return 0;
  if (d == NULL)
    return err_in (err, err_host (err, ENOTSUP, "this machine has no cgroup controller for devices"),
                   "linux.resources.devices");
  ret = cgroup_device_rules (r, &rules, err);
  if (ret < 0)
    return ret;
  ret = cgroup_dir_is_v2 (d) ? write_v2 (d, &rules, fd, err) : write_v1 (d, &rules, err);
  free (rules.rules);
  return err_in (err, ret, "linux.resources.devices");
}
