/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of plan/document.c.  */
#include "in_text.h"

#include <fcntl.h>
#include <sys/stat.h>

static int
parse (const char *text, const struct oci_type *type, struct document *doc, struct err *err)
{
  char *copy = strdup (text);
  int ret = document_parse (&copy, strlen (text), type, doc, err);

  assert_null (copy); /* taken in any case */
  return ret;
}

static void
document_parse_keeps_the_text (void **state)
{
  struct document doc = parse_text (PLAIN_CONFIG, &oci_config_type);

  (void) state;
  assert_string_equal (doc.text, PLAIN_CONFIG);
  assert_int_equal (doc.len, strlen (PLAIN_CONFIG));
  assert_string_equal (((struct oci_config *) doc.object)->root->path, "rootfs");
  document_close (&doc);
  assert_null (doc.text);
  document_close (&doc);
}

static void
document_parse_joins_faults (void **state)
{
  struct document doc;
  struct err err = { 0 };

  (void) state;
  assert_int_equal (parse ("{ \"cwd\": 1,\n  \"args\": \"x\" }", &oci_process_type, &doc, &err), -EINVAL);
  assert_int_equal (err.kind, ERR_SPEC);
  assert_int_equal (err.num, EINVAL);
  assert_int_equal (err.line, 1);
  assert_int_equal (err.column, 10);
  assert_string_equal (err.where, "cwd");
  assert_string_equal (err.what, "expected string, got number; 2:11: args: expected array, got string");
}

static void
document_parse_many_faults (void **state)
{
  char *text = calloc (1, 1 << 16);
  struct document doc;
  struct err err = { 0 };

  (void) state;
  assert_non_null (text);
  strcpy (text, "{ \"cwd\": \"/\", \"args\": [ 0");
  for (int i = 0; i < 999; i++)
    strcat (text, ", 0");
  strcat (text, " ] }");
  assert_int_equal (parse (text, &oci_process_type, &doc, &err), -EINVAL);
  assert_string_equal (err.where, "args[0]");
  assert_non_null (strstr (err.what, " more"));
  free (text);
}

static void
document_parse_empty (void **state)
{
  struct document doc;
  struct err err = { 0 };

  (void) state;
  assert_int_equal (parse ("", &oci_process_type, &doc, &err), -EINVAL);
  assert_int_equal (err.kind, ERR_SPEC);
  assert_int_equal (parse ("", &oci_process_type, &doc, NULL), -EINVAL);
}

static void
document_load_missing (void **state)
{
  struct document doc;
  struct err err = { 0 };

  (void) state;
  assert_int_equal (document_load (AT_FDCWD, "/nonexistent/config.json", &oci_config_type, &doc, &err), -ENOENT);
  assert_non_null (strstr (err.object, "config.json"));
}

/* A FIFO would hang whoever opens it; a directory is no document.  */
static void
document_load_no_regular_file (void **state)
{
  char dir[] = "/tmp/plan-test-XXXXXX";
  struct document doc;
  struct err err = { 0 };

  (void) state;
  assert_non_null (mkdtemp (dir));
  own_fd int fd = open (dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
  assert_int_equal (mkfifoat (fd, "fifo", 0600), 0);
  assert_int_equal (mkdirat (fd, "dir", 0700), 0);
  assert_true (document_load (fd, "fifo", &oci_config_type, &doc, &err) < 0);
  assert_true (document_load (fd, "dir", &oci_config_type, &doc, &err) < 0);
  unlinkat (fd, "fifo", 0);
  unlinkat (fd, "dir", AT_REMOVEDIR);
  rmdir (dir);
}

static void
document_load_stream_of_a_pipe (void **state)
{
  static const char text[] = "{\"args\": [\"x\"], \"cwd\": \"/\"}";
  char name[64];
  struct document doc;
  struct err err = { 0 };
  int fds[2];

  (void) state;
  assert_int_equal (pipe2 (fds, O_CLOEXEC), 0);
  assert_int_equal (write (fds[1], text, sizeof text - 1), sizeof text - 1);
  close (fds[1]);
  (void) snprintf (name, sizeof name, "/proc/self/fd/%d", fds[0]);
  assert_int_equal (document_load_stream (name, &oci_process_type, &doc, &err), 0);
  assert_int_equal (doc.len, sizeof text - 1);
  document_close (&doc);
  close (fds[0]);
  assert_int_equal (document_load_stream ("/nonexistent/file", &oci_process_type, &doc, &err), -ENOENT);
  assert_string_equal (err.object, "/nonexistent/file");
  assert_int_equal (document_load_stream ("/tmp", &oci_process_type, &doc, &err), -EISDIR);
}

static void
document_locate_fills_line_and_column (void **state)
{
  static const char text[] = "{\n  \"a\": { \"b\":\n 7 } }";
  struct err err = { 0 };

  (void) state;
  err_sys (&err, EPERM, "mount", "x");
  strcpy (err.where, "a.b");
  document_locate (text, sizeof text - 1, &err);
  assert_int_equal (err.line, 3);
  assert_int_equal (err.column, 2);
}

static void
document_locate_leaves_alone (void **state)
{
  static const char text[] = "{ \"a\": 1 }";
  struct err known = { .kind = ERR_SPEC, .where = "a", .line = 9 }, none = { .kind = ERR_SPEC },
             usage = { .kind = ERR_USAGE, .where = "a" }, state_ = { .kind = ERR_STATE, .where = "a" };

  (void) state;
  document_locate (text, sizeof text - 1, &known);
  document_locate (text, sizeof text - 1, &none);
  document_locate (text, sizeof text - 1, &usage);
  document_locate (text, sizeof text - 1, &state_);
  document_locate (text, sizeof text - 1, NULL);
  document_locate (NULL, 0, &none);
  assert_int_equal (known.line, 9);
  assert_int_equal (none.line, 0);
  assert_int_equal (usage.line, 0);
  assert_int_equal (state_.line, 0);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (document_parse_keeps_the_text),         cmocka_unit_test (document_parse_joins_faults),
    cmocka_unit_test (document_parse_many_faults),            cmocka_unit_test (document_parse_empty),
    cmocka_unit_test (document_load_missing),                 cmocka_unit_test (document_load_no_regular_file),
    cmocka_unit_test (document_load_stream_of_a_pipe),
    
    cmocka_unit_test (document_locate_fills_line_and_column), cmocka_unit_test (document_locate_leaves_alone),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
