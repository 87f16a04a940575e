/* SPDX-License-Identifier: Apache-2.0 */
/* Lengths of time; see duration.h.  */
#include "base/duration.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

static const struct
{
  const char *name;
  uint64_t ns;
} units[] = { /* the longer name before the one that it begins with */
  { "ns", 1 },       { "us", 1000 },       { "\xc2\xb5s" /* micro sign */, 1000 },     { "\xce\xbcs" /* Greek mu */, 1000 },
  { "ms", 1000000 }, { "s", 1000000000 },  { "m", UINT64_C (60) * 1000000000 },        { "h", UINT64_C (3600) * 1000000000 },
};

static bool
is_digit (char c)
{
  return c >= '0' && c <= '9';
}

/* The nanoseconds of the unit at the beginning of *TEXT, which is passed over; 0: none.  */
static uint64_t
take_unit (const char **text)
{
  for (size_t i = 0; i < sizeof units / sizeof *units; i++)
    {
      const char *rest = str_after (*text, units[i].name);

      if (rest)
        {
          *text = rest;
          return units[i].ns;
        }
    }
  return 0;
}

/* Takes one number with its unit from *TEXT and adds it to *NS.  */
static int
add_part (const char **text, uint64_t *ns)
{
  const char *digits = *text, *decimals;
  uint64_t whole = 0, unit;

  for (; is_digit (**text); ++*text)
    if (__builtin_mul_overflow (whole, 10, &whole) || __builtin_add_overflow (whole, (uint64_t) (**text - '0'), &whole))
      return -ERANGE;
  decimals = *text;
  if (**text == '.')
    for (++*text; is_digit (**text);)
      ++*text;
  if (*text - digits == (*decimals == '.' && decimals + 1 == *text)) /* no digit at all */
    return -EINVAL;
  const char *end = *text;
  unit = take_unit (text);
  if (unit == 0)
    return -EINVAL;
  if (__builtin_mul_overflow (whole, unit, &whole) || __builtin_add_overflow (*ns, whole, ns))
    return -ERANGE;
  for (const char *d = decimals + 1; d < end && unit >= 1; d++)
    {
      unit /= 10; /* every unit is a ten's power of nanoseconds times 1, 6 or 36, so that nothing before the last digits is lost */
      if (__builtin_add_overflow (*ns, unit * (uint64_t) (*d - '0'), ns))
        return -ERANGE;
    }
  return 0;
}

int
duration_parse (const char *text, uint64_t *ret_ns)
{
  uint64_t ns = 0;
  int ret = 0;

  text += *text == '+';
  if (strcmp (text, "0") != 0)
    do
      ret = add_part (&text, &ns);
    while (ret == 0 && *text);
  if (ret == 0 && ns > INT64_MAX)
    ret = -ERANGE;
  if (ret == 0)
    *ret_ns = ns;
  return ret;
}
