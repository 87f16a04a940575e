/* SPDX-License-Identifier: Apache-2.0 */
/* create and run: every option in every spelling that callers use. */
#include "program.h"

static void
create_without_options (void **state)
{
  const struct orlop_create_options none = { 0 };

  (void) state;
  assert_deed ("create c1", "create", "c1");
  assert_memory_equal (&seen.create, &none, sizeof none);
  assert_deed ("run c1", "run", "c1");
  assert_memory_equal (&seen.create, &none, sizeof none);
}

/* Each row with a text: where it goes.  */
static const struct
{
  const char *name;
  size_t at;
} texts[] = {
  { "bundle", offsetof (struct orlop_create_options, bundle) },
  { "config", offsetof (struct orlop_create_options, config) },
  { "console-socket", offsetof (struct orlop_create_options, console_socket) },
  { "pid-file", offsetof (struct orlop_create_options, pid_file) },
};

/* Each row without value.  */
static const struct
{
  const char *name;
  size_t at;
  bool run_only;
} flags[] = {
  { "no-pivot", offsetof (struct orlop_create_options, no_pivot), false },
  { "no-new-keyring", offsetof (struct orlop_create_options, no_new_keyring), false },
  { "no-subreaper", offsetof (struct orlop_create_options, no_subreaper), false },
  { "detach", offsetof (struct orlop_create_options, detach), true },
  { "keep", offsetof (struct orlop_create_options, keep), true },
};

static void
create_texts_in_every_spelling (void **state)
{
  static const char *const forms[] = { "%s --%s=/v c1", "%s --%s /v c1", "%s c1 --%s /v", "%s c1 --%s=/v", "%s -%s /v c1", "%s -%s=/v c1" };
  char line[128];

  (void) state;
  for (int run = 0; run < 2; run++)
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
      for (size_t f = 0; f < sizeof forms / sizeof *forms; f++)
        {
          const char *name = run ? "run" : "create", *got;

          (void) snprintf (line, sizeof line, forms[f], name, texts[i].name);
          assert_deed (line, name, "c1");
          memcpy (&got, (const char *) &seen.create + texts[i].at, sizeof got);
          assert_non_null (got);
          assert_string_equal (got, "/v");
        }
}

static void
create_flags_in_every_spelling (void **state)
{
  static const struct
  {
    const char *form;
    bool on;
  } forms[] = { { "%s --%s c1", true }, { "%s c1 --%s", true }, { "%s --%s=true c1", true }, { "%s --%s=false c1", false }, { "%s -%s c1", true } };
  char line[128];

  (void) state;
  for (int run = 0; run < 2; run++)
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
      for (size_t f = 0; f < sizeof forms / sizeof *forms && (run || ! flags[i].run_only); f++)
        {
          const char *name = run ? "run" : "create";

          (void) snprintf (line, sizeof line, forms[f].form, name, flags[i].name);
          assert_deed (line, name, "c1");
          assert_int_equal (*((const bool *) &seen.create + flags[i].at), forms[f].on);
        }
}

static void
create_letters (void **state)
{
  (void) state;
  assert_deed ("create -b /b c1", "create", "c1");
  assert_string_equal (seen.create.bundle, "/b");
  assert_deed ("create -b/b -ffile c1", "create", "c1");
  assert_string_equal (seen.create.bundle, "/b");
  assert_string_equal (seen.create.config, "file");
  assert_deed ("create -b=/b c1", "create", "c1");
  assert_string_equal (seen.create.bundle, "/b");
  assert_deed ("run -d -b /b c1", "run", "c1");
  assert_true (seen.create.detach);
  assert_refused ("run -db /b c1", CMD_FAILED, "unknown option -db"); /* no engine bundles letters */
}

/* As conmon, containerd's shim and Buildah write it.  */
static void
create_lines_of_engines (void **state)
{
  (void) state;
  assert_deed ("--root=/r --log /dev/null --log-format=json --systemd-cgroup=false create --bundle /b --pid-file /p --no-new-keyring --preserve-fds 2 c1",
               "create", "c1");
  assert_string_equal (seen.root, "/r");
  assert_int_equal (seen.create.preserve_fds, 2);
  assert_true (seen.create.no_new_keyring);
  assert_int_equal (seen.manager, ORLOP_CGROUP_CGROUPFS);
}

static void
create_preserve_fds (void **state)
{
  (void) state;
  assert_deed ("create --preserve-fds=3 c1", "create", "c1");
  assert_int_equal (seen.create.preserve_fds, 3);
  assert_refused ("create --preserve-fds=-1 c1", CMD_FAILED, "takes a number");
  assert_refused ("create --preserve-fds=three c1", CMD_FAILED, "takes a number");
  assert_refused ("create --preserve-fds=4294967296 c1", CMD_FAILED, "takes a number");
  assert_refused ("create c1 --preserve-fds", CMD_FAILED, "requires an argument");
}

static void
create_takes_descriptors_meant_for_us (void **state)
{
  char pid[16];

  (void) state;
  (void) snprintf (pid, sizeof pid, "%d", (int) getpid ());
  assert_int_equal (setenv ("LISTEN_FDS", "3", 1) + setenv ("LISTEN_FDNAMES", "a:b", 1) + setenv ("LISTEN_PID", pid, 1), 0);
  assert_deed ("create c1", "create", "c1");
  assert_int_equal (seen.create.listen_fds, 3);
  assert_string_equal (seen.create.listen_fdnames, "a:b");
  assert_deed ("run --preserve-fds 2 c1", "run", "c1");
  assert_int_equal (seen.create.listen_fds, 3);
  assert_int_equal (seen.create.preserve_fds, 2);
  (void) setenv ("LISTEN_FDS", "3x", 1);
  assert_refused ("create c1", CMD_FAILED, "LISTEN_FDS=3x is no number of descriptors");
  (void) setenv ("LISTEN_PID", "1", 1);
  assert_deed ("create c1", "create", "c1");
  assert_int_equal (seen.create.listen_fds, 0);
  assert_int_equal (unsetenv ("LISTEN_FDS") + unsetenv ("LISTEN_FDNAMES") + unsetenv ("LISTEN_PID"), 0);
}

static void
create_takes_the_managers_socket (void **state)
{
  static const char *const deeds[] = { "create", "run", "start" };

  (void) state;
  for (size_t i = 0; i < 3; i++)
    {
      char line[32];

      (void) snprintf (line, sizeof line, "%s c1", deeds[i]);
      (void) setenv ("NOTIFY_SOCKET", "/n", 1);
      assert_deed (line, deeds[i], "c1");
      assert_string_equal (seen.notify, "/n");
      (void) setenv ("NOTIFY_SOCKET", "n", 1);
      assert_refused (line, CMD_FAILED, "NOTIFY_SOCKET=n is neither");
      (void) setenv ("NOTIFY_SOCKET", "", 1);
      assert_deed (line, deeds[i], "c1");
      assert_string_equal (seen.notify, "");
      (void) unsetenv ("NOTIFY_SOCKET");
    }
}

static void
create_refuses (void **state)
{
  (void) state;
  assert_refused ("create", CMD_FAILED, "an operand is missing");
  assert_refused ("create --bundle /b", CMD_FAILED, "an operand is missing");
  assert_refused ("create c1 c2", CMD_FAILED, "too many operands");
  assert_refused ("create --no-such c1", CMD_FAILED, "unknown option --no-such");
  assert_refused ("create --bund /b c1", CMD_FAILED, "unknown option --bund"); /* nothing is guessed */
  assert_refused ("create --bundle", CMD_FAILED, "option --bundle requires an argument");
  assert_refused ("create --no-pivot=maybe c1", CMD_FAILED, "true or false");
  assert_refused ("create --detach c1", CMD_FAILED, "unknown option --detach"); /* run's */
  assert_refused ("create -x c1", CMD_FAILED, "unknown option -x");
  assert_deed ("create -- -c1", "create", "-c1");
  assert_deed ("create --bundle /b -- c1", "create", "c1");
  assert_deed ("create - ", "create", "-"); /* an operand: the library judges it */
}

static void
create_dry_run_prints_the_plan (void **state)
{
  (void) state;
  answer.json = "the plan\n";
  assert_deed ("create --dry-run --bundle /b c1", "plan", "c1");
  assert_string_equal (seen.out, "the plan\n");
  assert_string_equal (seen.create.bundle, "/b");
}

static void
run_gives_the_programs_status (void **state)
{
  (void) state;
  answer.status = 137;
  assert_int_equal (orlop ("run c1"), 137);
  answer.ret = -ENOENT;
  assert_int_equal (orlop ("run c1"), CMD_FAILED);
  assert_string_equal (seen.err, "orlop: run: the text (hint: advice)\n");
  assert_int_equal (orlop ("create c1"), CMD_FAILED);
}

static void
create_help (void **state)
{
  (void) state;
  assert_help (&cmd_create);
  assert_help (&cmd_run);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    program_test (create_without_options),
    program_test (create_texts_in_every_spelling),
    program_test (create_flags_in_every_spelling),
    program_test (create_letters),
    program_test (create_lines_of_engines),
    program_test (create_preserve_fds),
    program_test (create_takes_descriptors_meant_for_us),
    program_test (create_takes_the_managers_socket),
    program_test (create_refuses),
    program_test (create_dry_run_prints_the_plan),
    program_test (run_gives_the_programs_status),
    program_test (create_help),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
