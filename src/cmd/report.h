/* SPDX-License-Identifier: Apache-2.0 */
/* How the program speaks of failures and events: one line for people on standard error, one record in the log. */
#ifndef ORLOP_CMD_REPORT_H
#define ORLOP_CMD_REPORT_H

#include <stdbool.h>

#include "orlop.h"

/* Who takes the records of --log.  */
enum report_kind
{
  REPORT_FILE,
  REPORT_JOURNAL, /* journald, by its socket */
  REPORT_SYSLOG   /* /dev/log */
};

struct report_to
{
  int log;      /* descriptor of --log, or -1 */
  bool json;    /* --log-format json */
  enum report_kind kind;
  const char *ident; /* of a daemon's records */
};

/* Opens the log NAME: a file for appending ("file:" in front is fine), "journald:ID" or "syslog:ID", as crun has them.  Returns 0 or negative
 * errno; nothing for NULL.  */
int report_open (struct report_to *to, const char *name);

/* Reports that COMMAND (or NULL) failed with E.  Exactly one record goes to the log and one line to standard error.  */
void report_error (const struct report_to *to, const char *command, const struct orlop_error *e);

/* Reports a failure of the program itself.  */
void report_message (const struct report_to *to, const char *command, const char *message);

/* Sink for orlop_set_log; DATA is a struct report_to.  Warnings and debug lines.  */
void report_event (void *data, enum orlop_log_level level, const char *message);

#endif
