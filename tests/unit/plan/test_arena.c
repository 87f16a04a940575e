/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of plan/arena.c.  */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "plan/arena.h"

static void
plan_arena_open_at_a_slot (void **state)
{
  struct plan_arena a;

  (void) state;
  assert_int_equal (plan_arena_open (&a, NULL), 0);
  assert_true (a.fd >= 0);
  assert_int_equal ((uintptr_t) a.base % a.size, 0);
  plan_arena_close (&a);
  assert_int_equal (a.fd, -1);
  assert_null (a.base);
}

static void
plan_arena_open_several_at_once (void **state)
{
  struct plan_arena a[4];

  (void) state;
  for (size_t i = 0; i < 4; i++)
    assert_int_equal (plan_arena_open (&a[i], NULL), 0);
  for (size_t i = 0; i < 4; i++)
    for (size_t j = 0; j < i; j++)
      assert_true (a[i].base + a[i].size <= a[j].base || a[j].base + a[j].size <= a[i].base);
  for (size_t i = 0; i < 4; i++)
    plan_arena_close (&a[i]);
}

static void
plan_arena_close_never_opened (void **state)
{
  struct plan_arena a = { .fd = -1 };

  (void) state;
  plan_arena_close (&a);
  assert_int_equal (a.fd, -1);
}

/* What the child does: the same bytes at the same place, so that pointers hold.  */
static int
read_as_child (const struct plan_arena *a, const char *text)
{
  char copy[32];

  memcpy (copy, text, sizeof copy); /* before the parent's mapping goes */
  if (munmap (a->base, a->size) < 0)
    return 1;
  if (mmap (a->base, a->size, PROT_READ, MAP_SHARED | MAP_FIXED, a->fd, 0) != a->base)
    return 2;
  return memcmp (text, copy, sizeof copy) == 0 ? 0 : 3;
}

static void
plan_arena_open_is_seen_by_a_child (void **state)
{
  struct plan_arena a;
  const char *text;
  int status;
  pid_t pid;

  (void) state;
  assert_int_equal (plan_arena_open (&a, NULL), 0);
  text = plan_printf (&a, "%s %d and some more bytes to copy", "seen", 42);
  pid = fork ();
  if (pid == 0)
    _exit (read_as_child (&a, text));
  assert_int_equal (waitpid (pid, &status, 0), pid);
  assert_true (WIFEXITED (status));
  assert_int_equal (WEXITSTATUS (status), 0);
  plan_arena_close (&a);
}

static void
plan_alloc_zeroed_and_aligned (void **state)
{
  struct plan_arena a;

  (void) state;
  assert_int_equal (plan_arena_open (&a, NULL), 0);
  for (size_t n = 1; n < 100; n++)
    {
      char *p = plan_alloc (&a, n);

      assert_int_equal ((uintptr_t) p % _Alignof (max_align_t), 0);
      for (size_t i = 0; i < n; i++)
        assert_int_equal (p[i], 0);
      memset (p, 0xff, n);
    }
  plan_arena_close (&a);
}

static void
plan_alloc_full (void **state)
{
  struct plan_arena a;

  (void) state;
  assert_int_equal (plan_arena_open (&a, NULL), 0);
  assert_null (plan_alloc (&a, a.size + 1));
  assert_null (plan_alloc (&a, SIZE_MAX));
  assert_non_null (plan_alloc (&a, a.size - 32));
  assert_non_null (plan_strdup (&a, "15 bytes, NUL.."));
  assert_null (plan_strdup (&a, "a text of more than sixteen bytes"));
  assert_null (plan_printf (&a, "%s", "a text of more than sixteen bytes"));
  assert_non_null (plan_printf (&a, "%d", 7));
  assert_null (plan_alloc (&a, 1));
  plan_arena_close (&a);
}

static void
plan_strdup_null (void **state)
{
  struct plan_arena a;

  (void) state;
  assert_int_equal (plan_arena_open (&a, NULL), 0);
  assert_null (plan_strdup (&a, NULL));
  assert_int_equal (a.used, 0);
  assert_string_equal (plan_strdup (&a, ""), "");
  plan_arena_close (&a);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (plan_arena_open_at_a_slot),     cmocka_unit_test (plan_arena_open_several_at_once),
    cmocka_unit_test (plan_arena_close_never_opened), cmocka_unit_test (plan_arena_open_is_seen_by_a_child),
    cmocka_unit_test (plan_alloc_zeroed_and_aligned), cmocka_unit_test (plan_alloc_full),
    cmocka_unit_test (plan_strdup_null),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
