/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of numbers; see bits.h.  */
#include "base/bits.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

static const char *
skip_blanks (const char *p)
{
  return p + strspn (p, " \t\n");
}

/* Reads the number at *P and moves on behind it.  */
static int
take_number (const char **p, unsigned *ret)
{
  unsigned n = 0;

  if (**p < '0' || **p > '9')
    return -EINVAL;
  for (; **p >= '0' && **p <= '9'; ++*p)
    {
      n = n * 10 + (unsigned) (**p - '0');
      if (n >= BITS_MAX)
        return -ERANGE;
    }
  *ret = n;
  return 0;
}

/* Reads "3" or "0-3" at *P into BITS.  */
static int
take_range (const char **p, struct bits *bits)
{
  unsigned first, last;
  int ret = take_number (p, &first);

  last = first;
  if (ret == 0 && **p == '-')
    {
      ++*p;
      ret = take_number (p, &last);
    }
  if (ret < 0 || last < first)
    return ret < 0 ? ret : -EINVAL;
  for (unsigned i = first; i <= last; i++)
    bits->word[i / BITS_PER_WORD] |= 1UL << (i % BITS_PER_WORD);
  return 0;
}

int
bits_parse (const char *list, struct bits *ret_bits)
{
  const char *p = skip_blanks (list);

  memset (ret_bits, 0, sizeof *ret_bits);
  while (*p)
    {
      int ret = take_range (&p, ret_bits);

      if (ret < 0)
        return ret;
      p = skip_blanks (p);
      if (*p == '\0')
        return 0;
      if (*p != ',')
        return -EINVAL;
      p = skip_blanks (p + 1);
      if (*p == '\0')
        return -EINVAL;
    }
  return 0;
}

/* Reads a number of any size, or "N", at *P and moves on behind it.  *RET is cut off at the greatest, which "N" is as well.  */
static bool
pass_number (const char **p, unsigned long *ret)
{
  const char *start = *p;

  *ret = **p == 'N' ? ULONG_MAX : 0;
  if (**p == 'N')
    ++*p;
  else
    for (; **p >= '0' && **p <= '9'; ++*p)
      *ret = *ret > ULONG_MAX / 10 - 1 ? ULONG_MAX : *ret * 10 + (unsigned long) (**p - '0');
  return *p > start;
}

/* The kernel takes it in either case.  */
static bool
is_all (const char *p)
{
  return (p[0] | 0x20) == 'a' && (p[1] | 0x20) == 'l' && (p[2] | 0x20) == 'l';
}

/* One part of a list: from FIRST to LAST the first USED of each GROUP.  ULONG_MAX is the last number there is.  */
struct part
{
  unsigned long first, last, used, group;
};

/* Reads the part of a list at *P and moves on behind it.  */
static bool
pass_part (const char **p, struct part *part)
{
  *part = (struct part){ .first = 0, .last = ULONG_MAX, .used = 1, .group = 1 };
  if (is_all (*p))
    *p += 3;
  else if (! pass_number (p, &part->first))
    return false;
  else if (**p != '-')
    {
      part->last = part->first;
      return true;
    }
  else if (++*p, ! pass_number (p, &part->last))
    return false;
  if (**p == ':')
    {
      ++*p;
      if (! pass_number (p, &part->used) || **p != '/' || (++*p, ! pass_number (p, &part->group)))
        return false;
    }
  return part->first <= part->last && part->used <= part->group && part->group > 0;
}

static int
add_part (const struct part *part, unsigned greatest, struct bits *bits)
{
  unsigned long first = part->first == ULONG_MAX ? greatest : part->first, last = part->last == ULONG_MAX ? greatest : part->last;

  if (last >= BITS_MAX || first > last)
    return -ERANGE;
  for (unsigned long i = first; i <= last; i++)
    if ((i - first) % part->group < part->used)
      bits->word[i / BITS_PER_WORD] |= 1UL << (i % BITS_PER_WORD);
  return 0;
}

/* Reads LIST into BITS, or, if that is NULL, looks at it.  */
static int
read_parts (const char *list, unsigned greatest, struct bits *bits)
{
  static const char between[] = ", \t\n";
  struct part part;
  int r = 0;

  for (const char *p = list + strspn (list, between); r == 0 && *p; p += strspn (p, between))
    if (! pass_part (&p, &part) || (*p && strchr (between, *p) == NULL))
      r = -EINVAL;
    else if (bits)
      r = add_part (&part, greatest, bits);
  return r;
}

int
bits_check (const char *list)
{
  return read_parts (list, 0, NULL);
}

int
bits_expand (const char *list, unsigned greatest, struct bits *ret_bits)
{
  memset (ret_bits, 0, sizeof *ret_bits);
  return read_parts (list, greatest, ret_bits);
}

size_t
bits_words (const struct bits *bits)
{
  size_t n = BITS_MAX / BITS_PER_WORD;

  while (n > 0 && bits->word[n - 1] == 0)
    n--;
  return n;
}
