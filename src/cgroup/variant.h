/* SPDX-License-Identifier: Apache-2.0 */
/* Values of D-Bus as trees, and their text form: that of GVariant, in which annotations give properties of a unit
 * (https://docs.gtk.org/glib/gvariant-text-format.html).  Of it are understood strings, numbers, booleans, arrays and tuples, and types before
 * values (`uint64 5`, `@as []`).  Pure.  */
#ifndef ORLOP_CGROUP_VARIANT_H
#define ORLOP_CGROUP_VARIANT_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct oci_arena;

/* One value.  */
struct variant
{
  const char *signature; /* of the whole: "t", "as", "a(st)" */
  uint64_t number;       /* of y b n q i u x t: two's complement, the sign extended */
  double real;           /* of d */
  const char *text;      /* of s o g */
  struct variant *items; /* of a and ( */
  size_t n;
};

/* An integer or a boolean in *ARENA.  NULL when memory is short.  */
struct variant *variant_number (struct oci_arena **arena, char type, uint64_t number);

/* A string.  NULL when memory is short.  */
struct variant *variant_text (struct oci_arena **arena, const char *text);

/* An array of N items with SIGNATURE (of the array), or a tuple: the items are the caller's to fill.  NULL when memory is short.  */
struct variant *variant_list (struct oci_arena **arena, const char *signature, size_t n);

/* Reads all of TEXT.  Integers without a type are int32, or int64 if they are too large for it.  Returns 0, -EINVAL with the sentence in ERR, or
 * -ENOMEM.  */
int variant_parse (const char *text, struct oci_arena **arena, struct variant **ret_value, struct err *err);

/* Length of the one complete type that SIGNATURE begins with, or 0.  */
size_t variant_type_length (const char *signature);

#endif
