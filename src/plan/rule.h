/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule of the specification is, and the tables of them that rules.c walks over.  Private to src/plan: others include rules.h. */
#ifndef ORLOP_PLAN_RULE_H
#define ORLOP_PLAN_RULE_H

#include <stdbool.h>
#include <stddef.h>

struct oci_config;

/* True if C, or its thing number I, breaks the rule.  */
typedef bool rule_broken (const struct oci_config *c, size_t i);

struct rule
{
  const char *path;                               /* JSON path; [] stands for the index or key */
  size_t (*count) (const struct oci_config *c);   /* how many things to look at; NULL: one */
  const char *(*key) (const struct oci_config *c, size_t i); /* of maps: what stands in [] */
  rule_broken *broken;
  const char *what;                               /* the sentence */
  const char *section;                            /* of the spec */
};

/* rules_space.c: namespaces and what lives in one.  */
extern const struct rule rules_space[];
extern const size_t rules_n_space;

/* rules_task.c: scheduling, memory policy, personality and labels.  */
extern const struct rule rules_task[];
extern const size_t rules_n_task;

#endif
