/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of documents.  */
#include "sample.h"

#include <stdalign.h>

static void
oci_alloc_is_zeroed_and_aligned (void **state)
{
  struct oci_arena *arena = NULL;

  (void) state;
  for (size_t size = 0; size < 3000; size += 7)
    {
      unsigned char *p = oci_alloc (&arena, size);

      assert_non_null (p);
      assert_int_equal ((uintptr_t) p % alignof (max_align_t), 0);
      for (size_t i = 0; i < size; i++)
        assert_int_equal (p[i], 0);
      memset (p, 0xff, size);
    }
  oci_arena_free (arena);
}

static void
oci_alloc_pieces_do_not_overlap (void **state)
{
  struct oci_arena *arena = NULL;
  unsigned char *p[200];

  (void) state;
  for (unsigned i = 0; i < 200; i++)
    {
      p[i] = oci_alloc (&arena, i * 50 + 1);
      memset (p[i], (int) i, i * 50 + 1);
    }
  for (unsigned i = 0; i < 200; i++)
    for (unsigned j = 0; j < i * 50 + 1; j++)
      assert_int_equal (p[i][j], i);
  oci_arena_free (arena);
}

static void
oci_alloc_refuses_too_much (void **state)
{
  struct oci_arena *arena = NULL;

  (void) state;
  assert_null (oci_alloc (&arena, SIZE_MAX - 8));
  assert_null (oci_strndup (&arena, "", SIZE_MAX));
  assert_non_null (oci_alloc (&arena, 1));
  assert_null (oci_alloc (&arena, SIZE_MAX - 8));
  oci_arena_free (arena);
}

static void
oci_strndup_ends_with_nul (void **state)
{
  struct oci_arena *arena = NULL;

  (void) state;
  assert_string_equal (oci_strndup (&arena, "abcdef", 3), "abc");
  assert_string_equal (oci_strndup (&arena, "abcdef", 0), "");
  oci_arena_free (arena);
}

static void
oci_arena_size_counts_all (void **state)
{
  struct oci_arena *arena = NULL;
  size_t first;

  (void) state;
  assert_int_equal (oci_arena_size (NULL), 0);
  oci_alloc (&arena, 1);
  first = oci_arena_size (arena);
  assert_true (first > 0);
  oci_alloc (&arena, 1 << 20);
  assert_true (oci_arena_size (arena) >= first + (1 << 20));
  oci_arena_free (arena);
  oci_arena_free (NULL);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (oci_alloc_is_zeroed_and_aligned), cmocka_unit_test (oci_alloc_pieces_do_not_overlap),
    cmocka_unit_test (oci_alloc_refuses_too_much),      cmocka_unit_test (oci_strndup_ends_with_nul),
    cmocka_unit_test (oci_arena_size_counts_all),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
