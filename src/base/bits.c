/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of numbers; see bits.h.  */
#include "base/bits.h"

#include <errno.h>
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

size_t
bits_words (const struct bits *bits)
{
  size_t n = BITS_MAX / BITS_PER_WORD;

  while (n > 0 && bits->word[n - 1] == 0)
    n--;
  return n;
}
