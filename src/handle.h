/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the public handle; shared by the lib_*.c files alone. */
#ifndef ORLOP_HANDLE_H
#define ORLOP_HANDLE_H

#include "base/err.h"
#include "base/log.h"
#include "orlop.h"

struct orlop
{
  char *root;
  char *criu;              /* program of CRIU, or NULL: the usual one */
  char *notify;            /* socket of the service manager, or NULL */
  struct log log;
  enum orlop_cgroup_manager manager;
  bool exiting;
  unsigned uid;            /* ours, effective */
  void (*log_write) (void *data, enum orlop_log_level level, const char *message);
  void *log_data;
  struct err err;
  char file[4096];         /* document that err speaks of */
  char text[8192];
  char hint[1024];
  struct orlop_error error; /* made from err when a call has failed */
};

/* Begins a public call: forgets the last error.  Returns where to put the next one.  */
struct err *handle_begin (struct orlop *o);

/* Ends a public call: turns a failure RET into the public error.  Returns RET, or 0 for any success.  */
int handle_end (struct orlop *o, int ret);

/* The sink for the lower floors; NULL when nobody listens.  */
const struct log *handle_log (const struct orlop *o);

/* Remembers which document errors speak of: NAME in DIR (NULL: NAME alone).  */
void handle_document (struct orlop *o, const char *dir, const char *name);

/* Checks that N descriptors from 3 on are open.  */
int handle_check_fds (unsigned n, struct err *err);

/* Checks that NAME, of a pid file, is none (NULL) or a name.  */
int handle_check_pid_file (const char *name, struct err *err);

#endif
