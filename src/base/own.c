/* SPDX-License-Identifier: Apache-2.0 */
/* Releasing owned memory; see own.h.  */
#include "base/own.h"

#include <stdlib.h>

/* A program that links the library statically may say otherwise.  */
const int own_leave __attribute__ ((weak)) = 0;

void
own_free (void *pointer_to_pointer)
{
  free (*(void **) pointer_to_pointer);
}
