/* SPDX-License-Identifier: Apache-2.0 */
/* Signals: names, numbers, and the clean state in which a program is started.  child-safe, see signal(7). */
#ifndef ORLOP_KERNEL_SIGNAL_H
#define ORLOP_KERNEL_SIGNAL_H

#include <stdint.h>

#include "base/names.h"

/* Standard signals: "SIGHUP" and its number, synonyms after their first name.  Real-time ones are understood by signal_number.  */
extern const struct name signal_names[];

/* The number that TEXT means: a name in any case with or without "SIG" ("TERM", "sigterm"), "RTMIN", "RTMIN+3",
 * "SIGRTMAX-1", or a decimal number from 0 (which tests for existence) to 64.  RTMIN is 34 and RTMAX 64, as users of glibc expect, with
 * every libc.  Returns it or -EINVAL.  child-safe */
int signal_number (const char *text);

/* Default disposition for every signal, none blocked.  63 calls; see signal_reset_ignored.  Returns 0 or negative errno.  child-safe */
int signal_reset (void);

/* As signal_reset when it is known which signals are ignored (bit N - 1 is signal N, pid_self of pid.h tells): execve resets
 * handlers by itself and only SIG_IGN and the mask survive it.  One call for each ignored signal and one for the mask.
 * Returns 0 or negative errno.  child-safe */
int signal_reset_ignored (uint64_t ignored);

#endif
