/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of plan/environment.c.  */
#include "in_text.h"

#include "plan/arena.h"
#include "plan/environment.h"
#include "plan/plan.h"

static int
open_arena (void **state)
{
  static struct plan_arena a;

  *state = &a;
  return plan_arena_open (&a, NULL);
}

static int
close_arena (void **state)
{
  plan_arena_close (*state);
  return 0;
}

static void
environment_make_keeps_order (void **state)
{
  static const char *const env[] = { "B=2", "A=1", "PATH=/x:/y", "EMPTY=", "HOME=/h" };
  struct plan_process p = { 0 };

  assert_int_equal (environment_make (*state, env, 5, NULL, &p, NULL), 0);
  assert_int_equal (p.n_envp, 5);
  for (size_t i = 0; i < 5; i++)
    assert_string_equal (p.envp[i], env[i]);
  assert_null (p.envp[5]);
  assert_string_equal (p.path_env, "/x:/y");
  assert_false (p.add_home);
}

static void
environment_make_last_wins (void **state)
{
  static const char *const env[] = { "A=1", "AB=1", "A=2", "PATH=/old", "A=3=x", "PATH=/new", "HOME_=x" };
  static const char *const extra[] = { "AB=9", "LISTEN_FDS=1", NULL };
  static const char *const want[] = { "A=3=x", "PATH=/new", "HOME_=x", "AB=9", "LISTEN_FDS=1" };
  struct plan_process p = { 0 };

  assert_int_equal (environment_make (*state, env, 7, extra, &p, NULL), 0);
  assert_int_equal (p.n_envp, 5);
  for (size_t i = 0; i < 5; i++)
    assert_string_equal (p.envp[i], want[i]);
  assert_string_equal (p.path_env, "/new");
  assert_true (p.add_home);
}

static void
environment_make_empty (void **state)
{
  struct plan_process p = { 0 };

  assert_int_equal (environment_make (*state, NULL, 0, NULL, &p, NULL), 0);
  assert_int_equal (p.n_envp, 0);
  assert_null (p.envp[0]);
  assert_string_equal (p.path_env, ENVIRONMENT_PATH);
  assert_true (p.add_home);
}

static void
environment_make_empty_path_is_a_path (void **state)
{
  static const char *const env[] = { "PATH=" };
  struct plan_process p = { 0 };

  assert_int_equal (environment_make (*state, env, 1, NULL, &p, NULL), 0);
  assert_string_equal (p.path_env, "");
}

/* Compared each with each these would be 10^10 comparisons.  */
static void
environment_make_very_many (void **state)
{
  enum { N = 100000 };
  char (*text)[32] = calloc (N, sizeof *text);
  const char **env = calloc (N, sizeof *env);
  struct plan_process p = { 0 };

  for (int i = 0; i < N; i++)
    {
      snprintf (text[i], sizeof text[i], "V%d=%d", i % (N / 2), i);
      env[i] = text[i];
    }
  assert_int_equal (environment_make (*state, env, N, NULL, &p, NULL), 0);
  assert_int_equal (p.n_envp, N / 2);
  assert_string_equal (p.envp[0], "V0=50000");
  free (env);
  free (text);
}

static void
environment_make_full_arena (void **state)
{
  static const char *const env[] = { "A=1" };
  struct plan_arena *a = *state;
  struct plan_process p = { 0 };
  struct err err = { 0 };
  size_t used = a->used;

  a->used = a->size - 32;
  assert_int_equal (environment_make (a, env, 1, NULL, &p, &err), -ENOMEM);
  assert_int_equal (err.num, ENOMEM);
  a->used = used;
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (environment_make_keeps_order), cmocka_unit_test (environment_make_last_wins),
    cmocka_unit_test (environment_make_empty),       cmocka_unit_test (environment_make_empty_path_is_a_path),
    cmocka_unit_test (environment_make_very_many),   cmocka_unit_test (environment_make_full_arena),
  };

  return cmocka_run_group_tests (tests, open_arena, close_arena);
}
