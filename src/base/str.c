/* SPDX-License-Identifier: Apache-2.0 */
/* Strict text; see str.h.  child-safe */
#include "base/str.h"

#include <errno.h>
#include <string.h>

enum
{
  ID_MAX = 1024
};

int
str_u64 (const char *text, uint64_t max, uint64_t *ret_value)
{
  uint64_t value = 0;

  if (*text == '\0')
    return -EINVAL;
  for (const char *p = text; *p; p++)
    {
      uint64_t digit = (uint64_t) (*p - '0');

      if (*p < '0' || *p > '9')
        return -EINVAL;
      if (value > (UINT64_MAX - digit) / 10)
        return -ERANGE;
      value = value * 10 + digit;
    }
  if (value > max)
    return -ERANGE;
  *ret_value = value;
  return 0;
}

int
str_i64 (const char *text, int64_t min, int64_t max, int64_t *ret_value)
{
  bool negative = *text == '-';
  uint64_t size;
  int64_t value;
  int ret = str_u64 (text + negative, negative ? (uint64_t) INT64_MAX + 1 : (uint64_t) INT64_MAX, &size);

  if (ret < 0)
    return ret;
  value = negative ? (int64_t) (0 - size) : (int64_t) size;
  if (value < min || value > max)
    return -ERANGE;
  *ret_value = value;
  return 0;
}

const char *
str_after (const char *text, const char *prefix)
{
  size_t len = strlen (prefix);

  return strncmp (text, prefix, len) == 0 ? text + len : NULL;
}

bool
str_is_id (const char *text)
{
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+.-";
  size_t len = strspn (text, allowed);

  return len > 0 && len <= ID_MAX && text[len] == '\0' && text[0] != '.';
}

int
str_copy (char *buf, size_t size, const char *text)
{
  size_t len = strlen (text), fits = len < size ? len : size - 1;

  memcpy (buf, text, fits);
  buf[fits] = '\0';
  return fits < len ? -ENAMETOOLONG : 0;
}
