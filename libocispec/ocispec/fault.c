/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a document: collected by place, counted beyond OCI_FAULTS_MAX.  Must take constant time and memory
 * for each fault, because a hostile document may have millions.  */
#include "ocispec/decoder.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ocispec/text.h"

void
decoder_path (const struct decoder *d, char *buf, size_t size)
{
  struct oci_path path = { .buf = buf, .size = size };

  buf[0] = '\0';
  for (size_t i = 0; i < d->depth; i++)
    if (d->stack[i].is_array && d->stack[i].n_seen)
      oci_path_index (&path, d->stack[i].n_seen - 1);
    else if (d->stack[i].key)
      oci_path_key (&path, d->stack[i].key, d->stack[i].key_len);
}

/* Makes room for a fault at offset AT, keeping the order by place.  Returns NULL if it is only counted.  */
static struct oci_fault *
new_fault (struct decoder *d, size_t at)
{
  struct oci_faults *fs = d->faults;
  size_t i;

  d->total++;
  if (fs == NULL || fs->n == OCI_FAULTS_MAX)
    return NULL;
  for (i = fs->n++; i > 0 && d->offsets[i - 1] > at; i--)
    {
      fs->fault[i] = fs->fault[i - 1];
      d->offsets[i] = d->offsets[i - 1];
    }
  d->offsets[i] = at;
  fs->fault[i].path[0] = '\0';
  return &fs->fault[i];
}

void
decoder_text_fault (struct decoder *d, size_t at, const char *what)
{
  struct oci_fault *f = new_fault (d, at);

  if (f)
    snprintf (f->what, sizeof f->what, "%s", what);
}

int
decoder_fault (struct decoder *d, size_t before, const char *fmt, ...)
{
  struct oci_fault *f = new_fault (d, oci_text_token (d->text, d->len, before));
  va_list ap;

  if (f == NULL)
    return 1;
  decoder_path (d, f->path, sizeof f->path);
  va_start (ap, fmt);
  vsnprintf (f->what, sizeof f->what, fmt, ap);
  va_end (ap);
  return 1;
}

int
decoder_stop (struct decoder *d, int num, const char *what)
{
  d->stop = num;
  decoder_fault (d, d->before, "%s", what);
  return 0;
}

int
decoder_unknown_word (struct decoder *d, const char *const *names, const char *noun, const char *text, size_t len)
{
  char quoted[60], list[160] = "";
  size_t n = 0;

  oci_text_quote (quoted, sizeof quoted, text, len);
  for (size_t i = 0; names[i] && n < sizeof list; i++)
    n += (size_t) snprintf (list + n, sizeof list - n, "%s%s", i ? " " : ", expected one of: ", names[i]);
  return decoder_fault (d, d->before, "unknown %s '%s'%s", noun, quoted, n < sizeof list ? list : "");
}

/* What the parser dislikes: it stops before or behind a token, and before or behind a byte that begins none.  */
static size_t
syntax_place (const struct decoder *d, const char *reason)
{
  size_t token = oci_text_token (d->text, d->len, d->end); /* passes a comma or colon too many */
  size_t used = yajl_get_bytes_consumed (d->yajl);

  if (used == 0 || used > d->len)
    return token;
  if (strncmp (reason, "lexical", 7) == 0)
    return strstr (reason, "invalid char in") || strstr (reason, "occurs before") ? used - 1 : used;
  if (used > token)
    return token;
  return strchr (",:", d->text[used - 1]) ? used - 1 : used;
}

void
decoder_syntax_fault (struct decoder *d)
{
  bool is_empty = oci_text_token (d->text, d->len, 0) == d->len;
  char what[160] = "not JSON";
  unsigned char *message;
  const char *reason;

  if (d->is_complete)
    {
      decoder_text_fault (d, d->len, is_empty ? "the document is empty" : "the document ends too early");
      return;
    }
  message = yajl_get_error (d->yajl, 0, NULL, 0); /* "parse error: reason\n", "lexical error: reason\n" */
  if (message == NULL)
    {
      decoder_text_fault (d, oci_text_token (d->text, d->len, d->end), what);
      return;
    }
  message[strcspn ((char *) message, ".\n")] = '\0';
  reason = strchr ((char *) message, ':');
  snprintf (what, sizeof what, "not JSON%s", reason ? reason : "");
  decoder_text_fault (d, syntax_place (d, (char *) message), what);
  yajl_free_error (d->yajl, message);
}

void
decoder_faults_begin (struct decoder *d)
{
  if (d->faults == NULL)
    return;
  d->faults->total = d->faults->n = d->faults->n_unknown = 0;
  d->faults->first_unknown[0] = '\0';
}

void
decoder_faults_end (struct decoder *d)
{
  unsigned line = 1, column = 1;
  size_t from = 0;

  if (d->faults == NULL)
    return;
  d->faults->total = d->total;
  for (size_t i = 0; i < d->faults->n; i++)
    {
      oci_text_place (d->text, from, d->offsets[i], &line, &column);
      from = d->offsets[i];
      d->faults->fault[i].line = line;
      d->faults->fault[i].column = column;
    }
}
