/* SPDX-License-Identifier: Apache-2.0 */
/* Values of D-Bus; see variant.h.  A value is parsed against the type that it must have, or, where nobody knows, takes that of its looks.  */
#include "cgroup/variant.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "ocispec/table.h"

enum
{
  DEPTH_MAX = 8,
  ITEMS_MAX = 4096
};

struct parser
{
  const char *p;
  struct oci_arena **arena;
  struct err *err;
};

/* Words before a value, and their types.  */
static const struct
{
  const char *word;
  const char *signature;
} keywords[] = {
  { "boolean", "b" }, { "byte", "y" },   { "int16", "n" },  { "uint16", "q" }, { "int32", "i" },      { "handle", "i" },    { "uint32", "u" },
  { "int64", "x" },   { "uint64", "t" }, { "double", "d" }, { "string", "s" }, { "objectpath", "o" }, { "signature", "g" },
};

/* What a type of integers can hold.  */
static const struct range
{
  char type;
  int64_t min;
  uint64_t max;
} ranges[] = {
  { 'y', 0, UINT8_MAX },          { 'n', INT16_MIN, INT16_MAX }, { 'q', 0, UINT16_MAX }, { 'i', INT32_MIN, INT32_MAX },
  { 'u', 0, UINT32_MAX },         { 'x', INT64_MIN, INT64_MAX }, { 't', 0, UINT64_MAX },
};

static int parse (struct parser *s, const char *want, int depth, struct variant *ret);

struct variant *
variant_number (struct oci_arena **arena, char type, uint64_t number)
{
  struct variant *v = oci_alloc (arena, sizeof *v);

  if (v == NULL)
    return NULL;
  v->signature = oci_strndup (arena, &type, 1);
  v->number = number;
  return v->signature ? v : NULL;
}

struct variant *
variant_text (struct oci_arena **arena, const char *text)
{
  struct variant *v = oci_alloc (arena, sizeof *v);

  if (v == NULL)
    return NULL;
  v->signature = "s";
  v->text = oci_strndup (arena, text, strlen (text));
  return v->text ? v : NULL;
}

struct variant *
variant_list (struct oci_arena **arena, const char *signature, size_t n)
{
  struct variant *v = oci_alloc (arena, sizeof *v);

  if (v == NULL)
    return NULL;
  v->signature = signature;
  v->items = oci_alloc (arena, n * sizeof *v->items);
  v->n = n;
  return v->items ? v : NULL;
}

static size_t
type_length (const char *sig, int depth)
{
  size_t n = 1, part;

  if (depth > DEPTH_MAX || *sig == '\0')
    return 0;
  if (strchr ("ybnqiuxtdsog", *sig))
    return 1;
  if (*sig == 'a')
    {
      part = type_length (sig + 1, depth + 1);
      return part ? part + 1 : 0;
    }
  if (*sig != '(')
    return 0;
  while (sig[n] != ')')
    {
      part = type_length (sig + n, depth + 1);
      if (part == 0)
        return 0;
      n += part;
    }
  return n > 1 ? n + 1 : 0; /* D-Bus has no empty tuple */
}

size_t
variant_type_length (const char *signature)
{
  return type_length (signature, 0);
}

static void
skip (struct parser *s)
{
  s->p += strspn (s->p, " \t\n\r");
}

static int
wrong (const struct parser *s, const char *what)
{
  return err_spec (s->err, "", "%s at \"%.40s\"", what, s->p);
}

static int
no_memory (const struct parser *s)
{
  return err_sys (s->err, ENOMEM, "malloc", "property");
}

/* The type TYPE, if the value may have it, which is what WANT says or what it looks like.  */
static int
settle (struct parser *s, const char *want, const char *allowed, char fallback, struct variant *v)
{
  char type = want ? *want : fallback;

  if (strchr (allowed, type) == NULL)
    return wrong (s, "the value has not the type that is wanted");
  v->signature = oci_strndup (s->arena, &type, 1);
  return v->signature ? 0 : no_memory (s);
}

/* Reads up to EIGHT hexadecimal digits into UTF-8 at OUT.  Returns how many bytes, or negative errno.  */
static int
take_code (struct parser *s, int digits, char *out)
{
  unsigned long c = 0;

  for (int i = 0; i < digits; i++, s->p++)
    {
      const char *hex = "0123456789abcdef", *at = *s->p ? strchr (hex, *s->p | ((*s->p & 0x40) ? 0x20 : 0)) : NULL;

      if (at == NULL || *at == '\0')
        return wrong (s, "an unknown escape");
      c = c * 16 + (unsigned long) (at - hex);
    }
  if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
    return wrong (s, "no character that there is");
  if (c < 0x80)
    return out[0] = (char) c, 1;
  if (c < 0x800)
    return out[0] = (char) (0xc0 | c >> 6), out[1] = (char) (0x80 | (c & 0x3f)), 2;
  if (c < 0x10000)
    return out[0] = (char) (0xe0 | c >> 12), out[1] = (char) (0x80 | (c >> 6 & 0x3f)), out[2] = (char) (0x80 | (c & 0x3f)), 3;
  out[0] = (char) (0xf0 | c >> 18), out[1] = (char) (0x80 | (c >> 12 & 0x3f));
  out[2] = (char) (0x80 | (c >> 6 & 0x3f)), out[3] = (char) (0x80 | (c & 0x3f));
  return 4;
}

/* Reads what follows a backslash.  */
static int
take_escape (struct parser *s, char *out)
{
  static const char from[] = "abfnrtv", to[] = "\a\b\f\n\r\t\v";
  const char *at;
  char c = *s->p;

  if (c == '\0')
    return wrong (s, "an unfinished string");
  s->p++;
  if (c == 'u' || c == 'U')
    return take_code (s, c == 'u' ? 4 : 8, out);
  at = strchr (from, c);
  *out = at ? to[at - from] : c;
  return 1;
}

static int
parse_text (struct parser *s, const char *want, struct variant *v)
{
  char quote = *s->p++, *out = oci_alloc (s->arena, strlen (s->p) + 1);
  size_t n = 0;

  if (out == NULL)
    return no_memory (s);
  while (*s->p && *s->p != quote)
    {
      int r = 1;

      if (*s->p == '\\')
        {
          s->p++;
          r = take_escape (s, out + n);
          if (r < 0)
            return r;
        }
      else
        out[n] = *s->p++;
      n += (size_t) r;
    }
  if (*s->p != quote)
    return wrong (s, "an unfinished string");
  s->p++;
  v->text = out;
  return settle (s, want, "sog", 's', v);
}

/* Keeps MAGNITUDE, or its negative, as an integer of type TYPE.  */
static int
keep_integer (const struct parser *s, uint64_t magnitude, bool negative, char type, struct variant *v)
{
  for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
    {
      const struct range *r = &ranges[i];

      if (r->type != type)
        continue;
      if (negative ? magnitude > (uint64_t) 0 - (uint64_t) r->min : magnitude > r->max)
        return wrong (s, "a number beyond what its type holds");
      v->number = negative ? (uint64_t) 0 - magnitude : magnitude;
      return 0;
    }
  return wrong (s, "the value has not the type that is wanted");
}

static int
parse_number (struct parser *s, const char *want, struct variant *v)
{
  const char *begin = s->p, *digits = begin + (*begin == '-' || *begin == '+');
  bool negative = *begin == '-', hex = digits[0] == '0' && (digits[1] | 0x20) == 'x';
  size_t len = strspn (digits, hex ? "0123456789abcdefABCDEFxX" : "0123456789.eE+-");
  bool real = ! hex && strcspn (digits, ".eE") < len;
  uint64_t magnitude;
  char *end, fallback;
  int r;

  errno = 0;
  if (real || (want && *want == 'd'))
    {
      v->real = strtod (begin, &end);
      if (end != digits + len || errno)
        return wrong (s, "no number");
      s->p = end;
      return settle (s, want, "d", 'd', v);
    }
  magnitude = strtoull (digits, &end, 0);
  if (len == 0 || *digits < '0' || *digits > '9' || end != digits + len || errno)
    return wrong (s, "no number");
  fallback = magnitude <= INT32_MAX ? 'i' : 'x';
  r = settle (s, want, "ynqiuxt", fallback, v);
  if (r == 0)
    r = keep_integer (s, magnitude, negative, v->signature[0], v);
  s->p = end;
  return r;
}

/* Copies a list that has become too small.  */
static int
grow (const struct parser *s, struct variant *v, size_t *size)
{
  size_t more = *size ? 2 * *size : 8;
  struct variant *items = v->n < ITEMS_MAX ? oci_alloc (s->arena, more * sizeof *items) : NULL;

  if (items == NULL)
    return no_memory (s);
  if (v->n)
    memcpy (items, v->items, v->n * sizeof *items);
  v->items = items;
  *size = more;
  return 0;
}

/* Reads values up to CLOSE, of the types of *TYPES one after the other if TUPLE, else all of the same; NULL: as they come.  */
static int
parse_items (struct parser *s, char close, const char *types, bool tuple, int depth, struct variant *v)
{
  size_t size = 0;

  for (s->p++, skip (s); *s->p != close; skip (s))
    {
      int r = v->n == size ? grow (s, v, &size) : 0;
      const char *want = types;

      if (r == 0 && tuple && types && *types == ')')
        return wrong (s, "more values than the type has");
      if (r == 0)
        r = parse (s, want, depth + 1, &v->items[v->n]);
      if (r < 0)
        return r;
      if (tuple)
        types = types ? types + variant_type_length (types) : NULL;
      else if (types == NULL)
        types = v->items[0].signature;
      v->n++;
      skip (s);
      if (*s->p == ',')
        s->p++;
      else if (*s->p != close)
        return wrong (s, "neither a comma nor an end");
    }
  s->p++;
  if (tuple && types && *types != ')')
    return wrong (s, "fewer values than the type has");
  return 0;
}

/* The signature of V from those of its items, in BEFORE and AFTER.  */
static int
sign (const struct parser *s, const char *before, const char *after, size_t n_items, struct variant *v)
{
  size_t len = strlen (before) + strlen (after) + 1;
  char *sig;

  for (size_t i = 0; i < n_items; i++)
    len += strlen (v->items[i].signature);
  sig = oci_alloc (s->arena, len);
  if (sig == NULL)
    return no_memory (s);
  strcpy (sig, before);
  for (size_t i = 0; i < n_items; i++)
    strcat (sig, v->items[i].signature);
  strcat (sig, after);
  v->signature = sig;
  return 0;
}

static int
parse_array (struct parser *s, const char *want, int depth, struct variant *v)
{
  int r;

  if (want && *want != 'a')
    return wrong (s, "the value has not the type that is wanted");
  r = parse_items (s, ']', want ? want + 1 : NULL, false, depth, v);
  if (r < 0)
    return r;
  if (v->n == 0 && want == NULL)
    return wrong (s, "an empty array without a type (@as [])");
  if (v->n > 0)
    return sign (s, "a", "", 1, v);
  v->signature = oci_strndup (s->arena, want, variant_type_length (want));
  return v->signature ? 0 : no_memory (s);
}

static int
parse_tuple (struct parser *s, const char *want, int depth, struct variant *v)
{
  int r;

  if (want && *want != '(')
    return wrong (s, "the value has not the type that is wanted");
  r = parse_items (s, ')', want ? want + 1 : NULL, true, depth, v);
  if (r == 0 && v->n == 0)
    r = wrong (s, "an empty tuple");
  return r < 0 ? r : sign (s, "(", ")", v->n, v);
}

/* Reads "@TYPE ".  */
static int
parse_typed (struct parser *s, const char *want, int depth, struct variant *v)
{
  size_t len = variant_type_length (++s->p);
  const char *type = len ? oci_strndup (s->arena, s->p, len) : NULL;

  if (len == 0)
    return wrong (s, "no type that is understood");
  if (type == NULL)
    return no_memory (s);
  if (want && strncmp (want, type, len) != 0)
    return wrong (s, "the value has not the type that is wanted");
  s->p += len;
  return parse (s, type, depth + 1, v);
}

/* Reads true, false, or a keyword and the value behind it.  */
static int
parse_word (struct parser *s, const char *want, int depth, struct variant *v)
{
  size_t len = strspn (s->p, "abcdefghijklmnopqrstuvwxyz0123456789");

  for (int yes = 0; yes < 2; yes++)
    if (len == strlen (yes ? "true" : "false") && strncmp (s->p, yes ? "true" : "false", len) == 0)
      {
        v->number = (uint64_t) yes;
        s->p += len;
        return settle (s, want, "b", 'b', v);
      }
  for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
    if (len == strlen (keywords[i].word) && strncmp (s->p, keywords[i].word, len) == 0)
      {
        if (want && *want != *keywords[i].signature)
          return wrong (s, "the value has not the type that is wanted");
        s->p += len;
        return parse (s, keywords[i].signature, depth + 1, v);
      }
  return wrong (s, "neither a string, a number, a boolean, an array nor a tuple in GVariant's text format");
}

/* Reads one value into V, of the type that WANT begins with, or of any (NULL).  */
static int
parse (struct parser *s, const char *want, int depth, struct variant *v)
{
  if (depth > DEPTH_MAX)
    return wrong (s, "too many values in values");
  skip (s);
  switch (*s->p)
    {
    case '\'':
    case '"':
      return parse_text (s, want, v);
    case '[':
      return parse_array (s, want, depth, v);
    case '(':
      return parse_tuple (s, want, depth, v);
    case '@':
      return parse_typed (s, want, depth, v);
    default:
      if ((*s->p >= '0' && *s->p <= '9') || *s->p == '-' || *s->p == '+')
        return parse_number (s, want, v);
      return parse_word (s, want, depth, v);
    }
}

int
variant_parse (const char *text, struct oci_arena **arena, struct variant **ret_value, struct err *err)
{
  struct parser s = { .p = text, .arena = arena, .err = err };
  struct variant *v = oci_alloc (arena, sizeof *v);
  int r = v ? parse (&s, NULL, 0, v) : no_memory (&s);

  if (r < 0)
    return r;
  skip (&s);
  if (*s.p)
    return wrong (&s, "more than one value");
  *ret_value = v;
  return 0;
}
