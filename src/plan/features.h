/* SPDX-License-Identifier: Apache-2.0 */
/* What this build supports, from the very tables that the code uses. */
#ifndef ORLOP_PLAN_FEATURES_H
#define ORLOP_PLAN_FEATURES_H

struct err;

/* Makes the features document, JSON text that the caller frees.  Independent of the machine (features.md).  Returns 0 or negative errno.  */
int features_make (char **ret_json, struct err *err);

#endif
