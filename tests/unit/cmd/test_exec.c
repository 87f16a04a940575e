/* SPDX-License-Identifier: Apache-2.0 */
/* exec: its options end at the container, since what follows is another program's. */
#include "program.h"

static void
exec_stops_at_the_container (void **state)
{
  (void) state;
  assert_deed ("exec -d c1 ls -d --help -t --no-such", "exec", "c1");
  assert_true (seen.exec.detach);
  assert_false (seen.exec.tty);
  assert_string_equal (seen.exec.args[0], "ls");
  assert_string_equal (seen.exec.args[1], "-d");
  assert_string_equal (seen.exec.args[2], "--help");
  assert_string_equal (seen.exec.args[3], "-t");
  assert_string_equal (seen.exec.args[4], "--no-such");
  assert_null (seen.exec.args[5]);
  assert_deed ("exec -- c1 -h", "exec", "c1");
  assert_string_equal (seen.exec.args[0], "-h");
  assert_deed ("exec c1 -- ls", "exec", "c1"); /* as runc and crun: what is after the container is not ours */
  assert_string_equal (seen.exec.args[0], "--");
}

static void
exec_texts_in_every_spelling (void **state)
{
  static const struct
  {
    const char *name;
    size_t at;
  } texts[] = {
    { "process", offsetof (struct orlop_exec_options, process) },
    { "console-socket", offsetof (struct orlop_exec_options, console_socket) },
    { "pid-file", offsetof (struct orlop_exec_options, pid_file) },
    { "cwd", offsetof (struct orlop_exec_options, cwd) },
    { "user", offsetof (struct orlop_exec_options, user) },
    { "pidfd-socket", offsetof (struct orlop_exec_options, pidfd_socket) },
    { "process-label", offsetof (struct orlop_exec_options, process_label) },
    { "apparmor", offsetof (struct orlop_exec_options, apparmor) },
  };
  static const char *const forms[] = { "exec --%s=v c1", "exec --%s v c1", "exec -%s v c1" };
  char line[128];

  (void) state;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    for (size_t f = 0; f < 3; f++)
      {
        const char *got;

        (void) snprintf (line, sizeof line, forms[f], texts[i].name);
        assert_deed (line, "exec", "c1");
        memcpy (&got, (const char *) &seen.exec + texts[i].at, sizeof got);
        assert_non_null (got);
        assert_string_equal (got, "v");
        assert_null (seen.exec.args);
      }
}

static void
exec_flags (void **state)
{
  (void) state;
  assert_deed ("exec --detach --tty --no-new-privs --preserve-fds 4 --ignore-paused c1 ls", "exec", "c1");
  assert_true (seen.exec.detach && seen.exec.tty && seen.exec.no_new_privs && seen.exec.ignore_paused);
  assert_int_equal (seen.exec.preserve_fds, 4);
  assert_deed ("exec -d -t -u 1:2 -p/process c1", "exec", "c1");
  assert_true (seen.exec.detach && seen.exec.tty);
  assert_string_equal (seen.exec.user, "1:2");
  assert_string_equal (seen.exec.process, "/process");
  assert_deed ("exec --tty=false c1 ls", "exec", "c1");
  assert_false (seen.exec.tty || seen.exec.ignore_paused);
  assert_deed ("exec --tty=no c1 ls", "exec", "c1"); /* crun's optional argument */
  assert_false (seen.exec.tty);
  assert_deed ("exec -t=true -tty c1 ls", "exec", "c1");
  assert_true (seen.exec.tty);
  assert_deed ("exec --tty c1 true", "exec", "c1"); /* which is never the next word */
  assert_true (seen.exec.tty);
}

static void
exec_lists (void **state)
{
  (void) state;
  assert_deed ("exec -e A=1 --env B=2 --env=C= --cap CAP_KILL -cCAP_CHOWN -g 5 --additional-gids=6 --cgroup pids:a --cgroup=memory:b c1 ls", "exec", "c1");
  assert_non_null (seen.exec.cgroups);
  assert_int_equal (seen.exec.n_additional_gids, 2);
  assert_int_equal (seen.gids[0], 5);
  assert_int_equal (seen.gids[1], 6);
  assert_deed ("exec c1 ls", "exec", "c1");
  assert_null (seen.exec.env);
  assert_null (seen.exec.caps);
  assert_null (seen.exec.cgroups);
  assert_int_equal (seen.exec.n_additional_gids, 0);
}

/* The whole list, in order, as the call sees it.  */
static void
exec_lists_in_order (void **state)
{
  struct exec_view
  {
    struct orlop_exec_options options;
    struct opt_list env;
  };
  static char *words[] = { (char *) "-e", (char *) "A=1", (char *) "--env=B=x=y", (char *) "-eC", (char *) "c1" };
  static union
  {
    struct exec_view view;
    char room[1 << 17];
  } args;
  int next = 0;

  (void) state;
  assert_true (cmd_exec.args_size <= sizeof args);
  assert_int_equal (opt_parse (cmd_exec.options, &args, 5, words, &next, cmd_exec.stop, NULL), 0);
  assert_int_equal (next, 4);
  assert_int_equal (args.view.env.n, 3);
  assert_string_equal (args.view.env.item[0], "A=1");
  assert_string_equal (args.view.env.item[1], "B=x=y");
  assert_string_equal (args.view.env.item[2], "C");
  assert_null (args.view.env.item[3]);
}

static void
exec_refuses (void **state)
{
  (void) state;
  assert_refused ("exec", CMD_EXEC_FAILED, "an operand is missing");
  assert_refused ("exec --no-such c1 ls", CMD_EXEC_FAILED, "unknown option --no-such");
  assert_refused ("exec --user", CMD_EXEC_FAILED, "requires an argument");
  assert_refused ("exec -g root c1 ls", CMD_EXEC_FAILED, "invalid group \"root\"");
  assert_refused ("exec -g 4294967295 c1 ls", CMD_EXEC_FAILED, "invalid group"); /* "leave" to the kernel */
  assert_refused ("exec -g -1 c1 ls", CMD_EXEC_FAILED, "invalid group");
}

static void
exec_status (void **state)
{
  (void) state;
  answer.status = 3;
  assert_int_equal (orlop ("exec c1 ls"), 3);
  answer.ret = -ESRCH;
  assert_int_equal (orlop ("exec c1 ls"), CMD_EXEC_FAILED); /* the other numbers are the program's */
}

static void
exec_help (void **state)
{
  (void) state;
  assert_help (&cmd_exec);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    program_test (exec_stops_at_the_container),
    program_test (exec_texts_in_every_spelling),
    program_test (exec_flags),
    program_test (exec_lists),
    program_test (exec_lists_in_order),
    program_test (exec_refuses),
    program_test (exec_status),
    program_test (exec_help),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
