/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a program, and all that it starts, without some system calls: what older kernels lack, or what a filter refuses.
 *
 *     without ERRNO CALL[,CALL...] COMMAND...
 *
 * Each CALL (a name of the table, or name:ARG:BITS for calls whose argument ARG has any of BITS, name:ARG:=VALUE for those where it is that) fails with the number ERRNO.  Needs no
 * library.  Unlike no_new_privs with its side effects, the filter is installed with CAP_SYS_ADMIN where we have that.  Ends with 77 and a
 * reason when there are no filters. */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

static const struct
{
  const char *name;
  unsigned nr;
} calls[] = {
  { "bpf", SYS_bpf },
  { "clone3", 435 },
  { "close_range", 436 },
  { "fchmodat2", 452 },
  { "fsconfig", 431 },
  { "fsmount", 432 },
  { "fsopen", 430 },
  { "keyctl", SYS_keyctl },
  { "memfd_create", SYS_memfd_create },
  { "mount_setattr", 442 },
  { "move_mount", 429 },
  { "open_tree", 428 },
  { "open_tree_attr", 467 },
  { "openat2", 437 },
  { "pidfd_open", 434 },
  { "pidfd_send_signal", 424 },
  { "setns", SYS_setns },
  { "waitid", SYS_waitid },
};

enum
{
  PER_CALL = 6,
  MOST = 64
};

static struct sock_filter code[MOST * PER_CALL];
static unsigned short n;

static void
add (struct sock_filter instruction)
{
  if (n == sizeof code / sizeof *code)
    exit (2);
  code[n++] = instruction;
}

static void
refuse (char *word, unsigned error)
{
  char *name = strsep (&word, ":"), *arg = strsep (&word, ":"), *bits = strsep (&word, ":");
  uint32_t offset = (uint32_t) (offsetof (struct seccomp_data, args) + (arg ? strtoul (arg, NULL, 0) : 0) * sizeof (uint64_t));

  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
    if (strcmp (calls[i].name, name) == 0)
      {
        add ((struct sock_filter) BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)));
        add ((struct sock_filter) BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, calls[i].nr, 0, bits ? 3 : 1));
        if (bits)
          {
            add ((struct sock_filter) BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offset));
            add ((struct sock_filter) BPF_JUMP (BPF_JMP | (*bits == '=' ? BPF_JEQ : BPF_JSET) | BPF_K,
                                                (uint32_t) strtoul (bits + (*bits == '='), NULL, 0), 0, 1));
          }
        add ((struct sock_filter) BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error));
        return;
      }
  fprintf (stderr, "without: unknown call %s\n", name);
  exit (2);
}

int
main (int argc, char **argv)
{
  struct sock_fprog program = { .filter = code };

  if (argc < 4)
    return 2;
  for (char *rest = argv[2], *word; (word = strsep (&rest, ",")) != NULL;)
    refuse (word, (unsigned) strtoul (argv[1], NULL, 0));
  add ((struct sock_filter) BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  program.len = n;
  if (syscall (SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0
      && (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall (SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0))
    {
      printf ("no seccomp filters here: %s\n", strerror (errno));
      return 77;
    }
  execvp (argv[3], argv + 3);
  perror (argv[3]);
  return 127;
}
