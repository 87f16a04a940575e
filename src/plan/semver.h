/* SPDX-License-Identifier: Apache-2.0 */
/* Versions by SemVer 2.0.0.  */
#ifndef ORLOP_PLAN_SEMVER_H
#define ORLOP_PLAN_SEMVER_H

#include <stdbool.h>

/* True if TEXT is a version of SemVer 2.0.0 ("1.0.2-dev", "1.2.0+dev"); sets *ret_major then.  */
bool semver_parse (const char *text, unsigned *ret_major);

#endif
