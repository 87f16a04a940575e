/* SPDX-License-Identifier: Apache-2.0 */
/* What a filter answers: an interpreter of the classic BPF that seccomp(2) takes, written after the kernel's documentation
 * (networking/filter.rst) and independent of whoever made the program.  */
#ifndef TESTS_BPF_H
#define TESTS_BPF_H

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum
{
  BPF_BROKEN = 0xbadbad /* the program left itself, or holds what no filter of ours has: no action looks so */
};

/* The answer of the N instructions of CODE to DATA.  */
static inline uint32_t
bpf_run (const struct sock_filter *code, size_t n, const struct seccomp_data *data)
{
  uint32_t a = 0;

  for (size_t at = 0; at < n; at++)
    {
      const struct sock_filter *f = &code[at];

      switch (f->code)
        {
        case BPF_LD | BPF_W | BPF_ABS:
          if (f->k > sizeof *data - sizeof a)
            return BPF_BROKEN;
          memcpy (&a, (const char *) data + f->k, sizeof a);
          break;
        case BPF_ALU | BPF_AND | BPF_K:
          a &= f->k;
          break;
        case BPF_JMP | BPF_JA:
          at += f->k;
          break;
        case BPF_JMP | BPF_JEQ | BPF_K:
          at += a == f->k ? f->jt : f->jf;
          break;
        case BPF_JMP | BPF_JGT | BPF_K:
          at += a > f->k ? f->jt : f->jf;
          break;
        case BPF_JMP | BPF_JGE | BPF_K:
          at += a >= f->k ? f->jt : f->jf;
          break;
        case BPF_JMP | BPF_JSET | BPF_K:
          at += a & f->k ? f->jt : f->jf;
          break;
        case BPF_RET | BPF_K: return f->k;
        default: return BPF_BROKEN;
        }
    }
  return BPF_BROKEN;
}

#endif
