/* SPDX-License-Identifier: Apache-2.0 */
/* Reading documents; see document.h.  Must never judge what a document asks for. */
#include "plan/document.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/file.h"
#include "base/own.h"
#include "base/str.h"
#include "ocispec/table.h"
#include "plan/report.h"

/* Makes one error of FAULTS.  */
static int
fail (const struct oci_faults *faults, int ret, struct err *err)
{
  struct report report = { .total = faults->total };

  for (; report.n < faults->n && report.n < REPORT_MAX; report.n++)
    {
      const struct oci_fault *f = &faults->fault[report.n];
      struct report_breach *b = &report.breach[report.n];

      *b = (struct report_breach){ .line = f->line, .column = f->column };
      (void) str_copy (b->path, sizeof b->path, f->path); /* both have the same size */
      (void) str_copy (b->what, sizeof b->what, f->what);
    }
  if (report.n == 0)
    return err_host (err, -ret, "the document cannot be decoded");
  (void) report_end (&report, err);
  if (err)
    err->num = -ret;
  return ret;
}

int
document_parse (char **take_text, size_t len, const struct oci_type *type, struct document *ret_doc, struct err *err)
{
  struct document doc = { .text = take_ptr (*take_text), .len = len };
  struct oci_faults faults;
  int ret = oci_decode (type, doc.text, doc.len, &doc.object, &doc.arena, &faults);

  if (ret < 0)
    {
      document_close (&doc);
      return fail (&faults, ret, err);
    }
  (void) str_copy (doc.unknown, sizeof doc.unknown, faults.first_unknown); /* both have the same size */
  *ret_doc = doc;
  return 0;
}

int
document_load (int dirfd, const char *name, const struct oci_type *type, struct document *ret_doc, struct err *err)
{
  own_mem char *text = NULL;
  ssize_t len = file_read_at (dirfd, name, OCI_DOCUMENT_MAX, &text, err);

  if (len < 0)
    return (int) len;
  return document_parse (&text, (size_t) len, type, ret_doc, err);
}

int
document_load_stream (const char *name, const struct oci_type *type, struct document *ret_doc, struct err *err)
{
  own_mem char *text = NULL;
  own_fd int fd = open (name, O_RDONLY | O_NOCTTY | O_CLOEXEC);
  ssize_t len = fd < 0 ? err_sys (err, errno, "open", "%s", name) : file_read_stream (fd, name, OCI_DOCUMENT_MAX, &text, err);

  if (len < 0)
    return (int) len;
  return document_parse (&text, (size_t) len, type, ret_doc, err);
}

void
document_locate (const char *text, size_t len, struct err *err)
{
  if (err == NULL || text == NULL || err->line != 0 || err->where[0] == '\0')
    return;
  if (err->kind == ERR_USAGE || err->kind == ERR_STATE || err->kind == ERR_BUG)
    return;
  /* a value that is absent has the line of the object around it; anything else leaves the line unknown */
  (void) oci_locate (text, len, err->where, &err->line, &err->column);
}

void
document_close (struct document *doc)
{
  free (doc->text);
  oci_arena_free (doc->arena);
  *doc = (struct document){ 0 };
}
