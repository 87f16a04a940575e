/* SPDX-License-Identifier: Apache-2.0 */
/* Why a program that is there cannot be executed: what its first bytes ask for.  Only after execve has failed, with the rights of the container's
 * user, inside the container.  child-safe */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "launch/child.h"

enum
{
  HEAD = 256,    /* what the kernel looks at (BINPRM_BUF_SIZE) */
  SEGMENTS = 32  /* in which an interpreter is looked for */
};

static const struct
{
  uint16_t number;
  const char *name;
} machines[] = {
  { EM_386, "i386" },   { EM_X86_64, "x86_64" }, { EM_ARM, "arm" },     { EM_AARCH64, "aarch64" }, { EM_RISCV, "riscv" },
  { EM_PPC64, "ppc64" }, { EM_S390, "s390x" },    { EM_MIPS, "mips" },
};

/* The interpreter that a script's first line names.  */
static void
of_script (const char *head, char *buf, size_t size)
{
  const char *at = head + 2 + strspn (head + 2, " \t");
  int len = (int) strcspn (at, " \t\n");
  bool dos = len > 0 && at[len - 1] == '\r';
  char name[HEAD];

  (void) snprintf (name, sizeof name, "%.*s", dos ? len - 1 : len, at);
  own_fd int fd = dos ? -1 : open (name, O_PATH | O_CLOEXEC);
  (void) snprintf (buf, size, "the interpreter \"%s\" of its #! line%s", name,
                   dos ? ", which ends with a carriage return as on DOS" : fd < 0 ? " is missing" : " cannot be executed itself");
}

/* The loader that a dynamic program of this machine's word size names.  */
static void
of_dynamic (int fd, const Elf64_Ehdr *head, char *buf, size_t size)
{
  Elf64_Phdr segments[SEGMENTS];
  size_t n = head->e_phnum < SEGMENTS ? head->e_phnum : SEGMENTS;
  ssize_t got = pread (fd, segments, n * sizeof *segments, (off_t) head->e_phoff);

  for (size_t i = 0; got > 0 && i < (size_t) got / sizeof *segments; i++)
    if (segments[i].p_type == PT_INTERP)
      {
        char name[HEAD];
        ssize_t len = pread (fd, name, sizeof name - 1, (off_t) segments[i].p_offset);

        name[len > 0 ? len : 0] = '\0';
        (void) snprintf (buf, size, "its loader \"%s\" is missing", name);
        return;
      }
}

static void
of_machine (uint16_t machine, char *buf, size_t size)
{
  for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
    if (machines[i].number == machine)
      {
        (void) snprintf (buf, size, "it is a program for %s", machines[i].name);
        return;
      }
  (void) snprintf (buf, size, "it is a program for another machine (ELF number %u)", machine);
}

void
child_why (const char *path, int num, char *buf, size_t size)
{
  union
  {
    char text[HEAD + 1];
    Elf64_Ehdr elf;
  } head = { .text = "" };
  own_fd int fd = num == ENOENT || num == ENOEXEC ? open (path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1;
  ssize_t n = fd < 0 ? -1 : pread (fd, head.text, HEAD, 0); /* not of a pipe or the like, which cannot be executed anyway */
  bool is_elf = n >= (ssize_t) sizeof head.elf && memcmp (head.text, ELFMAG, SELFMAG) == 0;

  buf[0] = '\0';
  if (n >= 2 && memcmp (head.text, "#!", 2) == 0)
    of_script (head.text, buf, size);
  else if (is_elf && num == ENOEXEC)
    of_machine (head.elf.e_machine, buf, size);
  else if (is_elf && head.elf.e_ident[EI_CLASS] == ELFCLASS64)
    of_dynamic (fd, &head.elf, buf, size);
  else if (n >= 0 && num == ENOEXEC)
    (void) snprintf (buf, size, n == 0 ? "it is empty" : "it begins with neither #! nor an ELF header");
}
