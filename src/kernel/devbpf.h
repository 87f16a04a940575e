/* SPDX-License-Identifier: Apache-2.0 */
/* Device rules of cgroup v2: an eBPF program of type BPF_PROG_TYPE_CGROUP_DEVICE that
 * the kernel asks at every open and mknod of a device (bpf(2), Linux 4.15).  Built by hand: no compiler, no
 * libbpf.  Knows nothing of documents or default rules.  For the parent. */
#ifndef ORLOP_KERNEL_DEVBPF_H
#define ORLOP_KERNEL_DEVBPF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bpf_insn;
struct err;

/* Kinds of access; the numbers are the kernel's BPF_DEVCG_ACC_*.  */
enum
{
  DEVBPF_MKNOD = 1,
  DEVBPF_READ = 2,
  DEVBPF_WRITE = 4,
  DEVBPF_ALL = 7
};

struct devbpf_rule
{
  bool allow;
  char type;            /* 'c', 'b', or 'a' for both */
  uint8_t access;       /* DEVBPF_* */
  int32_t major, minor; /* -1: all */
};

enum
{
  DEVBPF_INSNS_FRAME = 4,    /* instructions of a program without rules */
  DEVBPF_INSNS_PER_RULE = 11, /* at most */
  DEVBPF_RULES_MAX = 2000    /* that the kernel takes of any kind: the verifier has at most 8192 jumps to come back to (Linux 5.2), four a rule */
};

/* Writes the program for N rules into INSNS (MAX instructions).  For every kind of access that is asked for, the last rule that
 * matches the device decides; without one it is ALLOW.  The access is granted if all its kinds are.
 * Returns the number of instructions, or -E2BIG.  */
int devbpf_build (const struct devbpf_rule *rules, size_t n, bool allow, struct bpf_insn *insns, size_t max);

/* Loads a program; if RLIMIT_MEMLOCK is in the way (before Linux 5.11), tries once with it raised.
 * Returns a close-on-exec descriptor or negative errno.  */
int devbpf_load (const struct bpf_insn *insns, size_t n, struct err *err);

/* Attaches the program PROG to the cgroup (v2) whose directory is CGROUP, beside those that are there (BPF_F_ALLOW_MULTI: all of
 * them must agree); the cgroup keeps it.  REPLACE is the descriptor of an attached program whose place it takes in one step
 * (Linux 5.6), or -1.  Returns 0 or negative errno.  */
int devbpf_attach (int cgroup, int prog, int replace, struct err *err);

/* Opens those programs attached to the cgroup CGROUP that devbpf_load has loaded, known by their name; those of others, such as systemd's, are left
 * out.  Returns how many FDS there are, at most MAX (the caller's to close), or negative errno.  */
int devbpf_attached (int cgroup, int *fds, size_t max, struct err *err);

/* Detaches the program PROG from the cgroup CGROUP.  Returns 0 or negative errno.  */
int devbpf_detach (int cgroup, int prog, struct err *err);

#endif
