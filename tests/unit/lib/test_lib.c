/* SPDX-License-Identifier: Apache-2.0 */
/* The library as its callers have it: handles, errors that stay in them, arguments that make no sense, and silence. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "orlop.h"

/* One test's handle, with a root directory of its own.  */
struct user
{
  struct orlop *o;
  char dir[32], root[64];
  int out, old_out, old_err;
};

static int
remove_one (const char *path, const struct stat *st, int kind, struct FTW *at)
{
  (void) st;
  (void) kind;
  (void) at;
  return remove (path);
}

/* What the library prints from here on would land in a file.  */
static int
user_make (void **state)
{
  struct user *u = calloc (1, sizeof *u);

  *state = u;
  (void) strcpy (u->dir, "/tmp/orlop-unit-XXXXXX");
  if (mkdtemp (u->dir) == NULL || (u->o = orlop_new ()) == NULL)
    return -1;
  (void) snprintf (u->root, sizeof u->root, "%s/root", u->dir);
  if (orlop_set_root (u->o, u->root) < 0)
    return -1;
  fflush (NULL);
  u->out = memfd_create ("printed", 0);
  u->old_out = dup (1);
  u->old_err = dup (2);
  return dup2 (u->out, 1) < 0 || dup2 (u->out, 2) < 0 ? -1 : 0;
}

/* Fails the test if anything was printed.  */
static int
user_free (void **state)
{
  struct user *u = *state;
  struct stat st;

  fflush (NULL);
  (void) dup2 (u->old_out, 1);
  (void) dup2 (u->old_err, 2);
  if (fstat (u->out, &st) < 0 || st.st_size > 0)
    return print_error ("the library printed %jd bytes\n", (intmax_t) st.st_size), -1;
  close (u->old_out);
  close (u->old_err);
  close (u->out);
  orlop_free (u->o);
  (void) nftw (u->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
  free (u);
  return 0;
}

#define user_test(function) cmocka_unit_test_setup_teardown (function, user_make, user_free)

static void
assert_no_error (const struct orlop *o)
{
  const struct orlop_error *e = orlop_error (o);

  assert_int_equal (e->kind, ORLOP_ERROR_NONE);
  assert_int_equal (e->num, 0);
  assert_string_equal (e->text, "");
  assert_true (e->file && e->step && e->call && e->where && e->object && e->what && e->hint);
}

static void
handle_of_nothing (void **state)
{
  struct user *u = *state;

  orlop_free (NULL);
  assert_no_error (u->o);
  assert_true (orlop_version ()[0] >= '0' && orlop_version ()[0] <= '9');
}

/* --- ids */

static const char *const bad_ids[] = { NULL, "", ".", "..", "a/b", "../a", "/", "a b", ".hidden", "\xff", "a\n" };

static void
bad_ids_are_refused_everywhere (void **state)
{
  static const char *const args[] = { "true", NULL };
  static const struct orlop_create_options create = { .bundle = "/nowhere" };
  static const struct orlop_exec_options exec = { .args = args };
  static const struct orlop_update_options update = { .json = "{}" };
  struct user *u = *state;
  char *text = NULL;
  pid_t *pids = NULL;
  int status = 0;
  size_t n = 0;

  for (size_t i = 0; i < sizeof bad_ids / sizeof *bad_ids; i++)
    {
      const char *id = bad_ids[i];
      const int got[] = { orlop_create (u->o, id, &create), orlop_run (u->o, id, &create, &status), orlop_plan (u->o, id, &create, &text),
                          orlop_start (u->o, id),           orlop_kill (u->o, id, 15, false),       orlop_delete (u->o, id, false),
                          orlop_delete (u->o, id, true),    orlop_state (u->o, id, &text),          orlop_exec (u->o, id, &exec, &status),
                          orlop_pause (u->o, id),           orlop_resume (u->o, id),                orlop_ps (u->o, id, &pids, &n),
                          orlop_update (u->o, id, &update) };

      for (size_t j = 0; j < sizeof got / sizeof *got; j++)
        if (got[j] != -EINVAL)
          fail_msg ("id %zu, function %zu: %d", i, j, got[j]);
      assert_int_equal (orlop_error (u->o)->kind, ORLOP_ERROR_USAGE);
      assert_non_null (strstr (orlop_error (u->o)->text, "invalid container id"));
    }
  assert_null (text);
  assert_int_equal (access (u->root, F_OK), -1);
}

static void
unknown_ids (void **state)
{
  static const char *const args[] = { "true", NULL };
  static const struct orlop_exec_options exec = { .args = args };
  struct user *u = *state;
  char *text = NULL;
  int status = 7;

  assert_int_equal (orlop_start (u->o, "c1"), -ENOENT);
  assert_int_equal (orlop_kill (u->o, "c1", 15, true), -ENOENT);
  assert_int_equal (orlop_delete (u->o, "c1", false), -ENOENT);
  assert_int_equal (orlop_exec (u->o, "c1", &exec, &status), -ENOENT);
  assert_int_equal (status, 0);
  assert_int_equal (orlop_state (u->o, "c1", &text), -ENOENT);
  assert_null (text);
  assert_int_equal (orlop_error (u->o)->kind, ORLOP_ERROR_STATE);
  assert_int_equal (orlop_error (u->o)->num, ENOENT);
  assert_non_null (strstr (orlop_error (u->o)->text, "container \"c1\" does not exist"));
  assert_int_equal (orlop_delete (u->o, "c1", true), 0);
  assert_no_error (u->o); /* the last call succeeded */
}

/* --- arguments */

static void
nulls_are_defaults_or_errors (void **state)
{
  struct user *u = *state;
  char *text = NULL;
  int old = open (".", O_PATH | O_DIRECTORY | O_CLOEXEC);

  assert_int_equal (chdir (u->dir), 0); /* no bundle here */
  assert_int_equal (orlop_create (u->o, "c1", NULL), -ENOENT);
  assert_non_null (strstr (orlop_error (u->o)->text, "config.json"));
  assert_int_equal (orlop_run (u->o, "c1", NULL, NULL), -ENOENT);
  assert_int_equal (orlop_plan (u->o, "c1", NULL, &text), -ENOENT);
  assert_int_equal (orlop_exec (u->o, "c1", NULL, NULL), -ENOENT); /* unknown, before anything else */
  assert_int_equal (orlop_signal (NULL), -EINVAL);
  assert_int_equal (orlop_set_root (u->o, NULL), -EINVAL);
  assert_int_equal (orlop_set_root (u->o, ""), -EINVAL);
  assert_int_equal (orlop_set_root (u->o, "//"), -EINVAL);
  assert_int_equal (orlop_set_notify_socket (u->o, "relative"), -EINVAL);
  assert_int_equal (orlop_set_notify_socket (u->o, "@abstract"), 0);
  assert_int_equal (orlop_set_notify_socket (u->o, NULL), 0);
  assert_int_equal (orlop_state (u->o, "c1", &text), -ENOENT); /* the root from before holds */
  orlop_set_log (u->o, ORLOP_LOG_DEBUG, NULL, NULL);
  assert_int_equal (fchdir (old), 0);
  close (old);
}

static int
no_event (void *data, const char *json)
{
  (void) json;
  ++*(int *) data;
  return 0;
}

static void
events_need_containers_and_a_listener (void **state)
{
  int told = 0;
  const struct orlop_events_options deaf = { .once = true }, minus = { .event = no_event, .data = &told, .stop_fd = -1 },
                                    good = { .once = true, .event = no_event, .data = &told };
  static const char *const ids[] = { "c1", "c2" };
  struct user *u = *state;

  assert_int_equal (orlop_events (u->o, ids, 1, NULL), -EINVAL);
  assert_int_equal (orlop_events (u->o, ids, 1, &deaf), -EINVAL);
  assert_int_equal (orlop_events (u->o, ids, 1, &minus), -EINVAL);
  assert_int_equal (orlop_error (u->o)->kind, ORLOP_ERROR_USAGE);
  assert_int_equal (orlop_events (u->o, ids, 2, &good), -ENOENT);
  assert_non_null (strstr (orlop_error (u->o)->text, "container \"c1\" does not exist"));
  for (size_t i = 0; i < sizeof bad_ids / sizeof *bad_ids; i++)
    assert_int_equal (orlop_events (u->o, &bad_ids[i], 1, &good), -EINVAL);
  assert_int_equal (orlop_events (u->o, NULL, 0, &good), 0); /* of nobody there is nothing to tell */
  assert_no_error (u->o);
  assert_int_equal (told, 0);
}

static void
documents_of_update (void **state)
{
  const struct orlop_update_options both = { .resources = "/dev/null", .json = "{}" }, text = { .json = "{\"pids\": {\"limit\": \"x\"}}" },
                                    none = { .resources = "/nowhere" }, empty = { .resources = "/dev/null" }, fine = { .json = "{}" };
  struct user *u = *state;

  assert_int_equal (orlop_update (u->o, "c1", NULL), -EINVAL);
  assert_int_equal (orlop_error (u->o)->kind, ORLOP_ERROR_USAGE);
  assert_int_equal (orlop_update (u->o, "c1", &both), -EINVAL);
  assert_int_equal (orlop_error (u->o)->kind, ORLOP_ERROR_USAGE);
  assert_int_equal (orlop_update (u->o, "c1", &text), -EINVAL);
  assert_int_equal (orlop_error (u->o)->kind, ORLOP_ERROR_SPEC);
  assert_string_equal (orlop_error (u->o)->where, "pids.limit");
  assert_string_equal (orlop_error (u->o)->file, "");
  assert_int_equal (orlop_error (u->o)->line, 0);
  assert_int_equal (orlop_update (u->o, "c1", &none), -ENOENT);
  assert_string_equal (orlop_error (u->o)->object, "/nowhere");
  assert_int_equal (orlop_update (u->o, "c1", &empty), -EINVAL);
  assert_string_equal (orlop_error (u->o)->file, "/dev/null");
  assert_int_equal (orlop_error (u->o)->line, 1);
  assert_int_equal (orlop_update (u->o, "c1", &fine), -ENOENT);
  assert_int_equal (orlop_error (u->o)->kind, ORLOP_ERROR_STATE);
}

static void
devices_of_update (void **state)
{
  static const char *const bad[] = { "", "dev/null", "/dev/null:", "/dev/null:x", "/dev/null:/x:", "/dev/null:/x:r:w", "/dev/null:r:/x", "/dev/null:/",
                                     "/dev/null:///", ":/dev/null" };
  struct user *u = *state;
  const char *one[] = { "/dev/null:/dev/x:r", NULL }, *many[40];
  const struct orlop_update_options good = { .devices = one }, too_many = { .devices_removed = many };

  assert_int_equal (orlop_update (u->o, "c1", &good), -ENOENT);
  assert_non_null (strstr (orlop_error (u->o)->text, "does not exist"));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    {
      const char *list[] = { bad[i], NULL };

      assert_int_equal (orlop_update (u->o, "c1", &(struct orlop_update_options){ .devices = list }), -EINVAL);
      assert_int_equal (orlop_error (u->o)->kind, ORLOP_ERROR_USAGE);
    }
  one[0] = "/dev/null:/x:r"; /* what is taken away has no access */
  assert_int_equal (orlop_update (u->o, "c1", &(struct orlop_update_options){ .devices_removed = one }), -EINVAL);
  one[0] = "/dev/does-not-exist";
  assert_int_equal (orlop_update (u->o, "c1", &good), -ENOENT);
  assert_string_equal (orlop_error (u->o)->call, "stat");
  one[0] = "/";
  assert_int_equal (orlop_update (u->o, "c1", &good), -EINVAL);
  for (size_t i = 0; i < 40; i++)
    many[i] = i < 39 ? "/dev/null" : NULL;
  assert_int_equal (orlop_update (u->o, "c1", &too_many), -EINVAL);
}

static void
values_that_are_none (void **state)
{
  const struct orlop_create_options missing = { .bundle = "/nowhere", .preserve_fds = 900 };
  struct user *u = *state;

  assert_int_equal (orlop_kill (u->o, "c1", -1, false), -EINVAL);
  assert_int_equal (orlop_error (u->o)->kind, ORLOP_ERROR_USAGE);
  assert_int_equal (orlop_kill (u->o, "c1", 65, false), -EINVAL);
  assert_int_equal (orlop_kill_matching (u->o, ".", 65, false), -EINVAL);
  assert_int_equal (orlop_kill_matching (u->o, NULL, 9, false), -EINVAL);
  assert_int_equal (orlop_delete_matching (u->o, "(", true), -EINVAL);
  assert_int_equal (orlop_delete_matching (u->o, "c", true), 0); /* there is none */
  assert_int_equal (orlop_delete_several (u->o, NULL, 0, false), 0);
  assert_int_equal (orlop_create (u->o, "c1", &missing), -EINVAL);
  assert_non_null (strstr (orlop_error (u->o)->text, "to be preserved but is not open"));
  orlop_set_cgroup_manager (u->o, (enum orlop_cgroup_manager) 77);
  orlop_set_log (u->o, (enum orlop_log_level) 77, NULL, NULL);
  assert_int_equal (orlop_delete (u->o, "c1", true), 0);
}

static void
signals_by_name (void **state)
{
  (void) state;
  assert_int_equal (orlop_signal ("TERM"), 15);
  assert_int_equal (orlop_signal ("SIGTERM"), 15);
  assert_int_equal (orlop_signal ("15"), 15);
  assert_int_equal (orlop_signal ("RTMIN+3"), 37);
  assert_int_equal (orlop_signal (""), -EINVAL);
  assert_int_equal (orlop_signal ("SIG"), -EINVAL);
  assert_int_equal (orlop_signal ("65"), -EINVAL);
}

/* --- errors */

static void
write_file (const struct user *u, const char *name, const char *text)
{
  char path[128];
  FILE *f;

  (void) snprintf (path, sizeof path, "%s/%s", u->dir, name);
  f = fopen (path, "w");
  assert_non_null (f);
  (void) fputs (text, f);
  (void) fclose (f);
}

static void
errors_tell_the_place_in_the_document (void **state)
{
  struct user *u = *state;
  const struct orlop_create_options options = { .bundle = u->dir };
  const struct orlop_error *e = orlop_error (u->o);
  char *text = NULL;

  write_file (u, "config.json", "{\n  \"ociVersion\": \"1.0.0\",\n  \"root\": {\"path\": 7}\n}\n");
  assert_int_equal (orlop_plan (u->o, "c1", &options, &text), -EINVAL);
  assert_int_equal (e->kind, ORLOP_ERROR_SPEC);
  assert_int_equal (e->line, 3);
  assert_true (e->column > 0);
  assert_non_null (strstr (e->file, "/config.json"));
  assert_string_equal (e->where, "root.path");
  assert_null (text);
  assert_int_equal (orlop_create (u->o, "c1", &options), -EINVAL);
  assert_int_equal (access (u->root, F_OK), -1); /* decided before anything is done */
}

static void
errors_stay_with_their_handle (void **state)
{
  struct user *u = *state;
  struct orlop *other = orlop_new ();
  char *text = NULL, first[256];

  assert_non_null (other);
  assert_int_equal (orlop_set_root (other, u->dir), 0);
  assert_int_equal (orlop_start (u->o, "one"), -ENOENT);
  (void) snprintf (first, sizeof first, "%s", orlop_error (u->o)->text);
  assert_no_error (other);
  assert_int_equal (orlop_kill (other, "..", 15, false), -EINVAL);
  assert_string_equal (orlop_error (u->o)->text, first);
  assert_int_equal (orlop_error (other)->kind, ORLOP_ERROR_USAGE);
  assert_int_equal (orlop_features (other, &text), 0);
  assert_no_error (other);
  assert_string_equal (orlop_error (u->o)->text, first);
  free (text);
  orlop_free (other);
  assert_string_equal (orlop_error (u->o)->text, first);
}

/* --- documents and lists */

static void
documents_are_the_callers (void **state)
{
  struct user *u = *state;
  char *spec = NULL, *rootless = NULL, *features = NULL;

  assert_int_equal (orlop_spec (u->o, false, &spec), 0);
  assert_int_equal (orlop_spec (u->o, true, &rootless), 0);
  assert_int_equal (orlop_features (u->o, &features), 0);
  assert_true (spec[0] == '{' && rootless[0] == '{' && features[0] == '{');
  assert_string_not_equal (spec, rootless);
  free (spec);
  free (rootless);
  free (features);
}

static void
take_message (void *data, enum orlop_log_level level, const char *message)
{
  if (level == ORLOP_LOG_WARNING)
    (void) snprintf (data, 256, "%s", message);
}

#define RECORD(id) "{\"ociVersion\":\"1.3.0\",\"id\":\"" id "\",\"status\":\"created\",\"bundle\":\"/b/" id "\",\"owner\":\"root\"}"

static void
lists_pass_over_what_cannot_be_read (void **state)
{
  struct user *u = *state;
  struct orlop_container *list = NULL;
  char *json = NULL, said[256] = "", path[128];
  size_t n = 9;

  assert_int_equal (orlop_list (u->o, &list, &n), 0); /* no root directory: no containers */
  assert_int_equal (n, 0);
  free (list);
  assert_int_equal (orlop_list_json (u->o, &json), 0);
  assert_string_equal (json, "[]\n");
  free (json);
  for (const char *const *p = (const char *const[]){ "root", "root/b", "root/a", "root/c", NULL }; *p; p++)
    {
      (void) snprintf (path, sizeof path, "%s/%s", u->dir, *p);
      assert_int_equal (mkdir (path, 0700), 0);
    }
  write_file (u, "root/b/state.json", RECORD ("b"));
  write_file (u, "root/a/state.json", RECORD ("a"));
  write_file (u, "root/c/state.json", "garbage");
  orlop_set_log (u->o, ORLOP_LOG_WARNING, take_message, said);
  assert_int_equal (orlop_list (u->o, &list, &n), 0);
  assert_int_equal (n, 2);
  assert_string_equal (list[0].id, "a");
  assert_string_equal (list[0].status, "stopped");
  assert_string_equal (list[0].rootfs, "");
  assert_int_equal (list[0].pid, 0);
  assert_string_equal (list[1].bundle, "/b/b");
  assert_int_equal (strncmp (said, "c: ", 3), 0);
  assert_non_null (strstr (said, "damaged"));
  assert_no_error (u->o);
  free (list);
  assert_int_equal (orlop_list_json (u->o, &json), 0);
  assert_true (json[0] == '[' && strstr (json, "\"a\"") && strstr (json, "\"b\"") && strstr (json, "\"c\"") == NULL);
  free (json);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    user_test (handle_of_nothing),
    user_test (bad_ids_are_refused_everywhere),
    user_test (unknown_ids),
    user_test (nulls_are_defaults_or_errors),
    user_test (events_need_containers_and_a_listener),
    user_test (documents_of_update),
    user_test (devices_of_update),
    user_test (values_that_are_none),
    user_test (signals_by_name),
    user_test (errors_tell_the_place_in_the_document),
    user_test (errors_stay_with_their_handle),
    user_test (documents_are_the_callers),
    user_test (lists_pass_over_what_cannot_be_read),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
