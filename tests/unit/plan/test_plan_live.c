/* SPDX-License-Identifier: Apache-2.0 */
/* Plans of mounts in a container that exists: who opens what, which namespaces are entered, and what may be removed. */
#include "in_text.h"

#include <linux/mount.h>
#include <linux/sched.h>

#include "plan/arena.h"
#include "plan/host.h"
#include "plan/live.h"
#include "plan/plan.h"

static const struct host root_host = { .last_cap = 40, .permitted = 0x1ffffffffff, .bounding = 0x1ffffffffff, .mount_api = true };
static const struct host user_host = { .last_cap = 40, .euid = 1000, .in_user_ns = true, .mount_api = true };
static const struct plan_args args = { .id = "c", .bundle = "/b" };

#define CONFIG(namespaces, more, mounts)                                                                                \
  "{ \"ociVersion\": \"1.0.0\", \"root\": { \"path\": \"r\" }, \"linux\": { \"namespaces\": [" namespaces "]" more "}, \"mounts\": [" mounts "] }"
#define MOUNT "{ \"type\": \"mount\" }"
#define USER "{ \"type\": \"user\" }"
#define MAPS                                                                                                            \
  ", \"uidMappings\": [ { \"containerID\": 0, \"hostID\": 1000, \"size\": 1 } ]"                                      \
  ", \"gidMappings\": [ { \"containerID\": 0, \"hostID\": 1000, \"size\": 1 } ]"
#define BIND(at) "{ \"destination\": \"" at "\", \"source\": \"s\", \"options\": [ \"bind\", \"ro\" ] }"
#define NEW(type, at) "{ \"destination\": \"" at "\", \"type\": \"" type "\" }"

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

static int
add (struct plan_arena *a, const char *text, const struct host *host, struct plan **plan, struct err *err)
{
  struct document doc = parse_text (text, &oci_config_type);
  int ret = live_plan_add (a, doc.object, host, &args, 77, NULL, plan, err);

  document_close (&doc);
  return ret;
}

static void
live_plan_add_from_the_parent (void **state)
{
  struct plan *p = NULL;

  assert_int_equal (add (*state, CONFIG (MOUNT, "", BIND ("/a/../b") "," NEW ("tmpfs", "/b/c")), &root_host, &p, NULL), 0);
  assert_int_equal (p->action, PLAN_MOUNTS);
  assert_int_equal (p->n_mounts, 2);
  assert_string_equal (p->mounts[0].target, "b");
  assert_string_equal (p->mounts[0].source, "/b/s");
  assert_true (p->mounts[0].from_parent && ! p->mounts[0].nested && p->mounts[1].nested && ! p->own_sources && ! p->root.from_parent);
  assert_int_equal (p->mounts[0].propagation, MS_SLAVE); /* whatever it is where it comes from */
  assert_int_equal (p->n_from_parent, 1);
  assert_int_equal (p->ns.pidfd_flags, CLONE_NEWNS);
}

static void
live_plan_add_from_the_child (void **state)
{
  struct plan *p = NULL;

  assert_int_equal (add (*state, CONFIG (MOUNT "," USER, MAPS, BIND ("/a")), &user_host, &p, NULL), 0);
  assert_true (p->own_sources && ! p->mounts[0].from_parent);
  assert_int_equal (p->n_from_parent, 0);
  assert_int_equal (p->ns.pidfd_flags, CLONE_NEWNS | CLONE_NEWUSER);
}

/* Only a child is in a pid namespace, so that is entered when it shows.  */
static void
live_plan_add_namespaces (void **state)
{
  static const char all[] = CONFIG (MOUNT ", { \"type\": \"pid\" }, { \"type\": \"ipc\" }, { \"type\": \"network\" }, { \"type\": \"uts\" }", "", NEW ("tmpfs", "/a"));
  static const char proc[] = CONFIG (MOUNT ", { \"type\": \"pid\" }", "", NEW ("proc", "/proc"));
  struct plan *p = NULL;

  assert_int_equal (add (*state, all, &root_host, &p, NULL), 0);
  assert_int_equal (p->ns.pidfd_flags, CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWNET);
  assert_false (p->ns.fork);
  assert_int_equal (add (*state, proc, &root_host, &p, NULL), 0);
  assert_int_equal (p->ns.pidfd_flags, CLONE_NEWNS | CLONE_NEWPID);
  assert_true (p->ns.fork);
}

/* The user namespace that the container has joined may have lost its path since.  */
static void
live_plan_add_idmap_of_a_joined_namespace (void **state)
{
  struct plan *p = NULL;

  assert_int_equal (add (*state,
                         CONFIG (MOUNT ", { \"type\": \"user\", \"path\": \"/gone\" }", "",
                                 "{ \"destination\": \"/a\", \"source\": \"/s\", \"options\": [ \"bind\", \"idmap\" ] }"),
                         &root_host, &p, NULL),
                    0);
  assert_string_equal (p->mounts[0].idmap->userns, "/proc/77/ns/user");
  assert_int_equal (p->ns.n_joins, 0);
}

static void
live_plan_add_refuses (void **state)
{
  static const struct
  {
    const char *text, *where, *what;
  } cases[] = {
    { CONFIG ("", "", NEW ("tmpfs", "/a")), "", "no mount namespace of its own" },
    { CONFIG (MOUNT, "", NEW ("cgroup", "/a")), "mounts[0].type", "by create" },
    { CONFIG (MOUNT, "", NEW ("tmpfs", "/a/..")), "mounts[0].destination", "the root itself" },
    { CONFIG (MOUNT, "", BIND ("/a") "," BIND ("/proc/sys")), "mounts[1].destination", "inside /proc" },
    { CONFIG (MOUNT, "", "{ \"destination\": \"/a\", \"options\": [ \"ro\", \"remount\" ] }"), "mounts[0].options", "remove it" },
    { CONFIG (MOUNT, "", "{ \"destination\": \"/a\", \"type\": \"tmpfs\", \"options\": [ \"silent\" ] }"), "mounts[0].options", "create alone" },
  };
  struct plan *p = NULL;

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      struct err err = { 0 };

      assert_int_equal (add (*state, cases[i].text, &root_host, &p, &err), -EINVAL);
      assert_string_equal (err.where, cases[i].where);
      if (strstr (err.what, cases[i].what) == NULL)
        fail_msg ("%s", err.what);
      assert_null (p);
    }
}

static void
live_plan_add_old_kernel (void **state)
{
  struct host old = root_host;
  struct plan *p = NULL;
  struct err err = { 0 };

  old.mount_api = false;
  assert_int_equal (add (*state, CONFIG (MOUNT, "", NEW ("tmpfs", "/a")), &old, &p, &err), -ENOSYS);
  assert_non_null (strstr (err.what, "Linux 5.12"));
}

static const struct mountinfo table[] = {
  { .id = 1, .parent = 0, .device = "8:1", .point = "/", .type = "ext4", .source = "x" },
  { .id = 2, .parent = 1, .device = "0:2", .point = "/proc", .type = "proc", .source = "proc" },
  { .id = 3, .parent = 2, .device = "0:2", .point = "/proc/sys", .type = "proc", .source = "proc" },
  { .id = 4, .parent = 1, .device = "0:3", .point = "/data", .type = "tmpfs", .source = "t" },
  { .id = 5, .parent = 4, .device = "0:4", .point = "/data", .type = "tmpfs", .source = "t" },
  { .id = 6, .parent = 1, .device = "0:5", .point = "/var/real", .type = "tmpfs", .source = "t" },
  { .id = 7, .parent = 1, .device = "0:6", .point = "/secret", .type = "tmpfs", .source = "t" },
  { .id = 8, .parent = 2, .device = "0:7", .point = "/proc/cpuinfo", .type = "tmpfs", .source = "t" },
};
static const struct live_mount added[] = {
  { 6, "/link", "0:5", "tmpfs", "t" },
  { 7, "/old", "0:99", "tmpfs", "t" }, /* the number has another mount by now */
  { 8, "/proc/cpuinfo", "0:7", "tmpfs", "t" },
};
static const struct live_state now = { table, sizeof table / sizeof *table, added, sizeof added / sizeof *added };

static int
take_out (struct plan_arena *a, const char *path, struct plan **plan, struct err *err)
{
  char text[512];
  struct document doc;
  int ret;

  (void) snprintf (text, sizeof text, CONFIG (MOUNT, ", \"maskedPaths\": [ \"/secret/\" ], \"readonlyPaths\": [ \"/./ro\" ]", "{ \"destination\": \"%s\" }"), path);
  doc = parse_text (text, &oci_config_type);
  ret = live_plan_remove (a, doc.object, &root_host, &args, &now, NULL, plan, err);
  document_close (&doc);
  return ret;
}

static void
live_plan_remove_by_name (void **state)
{
  static const struct
  {
    const char *path, *at;
    unsigned id;
  } cases[] = { { "/data", "data", 5 }, { "/x/../data//", "data", 5 }, { "/link", "var/real", 6 }, { "/var/real", "var/real", 6 }, { "/proc/cpuinfo", "proc/cpuinfo", 8 } };

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      struct plan *p = NULL;

      assert_int_equal (take_out (*state, cases[i].path, &p, NULL), 0);
      assert_int_equal (p->n_unmounts, 1);
      assert_int_equal (p->unmounts[0].id, cases[i].id);
      assert_string_equal (p->unmounts[0].path, cases[i].at);
    }
}

static void
live_plan_remove_refuses (void **state)
{
  static const struct
  {
    const char *path, *what;
    int ret;
  } cases[] = { { "/", "the root itself", -EINVAL },     { "/proc", "confines", -EINVAL },       { "/proc/sys", "confines", -EINVAL },
                { "/sys/x", "confines", -EINVAL },       { "/secret", "maskedPaths", -EINVAL },  { "/ro", "readonlyPaths", -EINVAL },
                { "/old", "nothing is mounted", -ENOENT }, { "/nothing", "nothing is mounted", -ENOENT } };

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      struct plan *p = NULL;
      struct err err = { 0 };

      assert_int_equal (take_out (*state, cases[i].path, &p, &err), cases[i].ret);
      assert_string_equal (err.where, "mounts[0].destination");
      if (strstr (err.what, cases[i].what) == NULL)
        fail_msg ("%s", err.what);
    }
}

static void
live_is_added_by_more_than_a_number (void **state)
{
  (void) state;
  assert_true (live_is_added (&now, &table[5]) && live_is_added (&now, &table[7]));
  assert_false (live_is_added (&now, &table[6]) || live_is_added (&now, &table[0]));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown (name, open_arena, close_arena)
    TEST (live_plan_add_from_the_parent),
    TEST (live_plan_add_from_the_child),
    TEST (live_plan_add_namespaces),
    TEST (live_plan_add_idmap_of_a_joined_namespace),
    TEST (live_plan_add_refuses),
    TEST (live_plan_add_old_kernel),
    TEST (live_plan_remove_by_name),
    TEST (live_plan_remove_refuses),
    TEST (live_is_added_by_more_than_a_number),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
