/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of names and values, and the one way to look into them.  child-safe */
#ifndef ORLOP_BASE_NAMES_H
#define ORLOP_BASE_NAMES_H

#include <stdbool.h>
#include <stdint.h>

/* One row; a table ends with a NULL name.  */
struct name
{
  const char *name;
  uint64_t value;
};

/* Finds NAME (exactly) in TABLE.  Returns true and sets *ret_value, or false.  */
bool name_value (const struct name *table, const char *name, uint64_t *ret_value);

/* Finds the first row with VALUE.  Returns its name or NULL.  */
const char *value_name (const struct name *table, uint64_t value);

#endif
