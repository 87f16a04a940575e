/* SPDX-License-Identifier: Apache-2.0 */
/* What is put in front of a filter so that calls newer than the profile answer ENOSYS: a C library that tries a new call and
 * hears EPERM gives up, and one that hears ENOSYS uses the old call instead (runc issues 2151 and 2750).  Pure.  */
#ifndef ORLOP_KERNEL_FILTER_STUB_H
#define ORLOP_KERNEL_FILTER_STUB_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum
{
  FILTER_STUB_ARCHS = 32,                      /* more than there are */
  FILTER_STUB_MAX = 1 + FILTER_STUB_ARCHS * 9, /* instructions of a stub */
  FILTER_X32_BIT = 0x40000000                  /* __X32_SYSCALL_BIT: says in the number that a call is one of x32 */
};

/* The newest call that a profile names for one architecture.  */
struct filter_newest
{
  uint32_t arch; /* AUDIT_ARCH_*, as the kernel says it: x32 is AUDIT_ARCH_X86_64 */
  bool x32;
  bool call_0_too; /* s390: number 0 stands for all numbers that the kernel does not know */
  uint32_t number; /* of x32 with FILTER_X32_BIT */
};

/* Writes the stub for the N architectures of NEWEST (at most FILTER_STUB_ARCHS) into CODE, which has room for FILTER_STUB_MAX.  What is not answered
 * with ENOSYS goes on to the instruction after it.  Returns how many instructions it is: 0 for no architecture.  */
size_t filter_stub (const struct filter_newest *newest, size_t n, struct sock_filter *code);

#endif
