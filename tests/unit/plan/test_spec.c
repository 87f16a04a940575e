/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of plan/spec.c: the document we write is one that we accept.  */
#include "in_text.h"

#include "cgroup/layout.h"
#include "plan/arena.h"
#include "plan/host.h"
#include "plan/make.h"
#include "plan/plan.h"
#include "plan/rules.h"
#include "plan/spec.h"

static struct document
make (const struct spec_args *args)
{
  own_mem char *json = NULL;

  assert_int_equal (spec_make (args, &json, NULL), 0);
  return parse_text (json, &oci_config_type);
}

static bool
lists (const struct oci_config *c, const char *type)
{
  for (size_t i = 0; i < c->linux_->n_namespaces; i++)
    if (strcmp (c->linux_->namespaces[i].type, type) == 0)
      return true;
  return false;
}

/* It keeps the rules, and a plan can be made of it on HOST.  */
static void
check_usable (const struct document *doc, const struct host *host)
{
  const struct plan_args args = { .id = "c", .bundle = "/b" };
  struct plan_arena arena;
  struct plan *plan = NULL;
  struct err err = { 0 };

  if (rules_check (doc->object, doc->text, doc->len, &err) < 0)
    fail_msg ("%s: %s", err.where, err.what);
  assert_int_equal (plan_arena_open (&arena, NULL), 0);
  if (plan_make (&arena, doc->object, host, &args, NULL, &plan, &err) < 0)
    fail_msg ("%s: %s", err.where, err.what);
  plan_arena_close (&arena);
}

static void
spec_make_for_root (void **state)
{
  const struct host host = { .last_cap = 40, .permitted = 0x1ffffffffff, .bounding = 0x1ffffffffff, .mount_api = true };
  struct document doc = make (&(struct spec_args){ .cgroup2 = false });
  const struct oci_config *c = doc.object;

  (void) state;
  assert_string_equal (c->process->args[0], "sh");
  assert_true (c->process->terminal);
  assert_true (c->root->readonly);
  assert_true (lists (c, "network"));
  assert_false (lists (c, "cgroup"));
  assert_false (lists (c, "user"));
  assert_non_null (c->linux_->resources);
  check_usable (&doc, &host);
  document_close (&doc);
}

static void
spec_make_cgroup2_has_a_cgroup_namespace (void **state)
{
  struct document doc = make (&(struct spec_args){ .cgroup2 = true });

  (void) state;
  assert_true (lists (doc.object, "cgroup"));
  document_close (&doc);
}

static void
spec_make_rootless (void **state)
{
  const struct host host = { .euid = 1000, .egid = 1001, .last_cap = 40, .bounding = 0x1ffffffffff, .in_user_ns = true, .mount_api = true };
  struct document doc = make (&(struct spec_args){ .rootless = true, .cgroup2 = true, .uid = 1000, .gid = 1001 });
  const struct oci_config *c = doc.object;

  (void) state;
  assert_true (lists (c, "user"));
  assert_false (lists (c, "network"));
  assert_int_equal (c->linux_->uid_mappings[0].host_id, 1000);
  assert_int_equal (c->linux_->gid_mappings[0].host_id, 1001);
  assert_int_equal (c->linux_->gid_mappings[0].size, 1);
  assert_null (c->linux_->resources);
  for (size_t i = 0; i < c->n_mounts; i++)
    for (size_t j = 0; j < c->mounts[i].n_options; j++)
      assert_true (strncmp (c->mounts[i].options[j], "gid=", 4) != 0); /* not mapped */
  check_usable (&doc, &host);
  document_close (&doc);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (spec_make_for_root),
    cmocka_unit_test (spec_make_cgroup2_has_a_cgroup_namespace),
    cmocka_unit_test (spec_make_rootless),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
