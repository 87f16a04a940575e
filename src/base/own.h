/* SPDX-License-Identifier: Apache-2.0 */
/* Ownership of locals: what a variable owns is released when it leaves scope, unless
 * it was given away with take_fd or take_ptr.  Initialise at declaration (-1, NULL). */
#ifndef ORLOP_BASE_OWN_H
#define ORLOP_BASE_OWN_H

#include <unistd.h>

/* Descriptors below this number are left to the end of the process.  0 in the library; our two programs, which are about to exit or to
 * execve (all descriptors are close-on-exec), say more: each closing costs a call and gives nothing, until there are many.
 * Where the closing itself is meant, as end of file for a peer, close (2) is called.  */
extern const int own_leave;

/* Closes a descriptor; nothing for negative values.  child-safe */
static inline void
own_close (const int *fd)
{
  if (*fd >= own_leave)
    (void) close (*fd); /* nothing to be done about a failing close of ours */
}

/* Frees memory through the C library (declared here so that the child program need not link it).  */
void own_free (void *pointer_to_pointer);

#define own_fd __attribute__ ((cleanup (own_close), unused))
#define own_mem __attribute__ ((cleanup (own_free), unused))

/* Gives a descriptor away: returns it and leaves -1.  child-safe */
static inline int
take_fd (int *fd)
{
  int taken = *fd;
  *fd = -1;
  return taken;
}

/* Gives a pointer away: evaluates to it and leaves NULL.  */
#define take_ptr(p)                                                                                                   \
  ({                                                                                                                  \
    __auto_type take_p_ = &(p);                                                                                       \
    __auto_type take_v_ = *take_p_;                                                                                   \
    *take_p_ = NULL;                                                                                                  \
    take_v_;                                                                                                          \
  })

#endif
