/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of runtime-spec that tie properties together or limit their values beyond
 * what the tables of libocispec say: one row each.  What the spec allows and we cannot
 * do yet is refused where it would be done. */
#ifndef ORLOP_PLAN_RULES_H
#define ORLOP_PLAN_RULES_H

#include <stddef.h>

struct err;
struct oci_config;
struct oci_process;

/* Checks CONFIG, whose document is the LEN bytes of TEXT (or NULL: errors have no lines then).  All breaches become one error, see
 * report_end.  Returns 0 or -EINVAL (ERR_SPEC).  */
int rules_check (const struct oci_config *config, const char *text, size_t len, struct err *err);

/* Checks a process document, as `exec --process` takes it: the rules of process, its JSON paths being those of that document.
 * Returns 0 or -EINVAL.  */
int rules_check_process (const struct oci_process *process, const char *text, size_t len, struct err *err);

#endif
