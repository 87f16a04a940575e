/* SPDX-License-Identifier: Apache-2.0 */
/* The stub; see filter_stub.h.  For each architecture, and with 8-bit jumps only inside a block:
 *
 *      ld  arch
 *   block:
 *      jeq ARCH, next, else the next block
 *      ld  number
 *      jset X32_BIT, its own comparison       (x86_64 alone)
 *      jgt NEWEST, to the return
 *      ja  to the end
 *      ret ERRNO (ENOSYS)
 */
#include "kernel/filter_stub.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>

/* A program in the making.  */
struct writer
{
  struct sock_filter *code;
  size_t n;
};

static void
add (struct writer *w, uint16_t op, uint8_t jt, uint8_t jf, uint32_t k)
{
  w->code[w->n++] = (struct sock_filter){ .code = op, .jt = jt, .jf = jf, .k = k };
}

static void
load (struct writer *w, size_t offset)
{
  add (w, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t) offset);
}

/* Comparison with the newest of one kind of call, RETURN instructions before the return.  Without NEWEST the filter decides.  */
static void
compare (struct writer *w, const struct filter_newest *newest, uint8_t distance)
{
  if (newest)
    add (w, BPF_JMP | BPF_JGT | BPF_K, distance, 0, newest->number);
  add (w, BPF_JMP | BPF_JA, 0, 0, 0); /* to the end, which is not known yet */
}

/* The block of one architecture: A its calls, B those of x32.  Either may be NULL.  */
static void
block (struct writer *w, const struct filter_newest *a, const struct filter_newest *b)
{
  const struct filter_newest *any = a ? a : b;
  bool both = any->arch == AUDIT_ARCH_X86_64; /* numbers of two kinds */
  uint8_t of_b = both ? (b ? 2 : 1) : 0, of_a = a ? 2 : 1;
  size_t head = w->n;

  add (w, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, any->arch);
  load (w, offsetof (struct seccomp_data, nr));
  if (any->call_0_too)
    add (w, BPF_JMP | BPF_JEQ | BPF_K, (uint8_t) (of_a + of_b), 0, 0);
  if (both)
    add (w, BPF_JMP | BPF_JSET | BPF_K, of_a, 0, FILTER_X32_BIT);
  compare (w, a, (uint8_t) (of_b + 1));
  if (both)
    compare (w, b, 1);
  add (w, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | ENOSYS);
  w->code[head].jf = (uint8_t) (w->n - head - 1);
}

static const struct filter_newest *
find (const struct filter_newest *newest, size_t n, uint32_t arch, bool x32)
{
  for (size_t i = 0; i < n; i++)
    if (newest[i].arch == arch && newest[i].x32 == x32)
      return &newest[i];
  return NULL;
}

size_t
filter_stub (const struct filter_newest *newest, size_t n, struct sock_filter *code)
{
  struct writer w = { .code = code };

  if (n == 0 || n > FILTER_STUB_ARCHS)
    return 0;
  load (&w, offsetof (struct seccomp_data, arch));
  for (size_t i = 0; i < n; i++)
    {
      const struct filter_newest *a = find (newest, n, newest[i].arch, false),
                                 *b = find (newest, n, newest[i].arch, true);

      if (&newest[i] == (a && b ? (a < b ? a : b) : a ? a : b)) /* once for each, at the first that has it */
        block (&w, a, b);
    }
  for (size_t i = 0; i < w.n; i++)
    if (code[i].code == (BPF_JMP | BPF_JA))
      code[i].k = (uint32_t) (w.n - i - 1);
  return w.n;
}
