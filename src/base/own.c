/* SPDX-License-Identifier: Apache-2.0 */
/* Releasing owned memory; see own.h.  */
#include "base/own.h"

#include <stdlib.h>

void
own_free (void *pointer_to_pointer)
{
  free (*(void **) pointer_to_pointer);
}
