/* SPDX-License-Identifier: Apache-2.0 */
/* Device programs of cgroup v2; see devbpf.h.  The kernel hands over (type, access, major, minor); the rules are asked from the
 * last to the first, each taking out of the accesses asked for those that it decides.  Each reads of the device anew what it compares: what the
 * verifier has learnt of a number by one rule it would else carry through all the others, so that its steps would grow by the square of the rules. */
#include "kernel/devbpf.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>

#include "base/err.h"
#include "base/own.h"
#include "kernel/sys.h"

/* Registers: what is left to be granted, and the device.  */
enum
{
  ANSWER = BPF_REG_0,
  CONTEXT = BPF_REG_1,
  TYPE = BPF_REG_2,
  LEFT = BPF_REG_3,
  MAJOR = BPF_REG_4,
  MINOR = BPF_REG_5
};

enum
{
  ATTACHED_MAX = 64 /* programs that a cgroup can have (BPF_CGROUP_MAX_PROGS) */
};

/* A program in the making; past MAX only counted.  */
struct program
{
  struct bpf_insn *insns;
  size_t n, max;
};

static void
add (struct program *p, uint8_t code, uint8_t dst, int16_t off, int32_t imm)
{
  if (p->n < p->max)
    p->insns[p->n] = (struct bpf_insn){ .code = code, .dst_reg = dst, .off = off, .imm = imm };
  p->n++;
}

static void
load (struct program *p, uint8_t dst, size_t off)
{
  add (p, BPF_LDX | BPF_MEM | BPF_W, dst, (int16_t) off, 0);
  if (p->n <= p->max)
    p->insns[p->n - 1].src_reg = CONTEXT;
}

static void
load_type (struct program *p)
{
  load (p, TYPE, offsetof (struct bpf_cgroup_dev_ctx, access_type));
  add (p, BPF_ALU64 | BPF_AND | BPF_K, TYPE, 0, 0xffff); /* the access is in the upper half */
}

static void
answer (struct program *p, bool yes)
{
  add (p, BPF_ALU64 | BPF_MOV | BPF_K, ANSWER, 0, yes);
  add (p, BPF_JMP | BPF_EXIT, 0, 0, 0);
}

/* Jumps over the rest of a rule, LEN instructions long, of which the ones from START on are made already.  */
static void
unless_equal (struct program *p, size_t start, size_t len, uint8_t reg, int32_t value)
{
  add (p, BPF_JMP | BPF_JNE | BPF_K, reg, (int16_t) (len - (p->n - start) - 1), value);
}

/* As unless_equal, of what is at OFF of what the kernel hands over.  */
static void
compare (struct program *p, size_t start, size_t len, uint8_t reg, size_t off, int32_t value)
{
  load (p, reg, off);
  unless_equal (p, start, len, reg, value);
}

static void
add_rule (struct program *p, const struct devbpf_rule *r)
{
  size_t start = p->n;
  size_t len = 3 * (size_t) (r->type != 'a') + 2 * (size_t) (r->major >= 0) + 2 * (size_t) (r->minor >= 0) + 4;

  if (r->major >= 0)
    compare (p, start, len, MAJOR, offsetof (struct bpf_cgroup_dev_ctx, major), r->major);
  if (r->minor >= 0)
    compare (p, start, len, MINOR, offsetof (struct bpf_cgroup_dev_ctx, minor), r->minor);
  if (r->type != 'a')
    {
      load_type (p);
      unless_equal (p, start, len, TYPE, r->type == 'c' ? BPF_DEVCG_DEV_CHAR : BPF_DEVCG_DEV_BLOCK);
    }
  if (r->allow)
    {
      add (p, BPF_ALU64 | BPF_AND | BPF_K, LEFT, 0, ~(int32_t) r->access);
      unless_equal (p, start, len, LEFT, 0);
    }
  else
    {
      add (p, BPF_JMP | BPF_JSET | BPF_K, LEFT, 1, r->access);
      add (p, BPF_JMP | BPF_JA, 0, 2, 0);
    }
  answer (p, r->allow);
}

int
devbpf_build (const struct devbpf_rule *rules, size_t n, bool allow, struct bpf_insn *insns, size_t max)
{
  struct program p = { .insns = insns, .max = max };

  load (&p, LEFT, offsetof (struct bpf_cgroup_dev_ctx, access_type));
  add (&p, BPF_ALU64 | BPF_RSH | BPF_K, LEFT, 0, 16); /* the type is in the lower half */
  while (n-- > 0)
    add_rule (&p, &rules[n]);
  answer (&p, allow);
  return p.n > max ? -E2BIG : (int) p.n;
}

static const char name[BPF_OBJ_NAME_LEN] = "orlop_devices";

static int
try_load (const struct bpf_insn *insns, size_t n)
{
  union bpf_attr attr = { 0 };

  attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attr.insns = (uintptr_t) insns;
  attr.insn_cnt = (uint32_t) n;
  attr.license = (uintptr_t) "Apache-2.0";
  memcpy (attr.prog_name, name, sizeof name);
  return sys_bpf (BPF_PROG_LOAD, &attr, sizeof attr); /* its descriptors are close-on-exec */
}

int
devbpf_load (const struct bpf_insn *insns, size_t n, struct err *err)
{
  static const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
  struct rlimit old;
  int fd = try_load (insns, n);

  if (fd == -EPERM && getrlimit (RLIMIT_MEMLOCK, &old) == 0 && setrlimit (RLIMIT_MEMLOCK, &all) == 0)
    {
      fd = try_load (insns, n);
      (void) setrlimit (RLIMIT_MEMLOCK, &old);
    }
  return fd < 0 ? err_sys (err, -fd, "bpf", "load device program of %zu instructions", n) : fd;
}

int
devbpf_attach (int cgroup, int prog, int replace, struct err *err)
{
  union bpf_attr attr = { 0 };
  int r;

  attr.target_fd = (uint32_t) cgroup;
  attr.attach_bpf_fd = (uint32_t) prog;
  attr.attach_type = BPF_CGROUP_DEVICE;
  attr.attach_flags = BPF_F_ALLOW_MULTI;
#ifdef BPF_F_REPLACE
  if (replace >= 0)
    {
      attr.attach_flags |= BPF_F_REPLACE;
      attr.replace_bpf_fd = (uint32_t) replace;
    }
#endif
  r = sys_bpf (BPF_PROG_ATTACH, &attr, sizeof attr);
  return r < 0 ? err_sys (err, -r, "bpf", "attach device program") : 0;
}

/* Opens the program ID if it is one of ours.  Returns a descriptor, -ENOENT if it is not, or is gone, or negative errno.  */
static int
open_ours (uint32_t id)
{
  union bpf_attr by_id = { 0 }, attr = { 0 };
  struct bpf_prog_info info = { .type = 0 };
  int r;

  by_id.prog_id = id;
  own_fd int fd = sys_bpf (BPF_PROG_GET_FD_BY_ID, &by_id, sizeof by_id);
  if (fd < 0)
    return fd;
  attr.info.bpf_fd = (uint32_t) fd;
  attr.info.info_len = sizeof info;
  attr.info.info = (uintptr_t) &info;
  r = sys_bpf (BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof attr);
  if (r < 0)
    return r;
  return strncmp (info.name, name, sizeof name) == 0 ? take_fd (&fd) : -ENOENT;
}

int
devbpf_attached (int cgroup, int *fds, size_t max, struct err *err)
{
  uint32_t ids[ATTACHED_MAX];
  union bpf_attr attr = { 0 };
  int n = 0, r;

  attr.query.target_fd = (uint32_t) cgroup;
  attr.query.attach_type = BPF_CGROUP_DEVICE;
  attr.query.prog_ids = (uintptr_t) ids;
  attr.query.prog_cnt = ATTACHED_MAX;
  r = sys_bpf (BPF_PROG_QUERY, &attr, sizeof attr);
  if (r < 0)
    return err_sys (err, -r, "bpf", "query device programs");
  for (uint32_t i = 0; i < attr.query.prog_cnt && (size_t) n < max; i++)
    {
      int fd = open_ours (ids[i]);

      if (fd >= 0)
        fds[n++] = fd;
      else if (fd != -ENOENT)
        {
          while (n > 0)
            own_close (&fds[--n]);
          return err_sys (err, -fd, "bpf", "open device program %u", ids[i]);
        }
    }
  return n;
}

int
devbpf_detach (int cgroup, int prog, struct err *err)
{
  union bpf_attr attr = { 0 };
  int r;

  attr.target_fd = (uint32_t) cgroup;
  attr.attach_bpf_fd = (uint32_t) prog;
  attr.attach_type = BPF_CGROUP_DEVICE;
  r = sys_bpf (BPF_PROG_DETACH, &attr, sizeof attr);
  return r < 0 ? err_sys (err, -r, "bpf", "detach device program") : 0;
}
