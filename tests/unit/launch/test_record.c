/* SPDX-License-Identifier: Apache-2.0 */
/* Records on a real directory: made, kept, listed, locked, damaged, and in places that are not ours. */
#include "room.h"

#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/fds.h"
#include "kernel/pid.h"
#include "launch/record.h"
#include "ocispec/config.h"

static struct cgroup_dir dirs[] = { { .mount = "pids", .controllers = "pids", .path = "/a/c1", .made = 2 } };
static struct cgroup group = { .driver = "cgroupfs", .dirs = dirs, .n_dirs = 1 };
static struct oci_pair annotations[] = { { "org.example.a", "1" }, { "org.example.b", "\xc3\xa9" } };

static struct record
some_record (void)
{
  return (struct record){ .oci_version = "1.3.0", .id = "c1", .status = "creating", .bundle = "/bundle", .rootfs = "/bundle/rootfs",
                          .created = "2024-01-01T00:00:00Z", .owner = "root", .annotations = annotations, .n_annotations = 2,
                          .start_time = UINT64_MAX / 2, .pid_file = "/pid", .cgroup = &group, .own_pid_ns = true, .poststop = true };
}

/* The root directory of containers in the room.  */
static char root[256];

static int
root_make (void **state)
{
  if (room_make (state) < 0)
    return -1;
  (void) snprintf (root, sizeof root, "%s", room_path (state, "root"));
  return 0;
}

#define record_test(function) cmocka_unit_test_setup_teardown (function, root_make, room_remove)

/* A container C1 with a record, closed again.  */
static void
make_container (const char *id)
{
  struct record_dir dir = RECORD_DIR_NONE;
  struct record rec = some_record ();

  rec.id = id;
  assert_int_equal (record_reserve (root, id, &dir, NULL), 0);
  assert_int_equal (record_save (&dir, &rec, true, NULL), 0);
  record_close (&dir);
}

static mode_t
mode_of (void **state, const char *path)
{
  struct stat st;

  assert_int_equal (lstat (room_path (state, path), &st), 0);
  return st.st_mode & 07777;
}

/* --- the directory */

static void
record_reserve_makes_private_directories (void **state)
{
  struct record_dir dir = RECORD_DIR_NONE;
  struct record rec = some_record ();

  (void) snprintf (root, sizeof root, "%s", room_path (state, "deep/er/root"));
  assert_int_equal (record_reserve (root, "c1", &dir, NULL), 0);
  assert_true (dir.locked);
  assert_int_equal (record_save (&dir, &rec, true, NULL), 0);
  record_close (&dir);
  assert_int_equal (dir.fd, -1);
  assert_int_equal (mode_of (state, "deep/er/root"), 0700);
  assert_int_equal (mode_of (state, "deep/er/root/c1"), 0700);
  assert_int_equal (mode_of (state, "deep/er/root/c1/state.json"), 0600);
}

static void
record_reserve_name_in_use (void **state)
{
  struct record_dir dir = RECORD_DIR_NONE;
  struct err err = { 0 };

  (void) state;
  make_container ("c1");
  assert_int_equal (record_reserve (root, "c1", &dir, &err), -EEXIST);
  assert_int_equal (err.kind, ERR_STATE);
  assert_string_equal (err.what, "container with given ID already exists: c1"); /* engines look for it */
  record_close (&dir);
}

static void
record_refuses_bad_names (void **state)
{
  static const char *const bad[] = { "", ".", "..", ".a", "a/b", "/", "a b", "\xc3\xa9", "a\n", "../x", NULL };
  char longest[2000];

  (void) state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    {
      struct record_dir dir = RECORD_DIR_NONE;
      struct err err = { 0 };

      assert_int_equal (record_reserve (root, bad[i], &dir, &err), -EINVAL);
      assert_int_equal (err.kind, ERR_USAGE);
      assert_int_equal (record_open (root, bad[i], false, &dir, &err), -EINVAL);
      assert_int_equal (dir.root, -1);
      assert_int_equal (access (root, F_OK), -1); /* nothing was made */
    }
  memset (longest, 'a', sizeof longest);
  longest[sizeof longest - 1] = '\0';
  struct record_dir dir = RECORD_DIR_NONE;
  assert_int_equal (record_open (root, longest, false, &dir, NULL), -EINVAL);
}

static void
record_open_unknown (void **state)
{
  struct record_dir dir = RECORD_DIR_NONE;
  struct err err = { 0 };

  (void) state;
  assert_int_equal (record_open (root, "c1", false, &dir, &err), -ENOENT); /* not even a root directory */
  assert_string_equal (err.what, "container \"c1\" does not exist");
  record_close (&dir);
  make_container ("c2");
  err_clear (&err);
  assert_int_equal (record_open (root, "c1", true, &dir, &err), -ENOENT);
  assert_string_equal (err.what, "container \"c1\" does not exist");
  record_close (&dir);
}

static void
record_root_of_others (void **state)
{
  struct record_dir dir = RECORD_DIR_NONE;
  struct err err = { 0 };

  (void) state;
  make_container ("c1");
  assert_int_equal (chmod (root, 0777), 0);
  assert_int_equal (record_reserve (root, "c2", &dir, &err), -EPERM);
  assert_non_null (strstr (err.what, "may be written by others"));
  record_close (&dir);
  assert_int_equal (chmod (root, 01777), 0); /* like /tmp: others cannot replace what is ours */
  assert_int_equal (record_reserve (root, "c2", &dir, NULL), 0);
  record_close (&dir);
  assert_int_equal (chmod (root, 0700), 0);
  if (geteuid () != 0)
    skip ();
  assert_int_equal (chown (root, 12345, -1), 0);
  err_clear (&err);
  assert_int_equal (record_reserve (root, "c3", &dir, &err), -EPERM);
  assert_non_null (strstr (err.what, "another user (uid 12345)"));
  record_close (&dir);
}

/* Whoever may write a record decides whom we signal: one that is not ours is not read.  */
static void
record_open_of_others (void **state)
{
  struct record_dir dir = RECORD_DIR_NONE;
  struct err err = { 0 };
  char path[300];

  (void) state;
  make_container ("c1");
  (void) snprintf (path, sizeof path, "%s/c1", root);
  assert_int_equal (chmod (path, 0770), 0);
  assert_int_equal (record_open (root, "c1", false, &dir, &err), -EPERM);
  assert_non_null (strstr (err.what, "may be written by others"));
  record_close (&dir);
  assert_int_equal (chmod (path, 0700), 0);
  assert_int_equal (record_open (root, "c1", false, &dir, NULL), 0);
  record_close (&dir);
  if (geteuid () != 0)
    skip ();
  assert_int_equal (chown (path, 12345, -1), 0);
  assert_int_equal (record_open (root, "c1", true, &dir, &err), -EPERM);
  record_close (&dir);
}

static void
record_open_through_a_link (void **state)
{
  struct record_dir dir = RECORD_DIR_NONE;
  char path[300];

  (void) state;
  make_container ("c1");
  (void) snprintf (path, sizeof path, "%s/c2", root);
  assert_int_equal (symlink ("c1", path), 0);
  assert_true (record_open (root, "c2", false, &dir, NULL) < 0);
  record_close (&dir);
  assert_int_equal (record_reserve (root, "c2", &dir, NULL), -EEXIST);
  record_close (&dir);
}

static void
record_open_no_directory (void **state)
{
  struct record_dir dir = RECORD_DIR_NONE;

  make_container ("c1");
  room_write (state, "root/c2", "", 0600);
  assert_int_equal (record_open (root, "c2", false, &dir, NULL), -ENOTDIR);
  record_close (&dir);
  assert_int_equal (record_open (room_path (state, "root/c2"), "c1", false, &dir, NULL), -ENOTDIR); /* nor the root */
  record_close (&dir);
}

/* --- locks */

static void
record_open_waits_for_the_lock (void **state)
{
  struct record_dir first = RECORD_DIR_NONE, second = RECORD_DIR_NONE;
  struct err err = { 0 };
  char byte;
  int fds[2];
  pid_t pid;

  (void) state;
  make_container ("c1");
  assert_int_equal (pipe (fds), 0);
  pid = fork ();
  if (pid == 0)
    {
      if (record_open (root, "c1", true, &first, NULL) == 0 && write (fds[1], "l", 1) == 1)
        (void) usleep (100 * 1000);
      _exit (! first.locked);
    }
  assert_int_equal (read (fds[0], &byte, 1), 1);
  close (fds[0]);
  close (fds[1]);
  assert_int_equal (record_open (root, "c1", false, &second, &err), 0); /* whoever only looks does not wait */
  assert_false (second.locked);
  record_close (&second);
  assert_int_equal (record_open (root, "c1", true, &second, &err), 0);
  assert_true (second.locked);
  record_close (&second);
  int status = -1;
  assert_int_equal (waitpid (pid, &status, 0), pid);
  assert_int_equal (status, 0);
}

/* --- the record */

static void
record_load_gives_what_was_saved (void **state)
{
  struct record_dir dir = RECORD_DIR_NONE;
  struct oci_arena *arena = NULL;
  struct record *rec = NULL;

  (void) state;
  make_container ("c1");
  assert_int_equal (record_open (root, "c1", false, &dir, NULL), 0);
  assert_int_equal (record_load (&dir, &arena, &rec, NULL), 0);
  assert_string_equal (rec->id, "c1");
  assert_string_equal (rec->status, "creating");
  assert_int_equal (rec->pid, 0);
  assert_true (rec->start_time == UINT64_MAX / 2);
  assert_string_equal (rec->pid_file, "/pid");
  assert_int_equal (rec->n_annotations, 2);
  assert_string_equal (rec->annotations[1].value, "\xc3\xa9");
  assert_true (rec->own_pid_ns && rec->poststop && ! rec->poststart && ! rec->no_process);
  assert_int_equal (rec->cgroup->n_dirs, 1);
  assert_string_equal (rec->cgroup->dirs[0].path, "/a/c1");
  assert_int_equal (rec->cgroup->dirs[0].made, 2);
  oci_arena_free (arena);
  record_close (&dir);
}

static void
record_save_replaces_whole (void **state)
{
  struct record_dir dir = RECORD_DIR_NONE;
  struct record rec = some_record (), *got = NULL;
  struct oci_arena *arena = NULL;

  make_container ("c1");
  assert_int_equal (record_open (root, "c1", true, &dir, NULL), 0);
  assert_int_equal (record_save (&dir, &rec, true, NULL), -EEXIST); /* the first is only made once */
  rec.status = "created";
  rec.pid = 42;
  rec.n_annotations = 0;
  assert_int_equal (record_save (&dir, &rec, false, NULL), 0);
  assert_int_equal (record_load (&dir, &arena, &got, NULL), 0);
  assert_string_equal (got->status, "created");
  assert_int_equal (got->pid, 42);
  assert_int_equal (got->n_annotations, 0);
  assert_int_equal (mode_of (state, "root/c1/state.json"), 0600);
  oci_arena_free (arena);
  record_close (&dir);
}

#define HEAD "{\"ociVersion\":\"1.3.0\",\"id\":\"c1\",\"status\":\"created\""

static void
record_load_damaged (void **state)
{
  static const char *const texts[] = {
    "",
    "\n",
    "garbage",
    "null",
    "[]",
    "{}",
    "{\"ociVersion\":\"1.3.0\"}",             /* written in part */
    HEAD,                                     /* cut */
    HEAD ",\"bundle\":\"/b\"} trailing",
    HEAD ",\"bundle\":\"/b\",\"pid\":\"1\"}", /* of another type */
    HEAD ",\"bundle\":\"/b\",\"pid\":4294967296}",
    HEAD ",\"bundle\":\"/b\",\"startTime\":-1}",
    HEAD ",\"bundle\":[\"/b\"]}",
    HEAD ",\"bundle\":\"/b\",\"cgroup\":{\"dirs\":7}}",
    HEAD ",\"bundle\":\"\xff\"}",
  };

  make_container ("c1");
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    {
      struct record_dir dir = RECORD_DIR_NONE;
      struct oci_arena *arena = NULL;
      struct record *rec = NULL;
      struct err err = { 0 };

      room_write (state, "root/c1/state.json", texts[i], 0600);
      assert_int_equal (record_open (root, "c1", false, &dir, NULL), 0);
      if (record_load (&dir, &arena, &rec, &err) >= 0)
        fail_msg ("taken for a record: %s", texts[i]);
      assert_null (rec);
      assert_int_equal (err.kind, ERR_BUG);
      assert_non_null (strstr (err.what, "state.json of container \"c1\" is damaged"));
      oci_arena_free (arena);
      record_close (&dir);
    }
}

/* Rows that a later release may add are passed over.  */
static void
record_load_of_a_later_release (void **state)
{
  struct record_dir dir = RECORD_DIR_NONE;
  struct oci_arena *arena = NULL;
  struct record *rec = NULL;

  make_container ("c1");
  room_write (state, "root/c1/state.json", HEAD ",\"bundle\":\"/b\",\"later\":{\"a\":[1]}}", 0600);
  assert_int_equal (record_open (root, "c1", false, &dir, NULL), 0);
  assert_int_equal (record_load (&dir, &arena, &rec, NULL), 0);
  assert_string_equal (rec->bundle, "/b");
  assert_null (rec->cgroup);
  oci_arena_free (arena);
  record_close (&dir);
}

static void
record_load_no_regular_file (void **state)
{
  struct record_dir dir = RECORD_DIR_NONE;
  struct oci_arena *arena = NULL;
  struct record *rec = NULL;
  struct err err = { 0 };

  make_container ("c1");
  assert_int_equal (record_open (root, "c1", false, &dir, NULL), 0);
  assert_int_equal (unlinkat (dir.fd, RECORD_STATE, 0), 0);
  assert_int_equal (record_load (&dir, &arena, &rec, &err), -ENOENT);
  assert_int_equal (mkfifoat (dir.fd, RECORD_STATE, 0600), 0);
  assert_true (record_load (&dir, &arena, &rec, &err) < 0); /* and does not wait for a writer */
  assert_int_equal (unlinkat (dir.fd, RECORD_STATE, 0), 0);
  assert_int_equal (mkdirat (dir.fd, RECORD_STATE, 0700), 0);
  assert_int_equal (record_load (&dir, &arena, &rec, &err), -EISDIR);
  assert_int_equal (unlinkat (dir.fd, RECORD_STATE, AT_REMOVEDIR), 0);
  assert_int_equal (symlinkat ("/nowhere", dir.fd, RECORD_STATE), 0);
  assert_true (record_load (&dir, &arena, &rec, &err) < 0);
  record_close (&dir);
  (void) state;
}

static void
record_config_of_the_container (void **state)
{
  struct record_dir dir = RECORD_DIR_NONE;
  struct oci_arena *arena = NULL;
  struct oci_config *config = NULL;
  struct err err = { 0 };

  make_container ("c1");
  assert_int_equal (record_open (root, "c1", false, &dir, NULL), 0);
  assert_int_equal (record_config (&dir, &arena, &config, &err), -ENOENT);
  room_write (state, "root/c1/config.json", "{\"ociVersion\":\"1.0.0\",\"hostname\":\"h\"}", 0600);
  assert_int_equal (record_config (&dir, &arena, &config, &err), 0);
  assert_string_equal (config->hostname, "h");
  oci_arena_free (arena);
  arena = NULL;
  room_write (state, "root/c1/config.json", "{\"ociVersion\":", 0600);
  assert_true (record_config (&dir, &arena, &config, &err) < 0);
  assert_non_null (strstr (err.what, "config.json of container \"c1\" is damaged"));
  oci_arena_free (arena);
  record_close (&dir);
}

/* --- what it means now */

static void
record_status_while_creating (void **state)
{
  struct record_dir creator = RECORD_DIR_NONE, dir = RECORD_DIR_NONE;
  const struct record rec = some_record ();

  (void) state;
  make_container ("c1");
  assert_int_equal (record_open (root, "c1", true, &creator, NULL), 0);
  assert_int_equal (record_open (root, "c1", false, &dir, NULL), 0);
  assert_string_equal (record_status (&dir, &rec), "creating");
  record_close (&creator);
  assert_string_equal (record_status (&dir, &rec), "stopped"); /* the creator was killed */
  assert_int_equal (flock (dir.fd, LOCK_EX | LOCK_NB), 0);     /* asking has left no lock behind */
  record_close (&dir);
}

static void
record_lock_by_turns (void **state)
{
  struct record_dir one = RECORD_DIR_NONE, two = RECORD_DIR_NONE;
  struct err err = { 0 };

  (void) state;
  make_container ("c1");
  assert_int_equal (record_open (root, "c1", true, &one, NULL), 0);
  assert_int_equal (record_open (root, "c1", false, &two, NULL), 0);
  assert_int_equal (record_lock (&two, false, &err), -EBUSY);
  assert_non_null (strstr (err.what, "in use by another command"));
  record_unlock (&one);
  assert_false (one.locked);
  assert_int_equal (record_lock (&two, true, NULL), 0);
  assert_int_equal (record_lock (&one, false, NULL), -EBUSY);
  record_close (&one);
  record_close (&two);
}

static void
record_status_of_a_process (void **state)
{
  struct record_dir dir = RECORD_DIR_NONE;
  struct record rec = some_record ();
  pid_t pid = room_process ();

  (void) state;
  make_container ("c1");
  assert_int_equal (record_open (root, "c1", false, &dir, NULL), 0);
  rec.status = "created";
  rec.pid = pid;
  assert_int_equal (pid_starttime (pid, &rec.start_time, NULL, NULL), 0);
  assert_string_equal (record_status (&dir, &rec), "running");
  int listening = fds_listen (dir.fd, "start.sock", SOCK_SEQPACKET, NULL);
  assert_true (listening >= 0);
  assert_string_equal (record_status (&dir, &rec), "created");
  assert_int_equal (poll (&(struct pollfd){ .fd = listening, .events = POLLIN }, 1, 0), 0); /* the question was no start */
  close (listening);
  assert_string_equal (record_status (&dir, &rec), "running"); /* whoever started it was killed before the name was gone */
  assert_int_equal (unlinkat (dir.fd, "start.sock", 0), 0);
  listening = fds_listen (dir.fd, "start.sock", SOCK_SEQPACKET, NULL);
  rec.start_time++; /* another process of the same number */
  assert_string_equal (record_status (&dir, &rec), "stopped");
  close (listening);
  rec.start_time--;
  kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
  assert_string_equal (record_status (&dir, &rec), "stopped");
  rec.pid = 0;
  assert_string_equal (record_status (&dir, &rec), "stopped");
  rec.pid = -1;
  assert_string_equal (record_status (&dir, &rec), "stopped");
  record_close (&dir);
}

static void
record_state_document (void **state)
{
  const struct record rec = some_record ();
  char *text = NULL;
  size_t len = 0;

  (void) state;
  assert_int_equal (record_state (&rec, "running", 42, &text, &len, NULL), 0);
  assert_int_equal (strlen (text), len);
  assert_non_null (strstr (text, "\"status\": \"running\""));
  assert_non_null (strstr (text, "\"pid\": 42"));
  assert_non_null (strstr (text, "\"org.example.a\": \"1\""));
  assert_null (strstr (text, "cgroup")); /* what is ours alone is not shown */
  free (text);
}

/* --- listing and removing */

static void
record_names_sorted (void **state)
{
  char **names = NULL;
  size_t n = 9;
  int fd;

  assert_int_equal (record_root (root, false, NULL), -ENOENT);
  fd = record_root (root, true, NULL);
  assert_true (fd >= 0);
  assert_int_equal (record_names (fd, &names, &n, NULL), 0);
  assert_int_equal (n, 0);
  assert_null (names[0]);
  free (names);
  make_container ("b");
  make_container ("a-2");
  make_container ("a");
  assert_int_equal (mkdir (room_path (state, "root/.hidden"), 0700), 0);
  assert_int_equal (mkdir (room_path (state, "root/no name"), 0700), 0);
  assert_int_equal (record_names (fd, &names, &n, NULL), 0);
  assert_int_equal (n, 3);
  assert_string_equal (names[0], "a");
  assert_string_equal (names[1], "a-2");
  assert_string_equal (names[2], "b");
  assert_null (names[3]);
  free (names);
  close (fd);
}

static void
record_remove_everything (void **state)
{
  struct record_dir dir = RECORD_DIR_NONE;

  make_container ("c1");
  room_write (state, "root/c1/config.json", "{}", 0600);
  room_write (state, "root/c1/start.sock", "", 0600);
  room_write (state, "root/c1/.state.json.123", "half", 0600); /* of a command that was killed */
  assert_int_equal (mkdir (room_path (state, "root/c1/notify"), 0755), 0);
  room_write (state, "root/c1/notify/notify.sock", "", 0600);
  assert_int_equal (record_open (root, "c1", true, &dir, NULL), 0);
  assert_int_equal (record_remove (&dir, NULL), 0);
  assert_int_equal (access (room_path (state, "root/c1"), F_OK), -1);
  assert_int_equal (access (root, F_OK), 0);
  assert_int_equal (record_remove (&dir, NULL), 0); /* gone is no error */
  record_close (&dir);
}

static void
record_remove_what_is_not_ours (void **state)
{
  struct record_dir dir = RECORD_DIR_NONE;
  struct err err = { 0 };

  make_container ("c1");
  assert_int_equal (mkdir (room_path (state, "root/c1/dir"), 0700), 0); /* we never make one */
  assert_int_equal (record_open (root, "c1", true, &dir, NULL), 0);
  assert_true (record_remove (&dir, &err) < 0);
  assert_string_equal (err.object, "c1/dir");
  record_close (&dir);
}

static void
record_descriptors_are_given_back (void **state)
{
  struct record_dir dir = RECORD_DIR_NONE;
  int before = room_descriptors ();

  (void) state;
  make_container ("c1");
  assert_int_equal (record_reserve (root, "c1", &dir, NULL), -EEXIST);
  record_close (&dir);
  assert_int_equal (record_open (root, "c2", true, &dir, NULL), -ENOENT);
  record_close (&dir);
  assert_int_equal (record_open (root, "c1", true, &dir, NULL), 0);
  record_close (&dir);
  record_close (&dir);
  assert_int_equal (room_descriptors (), before);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    record_test (record_reserve_makes_private_directories),
    record_test (record_reserve_name_in_use),
    record_test (record_refuses_bad_names),
    record_test (record_open_unknown),
    record_test (record_root_of_others),
    record_test (record_open_of_others),
    record_test (record_open_through_a_link),
    record_test (record_open_no_directory),
    record_test (record_open_waits_for_the_lock),
    record_test (record_load_gives_what_was_saved),
    record_test (record_save_replaces_whole),
    record_test (record_load_damaged),
    record_test (record_load_of_a_later_release),
    record_test (record_load_no_regular_file),
    record_test (record_config_of_the_container),
    record_test (record_status_while_creating),
    record_test (record_lock_by_turns),
    record_test (record_status_of_a_process),
    record_test (record_state_document),
    record_test (record_names_sorted),
    record_test (record_remove_everything),
    record_test (record_remove_what_is_not_ours),
    record_test (record_descriptors_are_given_back),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
