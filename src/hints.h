/* SPDX-License-Identifier: Apache-2.0 */
/* What to do about an error, where we know. */
#ifndef ORLOP_HINTS_H
#define ORLOP_HINTS_H

/* One sentence of advice for the failure NUM (errno) of CALL in STEP with OBJECT (each may be ""), or "" when there is none to give.  */
const char *hint_for (const char *step, const char *call, int num, const char *object);

#endif
