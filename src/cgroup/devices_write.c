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
#include "base/file.h"
#include "base/own.h"
#include "cgroup/cgroup.h"
#include "cgroup/devices.h"
#include "cgroup/dir.h"

enum
{
  LIST_MAX = 1 << 20, /* bytes of devices.list */
  PROGRAMS_MAX = 8    /* of ours that are attached: one, or two after an update that was killed */
};

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

/* Writes all of RULES, one a write.  */
static int
write_rules (const struct cgroup_dir *d, const char *file, const struct device_rules *rules, struct err *err)
{
  struct cgroup_path p;
  int r = cgroup_dir_path (d, file, &p, err);

  if (r < 0 || rules->n == 0)
    return r;
  own_fd int fd = open (p.text, O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return err_sys (err, errno, "open", "%s", p.text);
  for (size_t i = 0; r == 0 && i < rules->n; i++)
    r = write_rule (fd, file, &rules->rules[i], err);
  return r;
}

/* cgroup v1: a new cgroup has what its parent has, so first all is denied (or allowed: a cgroup that was there
 * before may be restricted), then the exceptions are made.  The file takes one rule per write.  */
static int
write_v1 (const struct cgroup_dir *d, bool fresh, const struct device_rules *rules, struct err *err)
{
  int r = 0;

  if (! (rules->allow && fresh))
    r = cgroup_dir_write (d, rules->allow ? "devices.allow" : "devices.deny", "a", err);
  return r < 0 ? r : write_rules (d, rules->allow ? "devices.deny" : "devices.allow", rules, err);
}

/* From the exceptions OLD to those of RULES, both from a denial of everything.  */
static int
change_exceptions (const struct cgroup_dir *d, const struct device_rules *old, const struct device_rules *rules, struct err *err)
{
  struct device_rules surplus;
  int r = write_rules (d, "devices.allow", rules, err);

  if (r < 0)
    return r;
  r = cgroup_device_rules_surplus (old, rules, &surplus);
  if (r < 0)
    return err_sys (err, -r, "calloc", "device rules");
  r = write_rules (d, "devices.deny", &surplus, err);
  free (surplus.rules);
  return r;
}

/* Reads the rules that D has.  */
static int
read_v1 (const struct cgroup_dir *d, struct device_rules *ret_rules, struct err *err)
{
  own_mem char *list = NULL;
  struct cgroup_path p;
  ssize_t n = cgroup_dir_path (d, "devices.list", &p, err);
  int r;

  if (n == 0)
    n = file_read_at (AT_FDCWD, p.text, LIST_MAX, &list, err);
  if (n < 0)
    return (int) n;
  r = cgroup_device_rules_parse (list, ret_rules);
  return r < 0 ? err_sys (err, -r, "read", "%s", p.text) : 0;
}

static int
change_v1 (const struct cgroup_dir *d, const struct device_rules *rules, struct err *err)
{
  struct device_rules old;
  int r = read_v1 (d, &old, err);

  if (r < 0)
    return r;
  r = rules->allow || old.allow ? write_v1 (d, false, rules, err) : change_exceptions (d, &old, rules, err);
  free (old.rules);
  return r;
}

/* With a way back.  Where everything was allowed with exceptions, these cannot be read (devices.list does not show them): it stays as far as it came.  */
static int
update_v1 (const struct cgroup_dir *d, struct device_rules *rules, struct err *err)
{
  struct device_rules old;
  int r = cgroup_device_rules_reduce (rules, err);

  if (r == 0)
    r = read_v1 (d, &old, err);
  if (r < 0)
    return r;
  r = change_v1 (d, rules, err);
  if (r < 0 && ! old.allow)
    (void) change_v1 (d, &old, NULL); /* R tells what went wrong */
  free (old.rules);
  return r;
}

/* Loads the program of RULES.  Returns its descriptor or negative errno.  */
static int
load (const struct device_rules *rules, struct err *err)
{
  size_t max = DEVBPF_INSNS_FRAME + rules->n * DEVBPF_INSNS_PER_RULE;
  own_mem struct bpf_insn *insns = calloc (max, sizeof *insns);
  int n;

  if (insns == NULL)
    return err_sys (err, ENOMEM, "calloc", "device program");
  n = devbpf_build (rules->rules, rules->n, rules->allow, insns, max);
  if (n < 0)
    return err_bug (err, -n, "the device program does not fit");
  n = devbpf_load (insns, (size_t) n, err);
  if (n == -E2BIG || n == -EFAULT) /* too many steps for the verifier, or too many jumps to come back to */
    return err_doing (err, n, "%zu device rules, the default ones included, are too many: the kernel takes %d", rules->n, DEVBPF_RULES_MAX);
  return n;
}

static int
attach (const struct device_rules *rules, int fd, struct err *err)
{
  own_fd int prog = load (rules, err);

  return prog < 0 ? prog : devbpf_attach (fd, prog, -1, err);
}

/* Puts the program of RULES in the place of OLD.  Before Linux 5.6 both hold for a moment, and who wants to pass needs both.  */
static int
replace (const struct device_rules *rules, int fd, int old, struct err *err)
{
  own_fd int prog = load (rules, err);
  int r = prog < 0 ? prog : devbpf_attach (fd, prog, old, err);

  if (r != -EINVAL || old < 0)
    return r;
  err_clear (err);
  r = devbpf_attach (fd, prog, -1, err);
  return r < 0 ? r : devbpf_detach (fd, old, err);
}

/* What of ours is attached is replaced; programs of others stay in force.  */
static int
update_v2 (const struct device_rules *rules, int fd, struct err *err)
{
  bool open = cgroup_device_rules_open (rules);
  int olds[PROGRAMS_MAX], n = devbpf_attached (fd, olds, PROGRAMS_MAX, err);
  int r = n < 0 || open ? n : replace (rules, fd, n > 0 ? olds[0] : -1, err);

  for (int i = open ? 0 : 1; r >= 0 && i < n; i++)
    r = devbpf_detach (fd, olds[i], err);
  for (int i = 0; i < n; i++)
    own_close (&olds[i]);
  return r < 0 ? r : 0;
}

/* Writes to the cgroup D of the v2 hierarchy, whose directory is FD (-1: opened here).  */
static int
write_v2 (const struct cgroup_dir *d, const struct device_rules *rules, int fd, bool update, struct err *err)
{
  struct cgroup_path p;
  int r;

  if (! update && cgroup_device_rules_open (rules)) /* no program, nothing is denied */
    return 0;
  if (fd >= 0)
    return attach (rules, fd, err);
  r = cgroup_dir_path (d, NULL, &p, err);
  if (r < 0)
    return r;
  own_fd int own = open (p.text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (own < 0)
    return err_sys (err, errno, "open", "%s", p.text);
  return update ? update_v2 (rules, own, err) : attach (rules, own, err);
}

/* Makes of RULES what D's version of cgroups has.  */
static int
write_any (const struct cgroup_dir *d, struct device_rules *rules, int fd, bool update, struct err *err)
{
  int r;

  if (cgroup_dir_is_v2 (d))
    return write_v2 (d, rules, fd, update, err);
  if (update)
    return update_v1 (d, rules, err);
  r = cgroup_device_rules_reduce (rules, err);
  return r < 0 ? r : write_v1 (d, d->made > 0, rules, err);
}

static int
write_devices (const struct cgroup *cg, const struct oci_resources *r, int fd, bool update, struct err *err)
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
  ret = write_any (d, &rules, fd, update, err);
  free (rules.rules);
  return err_in (err, ret, "linux.resources.devices");
}

int
cgroup_devices_write (const struct cgroup *cg, const struct oci_resources *r, int fd, struct err *err)
{
  return write_devices (cg, r, fd, false, err);
}

int
cgroup_devices_update (const struct cgroup *cg, const struct oci_resources *r, struct err *err)
{
  return write_devices (cg, r, -1, true, err);
}
