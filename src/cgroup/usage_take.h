/* SPDX-License-Identifier: Apache-2.0 */
/* Inside this room: what the kernel's files of use look like, each form with its reader. */
#ifndef ORLOP_CGROUP_USAGE_TAKE_H
#define ORLOP_CGROUP_USAGE_TAKE_H

#include <stdint.h>

struct cgroup_usage;
struct oci_arena;

/* A word of a file and the uint64_t it goes to.  */
struct usage_key
{
  const char *name; /* NULL ends a table */
  uint32_t at;      /* offsetof in struct cgroup_usage */
  uint32_t scale;   /* what the number is multiplied by; 0 is 1 */
};

/* What a reader of a file is given.  */
struct usage_take
{
  struct cgroup_usage *usage;
  struct oci_arena **arena;
  uint32_t at;                  /* offsetof of the member that the file is for */
  const struct usage_key *keys; /* or the words it is made of */
};

/* A reader: puts what TEXT says, which it may cut up, into T->usage.  What it does not understand it passes over, and what is there
 * already it leaves.  Returns 0 or -ENOMEM.  */
typedef int usage_taker (const struct usage_take *t, char *text);

/* "123" or "max" (UINT64_MAX), as what is too great for 64 bits.  Into uint64_t.  */
usage_taker usage_take_number;

/* The same, where "max" is 0.  */
usage_taker usage_take_limit;

/* "-1".  Into int64_t.  */
usage_taker usage_take_signed;

/* Lines "KEY 123".  By keys.  */
usage_taker usage_take_keys;

/* Lines "KEY 123", all of them.  Into a list of struct oci_number.  */
usage_taker usage_take_map;

/* "1 2 3".  Into a list of uint64_t.  */
usage_taker usage_take_numbers;

/* cpuacct.usage_all: "cpu user system" and a line "0 12 34" for each.  Into usage->cpu.  */
usage_taker usage_take_percpu;

/* "0-3,5" (cpuset(7), "List format").  Into a list of uint16_t.  */
usage_taker usage_take_list;

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=0" and "full ...".  Into struct usage_psi *.  */
usage_taker usage_take_psi;

/* v1 "8:0 Read 123", "8:0 123", and "Total 123", which is passed over.  Into a list of struct usage_io_entry.  */
usage_taker usage_take_ops;

/* v2 io.stat: "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6".  Into usage->blkio.  */
usage_taker usage_take_io;

/* "mlx4_0 hca_handle=2 hca_object=max".  Into a list of struct usage_rdma_entry.  */
usage_taker usage_take_rdma;

#endif
