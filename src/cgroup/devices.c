/* SPDX-License-Identifier: Apache-2.0 */
/* Device rules.  Everything is denied, then the document's rules apply in their order, then what
 * every container may use is allowed: the order of runc, which engines count on. */
#include "cgroup/devices.h"

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
#include "cgroup/dir.h"
#include "kernel/devbpf.h"
#include "ocispec/linux.h"

/* What every container may use: its default devices, terminals, tun (runc 4555: without it VPNs broke), and making any node, which
 * does not yet open it.  */
static const struct devbpf_rule defaults[] = {
  { true, 'c', DEVBPF_MKNOD, -1, -1 }, { true, 'b', DEVBPF_MKNOD, -1, -1 }, { true, 'c', DEVBPF_ALL, 1, 3 },
  { true, 'c', DEVBPF_ALL, 1, 5 },     { true, 'c', DEVBPF_ALL, 1, 7 },     { true, 'c', DEVBPF_ALL, 1, 8 },
  { true, 'c', DEVBPF_ALL, 1, 9 },     { true, 'c', DEVBPF_ALL, 5, 0 },     { true, 'c', DEVBPF_ALL, 5, 1 },
  { true, 'c', DEVBPF_ALL, 5, 2 },     { true, 'c', DEVBPF_ALL, 136, -1 },  { true, 'c', DEVBPF_ALL, 10, 200 },
};

enum
{
  N_DEFAULTS = sizeof defaults / sizeof *defaults
};

static uint8_t
access_bits (const char *text)
{
  uint8_t bits = 0;

  if (text == NULL || *text == '\0') /* absent: all */
    return DEVBPF_ALL;
  for (; *text; text++)
    bits |= *text == 'r' ? DEVBPF_READ : *text == 'w' ? DEVBPF_WRITE : *text == 'm' ? DEVBPF_MKNOD : 0;
  return bits;
}

static struct devbpf_rule
convert (const struct oci_device_rule *r)
{
  /* "u" is an unbuffered character device, the same to the kernel; -1 is how some engines write a wildcard */
  bool all = r->type == NULL || *r->type == '\0' || *r->type == 'a';

  return (struct devbpf_rule){ .allow = r->allow, .type = all ? 'a' : *r->type == 'b' ? 'b' : 'c',
                               .access = access_bits (r->access), .major = r->major ? (int32_t) *r->major : -1,
                               .minor = r->minor ? (int32_t) *r->minor : -1 };
}

static bool
is_all (const struct devbpf_rule *r)
{
  return r->type == 'a' && r->major < 0 && r->minor < 0 && r->access == DEVBPF_ALL;
}

/* The rules that matter, in order, behind one another: what comes before a rule for all devices does not.  */
struct rules
{
  struct devbpf_rule *rule;
  size_t n;
  bool allow; /* what is not mentioned */
};

static int
gather (const struct oci_resources *r, struct rules *ret_rules, struct err *err)
{
  size_t n = r ? r->n_devices : 0;
  struct devbpf_rule *list = calloc (n + N_DEFAULTS, sizeof *list);

  if (list == NULL)
    return err_sys (err, ENOMEM, "calloc", "device rules");
  *ret_rules = (struct rules){ .rule = list };
  for (size_t i = 0; i < n; i++)
    {
      struct devbpf_rule rule = convert (&r->devices[i]);

      if (is_all (&rule))
        {
          ret_rules->n = 0;
          ret_rules->allow = rule.allow;
        }
      else
        list[ret_rules->n++] = rule;
    }
  if (! ret_rules->allow || ret_rules->n > 0)
    {
      memcpy (list + ret_rules->n, defaults, sizeof defaults);
      ret_rules->n += N_DEFAULTS;
    }
  return 0;
}

/* One rule as devices.allow and devices.deny want it: "c 1:3 rwm".  */
static int
rule_text (const struct devbpf_rule *r, char *buf, size_t size)
{
  char major[16] = "*", minor[16] = "*";

  if (r->major >= 0)
    (void) snprintf (major, sizeof major, "%d", r->major);
  if (r->minor >= 0)
    (void) snprintf (minor, sizeof minor, "%d", r->minor);
  return snprintf (buf, size, "%c %s:%s %s%s%s", r->type, major, minor, r->access & DEVBPF_READ ? "r" : "",
                   r->access & DEVBPF_WRITE ? "w" : "", r->access & DEVBPF_MKNOD ? "m" : "");
}

/* The two files of cgroup v1, each opened when it is first needed.  */
struct files
{
  int fd[2]; /* by `allow` */
};

static int
write_v1 (const struct cgroup_dir *d, struct files *f, bool allow, const char *text, struct err *err)
{
  static const char *const names[] = { "devices.deny", "devices.allow" };
  struct cgroup_path p;
  int r = f->fd[allow] < 0 ? cgroup_dir_path (d, names[allow], &p, err) : 0;

  if (r < 0)
    return r;
  if (f->fd[allow] < 0)
    f->fd[allow] = open (p.text, O_WRONLY | O_CLOEXEC);
  if (f->fd[allow] < 0)
    return err_sys (err, errno, "open", "%s", p.text);
  return write (f->fd[allow], text, strlen (text)) < 0 ? err_sys (err, errno, "write", "%s: %s", names[allow], text) : 0;
}

static int
write_rules_v1 (const struct cgroup_dir *d, const struct rules *rules, struct err *err)
{
  struct files f = { { -1, -1 } };
  /* a rule without a type is two to this interface, whose "a" always means every device and every access */
  static const char types[] = "cb";
  int r = rules->allow ? 0 : write_v1 (d, &f, false, "a", err);

  for (size_t i = 0; r == 0 && i < rules->n; i++)
    for (const char *t = types; r == 0 && *t; t++)
      {
        struct devbpf_rule one = rules->rule[i];
        char text[64];

        if (one.type != 'a' && one.type != *t)
          continue;
        one.type = *t;
        (void) rule_text (&one, text, sizeof text);
        r = write_v1 (d, &f, one.allow, text, err);
      }
  own_close (&f.fd[0]);
  own_close (&f.fd[1]);
  return r;
}

static int
attach_v2 (const struct rules *rules, int fd, struct err *err)
{
  size_t max = DEVBPF_INSNS_FRAME + rules->n * DEVBPF_INSNS_PER_RULE;
  own_mem struct bpf_insn *insns = calloc (max, sizeof *insns);
  int n;

  if (insns == NULL)
    return err_sys (err, ENOMEM, "calloc", "device program");
  n = devbpf_build (rules->rule, rules->n, rules->allow, insns, max);
  if (n < 0)
    return err_bug (err, -n, "the device program does not fit");
  own_fd int prog = devbpf_load (insns, (size_t) n, err);
  return prog < 0 ? prog : devbpf_attach (fd, prog, -1, err);
}

int
cgroup_devices_write (const struct cgroup *cg, const struct oci_resources *r, int fd, struct err *err)
{
  const struct cgroup_dir *v1 = cgroup_dir_find (cg, "devices");
  struct rules rules = { 0 };
  int ret;

  if (cg->rootless || cg->n_dirs == 0) /* the kernel lets nobody else; the devices at hand are bind mounts of allowed ones */
    return 0;
  ret = gather (r, &rules, err);
  if (ret < 0)
    return ret;
  if (rules.allow && rules.n == 0)
    ret = 0; /* everything is allowed, as in a fresh cgroup */
  else if (v1 && ! v1->skipped)
    ret = write_rules_v1 (v1, &rules, err);
  else if (fd >= 0)
    ret = attach_v2 (&rules, fd, err);
  else
    ret = err_host (err, ENOTSUP, "this machine has no devices controller");
  free (rules.rule);
  return err_in (err, ret, "linux.resources.devices");
}
