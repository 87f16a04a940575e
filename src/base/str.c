/* SPDX-License-Identifier: Apache-2.0 */
/* Strict text; see str.h.  child-safe */
#include "base/str.h"

#include <errno.h>
#include <stdint.h>
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

/* Length of the valid UTF-8 character at P (table of RFC 3629, section 4), or 0.  Reads no further than a NUL.  */
static size_t
character (const unsigned char *p)
{
  /* the smallest second byte: no longer form than needed, no surrogates, nothing beyond U+10FFFF */
  unsigned char from = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
  unsigned char to = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
  size_t len = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;

  if (len > 1 && (p[1] < from || p[1] > to))
    return 0;
  for (size_t i = 2; i < len; i++)
    if ((p[i] & 0xc0) != 0x80)
      return 0;
  return len;
}

void
str_make_utf8 (char *text)
{
  while (*text)
    {
      size_t len = character ((const unsigned char *) text);

      if (len == 0)
        *text = '?';
      text += len ? len : 1;
    }
}

bool
str_is_one_of (const char *const *words, const char *text)
{
  while (*words && strcmp (*words, text) != 0)
    words++;
  return *words != NULL;
}

size_t
str_is_obeyed (const char *text)
{
  /* ranges of the Unicode standard: C1 of section 23.1, Bidi_Control of section 23.3, the separators that section 5.8 has begin a new line */
  static const struct
  {
    uint32_t from, to;
  } obeyed[] = { { 0x80, 0x9f }, { 0x61c, 0x61c }, { 0x200e, 0x200f }, { 0x2028, 0x202e }, { 0x2066, 0x2069 } };
  const unsigned char *p = (const unsigned char *) text;
  size_t len = character (p);
  uint32_t point = len == 2 ? (p[0] & 0x1fU) << 6 | (p[1] & 0x3fU)
                   : len == 3 ? (p[0] & 0xfU) << 12 | (p[1] & 0x3fU) << 6 | (p[2] & 0x3fU)
                              : 0;

  if (len == 1)
    return *p < ' ' || *p == 0x7f;
  for (size_t i = 0; i < sizeof obeyed / sizeof *obeyed; i++)
    if (point >= obeyed[i].from && point <= obeyed[i].to)
      return len;
  return 0;
}

void
str_make_plain (char *text)
{
  str_make_utf8 (text);
  while (*text)
    {
      size_t len = str_is_obeyed (text);

      memset (text, '?', len);
      text += len ? len : 1; /* the rest of a character is none that is obeyed */
    }
}

void
str_make_line (char *text)
{
  size_t len = strlen (text);

  while (len > 0 && text[len - 1] == '\n')
    text[--len] = '\0';
  for (char *p = text; *p; p++)
    if (*p == '\n' || *p == '\t' || *p == '\r')
      *p = ' ';
  str_make_plain (text);
}

char *
str_unescape_octal (char *text)
{
  char *to = text;

  for (const char *p = text; *p; p++)
    if (p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' && p[2] <= '7' && p[3] >= '0' && p[3] <= '7')
      {
        *to++ = (char) ((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0'));
        p += 3;
      }
    else
      *to++ = *p;
  *to = '\0';
  return text;
}
