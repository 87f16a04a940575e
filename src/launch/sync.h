/* SPDX-License-Identifier: Apache-2.0 */
/* The talk between parent and child: one SOCK_SEQPACKET pair, one packet a message,
 * one table of messages.  A message that is not the awaited one is an error naming
 * both; end of file while waiting is "the other side ended".  child-safe */
#ifndef ORLOP_LAUNCH_SYNC_H
#define ORLOP_LAUNCH_SYNC_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Messages, in the order in which they can occur.  docs/protocol.md explains each.  */
enum sync_what
{
  SYNC_NONE,
  SYNC_HELLO,   /* parent: here are the plan and your descriptors */
  SYNC_FDS,     /* parent: more descriptors (mount trees that only it can open) */
  SYNC_MAP_IDS, /* child: I am in a new user namespace; parent: the maps are written */
  SYNC_PID,     /* child: the first process is this pid and pidfd; parent: taken */
  SYNC_NET,     /* child: a routing socket of my network namespace; parent: the network devices are there */
  SYNC_HOOKS,   /* child: namespaces and mounts stand; parent: its hooks are done, here is the state text */
  SYNC_NOTIFY,  /* child: here is the listener of my filter; parent: the agent has it */
  SYNC_MOUNTED, /* child: the mounts stand, and these are their numbers; the parent answers with its READY alone */
  SYNC_READY,   /* child: everything but execve is done; parent: the record stands */
  SYNC_START,   /* child to `start`: I heard you; what follows is end of file (running) or FAIL */
  SYNC_FAIL     /* either: a struct err */
};

/* Roles of the descriptors that travel with HELLO, in this order, each present or not (bit mask in hello.present).  */
enum sync_fd
{
  SYNC_FD_PLAN,    /* the plan's memfd */
  SYNC_FD_LISTEN,  /* listening socket that `start` connects to */
  SYNC_FD_CONSOLE, /* connected socket that wants the terminal's master */
  SYNC_FD_PIDFD,   /* exec: the container's first process */
  SYNC_FD_JOIN     /* the first of plan->ns.n_joins namespace descriptors */
};

/* Contents of HELLO.  */
struct sync_hello
{
  uint64_t address; /* where the plan's memfd is to be mapped */
  uint64_t size;    /* how much of it */
  uint64_t plan;    /* address of the struct plan in it */
  uint64_t ignored; /* signals that the caller ignores, bit N - 1 is signal N */
  uint32_t present; /* bits of enum sync_fd up to SYNC_FD_JOIN */
  uint32_t n_later; /* how many descriptors come in FDS messages */
};

/* Contents of READY; the parent's answer has none of it set.  */
struct sync_ready
{
  uint32_t without_keyring; /* 1: the session keyring is the caller's, since the user's quota of keys is used up */
};

/* Contents of PID.  */
struct sync_pid
{
  int32_t pid; /* as the runtime sees it */
};

/* Contents of MOUNTED: for each mount of the plan its number, or 0 for what is none.  */
struct sync_mounted
{
  uint32_t n;
  uint32_t id[64]; /* PLAN_LIVE_MAX */
};

/* One packet.  */
struct sync_packet
{
  uint32_t what;
  uint32_t size; /* of the contents */
  union
  {
    struct sync_hello hello;
    struct sync_pid pid;
    struct sync_ready ready;
    struct sync_mounted mounted;
    struct err err;
  };
};

/* Name of a message for errors: "READY".  */
const char *sync_name (unsigned what);

/* Sends WHAT with SIZE bytes of DATA and N_FDS descriptors.  Returns 0 or negative errno.  */
int sync_send (int sock, enum sync_what what, const void *data, size_t size, const int *fds, size_t n_fds,
               struct err *err);

/* Waits for EXPECTED.  FAIL instead of it becomes ERR and its -num; end of file is -ECONNRESET.  FDS and N_FDS as in fds_recv;
 * on failure no descriptor is kept (N_FDS is 0).  Returns 0 or negative errno.  */
int sync_expect (int sock, enum sync_what expected, struct sync_packet *packet, int *fds, size_t *n_fds,
                 struct err *err);

/* Sends ERR as FAIL; errors of that are ignored, since the receiver sees end of file then.  */
void sync_fail (int sock, const struct err *err);

#endif
