/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint and restore: every option of runc's and crun's, and where it goes. */
#include "program.h"

#define IN(m) offsetof (struct orlop_criu_options, m)

enum
{
  DUMP = 1,
  RESTORE = 2
};

static const struct
{
  const char *name;
  size_t at;
  unsigned of;
} flags[] = {
  { "tcp-established", IN (tcp_established), DUMP | RESTORE },
  { "ext-unix-sk", IN (ext_unix_sk), DUMP | RESTORE },
  { "shell-job", IN (shell_job), DUMP | RESTORE },
  { "lazy-pages", IN (lazy_pages), DUMP | RESTORE },
  { "file-locks", IN (file_locks), DUMP | RESTORE },
  { "auto-dedup", IN (auto_dedup), DUMP | RESTORE },
  { "leave-running", IN (leave_running), DUMP },
  { "pre-dump", IN (pre_dump), DUMP },
  { "tcp-skip-in-flight", IN (tcp_skip_in_flight), DUMP },
  { "link-remap", IN (link_remap), DUMP },
  { "tcp-close", IN (tcp_close), RESTORE },
};

static const struct
{
  const char *name;
  size_t at;
  unsigned of;
} texts[] = {
  { "image-path", IN (image_path), DUMP | RESTORE },
  { "work-path", IN (work_path), DUMP | RESTORE },
  { "manage-cgroups-mode", IN (manage_cgroups), DUMP | RESTORE },
  { "parent-path", IN (parent_path), DUMP },
  { "page-server", IN (page_server), DUMP },
  { "network-lock", IN (network_lock), DUMP | RESTORE },
  { "lsm-profile", IN (lsm_profile), RESTORE },
  { "lsm-mount-context", IN (lsm_mount_context), RESTORE },
};

static const char *const names[] = { [DUMP] = "checkpoint", [RESTORE] = "restore" };

static void
checkpoint_without_options (void **state)
{
  static const struct orlop_criu_options none;

  (void) state;
  assert_deed ("checkpoint c1", "checkpoint", "c1");
  assert_memory_equal (&seen.criu, &none, sizeof none);
  assert_deed ("restore c1", "restore", "c1");
  assert_memory_equal (&seen.criu, &none, sizeof none);
  assert_string_equal (seen.program, "");
}

static void
checkpoint_flags (void **state)
{
  char line[64];

  (void) state;
  for (unsigned of = DUMP; of <= RESTORE; of++)
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
      {
        (void) snprintf (line, sizeof line, "%s --%s c1", names[of], flags[i].name);
        if (flags[i].of & of)
          {
            assert_deed (line, names[of], "c1");
            assert_true (*((const bool *) &seen.criu + flags[i].at));
          }
        else
          assert_refused (line, CMD_FAILED, flags[i].name);
      }
}

static void
checkpoint_texts (void **state)
{
  char line[64];

  (void) state;
  for (unsigned of = DUMP; of <= RESTORE; of++)
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
      {
        const char *got;

        (void) snprintf (line, sizeof line, "%s --%s /v c1", names[of], texts[i].name);
        if ((texts[i].of & of) == 0)
          {
            assert_refused (line, CMD_FAILED, texts[i].name);
            continue;
          }
        assert_deed (line, names[of], "c1");
        memcpy (&got, (const char *) &seen.criu + texts[i].at, sizeof got);
        assert_non_null (got);
        assert_string_equal (got, "/v");
      }
}

static void
checkpoint_others (void **state)
{
  (void) state;
  assert_deed ("--criu /x/criu checkpoint --status-fd 7 --empty-ns network c1", "checkpoint", "c1");
  assert_string_equal (seen.program, "/x/criu");
  assert_string_equal (seen.empty_ns, "network");
  assert_int_equal (seen.criu.status_fd, 7);
  assert_refused ("--criu= checkpoint c1", CMD_FAILED, "invalid --criu");
  assert_refused ("checkpoint", CMD_FAILED, "an operand is missing");
}

/* As containerd's shim and conmon write it.  */
static void
restore_lines_of_engines (void **state)
{
  (void) state;
  assert_deed ("restore --image-path /i --work-path /w --detach --pid-file /p --no-pivot -no-subreaper --bundle /b c1", "restore", "c1");
  assert_true (seen.create.detach && seen.create.no_pivot && seen.create.no_subreaper);
  assert_string_equal (seen.create.bundle, "/b");
  assert_string_equal (seen.create.pid_file, "/p");
  assert_deed ("restore -b /b --pid-file /p --console-socket /s -d --image-path /i --work-path /b --tcp-established --tcp-close --file-locks "
               "--lsm-profile=selinux:a --lsm-mount-context=b c1", "restore", "c1");
  assert_string_equal (seen.create.console_socket, "/s");
  assert_string_equal (seen.criu.lsm_profile, "selinux:a");
  assert_refused ("restore --lsm-mount-context", CMD_FAILED, "requires an argument"); /* Podman looks for these words */
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (checkpoint_without_options), cmocka_unit_test (checkpoint_flags),
    cmocka_unit_test (checkpoint_texts),           cmocka_unit_test (checkpoint_others),
    cmocka_unit_test (restore_lines_of_engines),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
