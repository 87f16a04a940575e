/* SPDX-License-Identifier: Apache-2.0 */
/* The list of added mounts: kept, cut to what is there, locked, and damaged. */
#include "room.h"

#include <sys/file.h>

#include "base/err.h"
#include "launch/mounted.h"
#include "launch/record.h"

static struct live_mount some[] = { { 5, "/a", "0:1", "tmpfs", "tmpfs" }, { 6, "/b", "8:1", "ext4", "/dev/sda1" }, { 7, "/c", "0:2", "tmpfs", "\xc3\xa9" } };
static const struct mountinfo table[] = {
  { .id = 5, .device = "0:1", .type = "tmpfs", .source = "tmpfs", .point = "/moved" },
  { .id = 6, .device = "0:9", .type = "ext4", .source = "/dev/sda1", .point = "/b" }, /* the number of another by now */
  { .id = 7, .device = "0:2", .type = "tmpfs", .source = "\xc3\xa9", .point = "/c" },
};

static struct record_dir
open_room (void **state)
{
  struct record_dir dir = { .root = -1, .fd = open (room_path (state, ""), O_RDONLY | O_DIRECTORY | O_CLOEXEC), .id = "c1" };

  assert_true (dir.fd >= 0);
  return dir;
}

static void
mounted_save_what_is_there (void **state)
{
  struct record_dir dir = open_room (state);
  const struct mounted list = { some, 3 };
  struct oci_arena *arena = NULL;
  struct mounted got;

  assert_int_equal (mounted_load (&dir, &arena, &got, NULL), 0); /* none yet */
  assert_int_equal (got.n_mounts, 0);
  assert_int_equal (mounted_save (&dir, &list, table, 3, NULL), 0);
  assert_int_equal (mounted_load (&dir, &arena, &got, NULL), 0);
  assert_int_equal (got.n_mounts, 2);
  assert_int_equal (got.mounts[0].id, 5);
  assert_string_equal (got.mounts[0].destination, "/a");
  assert_string_equal (got.mounts[1].source, "\xc3\xa9");
  assert_int_equal (mounted_save (&dir, &list, NULL, 0, NULL), 0);
  assert_int_equal (mounted_load (&dir, &arena, &got, NULL), 0);
  assert_int_equal (got.n_mounts, 0);
  oci_arena_free (arena);
  close (dir.fd);
}

static void
mounted_save_no_utf8 (void **state)
{
  struct record_dir dir = open_room (state);
  struct live_mount bad = { 5, "/\xff", "0:1", "tmpfs", "tmpfs" };
  const struct mounted list = { &bad, 1 };
  struct err err = { 0 };

  assert_int_equal (mounted_save (&dir, &list, table, 3, &err), -EILSEQ);
  assert_non_null (strstr (err.what, "UTF-8"));
  assert_int_equal (faccessat (dir.fd, MOUNTED_FILE, F_OK, 0), -1);
  close (dir.fd);
}

static void
mounted_load_damaged (void **state)
{
  static const char *const texts[] = { "", "{", "[]", "{}", "{\"mounts\":[{\"id\":1}]}", "{\"mounts\":[{\"id\":-1,\"destination\":\"/a\"}]}" };
  struct record_dir dir = open_room (state);

  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    {
      struct oci_arena *arena = NULL;
      struct mounted got;
      struct err err = { 0 };

      room_write (state, MOUNTED_FILE, texts[i], 0600);
      assert_true (mounted_load (&dir, &arena, &got, &err) < 0);
      assert_int_equal (got.n_mounts, 0);
      assert_non_null (strstr (err.what, "mounts.json of container \"c1\" is damaged"));
      oci_arena_free (arena);
    }
  close (dir.fd);
}

static void
mounted_lock_one_at_a_time (void **state)
{
  struct record_dir dir = open_room (state);
  int first = mounted_lock (&dir, NULL), other = openat (dir.fd, MOUNTED_LOCK, O_RDONLY | O_CLOEXEC);
  struct stat st;

  assert_true (first >= 0 && other >= 0);
  assert_int_equal (flock (other, LOCK_EX | LOCK_NB), -1);
  close (first);
  assert_int_equal (flock (other, LOCK_EX | LOCK_NB), 0);
  close (other);
  assert_int_equal (fstatat (dir.fd, MOUNTED_LOCK, &st, 0), 0);
  assert_int_equal (st.st_mode & 0777, 0600);
  close (dir.fd);
}

static void
mounted_lock_follows_no_link (void **state)
{
  struct record_dir dir = open_room (state);
  struct err err = { 0 };

  assert_int_equal (symlinkat ("elsewhere", dir.fd, MOUNTED_LOCK), 0);
  assert_int_equal (mounted_lock (&dir, &err), -ELOOP);
  assert_int_equal (faccessat (dir.fd, "elsewhere", F_OK, 0), -1);
  close (dir.fd);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    room_test (mounted_save_what_is_there), room_test (mounted_save_no_utf8),         room_test (mounted_load_damaged),
    room_test (mounted_lock_one_at_a_time), room_test (mounted_lock_follows_no_link),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
