/* SPDX-License-Identifier: Apache-2.0 */
/* update: a document like linux.resources, from a file, standard input or memory, to what is done with it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/own.h"
#include "base/str.h"
#include "handle.h"
#include "launch/launch.h"
#include "ocispec/linux.h"
#include "plan/document.h"

#define PUBLIC __attribute__ ((visibility ("default")))

/* Reads NAME ("-": standard input), which may be a pipe, and remembers it for errors.  */
static int
read_document (struct orlop *o, const char *name, struct document *ret_doc, struct err *err)
{
  bool standard = strcmp (name, "-") == 0;
  const char *called = standard ? "standard input" : name;
  own_fd int file = standard ? -1 : open (name, O_RDONLY | O_NOCTTY | O_CLOEXEC);
  own_mem char *text = NULL;
  ssize_t len;

  if (! standard && file < 0)
    return err_sys (err, errno, "open", "%s", name);
  len = file_read_stream (standard ? STDIN_FILENO : file, called, OCI_DOCUMENT_MAX, &text, err);
  if (len < 0)
    return (int) len;
  handle_document (o, NULL, called);
  return document_parse (&text, (size_t) len, &oci_resources_type, ret_doc, err);
}

static int
parse_text (const char *json, struct document *ret_doc, struct err *err)
{
  own_mem char *text = strdup (json);

  return text ? document_parse (&text, strlen (json), &oci_resources_type, ret_doc, err) : err_sys (err, ENOMEM, "malloc", "document");
}

/* The document of an update is what linux.resources is in config.json, and its paths begin there.  */
static void
cut_where (struct err *err)
{
  const char *rest = str_after (err->where, "linux.resources.");

  if (rest)
    memmove (err->where, rest, strlen (rest) + 1);
}

static int
get_document (struct orlop *o, const struct orlop_update_options *opt, struct document *doc, struct err *err)
{
  int ret = 0;

  if (opt->resources)
    ret = read_document (o, opt->resources, doc, err);
  else if (opt->json)
    ret = parse_text (opt->json, doc, err);
  if (ret < 0 && opt->json) /* mostly made by a program: nobody sees its lines */
    err->line = err->column = 0;
  return ret;
}

static int
update (struct orlop *o, const char *id, const struct orlop_update_options *opt, struct document *doc, struct err *err)
{
  struct launch_update u = { .l3_cache_schema = opt->l3_cache_schema, .mem_bw_schema = opt->mem_bw_schema };
  int ret = 0;

  if (opt->resources && opt->json)
    return err_usage (err, "the limits are either in a document or in a text, not in both");
  if (! (opt->resources || opt->json || opt->l3_cache_schema || opt->mem_bw_schema))
    return err_usage (err, "nothing to update is given");
  ret = get_document (o, opt, doc, err);
  if (ret < 0)
    return ret;
  u.resources = doc->object;
  ret = launch_update (o->root, id, &u, err);
  if (ret < 0)
    cut_where (err);
  if (ret < 0 && opt->resources)
    document_locate (doc->text, doc->len, err);
  return ret;
}

/* What a caller without options wants: nothing, which is an error.  */
static const struct orlop_update_options defaults;

PUBLIC int
orlop_update (struct orlop *o, const char *id, const struct orlop_update_options *options)
{
  struct err *err = handle_begin (o);
  struct document doc = { 0 };
  int ret = update (o, id, options ? options : &defaults, &doc, err);

  document_close (&doc);
  return handle_end (o, ret);
}
