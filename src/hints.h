/* SPDX-License-Identifier: Apache-2.0 */
/* What to do about an error, where we know. */
#ifndef ORLOP_HINTS_H
#define ORLOP_HINTS_H

#include <stddef.h>

/* One sentence of advice for the failure NUM (errno) of CALL in STEP with OBJECT (each may be ""), or "" when there is none to give.  It is a constant,
 * or in BUF (SIZE bytes) where something was looked up: which directory keeps us from OBJECT.  */
const char *hint_for (const char *step, const char *call, int num, const char *object, char *buf, size_t size);

#endif
