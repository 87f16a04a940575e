/* SPDX-License-Identifier: Apache-2.0 */
/* What a fuzz target holds the code to beside memory errors.  */
#ifndef ORLOP_FUZZ_DEMAND_H
#define ORLOP_FUZZ_DEMAND_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* Ends the program, as the fuzzer wants it for a finding, if GOOD is false; WHAT was promised.  */
static inline void
demand (bool good, const char *what)
{
  if (good)
    return;
  fprintf (stderr, "broken promise: %s\n", what);
  abort ();
}

#endif
