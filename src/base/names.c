/* SPDX-License-Identifier: Apache-2.0 */
/* Looking into tables of names; see names.h.  child-safe */
#include "base/names.h"

#include <string.h>

bool
name_value (const struct name *table, const char *name, uint64_t *ret_value)
{
  for (const struct name *row = table; row->name; row++)
    if (strcmp (row->name, name) == 0)
      {
        *ret_value = row->value;
        return true;
      }
  return false;
}

const char *
value_name (const struct name *table, uint64_t value)
{
  for (const struct name *row = table; row->name; row++)
    if (row->value == value)
      return row->name;
  return NULL;
}
