/* SPDX-License-Identifier: Apache-2.0 */
/* What a service manager hands on to the program of a container: descriptors (sd_listen_fds(3)) and a socket for notifications
 * (sd_notify(3)); as variables and a mount. */
#ifndef ORLOP_ACTIVATION_H
#define ORLOP_ACTIVATION_H

struct err;
struct oci_arena;
struct oci_config;
struct orlop;
struct orlop_create_options;

/* The variables that the program is given for OPT and O, NULL-terminated, in *ARENA.  Returns 0 or -ENOMEM.  */
int activation_env (const struct orlop *o, const struct orlop_create_options *opt, struct oci_arena **arena, const char ***ret_env,
                    struct err *err);

/* Adds to CONFIG the mount that brings the notification socket of container ID into it, if O has one to tell and there is a program that
 * could.  Returns 0 or negative errno.  */
int activation_mount (const struct orlop *o, const char *id, struct oci_config *config, struct oci_arena **arena, struct err *err);

#endif
