/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of a file that cannot be executed, whatever it holds. */
#include "child.h"

#include <elf.h>
#include <fcntl.h>

/* What is said of a file with the LEN bytes at CONTENT after execve failed with NUM.  */
static const char *
why (void **state, const void *content, size_t len, int num)
{
  static char text[384];
  const char *path = room_path (state, "program");
  int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

  assert_true (fd >= 0);
  assert_int_equal (write (fd, content, len), (ssize_t) len);
  assert_int_equal (close (fd), 0);
  child_why (path, num, text, sizeof text);
  return text;
}

static void
child_why_of_scripts (void **state)
{
  static const struct
  {
    const char *text, *said;
  } cases[] = {
    { "#!/no/such\n", "the interpreter \"/no/such\" of its #! line is missing" },
    { "#! \t /no/such -x y\nmore", "the interpreter \"/no/such\" of its #! line is missing" },
    { "#!/no/such", "the interpreter \"/no/such\" of its #! line is missing" },
    { "#!/bin/sh\r\n", "the interpreter \"/bin/sh\" of its #! line, which ends with a carriage return as on DOS" },
    { "#!/\n", "the interpreter \"/\" of its #! line cannot be executed itself" },
    { "#!\n", "the interpreter \"\" of its #! line is missing" },
    { "#!", "the interpreter \"\" of its #! line is missing" },
  };
  char full[600];

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_string_equal (why (state, cases[i].text, strlen (cases[i].text), ENOENT), cases[i].said);
  memset (full, 'x', sizeof full); /* a name longer than the kernel looks */
  memcpy (full, "#!/", 3);
  assert_non_null (strstr (why (state, full, sizeof full, ENOENT), "xxx\" of its #! line is missing"));
}

struct program
{
  Elf64_Ehdr head;
  Elf64_Phdr segment;
  char loader[32];
};

static struct program
program (void)
{
  return (struct program){ .head = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
                                     .e_machine = EM_RISCV, .e_phnum = 1, .e_phoff = offsetof (struct program, segment) },
                           .segment = { .p_type = PT_INTERP, .p_offset = offsetof (struct program, loader) },
                           .loader = "/no/loader" };
}

static void
child_why_of_programs (void **state)
{
  struct program p = program ();

  assert_string_equal (why (state, &p, sizeof p, ENOENT), "its loader \"/no/loader\" is missing");
  assert_string_equal (why (state, &p, sizeof p, ENOEXEC), "it is a program for riscv");
  p.head.e_machine = 4567;
  assert_string_equal (why (state, &p, sizeof p, ENOEXEC), "it is a program for another machine (ELF number 4567)");
}

/* Numbers in the file lead nowhere else.  */
static void
child_why_of_nonsense (void **state)
{
  struct program p = program ();

  p.head.e_phnum = 0xffff;
  assert_string_equal (why (state, &p, sizeof p, ENOENT), "its loader \"/no/loader\" is missing");
  p.head.e_phoff = UINT64_MAX;
  assert_string_equal (why (state, &p, sizeof p, ENOENT), "");
  p.head.e_phoff = 1 << 20;
  assert_string_equal (why (state, &p, sizeof p, ENOENT), "");
  p = program ();
  p.segment.p_offset = UINT64_MAX;
  assert_string_equal (why (state, &p, sizeof p, ENOENT), "its loader \"\" is missing");
  p = program ();
  p.segment.p_type = PT_LOAD;
  assert_string_equal (why (state, &p, sizeof p, ENOENT), "");
  assert_string_equal (why (state, &p, sizeof p.head - 1, ENOEXEC), "it begins with neither #! nor an ELF header");
  assert_string_equal (why (state, "", 0, ENOEXEC), "it is empty");
  assert_string_equal (why (state, "", 0, ENOENT), "");
}

/* No other failure is the file's, and what is no file is not waited for.  */
static void
child_why_of_nothing (void **state)
{
  char text[64];

  assert_string_equal (why (state, "#!/no/such\n", 11, EACCES), "");
  child_why (room_path (state, "none"), ENOENT, text, sizeof text);
  assert_string_equal (text, "");
  assert_int_equal (mkfifo (room_path (state, "pipe"), 0666), 0);
  child_why (room_path (state, "pipe"), ENOEXEC, text, sizeof text);
  assert_string_equal (text, "");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    child_test (child_why_of_scripts),
    child_test (child_why_of_programs),
    child_test (child_why_of_nonsense),
    child_test (child_why_of_nothing),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
