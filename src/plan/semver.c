/* SPDX-License-Identifier: Apache-2.0 */
/* The grammar of SemVer 2.0.0, read from left to right; see semver.h. */
#include "plan/semver.h"

#include <stddef.h>


static bool
is_digit (char c)
{
  return c >= '0' && c <= '9';
}

static bool
is_word (char c)
{
  return is_digit (c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
}

/* Skips a number without leading zeros.  Returns what follows, or NULL.  */
static const char *
skip_number (const char *p)
{
  const char *start = p;

  while (is_digit (*p))
    p++;
  return p == start || (*start == '0' && p > start + 1) ? NULL : p;
}

/* Skips identifiers separated by dots; NUMBERS: those of digits alone have no leading zeros.  Returns what follows, or NULL.  */
static const char *
skip_identifiers (const char *p, bool numbers)
{
  for (;; p++)
    {
      const char *start = p;
      bool digits = true;

      for (; is_word (*p); p++)
        digits = digits && is_digit (*p);
      if (p == start || (numbers && digits && *start == '0' && p > start + 1))
        return NULL;
      if (*p != '.')
        return p;
    }
}

bool
semver_parse (const char *text, unsigned *ret_major)
{
  const char *p = skip_number (text);
  unsigned major = 0;

  for (const char *d = text; p && d < p; d++) /* a major version too large for us is no version that we know */
    major = major > 9999 ? major : major * 10 + (unsigned) (*d - '0');
  for (int i = 0; i < 2 && p; i++)
    p = *p == '.' ? skip_number (p + 1) : NULL;
  if (p && *p == '-')
    p = skip_identifiers (p + 1, true);
  if (p && *p == '+')
    p = skip_identifiers (p + 1, false);
  if (p == NULL || *p != '\0')
    return false;
  *ret_major = major;
  return true;
}
