/* SPDX-License-Identifier: Apache-2.0 */
/* Device rules: the whole list, and what of it cgroup v1 is told.  */
#include "resources.h"

#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "cgroup/devices.h"
#include "cgroup/limits.h"

static struct oci_arena *arena;

static const char default_exceptions[] = "c *:* m;b *:* m;c 1:3 rwm;c 1:5 rwm;c 1:7 rwm;c 1:8 rwm;c 1:9 rwm;c 5:0 rwm;"
                                         "c 5:1 rwm;c 5:2 rwm;c 136:* rwm;c 10:200 rwm;";

static void
add_number (char *out, int32_t n)
{
  if (n < 0)
    strcat (out, "*");
  else
    sprintf (out + strlen (out), "%d", n);
}

/* The exceptions in the kernel's words, joined by ";".  */
static const char *
show (const struct device_rules *rules)
{
  static char out[4096];

  *out = '\0';
  for (size_t i = 0; i < rules->n; i++)
    {
      const struct devbpf_rule *r = &rules->rules[i];
      sprintf (out + strlen (out), "%c ", r->type);
      add_number (out, r->major);
      strcat (out, ":");
      add_number (out, r->minor);
      sprintf (out + strlen (out), " %s%s%s;", r->access & DEVBPF_READ ? "r" : "", r->access & DEVBPF_WRITE ? "w" : "",
               r->access & DEVBPF_MKNOD ? "m" : "");
    }
  return out;
}

static void
expect_reduced (const char *json, bool allow, const char *exceptions)
{
  struct device_rules rules;
  struct err err = { 0 };

  assert_int_equal (cgroup_device_rules (json ? resources (json, &arena) : NULL, &rules, NULL), 0);
  if (cgroup_device_rules_reduce (&rules, &err) < 0)
    fail_msg ("%s: %s", json, err.what);
  assert_int_equal (rules.allow, allow);
  assert_string_equal (show (&rules), exceptions);
  free (rules.rules);
}

static void
cgroup_device_rules_default (void **state)
{
  struct device_rules rules;

  (void) state;
  assert_int_equal (cgroup_device_rules (NULL, &rules, NULL), 0);
  assert_false (rules.allow);
  assert_int_equal (rules.n, 12);
  assert_false (cgroup_device_rules_open (&rules));
  free (rules.rules);
  expect_reduced (NULL, false, default_exceptions);
  expect_reduced ("{'devices':[{'allow':false,'access':'rwm'}]}", false, default_exceptions);
}

static void
cgroup_device_rules_privileged (void **state)
{
  struct device_rules rules;

  (void) state;
  assert_int_equal (
      cgroup_device_rules (resources ("{'devices':[{'allow':true,'access':'rwm'}]}", &arena), &rules, NULL), 0);
  assert_true (cgroup_device_rules_open (&rules));
  free (rules.rules);
  expect_reduced ("{'devices':[{'allow':true,'type':'a','access':'mwr'}]}", true, "");
}

static void
cgroup_device_rules_reset (void **state)
{
  struct device_rules rules;
  const struct oci_resources *r = resources (
      "{'devices':[{'allow':true,'type':'b','major':8,'access':'r'},{'allow':false,'access':'rwm'}]}", &arena);

  (void) state;
  assert_int_equal (cgroup_device_rules (r, &rules, NULL), 0);
  assert_int_equal (rules.n, 12); /* what came before "nothing at all" is void */
  free (rules.rules);
}

static void
cgroup_device_rules_reduce_lists (void **state)
{
  char expected[1000];

  (void) state;
  /* Docker: what is allowed twice is written once, and a denied device that nobody allowed not at all */
  expect_reduced (
      "{'devices':[{'allow':false,'access':'rwm'},{'allow':true,'type':'c','major':1,'minor':5,'access':'rwm'},"
      "{'allow':true,'type':'c','major':1,'minor':3,'access':'rwm'},{'allow':false,'type':'c','major':10,'minor':229,'access':'rwm'}]}",
      false,
      "c 1:5 rwm;c 1:3 rwm;c *:* m;b *:* m;c 1:7 rwm;c 1:8 rwm;c 1:9 rwm;c 5:0 rwm;c 5:1 rwm;c 5:2 rwm;"
      "c 136:* rwm;c 10:200 rwm;");
  /* an access more for the same device */
  snprintf (expected, sizeof expected, "c 10:229 rw;%s", default_exceptions);
  expect_reduced ("{'devices':[{'allow':true,'type':'c','major':10,'minor':229,'access':'r'},"
                  "{'allow':true,'type':'c','major':10,'minor':229,'access':'w'}]}",
                  false, expected);
  /* one access less */
  snprintf (expected, sizeof expected, "b 8:0 r;%s", default_exceptions);
  expect_reduced ("{'devices':[{'allow':true,'type':'b','major':8,'minor':0,'access':'rw'},"
                  "{'allow':false,'type':'b','major':8,'access':'w'}]}",
                  false, expected);
}

static void
cgroup_device_rules_reduce_both_types (void **state)
{
  struct device_rules rules;
  const struct oci_resources *r = resources ("{'devices':[{'allow':true,'major':7,'minor':1,'access':'r'}]}", &arena);

  (void) state;
  assert_int_equal (cgroup_device_rules (r, &rules, NULL), 0);
  assert_int_equal (cgroup_device_rules_reduce (&rules, NULL), 0);
  assert_ptr_equal (strstr (show (&rules), "c 7:1 r;b 7:1 r;c *:* m;"), show (&rules));
  free (rules.rules);
}

static void
cgroup_device_rules_reduce_denied_from_all (void **state)
{
  (void) state;
  /* all but one: the default devices' rules say nothing new */
  expect_reduced (
      "{'devices':[{'allow':true,'access':'rwm'},{'allow':false,'type':'b','major':8,'minor':0,'access':'rw'}]}", true,
      "b 8:0 rw;");
}

static void
cgroup_device_rules_reduce_holes (void **state)
{
  static const char *const cases[] = {
    "{'devices':[{'allow':true,'type':'c','major':10,'access':'rw'},{'allow':false,'type':'c','major':10,'minor':229,'access':'w'}]}",
    "{'devices':[{'allow':true,'access':'rwm'},{'allow':false,'type':'c','major':1,'access':'rw'}]}", /* 1:3 is allowed again */
    "{'devices':[{'allow':true,'type':'c','minor':3,'access':'r'},{'allow':false,'type':'c','major':4,'access':'r'}]}",
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      struct device_rules rules;
      struct err err = { 0 };
      assert_int_equal (cgroup_device_rules (resources (cases[i], &arena), &rules, NULL), 0);
      assert_int_equal (cgroup_device_rules_reduce (&rules, &err), -EINVAL);
      assert_string_equal (err.where, "linux.resources.devices");
      free (rules.rules);
    }
}

static void
cgroup_device_is_default_or_not (void **state)
{
  (void) state;
  assert_true (cgroup_device_is_default ('c', 1, 3));
  assert_true (cgroup_device_is_default ('c', 136, 77));
  assert_true (cgroup_device_is_default ('c', 10, 200));
  assert_false (cgroup_device_is_default ('b', 1, 3));
  assert_false (cgroup_device_is_default ('c', 1, 1));
  assert_false (cgroup_device_is_default ('b', 8, 0)); /* that it may be made is no use */
}

static void
cgroup_device_rules_parse_lists (void **state)
{
  static const char list[] = "c *:* m\nb *:* m\nc 1:3 rwm\nb 259:1048575 r\nc 136:* rwm\n";
  static const char *const bad[] = { "c 1:3", "c 1 rwm\n", "c 1:3 x\n", "c 1:99999999999 r\n", "c **:3 r\n" };
  struct device_rules rules;

  (void) state;
  assert_int_equal (cgroup_device_rules_parse (list, &rules), 0);
  assert_false (rules.allow);
  assert_string_equal (show (&rules), "c *:* m;b *:* m;c 1:3 rwm;b 259:1048575 r;c 136:* rwm;");
  free (rules.rules);
  assert_int_equal (cgroup_device_rules_parse ("a *:* rwm\n", &rules), 0);
  assert_true (rules.allow && rules.n == 0);
  free (rules.rules);
  assert_int_equal (cgroup_device_rules_parse ("", &rules), 0);
  assert_true (! rules.allow && rules.n == 0);
  free (rules.rules);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal (cgroup_device_rules_parse (bad[i], &rules), -EPROTO);
}

static void
cgroup_device_rules_surplus_of_lists (void **state)
{
  struct device_rules old, new_rules, surplus;

  (void) state;
  assert_int_equal (cgroup_device_rules_parse ("c *:* m\nc 1:3 rwm\nc 1:5 rw\nc 1:7 rwm\nb 1:3 r\nc 136:* rwm\n", &old), 0);
  assert_int_equal (cgroup_device_rules_parse ("c *:* m\nc 1:3 rwm\nc 1:5 r\nc 1:* rwm\nc 136:* rw\nc 136:* m\nc 5:5 r\n", &new_rules), 0);
  assert_int_equal (cgroup_device_rules_surplus (&old, &new_rules, &surplus), 0);
  assert_string_equal (show (&surplus), "c 1:5 w;c 1:7 rwm;b 1:3 r;");
  free (surplus.rules);
  assert_int_equal (cgroup_device_rules_surplus (&old, &old, &surplus), 0);
  assert_int_equal (surplus.n, 0);
  free (surplus.rules);
  free (old.rules);
  free (new_rules.rules);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (cgroup_device_rules_default),
    cmocka_unit_test (cgroup_device_rules_privileged),
    cmocka_unit_test (cgroup_device_is_default_or_not),
    cmocka_unit_test (cgroup_device_rules_parse_lists),
    cmocka_unit_test (cgroup_device_rules_surplus_of_lists),
    cmocka_unit_test (cgroup_device_rules_reset),
    cmocka_unit_test (cgroup_device_rules_reduce_lists),
    cmocka_unit_test (cgroup_device_rules_reduce_both_types),
    cmocka_unit_test (cgroup_device_rules_reduce_denied_from_all),
    cmocka_unit_test (cgroup_device_rules_reduce_holes),
  };
  int failed = cmocka_run_group_tests (tests, NULL, NULL);
  oci_arena_free (arena);
  return failed;
}
