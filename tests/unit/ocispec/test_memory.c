/* SPDX-License-Identifier: Apache-2.0 */
/* What the decoder does when memory is short.  The arena is compiled into this program, with a calloc that fails on
 * demand, in place of the library's.  */
#include <stdlib.h>

static unsigned countdown; /* the call of calloc that fails; 0: none */

static void *
failing_calloc (size_t n, size_t size)
{
  return countdown && --countdown == 0 ? NULL : calloc (n, size);
}

#define calloc failing_calloc
#include "ocispec/arena.c"
#undef calloc

#include "sample.h"

static void
oci_decode_reports_lack_of_memory (void **state)
{
  static struct oci_faults faults;
  size_t size = 1 << 20, n = 0;
  char *text = malloc (size);
  unsigned failed = 0;
  int ret;

  (void) state;
  n += (size_t) snprintf (text, size, "{" SAMPLE_MUST ",\"things\":{");
  for (int i = 0; i < 2000; i++)
    n += (size_t) snprintf (text + n, size - n, "%s\"key %d\":{\"name\":\"name %d\",\"size\":%d}", i ? "," : "", i, i,
                            i);
  n += (size_t) snprintf (text + n, size - n, "},\"one\":{\"name\":\"a\",\"size\":1},\"\\u00e4\":1}");
  do
    {
      struct oci_arena *arena = NULL;
      void *object = NULL;

      countdown = failed + 1;
      ret = oci_decode (&sample_type, text, n, &object, &arena, &faults);
      oci_arena_free (arena);
      if (ret == 0)
        break;
      failed++;
      assert_int_equal (ret, -ENOMEM);
      assert_null (object);
      assert_int_equal (faults.total, 1);
      assert_string_equal (faults.fault[0].what, "out of memory");
    }
  while (failed < 1000);
  countdown = 0;
  free (text);
  assert_int_equal (ret, 0);
  assert_true (failed > 4);
}

int
main (void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test (oci_decode_reports_lack_of_memory) };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
