/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of plan/plan.c and what it calls, for what the golden tests cannot say well.  */
#include "in_text.h"

#include "base/log.h"
#include "plan/arena.h"
#include "plan/host.h"
#include "plan/make.h"
#include "plan/plan.h"
#include "plan/show.h"

static const struct host root_host = { .last_cap = 40, .permitted = 0x1ffffffffff, .bounding = 0x1ffffffffff, .mount_api = true };
static const struct plan_args args = { .id = "c", .bundle = "/b" };

static int
open_arena (void **state)
{
  struct plan_arena *a = calloc (1, sizeof *a);

  *state = a;
  return a == NULL || plan_arena_open (a, NULL) < 0;
}

static int
close_arena (void **state)
{
  plan_arena_close (*state);
  free (*state);
  return 0;
}

/* Makes the plan of TEXT.  */
static int
make (struct plan_arena *a, const char *text, struct plan **plan, struct err *err)
{
  struct document doc = parse_text (text, &oci_config_type);
  int ret = plan_make (a, doc.object, &root_host, &args, NULL, plan, err);

  document_close (&doc);
  return ret;
}

/* Strings are copied: the document may go.  */
static void
plan_make_outlives_the_document (void **state)
{
  struct plan *plan = NULL;

  assert_int_equal (make (*state, PLAIN_CONFIG, &plan, NULL), 0);
  assert_string_equal (plan->root.path, "/b/rootfs");
  assert_string_equal (plan->process.argv[0], "sh");
  assert_null (plan->process.argv[1]);
  assert_string_equal (plan->process.envp[0], "SECRET=hunter2");
  assert_string_equal (plan->keyring, "_ses.c");
}

/* "/d0", "/d1" ... as N tmpfs.  */
static char *
many_mounts (size_t n)
{
  char *text = NULL;
  size_t len = 0;
  FILE *f = open_memstream (&text, &len);

  assert_non_null (f);
  fputs ("{ \"ociVersion\": \"1.0.0\", \"root\": { \"path\": \"r\" }, \"linux\": { \"namespaces\": [ { \"type\": \"mount\" } ] }, \"mounts\": [", f);
  for (size_t i = 0; i < n; i++)
    fprintf (f, "%s{ \"destination\": \"/d%zu\", \"type\": \"tmpfs\" }", i ? "," : "", i);
  fputs ("] }", f);
  fclose (f);
  return text;
}

static void
plan_make_as_many_mounts_as_allowed (void **state)
{
  struct plan *plan = NULL;
  own_mem char *text = many_mounts (PLAN_MOUNTS_MAX);

  assert_int_equal (make (*state, text, &plan, NULL), 0);
  assert_int_equal (plan->n_mounts, PLAN_MOUNTS_MAX);
}

static void
plan_make_too_many_mounts (void **state)
{
  struct plan *plan = NULL;
  struct err err = { 0 };
  own_mem char *text = many_mounts (PLAN_MOUNTS_MAX + 1);

  assert_int_equal (make (*state, text, &plan, &err), -EINVAL);
  assert_string_equal (err.where, "mounts");
  assert_null (plan);
}

static void
plan_make_full_arena (void **state)
{
  struct plan_arena *a = *state;
  struct plan *plan = NULL;
  struct err err = { 0 };

  for (size_t left = 0; left < 200000; left = left * 2 + 64)
    {
      a->used = a->size - left;
      assert_int_equal (make (a, PLAIN_CONFIG, &plan, &err), -ENOMEM);
      assert_null (plan);
    }
}

static void
plan_make_does_not_change_the_document (void **state)
{
  struct document doc = parse_text (PLAIN_CONFIG, &oci_config_type);
  struct plan *plan = NULL;
  own_mem char *before = NULL, *after = NULL;

  assert_int_equal (oci_encode (&oci_config_type, doc.object, false, &before, NULL), 0);
  assert_int_equal (plan_make (*state, doc.object, &root_host, &args, NULL, &plan, NULL), 0);
  assert_int_equal (oci_encode (&oci_config_type, doc.object, false, &after, NULL), 0);
  assert_string_equal (before, after);
  document_close (&doc);
}

static void
plan_make_same_input_same_output (void **state)
{
  struct plan *one = NULL, *two = NULL;
  own_mem char *first = NULL, *second = NULL;

  assert_int_equal (make (*state, PLAIN_CONFIG, &one, NULL), 0);
  assert_int_equal (make (*state, PLAIN_CONFIG, &two, NULL), 0);
  assert_int_equal (plan_show (one, &first, NULL), 0);
  assert_int_equal (plan_show (two, &second, NULL), 0);
  assert_string_equal (first, second);
}

static void
plan_make_hooks_alone (void **state)
{
  struct document doc = parse_text ("{ \"ociVersion\": \"1.0.0\", \"hooks\": { \"poststop\": [ { \"path\": \"/x\", \"timeout\": 3 } ] } }",
                                    &oci_config_type);
  struct plan_hooks hooks;

  assert_int_equal (plan_make_hooks (*state, doc.object, &hooks, NULL), 0);
  document_close (&doc);
  assert_int_equal (hooks.n_poststop, 1);
  assert_int_equal (hooks.n_prestart, 0);
  assert_string_equal (hooks.poststop[0].argv[0], "/x");
  assert_int_equal (hooks.poststop[0].timeout, 3);
}

/* CVE-2025-23266: what the image or our caller has in its environment is no business of a hook.  */
static void
plan_make_hooks_have_no_inherited_environment (void **state)
{
  struct document doc = parse_text ("{ \"ociVersion\": \"1.0.0\", \"hooks\": { \"createContainer\": [ { \"path\": \"/x\" } ] },"
                                    "  \"process\": { \"cwd\": \"/\", \"args\": [ \"x\" ], \"env\": [ \"LD_PRELOAD=/evil\" ] } }",
                                    &oci_config_type);
  struct plan_hooks hooks;

  setenv ("LD_PRELOAD_LIKE", "1", 1);
  assert_int_equal (plan_make_hooks (*state, doc.object, &hooks, NULL), 0);
  assert_memory_equal (hooks.create_container[0].envp[0], "PATH=/", 6);
  assert_null (hooks.create_container[0].envp[1]);
  document_close (&doc);
}

static void
plan_show_hides_values_of_the_environment (void **state)
{
  struct plan *plan = NULL;
  own_mem char *text = NULL;

  assert_int_equal (make (*state, PLAIN_CONFIG, &plan, NULL), 0);
  assert_int_equal (plan_show (plan, &text, NULL), 0);
  assert_non_null (strstr (text, "SECRET"));
  assert_null (strstr (text, "hunter2"));
}

/* One thing, one line: no text of a document may forge another, or speak to a terminal.  */
static void
plan_show_quotes_controls (void **state)
{
  struct plan *plan = NULL;
  own_mem char *text = NULL;

  assert_int_equal (make (*state,
                          "{ \"ociVersion\": \"1.0.0\", \"root\": { \"path\": \"r\\nroot: \\u001b[2J\" },"
                          "  \"process\": { \"cwd\": \"/\", \"args\": [ \"a\\tb\\u007f\" ] },"
                          "  \"linux\": { \"namespaces\": [ { \"type\": \"mount\" } ] } }",
                          &plan, NULL),
                    0);
  assert_int_equal (plan_show (plan, &text, NULL), 0);
  assert_non_null (strstr (text, "\"/b/r\\x0aroot: \\x1b[2J\""));
  assert_non_null (strstr (text, "\"a\\x09b\\x7f\""));
  for (const char *p = text; *p; p++)
    assert_true (*p == '\n' || (unsigned char) *p >= 0x20);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown (name, open_arena, close_arena)
    TEST (plan_make_outlives_the_document),
    TEST (plan_make_as_many_mounts_as_allowed),
    TEST (plan_make_too_many_mounts),
    TEST (plan_make_full_arena),
    TEST (plan_make_does_not_change_the_document),
    TEST (plan_make_same_input_same_output),
    TEST (plan_make_hooks_alone),
    TEST (plan_make_hooks_have_no_inherited_environment),
    TEST (plan_show_hides_values_of_the_environment),
    TEST (plan_show_quotes_controls),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
