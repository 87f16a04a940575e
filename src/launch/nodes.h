/* SPDX-License-Identifier: Apache-2.0 */
/* Device nodes of a container that exists: made and removed from outside, by handle. */
#ifndef ORLOP_LAUNCH_NODES_H
#define ORLOP_LAUNCH_NODES_H

#include <stdbool.h>
#include <stddef.h>

#include "kernel/device.h"

struct err;
struct record;

enum
{
  NODES_MAX = 32 /* in one go */
};

struct node
{
  const char *host;     /* the device's path on the host, absolute */
  struct device device; /* what it is; its path in the container, relative to the root of that */
  const char *access;   /* "rwm": what the container may do with it; NULL to remove it */
  bool remove;          /* for nodes_remove, else for nodes_add */
  bool made;            /* set by nodes_add: it was not there before */
};

/* Makes those of the N NODES that are not to be removed in the container of REC: with mknod(2), or, where that makes no device that could be opened (in a
 * user namespace), as a bind of the host's.  One that is there already is fine, something else is -EEXIST.  All are made or none.  The names
 * belong to an attacker: they are resolved once, beneath the first process's root, by a process of its own that is ended after ten seconds (a
 * file system of the container's may never answer).  Returns 0 or negative errno.  */
int nodes_add (const struct record *rec, struct node *nodes, size_t n, struct err *err);

/* Takes those away again that nodes_add made.  What cannot be is left.  */
void nodes_undo (const struct record *rec, struct node *nodes, size_t n);

/* Removes those of the N NODES that are to be removed.  Where nothing, or something else than the device is, nothing is done.  Returns 0 or negative
 * errno.  */
int nodes_remove (const struct record *rec, struct node *nodes, size_t n, struct err *err);

#endif
