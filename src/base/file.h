/* SPDX-License-Identifier: Apache-2.0 */
/* Whole small files relative to a directory handle, and atomic replacement.  */
#ifndef ORLOP_BASE_FILE_H
#define ORLOP_BASE_FILE_H

#include <stddef.h>
#include <sys/types.h>

struct err;

/* Reads the file NAME below DIRFD (or AT_FDCWD) whole, at most MAX bytes (-EFBIG beyond), into fresh memory with
 * a NUL appended.  Refuses anything but a regular file unless it is on procfs/sysfs/cgroupfs (sizes of 0 are read to
 * the end).  The caller frees *ret_text.  Returns the length.  */
ssize_t file_read_at (int dirfd, const char *name, size_t max, char **ret_text, struct err *err);

/* Reads the open file FD, which may be a pipe, to its end, as file_read_at.  NAME is for the error.  */
ssize_t file_read_stream (int fd, const char *name, size_t max, char **ret_text, struct err *err);

/* Reads at most SIZE - 1 bytes of the open file FD from offset 0 into BUF and terminates it.
 * Returns the length or negative errno.  child-safe */
ssize_t file_read_into (int fd, char *buf, size_t size);

/* Opens NAME below DIRFD, reads at most SIZE - 1 bytes in one go into BUF, terminates it, closes.
 * For small kernel files.  Returns the length or negative errno (no err: callers often have a fallback).  child-safe */
ssize_t file_read_small (int dirfd, const char *name, char *buf, size_t size);

/* Writes all of TEXT of LEN bytes to the open file FD, however many calls it takes.  Returns 0 or negative errno.  child-safe */
int file_write_all (int fd, const char *text, size_t len);

/* Writes TEXT of LEN bytes to the existing file NAME below DIRFD in one write call (kernel files want that).
 * Returns 0 or negative errno, ERR filled.  child-safe */
int file_write_at (int dirfd, const char *name, const char *text, size_t len, struct err *err);

/* Replaces NAME below DIRFD atomically: a temporary file beside it, then rename.  No fsync: state lives on tmpfs and
 * is void after a reboot.  Returns 0 or negative errno, leaving the old file as it was.  */
int file_replace_at (int dirfd, const char *name, const char *text, size_t len, mode_t mode, struct err *err);

/* Makes NAME below DIRFD, which must not exist (O_EXCL), with TEXT.  Returns 0 or negative errno.  */
int file_create_at (int dirfd, const char *name, const char *text, size_t len, mode_t mode, struct err *err);

#endif
