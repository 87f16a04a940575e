/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of small numbers such as "0-3,7" (cpuset(7), List format) as bits, in the words that the kernel takes. */
#ifndef ORLOP_BASE_BITS_H
#define ORLOP_BASE_BITS_H

#include <stddef.h>

enum
{
  BITS_MAX = 8192, /* as many processors as a kernel can be built for; nodes are fewer */
  BITS_PER_WORD = 8 * sizeof (unsigned long)
};

/* A set of numbers below BITS_MAX.  */
struct bits
{
  unsigned long word[BITS_MAX / BITS_PER_WORD];
};

/* Reads LIST: numbers and ranges, separated by commas, spaces around them passed over; an empty one is the empty set.  Returns 0, or
 * -EINVAL for anything else, -ERANGE for a number of BITS_MAX or more.  child-safe */
int bits_parse (const char *list, struct bits *ret_bits);

/* Whether LIST is one as cpuset.cpus takes it, which is more than bits_parse reads (Linux: bitmap_parselist): parts with commas or blanks between,
 * of which each is a number, a range "0-3", one with a pattern "0-7:1/2", or "all"; "N" is the last number there is.  Which numbers there are is not
 * asked.  Returns 0 or -EINVAL.  */
int bits_check (const char *list);

/* Reads LIST as bits_check has it, with GREATEST for the last number there is.  Returns 0, -EINVAL, or -ERANGE for a number of BITS_MAX or more, and for
 * a range that ends before it begins because GREATEST is below.  */
int bits_expand (const char *list, unsigned greatest, struct bits *ret_bits);

/* How many words of BITS are needed to hold its largest number; 0 for the empty set.  child-safe */
size_t bits_words (const struct bits *bits);

#endif
