/* SPDX-License-Identifier: Apache-2.0 */
/* Places in JSON text, and JSON paths.  Reads bytes; knows no table.  */
#include "ocispec/text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* True for eight bytes without NUL, backslash and bytes above 0x7f: nearly all of a document.  */
static bool
is_plain (const char *text)
{
  const uint64_t ones = UINT64_C (0x0101010101010101), high = ones << 7;
  uint64_t word, other;

  memcpy (&word, text, sizeof word);
  other = word ^ (ones * '\\');
  return ((word | (word - ones) | (other - ones)) & high) == 0;
}

/* Length of the UTF-8 character at S, of which N bytes are left; 0 if it is none (RFC 3629, table of section 4).  */
static size_t
utf8_length (const unsigned char *s, size_t n)
{
  size_t len = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;

  if (len > n)
    return 0;
  for (size_t i = 1; i < len; i++)
    if ((s[i] & 0xc0) != 0x80)
      return 0;
  if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90)
      || (s[0] == 0xf4 && s[1] > 0x8f))
    return 0;
  return len;
}

/* The number of the escape \uXXXX at TEXT, or -1 if there is none.  */
static int
escaped_unit (const char *text, size_t n)
{
  static const char digits[] = "0123456789abcdef";
  int unit = 0;

  if (n < 6 || text[0] != '\\' || text[1] != 'u')
    return -1;
  for (int i = 2; i < 6; i++)
    {
      const char *digit = text[i] ? strchr (digits, text[i] | 0x20) : NULL;

      if (digit == NULL)
        return -1;
      unit = unit * 16 + (int) (digit - digits);
    }
  return unit;
}

/* Length of the escape at TEXT (a backslash), which is a pair for a character beyond U+FFFF; 0 for half a pair.
 * Whether the escape is valid otherwise is for the parser to say.  */
static size_t
escape_length (const char *text, size_t n)
{
  int unit = escaped_unit (text, n), next;

  if (unit < 0xd800 || unit > 0xdfff)
    return n < 2 ? 1 : 2;
  next = unit < 0xdc00 ? escaped_unit (text + 6, n - 6) : -1;
  return next >= 0xdc00 && next <= 0xdfff ? 12 : 0;
}

const char *
oci_text_mistake (const char *text, size_t len, size_t *ret_at)
{
  size_t step;

  *ret_at = 0;
  if (len >= 3 && memcmp (text, "\xef\xbb\xbf", 3) == 0)
    return "the document begins with a byte order mark";
  for (size_t at = 0; at < len; at += step)
    {
      *ret_at = at;
      step = 8;
      if (len - at >= step && is_plain (text + at))
        continue;
      if (text[at] == '\0')
        return "the document contains a NUL byte";
      if (text[at] == '\\')
        step = escape_length (text + at, len - at);
      else
        step = utf8_length ((const unsigned char *) text + at, len - at);
      if (step == 0)
        return text[at] == '\\' ? "half of a surrogate pair" : "not valid UTF-8";
    }
  return NULL;
}

bool
oci_text_is_utf8 (const char *text, size_t len)
{
  size_t step = 1;

  for (size_t at = 0; at < len && step; at += step)
    step = utf8_length ((const unsigned char *) text + at, len - at);
  return step != 0;
}

size_t
oci_text_token (const char *text, size_t len, size_t at)
{
  while (at < len && text[at] && strchr (" \t\r\n,:", text[at]))
    at++;
  return at;
}

void
oci_text_place (const char *text, size_t from, size_t to, unsigned *line, unsigned *column)
{
  for (size_t at = from; at < to; at++)
    if (text[at] == '\n')
      {
        ++*line;
        *column = 1;
      }
    else if (((unsigned char) text[at] & 0xc0) != 0x80)
      ++*column;
}

/* True if the byte may stand in a message: terminals obey control characters (C0 and DEL).  */
static bool
is_printable (char c)
{
  return (unsigned char) c >= 0x20 && c != 0x7f;
}

/* Ends the text of LEN bytes in BUF with "...", at a place where no character is cut and SIZE suffices.  Returns the
 * length.  */
static size_t
ellipsis (char *buf, size_t size, size_t len)
{
  if (len > size - 4)
    len = size - 4;
  while (len && ((unsigned char) buf[len] & 0xc0) == 0x80)
    len--;
  memcpy (buf + len, "...", 4);
  return len + 3;
}

void
oci_text_quote (char *buf, size_t size, const char *text, size_t len)
{
  size_t n = len < size ? len : size - 1;

  for (size_t i = 0; i < n; i++)
    buf[i] = is_printable (text[i]) ? text[i] : '?';
  buf[n] = '\0';
  if (n < len)
    ellipsis (buf, size, n);
}

/* Appends N bytes, or ends the path for good if they do not fit.  */
static void
append (struct oci_path *path, const char *text, size_t n)
{
  if (path->cut)
    return;
  if (n >= path->size - path->len)
    {
      path->cut = true;
      path->len = ellipsis (path->buf, path->size, path->len);
      return;
    }
  memcpy (path->buf + path->len, text, n);
  path->len += n;
  path->buf[path->len] = '\0';
}

static bool
is_word (const char *key, size_t len)
{
  static const char word[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz-";

  for (size_t i = 0; i < len; i++)
    if (key[i] == '\0' || strchr (word, key[i]) == NULL)
      return false;
  return len > 0;
}

void
oci_path_key (struct oci_path *path, const char *key, size_t len)
{
  char escape[8];

  if (is_word (key, len))
    {
      append (path, ".", path->len ? 1 : 0);
      append (path, key, len);
      return;
    }
  append (path, "[\"", 2);
  for (size_t i = 0; i < len && ! path->cut; i++)
    if (! is_printable (key[i]))
      append (path, escape, (size_t) snprintf (escape, sizeof escape, "\\u%04x", (unsigned char) key[i]));
    else
      {
        append (path, "\\", key[i] == '"' || key[i] == '\\' ? 1 : 0);
        append (path, key + i, 1);
      }
  append (path, "\"]", 2);
}

void
oci_path_index (struct oci_path *path, size_t index)
{
  char text[24];

  append (path, text, (size_t) snprintf (text, sizeof text, "[%zu]", index));
}
