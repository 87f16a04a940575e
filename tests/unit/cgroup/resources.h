/* SPDX-License-Identifier: Apache-2.0 */
/* linux.resources from JSON, as the tests like to write it: single quotes stand for double ones.  */
#ifndef TESTS_CGROUP_RESOURCES_H
#define TESTS_CGROUP_RESOURCES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ocispec/linux.h"
#include "ocispec/table.h"

/* Decodes TEXT.  What it makes lives in *ARENA.  */
static inline const struct oci_resources *
resources (const char *text, struct oci_arena **arena)
{
  struct oci_faults faults;
  char json[4096];
  void *object = NULL;

  assert_true (strlen (text) < sizeof json);
  strcpy (json, text);
  for (char *p = json; *p; p++)
    *p = *p == '\'' ? '"' : *p;
  if (oci_decode (&oci_resources_type, json, strlen (json), &object, arena, &faults) < 0)
    fail_msg ("%s: %s: %s", text, faults.fault[0].path, faults.fault[0].what);
  return object;
}

#endif
