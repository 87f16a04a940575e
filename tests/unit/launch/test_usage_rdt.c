/* SPDX-License-Identifier: Apache-2.0 */
/* What a directory that has resctrl's files says of a container. */
#include "launch/room.h"

#include <fcntl.h>

#include "base/err.h"
#include "base/file.h"
#include "launch/record.h"
#include "launch/usage_rdt.h"

static void
put (const char *root, const char *name, const char *text)
{
  char path[512];

  (void) snprintf (path, sizeof path, "%s/%s", root, name);
  for (char *slash = path + strlen (root); (slash = strchr (slash + 1, '/'));)
    {
      *slash = '\0';
      (void) mkdir (path, 0755); /* may be there */
      *slash = '/';
    }
  assert_int_equal (file_create_at (AT_FDCWD, path, text, strlen (text), 0644, NULL), 0);
}

static void
usage_rdt_read_group (void **state)
{
  const char *root = ((struct room *) *state)->path;
  const struct record_rdt rdt = { .root = root, .group = "gold" };
  struct oci_arena *arena = NULL;
  struct usage_rdt u;

  put (root, "schemata", "    L3:0=ff\n    MB:0=100\n");
  put (root, "gold/schemata", "MB:0=50\nL3CODE:0=1\n  L3:0=f\n");
  put (root, "gold/mon_data/mon_L3_00/llc_occupancy", "4096\n");
  put (root, "info/L3/num_closids", "16\n");
  assert_int_equal (usage_rdt_read (&rdt, &arena, &u, NULL), 0);
  assert_string_equal (u.cache_root, "L3:0=ff");
  assert_string_equal (u.cache_schema, "L3:0=f");
  assert_string_equal (u.bandwidth_root, "MB:0=100");
  assert_string_equal (u.bandwidth_schema, "MB:0=50");
  assert_true (u.cache && u.cache->num_closids == 16 && u.cache->cbm_mask == NULL && u.bandwidth == NULL);
  assert_true (u.n_held == 1 && u.held->occupancy == 4096 && u.n_moved == 0 && u.moved == NULL);
  oci_arena_free (arena);
}

static void
usage_rdt_read_nothing (void **state)
{
  const char *root = ((struct room *) *state)->path;
  const struct record_rdt gone = { .root = root, .group = "silver" }, file = { .root = root, .group = "schemata" };
  struct oci_arena *arena = NULL;
  struct usage_rdt u = { .n_held = 1 };
  struct err err = { 0 };

  assert_int_equal (usage_rdt_read (NULL, &arena, &u, NULL), 0);
  assert_int_equal (u.n_held, 0);
  u.n_held = 1;
  assert_int_equal (usage_rdt_read (&gone, &arena, &u, &err), 0);
  assert_int_equal (u.n_held, 0);
  assert_int_equal (err.num, 0);
  put (root, "schemata", "");
  assert_int_equal (usage_rdt_read (&file, &arena, &u, &err), -ENOTDIR);
  assert_string_equal (err.where, "linux.intelRdt");
  oci_arena_free (arena);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown (usage_rdt_read_group, room_make, room_remove),
    cmocka_unit_test_setup_teardown (usage_rdt_read_nothing, room_make, room_remove),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
