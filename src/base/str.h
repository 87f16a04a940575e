/* SPDX-License-Identifier: Apache-2.0 */
/* Strict text: numbers without locale, sign tricks or trailing rubbish; prefixes; ids; UTF-8.  child-safe */
#ifndef ORLOP_BASE_STR_H
#define ORLOP_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Parses all of TEXT as a decimal number (digits only, no sign, no space) up to MAX.
 * Returns 0, -EINVAL (not a number) or -ERANGE.  */
int str_u64 (const char *text, uint64_t max, uint64_t *ret_value);

/* As str_u64 with an optional leading minus.  Returns 0, -EINVAL or -ERANGE.  */
int str_i64 (const char *text, int64_t min, int64_t max, int64_t *ret_value);

/* Returns what follows PREFIX in TEXT, or NULL if TEXT does not begin with it.  */
const char *str_after (const char *text, const char *prefix);

/* True if TEXT is a valid container id: [a-zA-Z0-9_+.-], 1 to 1024 bytes, not "." or "..", not beginning with ".".  */
bool str_is_id (const char *text);

/* Copies TEXT into BUF of SIZE bytes, always terminated.  Returns 0 or -ENAMETOOLONG (BUF then holds the beginning).  */
int str_copy (char *buf, size_t size, const char *text);

/* True if TEXT is one of WORDS, which end with NULL.  */
bool str_is_one_of (const char *const *words, const char *text);

/* Puts back in place what procfs writes in octal, "\\040" and the like (proc(5), "mountinfo").  Returns TEXT.  */
char *str_unescape_octal (char *text);

/* Puts a question mark in the place of every byte of TEXT that is not part of valid UTF-8 (RFC 3629), as half a character at the end of a
 * text that was cut.  */
void str_make_utf8 (char *text);

/* Length of the character at TEXT if it is one that a terminal obeys instead of showing it, else 0: control characters, those of U+0080 to U+009F among
 * them, which some terminals obey as they do escape sequences; those that turn the direction of what follows; separators of lines.  */
size_t str_is_obeyed (const char *text);

/* As str_make_utf8, and each byte of what a terminal would obey becomes '?', too.  */
void str_make_plain (char *text);

/* As str_make_plain, with blanks in the place of line ends and tabs, and none for those at the end: one line for people.  */
void str_make_line (char *text);

#endif
