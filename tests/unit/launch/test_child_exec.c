/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the program as execvp does, the last handshake, and execve itself. */
#include "child.h"

#include "base/fds.h"

static const char *words[2];
static char path_env[1024];

/* Resolves NAME along PATH_ENV as UID.  */
static int
resolve (const char *name, uid_t uid)
{
  memset (&child_err, 0, sizeof child_err);
  words[0] = name;
  child_plan.process.argv = words;
  child_plan.process.path_env = path_env;
  child_plan.process.uid = uid;
  return child_exec_resolve (&child, &child_err);
}

/* Sets the search path to FMT with %s for the room.  */
static void
set_path (void **state, const char *a, const char *b)
{
  const struct room *r = *state;

  (void) snprintf (path_env, sizeof path_env, "%s/%s:%s/%s", r->path, a, r->path, b);
}

static void
make_programs (void **state)
{
  assert_int_equal (mkdir (room_path (state, "one"), 0755), 0);
  assert_int_equal (mkdir (room_path (state, "two"), 0755), 0);
  room_write (state, "two/prog", "", 0755);
  set_path (state, "one", "two");
}

static void
child_exec_resolve_searches_in_order (void **state)
{
  make_programs (state);
  assert_int_equal (resolve ("prog", 0), 0);
  assert_string_equal (child.exec_path, room_path (state, "two/prog"));
  room_write (state, "one/prog", "", 0755);
  assert_int_equal (resolve ("prog", 0), 0);
  assert_string_equal (child.exec_path, room_path (state, "one/prog"));
}

static void
child_exec_resolve_passes_over_what_cannot_be_executed (void **state)
{
  make_programs (state);
  room_write (state, "one/prog", "", 0644);
  assert_int_equal (resolve ("prog", 0), 0);
  assert_string_equal (child.exec_path, room_path (state, "two/prog"));
  assert_int_equal (chmod (room_path (state, "two/prog"), 0600), 0);
  assert_int_equal (resolve ("prog", 0), -EACCES); /* there is one, but not for us: more telling than "not found" */
  assert_non_null (strstr (child_err.what, "permission denied"));
  assert_string_equal (child_err.where, "process.args[0]");
  assert_int_equal (mkdir (room_path (state, "two/dir"), 0755), 0);
  assert_int_equal (resolve ("dir", 0), -EACCES);
}

static void
child_exec_resolve_not_found (void **state)
{
  make_programs (state);
  assert_int_equal (resolve ("absent", 0), -ENOENT);
  assert_string_equal (child_err.what, "exec: \"absent\": executable file not found in $PATH"); /* engines look for it */
  assert_string_equal (child_err.where, "process.args[0]");
  assert_int_equal (resolve ("", 0), -ENOENT);
  path_env[0] = '\0';
  assert_int_equal (resolve ("prog", 0), -ENOENT);
}

/* An empty entry, wherever it is, means the working directory.  */
static void
child_exec_resolve_empty_entries (void **state)
{
  static const char *const paths[] = { "", ":", ":/nowhere", "/nowhere:", "/nowhere::/nowhere", "::" };
  const struct room *r = *state;
  int old = open (".", O_PATH | O_DIRECTORY | O_CLOEXEC);

  room_write (state, "prog", "", 0755);
  assert_int_equal (chdir (r->path), 0);
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
    {
      (void) strcpy (path_env, paths[i]);
      child.exec_path[0] = '\0';
      if (resolve ("prog", 0) != 0)
        fail_msg ("not found along \"%s\"", paths[i]);
      assert_string_equal (child.exec_path, "./prog");
    }
  assert_int_equal (fchdir (old), 0);
  close (old);
}

static void
child_exec_resolve_with_a_slash (void **state)
{
  char name[5000];

  make_programs (state);
  (void) snprintf (name, sizeof name, "%s", room_path (state, "two/prog"));
  assert_int_equal (resolve (name, 0), 0);
  assert_string_equal (child.exec_path, name);
  assert_int_equal (resolve (room_path (state, "absent"), 0), -ENOENT);
  assert_non_null (strstr (child_err.what, "no such file or directory"));
  assert_int_equal (resolve (room_path (state, "two/prog/more"), 0), -ENOTDIR);
  assert_int_equal (resolve (room_path (state, "two"), 0), -EACCES);
  memset (name, 'a', sizeof name);
  name[0] = '/';
  name[sizeof name - 1] = '\0';
  assert_int_equal (resolve (name, 0), -ENAMETOOLONG);
}

static int
resolve_as_nobody (void *arg)
{
  static char name[256];

  (void) snprintf (name, sizeof name, "%s", (const char *) arg);
  CHECK (setresgid (65534, 65534, 65534) == 0 && setresuid (65534, 65534, 65534) == 0);
  CHECK (resolve (name, 65534) == -EACCES);
  return 0;
}

static void
child_exec_resolve_as_a_user (void **state)
{
  child_needs_root ("becoming a user");
  room_write (state, "root-only", "", 0700);
  assert_child_arg (resolve_as_nobody, (void *) (uintptr_t) room_path (state, "root-only"), "resolve_as_nobody");
}

/* --- the handshake */

static void
child_exec_ready_waits_for_the_parent (void **state)
{
  const struct sync_ready go = { 0 };
  struct sync_packet got;

  (void) state;
  assert_int_equal (sync_send (parent_end, SYNC_READY, &go, sizeof go, NULL, 0, NULL), 0);
  child.without_keyring = true;
  assert_int_equal (child_exec_ready (&child, NULL), 0);
  assert_int_equal (sync_expect (parent_end, SYNC_READY, &got, NULL, NULL, NULL), 0);
  assert_int_equal (got.ready.without_keyring, 1);
  assert_int_equal (child.start, child.sync);
}

static void
child_exec_ready_whose_parent_is_gone (void **state)
{
  (void) state;
  close (parent_end);
  parent_end = -1;
  assert_true (child_exec_ready (&child, &child_err) < 0);
  assert_int_not_equal (child_err.kind, ERR_NONE);
}

static void
child_exec_wait_start_greets (void **state)
{
  const struct room *r = *state;
  int dir = open (r->path, O_PATH | O_DIRECTORY | O_CLOEXEC), sock;

  child.listen = fds_listen (dir, "start.sock", SOCK_SEQPACKET, NULL);
  sock = fds_connect (dir, "start.sock", SOCK_SEQPACKET, NULL);
  assert_true (child.listen >= 0 && sock >= 0);
  assert_int_equal (child_exec_wait_start (&child, NULL), 0);
  assert_int_equal (sync_expect (sock, SYNC_START, NULL, NULL, NULL, NULL), 0);
  assert_int_equal (fcntl (child.start, F_GETFD), FD_CLOEXEC); /* its closing tells that execve worked */
  close (child.start);
  close (child.listen);
  close (sock);
  close (dir);
}

/* --- execve */

static int
go (void *arg)
{
  (void) arg;
  (void) child_exec_go (&child, &child_err);
  sync_fail (child.sync, &child_err);
  _exit (1);
}

/* Executes PATH in a process.  Returns what who waits for the outcome gets.  */
static int
go_to (const char *path, struct err *err)
{
  static const char *argv[] = { "word", NULL }, *envp[] = { NULL };
  pid_t pid;
  int ret;

  (void) snprintf (child.exec_path, sizeof child.exec_path, "%s", path);
  child_plan.process.argv = argv;
  child_plan.process.envp = envp;
  pid = fork ();
  if (pid == 0)
    _exit (go (NULL));
  close (child.sync);
  child.sync = -1;
  ret = sync_expect (parent_end, SYNC_START, NULL, NULL, NULL, err);
  waitpid (pid, NULL, 0);
  return ret;
}

static void
child_exec_go_closes_the_socket (void **state)
{
  (void) state;
  assert_int_equal (go_to ("/bin/true", NULL), -ECONNRESET); /* end of file: it worked */
}

static void
child_exec_go_says_why_not (void **state)
{
  struct err err = { 0 };

  room_write (state, "no-program", "nothing to execute", 0755);
  assert_int_equal (go_to (room_path (state, "no-program"), &err), -ENOEXEC);
  assert_string_equal (err.call, "execve");
  assert_string_equal (err.what, "exec: \"word\": exec format error: it begins with neither #! nor an ELF header");
}

static void
child_exec_go_without_interpreter (void **state)
{
  struct err err = { 0 };

  room_write (state, "script", "#!/nowhere/interpreter\n", 0755);
  assert_int_equal (go_to (room_path (state, "script"), &err), -ENOENT);
  assert_string_equal (err.what, "exec: \"word\": no such file or directory: the interpreter \"/nowhere/interpreter\" of its #! line is missing");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    child_test (child_exec_resolve_searches_in_order),
    child_test (child_exec_resolve_passes_over_what_cannot_be_executed),
    child_test (child_exec_resolve_not_found),
    child_test (child_exec_resolve_empty_entries),
    child_test (child_exec_resolve_with_a_slash),
    child_test (child_exec_resolve_as_a_user),
    child_test (child_exec_ready_waits_for_the_parent),
    child_test (child_exec_ready_whose_parent_is_gone),
    child_test (child_exec_wait_start_greets),
    child_test (child_exec_go_closes_the_socket),
    child_test (child_exec_go_says_why_not),
    child_test (child_exec_go_without_interpreter),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
