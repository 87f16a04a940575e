/* SPDX-License-Identifier: Apache-2.0 */
/* Documents in strings, for tests of the plan floor.  */
#ifndef ORLOP_TEST_IN_TEXT_H
#define ORLOP_TEST_IN_TEXT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/own.h"
#include "ocispec/config.h"
#include "plan/document.h"

/* Decodes TEXT as TYPE.  The caller closes the document.  */
static inline struct document
parse_text (const char *text, const struct oci_type *type)
{
  char *copy = strdup (text);
  struct document doc;
  struct err err = { 0 };

  assert_non_null (copy);
  if (document_parse (&copy, strlen (text), type, &doc, &err) < 0)
    fail_msg ("%s: %s", err.where, err.what);
  assert_null (copy);
  return doc;
}

/* A container that every test can change a word of.  */
#define PLAIN_CONFIG                                                                                                  \
  "{ \"ociVersion\": \"1.2.0\", \"root\": { \"path\": \"rootfs\" },"                                                  \
  "  \"process\": { \"cwd\": \"/\", \"args\": [ \"sh\" ], \"env\": [ \"SECRET=hunter2\" ] },"                         \
  "  \"linux\": { \"namespaces\": [ { \"type\": \"mount\" } ] } }"

#endif
