/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's options of CRIU, shared by checkpoint and restore.  For the lib_*.c files alone. */
#ifndef ORLOP_LIB_CHECKPOINT_H
#define ORLOP_LIB_CHECKPOINT_H

struct criu_args;
struct err;
struct orlop;
struct orlop_criu_options;

/* Turns OPTIONS (or NULL) into *RET_ARGS, which borrows their strings.  Returns 0 or negative errno.  */
int checkpoint_args (struct orlop *o, const struct orlop_criu_options *options, struct criu_args *ret_args, struct err *err);

#endif
