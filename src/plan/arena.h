/* SPDX-License-Identifier: Apache-2.0 */
/* The arena that plans live in: a memfd mapped at an address that the child program
 * finds free too, so that the child maps the same bytes read-only at the same place. */
#ifndef ORLOP_PLAN_ARENA_H
#define ORLOP_PLAN_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct err;

struct plan_arena
{
  char *base;    /* address of the mapping */
  size_t used;   /* bytes handed out */
  size_t size;   /* bytes mapped (the memfd is sparse: only what is touched costs) */
  int fd;        /* the memfd, close-on-exec; owned by the arena */
};

/* Opens an arena: memfd_create, ftruncate, mmap at the first free slot (MAP_FIXED_NOREPLACE).  Returns 0 or negative errno.  */
int plan_arena_open (struct plan_arena *a, struct err *err);

/* Unmaps and closes.  Safe on an arena that was never opened ({ .fd = -1 }).  */
void plan_arena_close (struct plan_arena *a);

/* Returns N zeroed bytes, aligned for anything, or NULL when the arena is full (ENOMEM).  */
void *plan_alloc (struct plan_arena *a, size_t n);

/* Copies TEXT into the arena; NULL gives NULL.  Returns NULL on a full arena.  */
const char *plan_strdup (struct plan_arena *a, const char *text);

/* Formats into the arena.  Returns NULL on a full arena.  */
const char *plan_printf (struct plan_arena *a, const char *fmt, ...) __attribute__ ((format (printf, 2, 3)));

#endif
