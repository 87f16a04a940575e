/* SPDX-License-Identifier: Apache-2.0 */
/* The one error of the house: plain data without pointers, so that it is at once
 * the last argument of every fallible function, the record in the log, and the
 * message from child to parent.  Filled once, where the call failed; on the way
 * up only the place (where, step) may be added.  All functions are child-safe. */
#ifndef ORLOP_BASE_ERR_H
#define ORLOP_BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* What went wrong, in the reader's terms.  */
enum err_kind
{
  ERR_NONE,
  ERR_USAGE, /* the command line */
  ERR_SPEC,  /* config.json or another document says something impossible */
  ERR_HOST,  /* this machine lacks something that the document needs */
  ERR_SYS,   /* the kernel refused a call */
  ERR_STATE, /* the container is not in the right state */
  ERR_BUG    /* our own mistake */
};

struct err
{
  enum err_kind kind;
  int num;          /* errno, or 0 when no call failed */
  unsigned line;    /* in the document, 1-based, 0 if unknown */
  unsigned column;  /* likewise */
  char step[32];    /* row of the step table: "root.mounts" */
  char call[24];    /* kernel call: "move_mount" */
  char where[160];  /* JSON path: "mounts[3].destination" */
  char object[512]; /* path, fd or name the call was given */
  char what[2048];  /* one sentence (several problems joined by "; "), lower case, no full stop, no errno text */
};

/* A kernel call failed: records call, object and errno NUM (positive).  Returns -NUM.  ERR may be NULL.  */
int err_sys (struct err *err, int num, const char *call, const char *object_fmt, ...)
    __attribute__ ((format (printf, 4, 5)));

/* The document asks for something impossible, at JSON path WHERE.  Returns -EINVAL.  ERR may be NULL.  */
int err_spec (struct err *err, const char *where, const char *what_fmt, ...) __attribute__ ((format (printf, 3, 4)));

/* This machine cannot do it.  Returns -NUM (NUM positive, for example ENOTSUP).  ERR may be NULL.  */
int err_host (struct err *err, int num, const char *what_fmt, ...) __attribute__ ((format (printf, 3, 4)));

/* The container is not in a state for this.  Returns -NUM.  ERR may be NULL.  */
int err_state (struct err *err, int num, const char *what_fmt, ...) __attribute__ ((format (printf, 3, 4)));

/* The command line is wrong.  Returns -EINVAL.  ERR may be NULL.  */
int err_usage (struct err *err, const char *what_fmt, ...) __attribute__ ((format (printf, 2, 3)));

/* Our own mistake, or a peer that breaks the protocol.  Returns -NUM.  ERR may be NULL.  */
int err_bug (struct err *err, int num, const char *what_fmt, ...) __attribute__ ((format (printf, 3, 4)));

/* Adds the JSON path on the way up, unless one is set already.  Returns RET, so that
 * `return err_in (err, ret, "mounts[3]")` reads well.  ERR may be NULL.  */
int err_in (struct err *err, int ret, const char *where_fmt, ...) __attribute__ ((format (printf, 3, 4)));

/* Sets the sentence (`what`) of a call's failure: says what was being done.  Returns RET.  ERR may be NULL.  */
int err_doing (struct err *err, int ret, const char *what_fmt, ...) __attribute__ ((format (printf, 3, 4)));

/* Forgets everything.  ERR may be NULL.  */
void err_clear (struct err *err);

/* Writes the whole error as one line without line feed into BUF (SIZE bytes), FILE being the document's
 * name or NULL: `config.json:82:5: mounts[3]: root.mounts: what: move_mount("proc"): Operation not permitted`.
 * Returns BUF.  Not child-safe (strerror).  */
char *err_text (const struct err *err, const char *file, char *buf, size_t size);

#endif
